import { setMaxListeners } from "node:events";
import { OperationError } from "../../../src/lib/errors.ts";
import type { SimulatedNetwork } from "../network.ts";
import { Pipe } from "../pipe.ts";
import type { SimulatedProcess } from "../process.ts";
import type { VirtualTime } from "../virtual-time.ts";

/** A connection over which nothing comes for so long is given up (gRPC's keepalive). */
const KEEPALIVE_MS = 4_000;
const CALL_DEADLINE_MS = 15_000;
const RETRANSMIT_MS = 200;

/** A process at a place in the network. */
export interface Place {
  readonly at: number;
  readonly process: SimulatedProcess;
}

/** Calls and streams between processes, as gRPC over TCP carries them: in order, late, or broken. */
export class Wires {
  readonly #time: VirtualTime;
  readonly #network: SimulatedNetwork;

  constructor(time: VirtualTime, network: SimulatedNetwork) {
    this.#time = time;
    this.#network = network;
  }

  /**
   * @param to - Who listens there when the call arrives; nobody: refused.
   * @throws OperationError `unavailable` when the call or its answer was lost: nobody knows whether it was carried out.
   */
  call<T>(
    from: Place,
    to: { readonly at: number; readonly process: () => SimulatedProcess | undefined },
    run: (options: { readonly signal: AbortSignal }) => Promise<T>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const settled = new AbortController();
    const result = new Promise<T>((resolve, reject) => {
      const cancelled = new AbortController();
      const lost = (why: string) => from.process.pass(() => reject(new OperationError("unavailable", why)));
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        reject(signal?.reason);
        // The other side hears of it when the news gets there.
        this.#carry([from.at, to.at], () => to.process()?.pass(() => cancelled.abort(signal?.reason)), {});
      };
      if (signal !== undefined) setMaxListeners(0, signal); // One signal may end any number of calls.
      signal?.addEventListener("abort", onAbort, { signal: settled.signal });
      this.#time.after(CALL_DEADLINE_MS, () => lost("the call was not answered in time"));
      this.#carry(
        [from.at, to.at],
        () => {
          const target = to.process();
          if (target === undefined || target.isDead) {
            this.#carry([to.at, from.at], () => lost("connection refused"), { lost: () => lost("no route to host") });
            return;
          }
          const onDeath = () => this.#carry([to.at, from.at], () => lost("connection reset"), { lost: () => lost("gone") });
          target.onDeath.add(onDeath);
          const answer = (settle: () => void) => {
            target.onDeath.delete(onDeath);
            this.#carry([to.at, from.at], () => from.process.pass(settle), { lost: () => lost("the answer was lost") });
          };
          target.pass(() => {
            run({ signal: cancelled.signal }).then(
              value => answer(() => resolve(value)),
              (error: unknown) => answer(() => reject(error)),
            );
          });
        },
        { lost: () => lost("no route to host") },
      );
    });
    return result.finally(() => settled.abort());
  }

  /** A conversation: what `up` says goes there, what `serve` answers comes back. Breaks for both sides. */
  async *converse<Up, Down>(
    from: Place,
    to: { readonly at: number; readonly process: () => SimulatedProcess | undefined },
    serve: (up: AsyncIterable<Up>, options: { readonly signal: AbortSignal }) => AsyncIterable<Down>,
    { up, signal }: { readonly up: AsyncIterable<Up>; readonly signal: AbortSignal },
  ): AsyncGenerator<Down, void, undefined> {
    const target = await this.call(from, to, async () => to.process());
    // It may have died while its answer was on its way: what talks to it then would wait for ever.
    if (target === undefined || target.isDead) throw new OperationError("unavailable", "connection refused");
    const there: Place = { at: to.at, process: target };
    const upward = new Pipe<Up>(from.process, target);
    const downward = new Pipe<Down>(target, from.process);
    const ended = new AbortController();
    const breakOff = (why: string) => {
      upward.fail(why);
      downward.fail(why);
      target.pass(() => ended.abort(new OperationError("cancelled", why)));
    };
    const close = () => {
      downward.fail(new OperationError("cancelled", "closed here"));
      this.#carry([from.at, to.at], () => breakOff("the caller went away"), { lost: () => breakOff("the caller is gone") });
    };
    from.process.onDeath.add(() => breakOff("the caller died"));
    signal.addEventListener("abort", close, { once: true });
    this.#watch([from.at, to.at], { isOver: () => ended.signal.aborted, breakOff });
    void this.#pump(up, upward, { from, to: to.at });
    target.pass(() => void this.#pump(serve(upward.read(), { signal: ended.signal }), downward, { from: there, to: from.at }));
    try {
      yield* downward.read();
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
  }

  async #pump<T>(
    source: AsyncIterable<T>,
    pipe: Pipe<T>,
    { from, to }: { readonly from: Place; readonly to: number },
  ): Promise<void> {
    try {
      for await (const thing of source) {
        pipe.throwIfFailed();
        await new Promise<void>((resolve, reject) => {
          const lost = () => from.process.pass(() => reject(new OperationError("unavailable", "the connection broke")));
          this.#carry([from.at, to], () => from.process.pass(resolve), { lost });
        });
        pipe.push(thing);
      }
      pipe.end();
    } catch (error) {
      pipe.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #isOpen([a, b]: readonly [number, number]): boolean {
    return this.#network.isOpen(a, b) && this.#network.isOpen(b, a);
  }

  /** Ends a connection whose link has been down for too long. */
  #watch(
    link: readonly [number, number],
    { isOver, breakOff }: { isOver: () => boolean; breakOff: (why: string) => void },
  ): void {
    let downMs = 0;
    const look = () => {
      if (isOver()) return;
      downMs = this.#isOpen(link) ? 0 : downMs + 2 * RETRANSMIT_MS;
      if (downMs >= KEEPALIVE_MS || this.#network.isUnlucky()) breakOff("the connection broke");
      else this.#time.after(RETRANSMIT_MS * 2, look);
    };
    this.#time.after(RETRANSMIT_MS, look);
  }

  /** TCP sends again what did not get through, until the connection is given up. */
  #carry(link: readonly [number, number], deliver: () => void, { lost }: { readonly lost?: () => void }): void {
    const startMs = this.#time.nowMs;
    const attempt = () => {
      if (this.#isOpen(link)) deliver();
      else if (this.#time.nowMs - startMs > KEEPALIVE_MS) lost?.();
      else this.#time.after(RETRANSMIT_MS, attempt);
    };
    this.#time.after(this.#network.latencyMs(), attempt);
  }
}
