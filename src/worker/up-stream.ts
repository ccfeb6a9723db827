import type { SessionUp } from "../model/session.ts";
import type { Clock } from "../ports/clock.ts";
import type { StatusReporter } from "./status-reporter.ts";

type Hello = Extract<SessionUp, { kind: "hello" }>;

/** Statuses that change within this time go up together. */
const BATCH_MS = 50;
/** So long those of tasks on their way wait for the next ones: most containers run by then, and two of three messages are spared. */
const ON_THE_WAY_MS = 500;
const BEAT_DEFAULT_MS = 1_000;

/** What goes up in one session: hello, statuses as they come, and beats when there is nothing else. Beats wait for nothing. */
export class UpStream {
  readonly #options: {
    readonly hello: Hello;
    readonly reporter: StatusReporter;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  };
  #beatPeriodMs = BEAT_DEFAULT_MS;
  #areStatusesOpen = false;
  /** When the first of the statuses that wait was seen. */
  #waitingSinceMs: number | undefined;
  #nextHello: Hello | undefined;
  #wake: () => void = () => undefined;
  /** The last sleep that something woke this from. It goes on: to call one off costs more than all else that a status does here. */
  #slept: { readonly endsAtMs: number; readonly end: Promise<void> } | undefined;

  constructor(options: {
    readonly hello: Hello;
    readonly reporter: StatusReporter;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  }) {
    this.#options = options;
    options.reporter.onUnsent(() => this.#wake());
  }

  setBeatPeriod(ms: number): void {
    this.#beatPeriodMs = ms;
  }

  /** Until the first assignments have been looked at nothing is told of tasks. */
  openStatuses(): void {
    this.#areStatusesOpen = true;
    this.#wake();
  }

  /** Again, when something in it has changed. */
  sayHello(hello: Hello): void {
    this.#nextHello = hello;
    this.#wake();
  }

  async *messages(): AsyncGenerator<SessionUp, void, undefined> {
    const { hello, reporter, clock, signal } = this.#options;
    yield hello;
    let nextBeatMs = clock.monotonicMs() + this.#beatPeriodMs;
    // Whatever is said tells that the worker is there: a beat is for who has nothing to say.
    const said = <Message extends SessionUp>(message: Message): Message => {
      nextBeatMs = clock.monotonicMs() + this.#beatPeriodMs;
      return message;
    };
    while (!signal.aborted) {
      if (clock.monotonicMs() >= nextBeatMs) yield said({ kind: "beat" });
      const nextHello = this.#nextHello;
      this.#nextHello = undefined;
      if (nextHello !== undefined) yield said(nextHello);
      if (this.#hasNews()) {
        await this.#sleep(Math.min(BATCH_MS, nextBeatMs - clock.monotonicMs()));
        // Whoever reads this may come for more after the session's end; what it was given then would be missing in the next session.
        const statuses = this.#areStatusesOpen && !signal.aborted ? reporter.take() : [];
        this.#waitingSinceMs = undefined;
        if (statuses.length > 0) yield said({ kind: "statuses", statuses });
      } else if (this.#nextHello === undefined) await this.#untilWokenOr(Math.min(nextBeatMs, this.#dueMs()));
    }
  }

  #hasNews(): boolean {
    const { reporter, clock } = this.#options;
    return this.#areStatusesOpen && (reporter.hasUrgent || clock.monotonicMs() >= this.#dueMs());
  }

  /** By then what waits is told. */
  #dueMs(): number {
    const { reporter, clock } = this.#options;
    if (!this.#areStatusesOpen || !reporter.hasUnsent) return Infinity;
    this.#waitingSinceMs ??= clock.monotonicMs();
    return this.#waitingSinceMs + ON_THE_WAY_MS - BATCH_MS;
  }

  async #sleep(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    if (ms > 0) await clock.sleep(ms, { signal }).catch(() => undefined);
  }

  async #untilWokenOr(atMs: number): Promise<void> {
    const woken = new Promise<void>(resolve => (this.#wake = resolve));
    if (this.#slept === undefined || this.#slept.endsAtMs > atMs) this.#slept = { endsAtMs: atMs, end: this.#sleepUntil(atMs) };
    await Promise.race([this.#slept.end, woken]);
    this.#wake = () => undefined;
  }

  async #sleepUntil(atMs: number): Promise<void> {
    await this.#sleep(atMs - this.#options.clock.monotonicMs());
    if (this.#slept?.endsAtMs === atMs) this.#slept = undefined; // Timers end a little early: the rest is another sleep.
  }
}
