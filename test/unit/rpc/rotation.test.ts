// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { asId, type ClusterId, type NodeId } from "../../../src/model/ids.ts";
import type { TaskLogs, TaskLogsRequest } from "../../../src/model/task-logs.ts";
import type { CertificateWithKey, NodeIdentity } from "../../../src/ports/certificates.ts";
import { taskLogsOf } from "../../../src/rpc/peer-client.ts";
import { PeerListener } from "../../../src/rpc/peer-listener.ts";
import { systemCertificates as certificates } from "../../../src/system/certificates.ts";
import { systemClock as clock } from "../../../src/system/clock.ts";

const DAY_MS = 24 * 3600_000;
const clusterId = asId<ClusterId>("cluster1");
const logs: TaskLogs = {
  async *taskLogs() {
    yield [{ stream: "stdout", data: Buffer.from("x") }];
  },
};
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** How far a node is in a rotation: what it trusts, and whose certificate it has. */
type Stage = "old" | "trusts both" | "renewed" | "new" | "new certificate";

describe("TLS while the root is replaced", () => {
  let old: CertificateWithKey;
  let next: CertificateWithKey;
  let crossSignedPem: string;

  before(async () => {
    const nowMs = clock.nowMs();
    [old, next] = [await certificates.createRoot({ nowMs }), await certificates.createRoot({ nowMs })];
    crossSignedPem = await certificates.crossSign({ root: old, certificatePem: next.certificatePem, nowMs });
  });

  async function identity(nodeId: string, stage: Stage): Promise<NodeIdentity> {
    const { csrPem, keyPem } = await certificates.createRequest();
    const isRenewed = stage !== "old" && stage !== "trusts both";
    const leaf = await certificates.issue({
      ...{ csrPem, root: isRenewed ? next : old, nodeId: asId<NodeId>(nodeId), clusterId, role: "manager" as const },
      ...{ nowMs: clock.nowMs(), lifetimeMs: DAY_MS },
    });
    const behind = isRenewed && stage !== "new certificate" ? crossSignedPem : "";
    const isOver = stage === "new" || stage === "new certificate";
    const roots = { old: old.certificatePem, both: old.certificatePem + next.certificatePem, new: next.certificatePem };
    return { certificatePem: leaf + behind, keyPem, rootPem: stage === "old" ? roots.old : isOver ? roots.new : roots.both };
  }

  async function connects(client: Stage, server: Stage): Promise<boolean> {
    const place = { host: "127.0.0.1", port: 0, identity: await identity("server", server), clusterId, logs, log };
    await using node = await PeerListener.listen({ ...place, admits: () => true });
    const request: TaskLogsRequest = {
      ...{
        taskId: asId("t"),
        follow: false,
        wantsStdout: true,
        wantsStderr: true,
        timestamps: false,
        details: false,
        origin: "",
      },
    };
    const peer = { nodeId: asId<NodeId>("server"), address: `127.0.0.1:${node.port}` };
    const signal = new AbortController().signal;
    const reading = taskLogsOf(peer, request, { identity: await identity("client", client), clock, signal });
    return await reading.next().then(
      ({ done }) => done === false,
      () => false,
    );
  }

  // A rotation begins: nodes hear of it, renew, and when all have, trust the next root alone. Neighbours in this list meet.
  for (const [one, other] of [
    ["old", "trusts both"],
    ["old", "renewed"],
    ["trusts both", "renewed"],
    ["renewed", "renewed"],
    ["renewed", "new"],
    ["new", "new"],
    ["renewed", "new certificate"],
    ["new", "new certificate"],
  ] as const) {
    it(`a node that is "${one}" and one that is "${other}" reach each other`, async () => {
      assert.deepEqual([await connects(one, other), await connects(other, one)], [true, true]);
    });
  }

  it("a node that the rotation did not wait for is kept out", async () => {
    assert.deepEqual([await connects("old", "new certificate"), await connects("new certificate", "old")], [false, false]);
  });
});
