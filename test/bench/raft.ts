import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { RaftMember, RaftTransport, StateMachine } from "../../src/ports/consensus.ts";
import { RaftDriver } from "../../src/raft/driver.ts";
import { systemClock } from "../../src/system/clock.ts";
import { openDisk } from "../../src/system/disk.ts";
import { systemRandom } from "../../src/system/random.ts";
import { round, summarize } from "./statistics.ts";

const DATA = new Uint8Array(256).fill(7);
const SECONDS = 4;
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Three managers' Raft in this process with real logs on disk; messages go from one to the other without a network, so this is the core's and the disk's speed. */
export async function benchRaft(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "shoal-bench-"));
  const drivers = new Map<number, RaftDriver>();
  try {
    const members = [1, 2, 3].map(raftId => ({ raftId, address: `m${raftId}` }));
    for (const { raftId } of members) {
      drivers.set(
        raftId,
        await RaftDriver.create({
          ...{ raftId, members, clock: systemClock, random: systemRandom, log: quiet },
          disk: openDisk({ root }),
          directory: `m${raftId}`,
          transport: direct(drivers),
          stateMachine: counter(),
        }),
      );
    }
    const leader = await elected(drivers);
    for (const inFlight of [1, 256]) await propose(leader, inFlight);
  } finally {
    for (const driver of drivers.values()) await driver.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

async function propose(leader: RaftDriver, inFlight: number): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const times: number[] = [];
  const endMs = performance.now() + SECONDS * 1_000;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < endMs) {
        const beganMs = performance.now();
        await leader.propose(DATA, {});
        times.push(performance.now() - beganMs);
      }
    }),
  );
  const { median, p99 } = summarize(times);
  const perSecond = times.length / ((performance.now() - startedMs) / 1_000);
  console.log(
    `raft, 3 voters, 256 B, ${inFlight} in flight: ${Math.round(perSecond)}/s, median ${round(median, 2)} ms, p99 ${round(p99, 2)} ms, worst event-loop stall ${round(delay.max / 1e6)} ms`,
  );
}

function direct(drivers: ReadonlyMap<number, RaftDriver>): RaftTransport {
  return {
    send: (to: RaftMember, message) => setImmediate(() => drivers.get(to.raftId)?.receive(message)),
    sendSnapshot: async (to, chunks) => drivers.get(to.raftId)?.receiveSnapshot(chunks),
  };
}

function counter(): StateMachine {
  let applied = 0;
  return {
    apply: () => ++applied,
    async *snapshot() {
      yield Buffer.from(String(applied));
    },
    restore: async chunks => {
      for await (const chunk of chunks) applied = Number(Buffer.from(chunk).toString());
    },
  };
}

async function elected(drivers: ReadonlyMap<number, RaftDriver>): Promise<RaftDriver> {
  for (;;) {
    for (const driver of drivers.values()) if (driver.status().role === "leader") return driver;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
