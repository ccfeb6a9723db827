import { ChannelCredentials, type ChannelOptions, type Client, connectivityState, experimental, status } from "@grpc/grpc-js";
import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { clientOptions } from "./limits.ts";

const SCHEME = "dial";
/** The option of a channel with what its resolver asks for the signal that ends the next connection: `() => AbortSignal`. */
const NEXT_SIGNAL = "shoal.next-signal";

/** From a host's first answer to a connection that is good for calls. The other end gives up after 10 s; where thousands come at once it takes its time. */
export const HANDSHAKE_MS = 15_000;

/**
 * A client whose connections, to host:port, end with it: also those that are still being made. gRPC leaves these to the kernel, which asks a
 * host that says nothing for two minutes, ever more rarely, and goes on with the connection once it does: a manager that comes back would
 * have every try at its door that any worker has given up meanwhile.
 */
export class Dialled<T extends Client> implements Disposable {
  readonly client: T;
  /** Of the last connection: gRPC makes one at a time. One of its own, since Node keeps each socket for as long as its signal. */
  #last = new AbortController();
  #isAnswered = false;

  constructor(
    Type: new (address: string, credentials: ChannelCredentials, options: ChannelOptions) => T,
    address: string,
    credentials: ChannelCredentials,
    options: ChannelOptions = {},
  ) {
    const nextSignal = () => {
      this.#isAnswered = false;
      return (this.#last = new AbortController()).signal;
    };
    const telling = new TellingCredentials(credentials, () => (this.#isAnswered = true));
    this.client = new Type(`${SCHEME}:${address}`, telling, { ...clientOptions, ...options, [NEXT_SIGNAL]: nextSignal });
  }

  /** The host has answered the last time that a connection was begun: what is missing, if anything, is the handshake. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /**
   * Resolves when there is a connection, through any number of tries that failed.
   * @throws OperationError `unavailable` when the host has not answered within `ms`, the handshake takes too long, or the client is closed first.
   */
  async connected(ms: number, clock: Clock): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (withinMs: number) => reject(new OperationError("unavailable", `no connection within ${withinMs} ms`));
      // An answer may have come in the turn of the event loop in which the time is over, behind what kept this process busy.
      void clock.sleep(ms).then(() => setImmediate(() => this.#isAnswered || giveUp(ms)));
      // gRPC's deadlines are wall times.
      void this.#isReady(clock.nowMs() + ms + HANDSHAKE_MS).then(isReady => (isReady ? resolve() : giveUp(ms + HANDSHAKE_MS)));
    });
  }

  async #isReady(deadlineMs: number): Promise<boolean> {
    let state: connectivityState | undefined = this.client.getChannel().getConnectivityState(true);
    while (state !== undefined && state !== connectivityState.READY) state = await this.#after(state, deadlineMs);
    return state !== undefined;
  }

  /** Whether there is a connection by `deadlineMs`, a wall time. False as soon as one try fails, or the client is closed. */
  async isReached(deadlineMs: number): Promise<boolean> {
    let state: connectivityState | undefined = this.client.getChannel().getConnectivityState(true);
    while (state !== connectivityState.READY) {
      if (state === undefined || state === connectivityState.TRANSIENT_FAILURE) return false;
      state = await this.#after(state, deadlineMs);
    }
    return true;
  }

  /** @returns the state that comes after `state`; undefined when none does by `deadlineMs`, or the client is closed. */
  async #after(state: connectivityState, deadlineMs: number): Promise<connectivityState | undefined> {
    const channel = this.client.getChannel();
    // A channel that is told to connect does so after its end too, and for good.
    if (channel.getConnectivityState(false) === connectivityState.SHUTDOWN) return undefined;
    const isLate = await new Promise<boolean>(resolve =>
      channel.watchConnectivityState(state, deadlineMs, error => resolve(error !== undefined)),
    );
    const next = channel.getConnectivityState(false);
    if (isLate || next === connectivityState.SHUTDOWN) return undefined;
    return next === connectivityState.IDLE ? channel.getConnectivityState(true) : next;
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.#last.abort();
  }
}

/** Others' credentials, which tell when a host has answered: the handshake is theirs. */
class TellingCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials;
  readonly #onAnswer: () => void;

  constructor(inner: ChannelCredentials, onAnswer: () => void) {
    super();
    this.#inner = inner;
    this.#onAnswer = onAnswer;
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    ...parts: Parameters<ChannelCredentials["_createSecureConnector"]>
  ): experimental.SecureConnector {
    const connector = this.#inner._createSecureConnector(...parts);
    return {
      connect: socket => {
        this.#onAnswer();
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }
}

/** Hands the address on as it is to `net.connect`, which knows names too, each time with another signal that destroys its socket. */
class DialResolver implements experimental.Resolver {
  readonly #endpoints: readonly experimental.Endpoint[];
  readonly #listener: experimental.ResolverListener;
  #hasTold = false;

  constructor({ path }: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions) {
    const { host, port } = experimental.splitHostPort(path) ?? {};
    this.#listener = listener;
    const address = {
      ...{ host, port },
      get signal() {
        return (options[NEXT_SIGNAL] as () => AbortSignal)();
      },
    };
    this.#endpoints = host === undefined || port === undefined ? [] : [{ addresses: [address as never] }];
  }

  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path;
  }

  updateResolution(): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    const endpoints = [...this.#endpoints];
    const result =
      endpoints.length > 0
        ? experimental.statusOrFromValue(endpoints)
        : experimental.statusOrFromError<experimental.Endpoint[]>({ code: status.UNAVAILABLE, details: "no host and port" });
    setImmediate(() => this.#listener(result, {}, null, "")); // As gRPC does: others have their turn first.
  }

  destroy(): void {
    this.#hasTold = false;
  }
}

experimental.registerResolver(SCHEME, DialResolver);
