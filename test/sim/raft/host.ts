import type { Log } from "../../../src/ports/log.ts";
import type { RaftDriver } from "../../../src/raft/driver.ts";
import type { SimulatedDisk } from "../disk.ts";
import { SimulatedProcess } from "../process.ts";
import type { VirtualTime } from "../virtual-time.ts";
import { ChainMachine, type Ledger } from "./ledger.ts";

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** One run of a manager's process, from its start until it dies. */
export class Process extends SimulatedProcess {
  readonly machine: ChainMachine;
  driver: RaftDriver | undefined;

  constructor(raftId: number, time: VirtualTime, ledger: Ledger) {
    super(time);
    this.machine = new ChainMachine(raftId, ledger);
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
