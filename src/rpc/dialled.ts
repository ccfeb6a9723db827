import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  connectivityState,
  experimental,
  status,
} from "@grpc/grpc-js";
import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { clientOptions } from "./limits.ts";

const SCHEME = "dial";
/** The option of a channel with what its resolver asks for the signal that ends the next connection: `() => AbortSignal`. */
const NEXT_SIGNAL = "shoal.next-signal";

/**
 * A client whose connections, to host:port, end with it: also those that are still being made. gRPC leaves these to the kernel, which asks a
 * host that says nothing for two minutes, ever more rarely, and goes on with the connection once it does: a manager that comes back would
 * have every try at its door that any worker has given up meanwhile.
 */
export class Dialled<T extends Client> implements Disposable {
  readonly client: T;
  /** Of the last connection: gRPC makes one at a time. One of its own, since Node keeps each socket for as long as its signal. */
  #last = new AbortController();

  constructor(
    Type: new (address: string, credentials: ChannelCredentials, options: ChannelOptions) => T,
    address: string,
    credentials: ChannelCredentials,
    options: ChannelOptions = {},
  ) {
    const nextSignal = () => (this.#last = new AbortController()).signal;
    this.client = new Type(`${SCHEME}:${address}`, credentials, { ...clientOptions, ...options, [NEXT_SIGNAL]: nextSignal });
  }

  /**
   * Resolves when there is a connection, through any number of tries that failed.
   * @throws OperationError `unavailable` when that takes longer than `ms`, or the client is closed first.
   */
  async connected(ms: number, clock: Clock): Promise<void> {
    const deadlineMs = clock.nowMs() + ms; // gRPC's are wall times.
    let state = this.client.getChannel().getConnectivityState(true);
    while (state !== connectivityState.READY) {
      const next = await this.#after(state, deadlineMs);
      if (next === undefined) throw new OperationError("unavailable", `no connection within ${ms} ms`);
      state = next;
    }
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
    process.nextTick(() => this.#listener(result, {}, null, ""));
  }

  destroy(): void {
    this.#hasTold = false;
  }
}

experimental.registerResolver(SCHEME, DialResolver);
