import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asId } from "../../../src/model/ids.ts";
import { systemCertificates } from "../../../src/system/certificates.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { round } from "../statistics.ts";
import { Child } from "./child.ts";
import { freePort } from "./free-port.ts";
import type { BareCall, BareFigures, RaftCall, RaftFigures, RaftMemberOptions } from "./protocol.ts";
import type { Report } from "./report.ts";

const FOR_MS = 4_000;
const DAY_MS = 24 * 3_600_000;

/** What the machine allows: the same three processes, disk and loopback with one writer, and nothing between them but TCP. */
export async function measureBare(report: Report): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "shoal-scale-"));
  const members = ["m1", "m2", "m3"].map(name => new Child<BareCall>("bare-member", { directory, name }));
  try {
    await Promise.all(members.map(member => member.ready()));
    const [writer, ...others] = members;
    if (writer === undefined) return;
    const known = await Promise.all(others.map(member => member.call<BareFigures>({ peers: [], forMs: 0 })));
    const peers = known.map(({ port }) => port);
    await writer.call<BareFigures>({ peers, forMs: 1_000 }); // Warm.
    const { perSecond, medianMs } = await writer.call<BareFigures>({ peers, forMs: FOR_MS });
    report.say(`bare TCP in Raft's place, 1 writer: ${Math.round(perSecond)} commits/s, median ${round(medianMs, 2)} ms`);
  } finally {
    for (const member of members) await member.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Three members in processes of their own, over gRPC and disk; the writers are inside the leader. */
export async function measureRaft({ syncMs }: { readonly syncMs: number }, report: Report): Promise<void> {
  const name = syncMs === 0 ? "Raft" : `Raft, ${syncMs} ms more for each sync`;
  const directory = mkdtempSync(join(tmpdir(), "shoal-scale-"));
  const members = await startMembers(directory, syncMs);
  try {
    await Promise.all(members.map(member => member.ready()));
    const leader = await leaderAmong(members);
    for (const [writers, gate] of [
      // One writer waits for a sync each time: with 1 ms more there cannot be 1,000 in a second.
      [1, syncMs === 0 ? 2_000 : undefined],
      [64, undefined],
      [1_000, 15_000],
    ] as const) {
      await leader.call<RaftFigures>({ writers, forMs: 1_000 }); // Warm.
      await Promise.all(members.map(member => member.call<RaftFigures>({ writers: 0, forMs: 1 })));
      const figures = await leader.call<RaftFigures>({ writers, forMs: FOR_MS });
      const others = await Promise.all(
        members.filter(member => member !== leader).map(member => member.call<RaftFigures>({ writers: 0, forMs: 1 })),
      );
      const stalls = [figures, ...others].map(({ stall }) => `${round(stall.worstMs)} ms`).join(", ");
      report.say(
        `${name}, ${writers} writers: ${Math.round(figures.perSecond)} commits/s, median ${round(figures.medianMs, 2)} ms, p99 ${round(figures.p99Ms, 2)} ms; worst stalls ${stalls}`,
      );
      if (gate !== undefined) report.atLeast(`${name}, ${writers} writers`, figures.perSecond, gate, "commits/s");
    }
  } finally {
    for (const member of members) await member.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startMembers(directory: string, syncMs: number): Promise<readonly Child<RaftCall>[]> {
  const root = await systemCertificates.createRoot({ nowMs: Date.now() });
  const { csrPem, keyPem } = await systemCertificates.createRequest();
  const clusterId = asId<RaftMemberOptions["clusterId"]>("scale");
  const members = [];
  for (const raftId of [1, 2, 3]) members.push({ raftId, address: `127.0.0.1:${await freePort()}` });
  const children: Child<RaftCall>[] = [];
  for (const { raftId, address } of members) {
    const certificatePem = await systemCertificates.issue({
      ...{ csrPem, root, clusterId, nodeId: asId(`m${raftId}`), role: "manager", nowMs: Date.now(), lifetimeMs: DAY_MS },
    });
    const identity = { certificatePem, keyPem, rootPem: root.certificatePem };
    const options: RaftMemberOptions = { raftId, address, members, directory, syncMs, identity, clusterId };
    children.push(new Child<RaftCall>("raft-member", options));
  }
  return children;
}

async function leaderAmong(members: readonly Child<RaftCall>[]): Promise<Child<RaftCall>> {
  for (;;) {
    for (const member of members) {
      if ((await member.call<RaftFigures>({ writers: 0, forMs: 1 })).role === "leader") return member;
    }
    await systemClock.sleep(100);
  }
}
