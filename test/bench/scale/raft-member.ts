// One Raft member of the bench: the product's driver, log and transport in a process of its own, with a state machine that counts.
import { ManagerListener } from "../../../src/rpc/listener.ts";
import { RaftPeers } from "../../../src/rpc/raft-transport.ts";
import { RaftDriver } from "../../../src/raft/driver.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { openDisk } from "../../../src/system/disk.ts";
import { systemRandom } from "../../../src/system/random.ts";
import type { Disk } from "../../../src/ports/disk.ts";
import type { StateMachine } from "../../../src/ports/consensus.ts";
import { OperationError } from "../../../src/lib/errors.ts";
import { summarize } from "../statistics.ts";
import { answer } from "./child.ts";
import type { RaftCall, RaftFigures, RaftMemberOptions } from "./protocol.ts";
import { StallProbe } from "./stalls.ts";

const DATA = new Uint8Array(256).fill(7);
const options = JSON.parse(process.argv[2] ?? "") as RaftMemberOptions;
const log = { debug: () => {}, info: () => {}, warn: console.error, error: console.error };
const refuse = async (): Promise<never> => {
  throw new OperationError("unavailable", "this is Raft alone");
};

async function* nothing(): AsyncGenerator<never> {
  yield await refuse();
}

const driver = await RaftDriver.create({
  ...{ raftId: options.raftId, members: options.members, clock: systemClock, random: systemRandom, log },
  disk: withSlowSync(openDisk({ root: options.directory }), options.syncMs),
  directory: `m${options.raftId}`,
  transport: new RaftPeers({ identity: () => options.identity, clock: systemClock }),
  stateMachine: counter(),
});
const [host = "", port] = options.address.split(":");
await ManagerListener.listen({
  ...{ host, port: Number(port), identity: options.identity, clusterId: options.clusterId, log },
  backends: {
    raft: {
      receive: message => driver.receive(message),
      disconnected: () => {}, // No leader is lost here.
      receiveSnapshot: chunks => driver.receiveSnapshot(chunks),
    },
    control: { call: refuse },
    dispatcher: { session: () => nothing() },
    ca: { rootCertificate: () => "", issue: refuse },
    join: { join: refuse, leave: refuse },
    leader: { writeStatuses: refuse, describeNode: refuse, reportSessions: refuse },
    admission: () => "member",
  },
});
const stalls = new StallProbe();
stalls.start();

answer<RaftCall>(async ({ writers, forMs }) => {
  const { role } = driver.status();
  stalls.beginAnew();
  const times = writers === 0 ? [] : await write(writers, forMs);
  const { median, p99 } = summarize(times);
  const { user, system } = process.cpuUsage();
  return {
    ...{ role, perSecond: times.length / (forMs / 1_000), medianMs: median, p99Ms: p99 },
    ...{ stall: stalls.worst, cpuMs: (user + system) / 1_000 },
  } satisfies RaftFigures;
});

/** Each writer proposes again as soon as its last entry is committed and applied. @returns how long each took, in ms. */
async function write(writers: number, forMs: number): Promise<readonly number[]> {
  const times: number[] = [];
  const endMs = performance.now() + forMs;
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (performance.now() < endMs) {
        const beganMs = performance.now();
        await driver.propose(DATA, {});
        times.push(performance.now() - beganMs);
      }
    }),
  );
  return times;
}

/** A disk whose syncs take that much longer. */
function withSlowSync(disk: Disk, syncMs: number): Disk {
  if (syncMs === 0) return disk;
  return {
    ...disk,
    openAppend: async (path, opening) => {
      const file = await disk.openAppend(path, opening);
      return {
        append: content => file.append(content),
        truncate: sizeBytes => file.truncate(sizeBytes),
        sync: async () => {
          await file.sync();
          await systemClock.sleep(syncMs);
        },
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
      };
    },
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
