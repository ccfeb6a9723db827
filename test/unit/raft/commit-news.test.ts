import assert from "node:assert/strict";
import { RaftDriver } from "../../../src/raft/driver.ts";
import { decodeEnvelope } from "../../../src/raft/encoding.ts";
import { SimulatedDisk } from "../../sim/disk.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";
import { RealCluster, silentLog, TextMachine } from "./real-cluster.ts";

const RAFT_IDS = [1, 2, 3];
const HOP_MS = 0.1;

/** Three managers in virtual time, whose disks and network are quick. */
class QuickCluster {
  readonly time = new VirtualTime();
  readonly machines = new Map<number, TextMachine>();
  readonly #drivers = new Map<number, RaftDriver>();
  /** How many entries each append had that a leader sent. */
  appends: number[] = [];

  static async create(): Promise<QuickCluster> {
    const cluster = new QuickCluster();
    const starts = RAFT_IDS.map(raftId => cluster.#start(raftId));
    await cluster.time.runUntil(1);
    await Promise.all(starts);
    return cluster;
  }

  async #start(raftId: number): Promise<void> {
    const { time } = this;
    const random = new SeededRandom(raftId);
    const stateMachine = new TextMachine();
    this.machines.set(raftId, stateMachine);
    const driver = await RaftDriver.create({
      ...{ raftId, directory: "raft", random, stateMachine, log: silentLog, clock: simulatedClock(time) },
      members: RAFT_IDS.map(id => RealCluster.member(id)),
      disk: new SimulatedDisk({ time, random, syncMsMax: 0 }).mount({ pass: run => run() }),
      transport: {
        send: (to, bytes) => {
          const { message } = decodeEnvelope(bytes);
          if (message.kind === "append-request") this.appends.push(message.entries.length);
          time.after(HOP_MS, () => this.#drivers.get(to.raftId)?.receive(bytes));
        },
        sendSnapshot: () => Promise.reject(new Error("nobody needs one")),
      },
    });
    this.#drivers.set(raftId, driver);
  }

  async leader(): Promise<RaftDriver> {
    for (;;) {
      await this.time.step();
      for (const driver of this.#drivers.values()) if (driver.status().role === "leader") return driver;
    }
  }

  async stop(): Promise<void> {
    await this.until(Promise.all([...this.#drivers.values()].map(driver => driver.stop())));
  }

  /** Time goes on until it is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    void work.finally(() => (isDone = true));
    while (!isDone) await this.time.step();
    return await work;
  }
}

describe("Word of a commit", () => {
  it("goes with the entries behind it, and alone soon after when there are none", async () => {
    const cluster = await QuickCluster.create();
    const leader = await cluster.leader();
    await cluster.until(leader.propose(Buffer.from("first")));
    cluster.appends = [];
    for (let at = 0; at < 50; at++) await cluster.until(leader.propose(Buffer.from(`entry ${at}`)));
    // No time passes between a commit and the next entry here.
    assert.deepEqual([...new Set(cluster.appends)], [1]);
    assert.equal(cluster.appends.length, 100);
    const texts = () => [...cluster.machines.values()].map(machine => machine.texts.length);
    assert.deepEqual(
      texts().toSorted((a, b) => a - b),
      [50, 50, 51],
    );
    await cluster.time.runUntil(cluster.time.nowMs + 2);
    assert.deepEqual(texts(), [51, 51, 51]);
    await cluster.stop();
  });
});
