import { crc32 } from "node:zlib";
import type { RaftMember, RaftTransport } from "../../../src/ports/consensus.ts";
import { isDiskFull } from "../../../src/raft/disk-health.ts";
import { RaftDriver } from "../../../src/raft/driver.ts";
import type { RaftDriverOptions } from "../../../src/raft/driver-options.ts";
import { SimulatedDisk } from "../disk.ts";
import { SimulatedNetwork } from "../network.ts";
import { SeededRandom } from "../seeded-random.ts";
import { VirtualTime } from "../virtual-time.ts";
import { type Host, Process, silentLog } from "./host.ts";
import { Invariants } from "./invariants.ts";
import { Ledger } from "./ledger.ts";
import { Pipe } from "../pipe.ts";

/** Small numbers, so that snapshots, windows and segments are met often. */
const OPTIONS: Partial<RaftDriverOptions> = {
  snapshotEveryEntries: 24,
  keepEntries: 6,
  keepBytes: 600,
  messageBytesMax: 400,
  inflightMessagesMax: 4,
  inflightBytesMax: 2_000,
  segmentBytesMax: 2_000,
};

/** Managers with real drivers, cores and storage on simulated time, disks and network. */
export class SimulatedCluster {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly ledger = new Ledger();
  readonly invariants = new Invariants();
  readonly hosts = new Map<number, Host>();
  /** Changes with everything that happens: the same seed gives the same hash. */
  traceHash = 0;
  readonly #onTrace: ((line: string) => void) | undefined;
  #failure: Error | undefined;

  constructor(seed: number, { onTrace }: { readonly onTrace?: ((line: string) => void) | undefined } = {}) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(this.time, this.random.fork());
    this.#onTrace = onTrace;
  }

  trace(line: string): void {
    const stamped = `${this.time.nowMs.toFixed(3)} ${line}`;
    this.traceHash = crc32(stamped, this.traceHash);
    this.#onTrace?.(stamped);
  }

  addHost(raftId: number, members: readonly number[]): Host {
    const disk = new SimulatedDisk({ time: this.time, random: this.random.fork(), syncMsMax: this.random.chance(0.3) ? 40 : 4 });
    const host: Host = { raftId, disk, members, process: undefined };
    this.hosts.set(raftId, host);
    return host;
  }

  static member(raftId: number): RaftMember {
    return { raftId, address: `m${raftId}` };
  }

  start(host: Host): void {
    const { raftId, disk, members } = host;
    const process = new Process(raftId, this.time, this.ledger);
    host.process = process;
    this.trace(`${raftId} starts`);
    RaftDriver.create({
      raftId,
      ...(members.length > 0 ? { members: members.map(id => SimulatedCluster.member(id)) } : { join: true }),
      disk: disk.mount(process),
      directory: "raft",
      clock: process.clock,
      random: this.random.fork(),
      transport: this.#transport(host, process),
      stateMachine: process.machine,
      log: silentLog,
      options: { ...OPTIONS, onFatal: error => this.fail(error) },
    }).then(
      driver => {
        process.driver = driver;
      },
      (error: unknown) => {
        if (!isDiskFull(error)) this.fail(error);
        else this.time.after(500, () => this.#startAgain(host, process)); // As whoever runs managers would.
      },
    );
  }

  #startAgain(host: Host, process: Process): void {
    if (host.process === process) this.start(host);
  }

  /** The process ends; with `isPowerLoss` the disk loses what was not synced. */
  crash(host: Host, { isPowerLoss }: { readonly isPowerLoss: boolean }): void {
    this.trace(`${host.raftId} ${isPowerLoss ? "loses power" : "is killed"}`);
    host.process?.die();
    host.process = undefined;
    if (isPowerLoss) host.disk.crash();
    else for (const other of this.hosts.values()) this.disconnect(host, other);
  }

  /** `other` finds out that the connection is broken that brings `host`'s messages. */
  disconnect(host: Host, other: Host): void {
    const { process } = other;
    if (host === other || process === undefined || !this.network.isOpen(host.raftId, other.raftId)) return;
    this.trace(`${other.raftId} loses the connection of ${host.raftId}`);
    this.time.after(this.network.latencyMs(), () => process.pass(() => process.driver?.disconnected(host.raftId)));
  }

  #transport({ raftId: from }: Host, sender: Process): RaftTransport {
    let tellLost = (_address: string) => {};
    return {
      onLost: tell => {
        tellLost = tell;
      },
      send: ({ raftId: to }, message) => {
        this.trace(`${from}>${to} ${crc32(message)}`);
        if (!this.network.isOpen(from, to)) this.time.after(1, () => sender.pass(() => tellLost(`m${to}`)));
        this.network.send(from, to, () => {
          const process = this.hosts.get(to)?.process;
          process?.pass(() => process.driver?.receive(message));
        });
      },
      sendSnapshot: async ({ raftId: to }, chunks) => {
        const receiver = this.hosts.get(to)?.process;
        if (receiver?.driver === undefined) throw new Error("nobody is there");
        this.trace(`${from}>${to} snapshot`);
        const stream = new Pipe<Uint8Array>(sender, receiver);
        const received = receiver.driver.receiveSnapshot(stream.read());
        const broken = new Promise<never>((_, reject) => receiver.onDeath.add(() => reject(new Error("the receiver died"))));
        broken.catch(() => undefined);
        received.catch(() => undefined);
        try {
          for await (const chunk of chunks) {
            await sender.clock.sleep(this.network.latencyMs());
            if (!this.network.isOpen(from, to) || this.network.isUnlucky()) stream.fail("the connection broke");
            stream.throwIfFailed();
            stream.push(chunk);
          }
          stream.end();
        } catch (error) {
          stream.fail("the sender gave up");
          throw error;
        }
        await sender.hear(Promise.race([received, broken]));
      },
    };
  }

  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Runs until `untilMs`, checking the invariants after every step. Ends early once `isDone`. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    while (!isDone() && (await this.time.step(untilMs))) this.#check();
    if (!isDone()) this.time.nowMs = untilMs;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const { process } of this.hosts.values()) {
      if (process?.driver !== undefined) this.invariants.check(process.driver.inspected);
    }
  }

  /** The one that leads in the newest term, if any does. */
  leader(): Host | undefined {
    let newest: Host | undefined;
    let newestTerm = 0;
    for (const host of this.hosts.values()) {
      const status = host.process?.driver?.status();
      if (status?.role !== "leader" || status.term <= newestTerm) continue;
      newest = host;
      newestTerm = status.term;
    }
    return newest;
  }
}
