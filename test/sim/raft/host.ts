import type { Clock } from "../../../src/ports/clock.ts";
import type { Log } from "../../../src/ports/log.ts";
import type { RaftDriver } from "../../../src/raft/driver.ts";
import type { SimulatedDisk } from "../disk.ts";
import { type Gate, simulatedClock, type VirtualTime } from "../virtual-time.ts";
import { ChainMachine, type Ledger } from "./ledger.ts";

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** One run of a manager's process, from its start until it dies. */
export class Process implements Gate {
  readonly machine: ChainMachine;
  readonly clock: Clock;
  readonly onDeath = new Set<() => void>();
  driver: RaftDriver | undefined;
  isDead = false;
  /** What the wall clock is off by, in ms. */
  wallSkewMs = 0;
  readonly #time: VirtualTime;
  #held: (() => void)[] | undefined;

  constructor(raftId: number, time: VirtualTime, ledger: Ledger) {
    this.machine = new ChainMachine(raftId, ledger);
    const clock = simulatedClock(time, this);
    this.clock = { ...clock, nowMs: () => clock.nowMs() + this.wallSkewMs };
    this.#time = time;
  }

  pass(run: () => void): void {
    if (this.isDead) return;
    if (this.#held === undefined) run();
    else this.#held.push(run);
  }

  /** What comes from another process comes through the gate too. */
  hear<T>(result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      result.then(
        value => this.pass(() => resolve(value)),
        (error: unknown) => this.pass(() => reject(error)),
      );
    });
  }

  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  pause(): void {
    this.#held ??= [];
  }

  /** What came meanwhile comes now, in order. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) this.#time.after(0, () => this.pass(run));
  }

  die(): void {
    this.isDead = true;
    this.#held = undefined;
    for (const notice of this.onDeath) notice();
  }
}

/** A machine with a disk; a manager's process runs on it or not. */
export interface Host {
  readonly raftId: number;
  readonly disk: SimulatedDisk;
  /** The first members, or none for one that joins. */
  readonly members: readonly number[];
  process: Process | undefined;
}
