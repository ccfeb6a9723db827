import { connect } from "node:net";
import { errorKind, OperationError } from "../../lib/errors.ts";
import type { ClusterEvent } from "../../model/cluster-event.ts";
import type { ControlCaller, ControlCallOptions, ControlRequest, ControlResponse } from "../../model/control.ts";
import type { Clock } from "../../ports/clock.ts";
import { LocalControl } from "../../rpc/control-client.ts";

/** How long a call waits for a manager process that is just starting. */
const STARTING_MS = 10_000;
const POLL_MS = 20;

/** Calls to the manager process of this node, also while that is starting: they wait for it. */
export class ManagerControl implements ControlCaller, AsyncDisposable {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  #client: LocalControl | undefined;

  constructor({ path, clock }: { readonly path: string; readonly clock: Clock }) {
    this.#path = path;
    this.#clock = clock;
  }

  async call(request: ControlRequest, options: ControlCallOptions): Promise<ControlResponse> {
    const client = await this.#connected(options);
    try {
      return await client.call(request, options);
    } catch (error) {
      if (errorKind(error) !== "unavailable" || (await isListening(this.#path))) throw error;
      // The process ended: the same request to the next one is carried out once, whatever became of this.
      if (this.#client === client) this.#client = undefined;
      await client[Symbol.asyncDispose]();
      return await (await this.#connected(options)).call(request, { ...options, mayRepeat: true });
    }
  }

  /** What happens in the cluster from now on; ends with the manager process. */
  async *events({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<ClusterEvent> {
    const client = await this.#connected({ signal });
    yield* client.events({ signal });
  }

  /** The cluster's state as a file. */
  async *backup({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    const client = await this.#connected({ signal });
    yield* client.backup({ signal });
  }

  /** A client is made only when there is someone to answer: after a failure it would wait ever longer before it tried again. */
  async #connected({ signal }: Pick<ControlCallOptions, "signal">): Promise<LocalControl> {
    const clock = this.#clock;
    const waiting = AbortSignal.any([this.#closed.signal, clock.timeout(STARTING_MS), ...(signal === undefined ? [] : [signal])]);
    while (this.#client === undefined) {
      waiting.throwIfAborted();
      if (await isListening(this.#path)) this.#client ??= new LocalControl({ path: this.#path, clock });
      else await clock.sleep(POLL_MS, { signal: waiting });
    }
    return this.#client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new OperationError("unavailable", "this node's manager is stopping"));
    await this.#client?.[Symbol.asyncDispose]();
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
