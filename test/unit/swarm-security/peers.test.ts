// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { asId, type ClusterId, type NodeId } from "../../../src/model/ids.ts";
import type { TaskLogs, TaskLogsRequest } from "../../../src/model/task-logs.ts";
import type { CertificateWithKey, NodeIdentity } from "../../../src/ports/certificates.ts";
import { taskLogsOf } from "../../../src/rpc/peer-client.ts";
import { PeerListener } from "../../../src/rpc/peer-listener.ts";
import { certificates, clock, DAY_MS, dial, type ForgedCertificate, isCut, until } from "./world.ts";

const CLUSTER = asId<ClusterId>("cluster1");
const REVIEW_MS = 50;
/** Longer than a test: who is let in is not cut off by the next review before it has got anything. */
const NO_REVIEW_MS = 600_000;
const LINE = "what the first tenant's task printed";

describe("attacks on a node's port for others", () => {
  let root: CertificateWithKey;
  let node: PeerListener;
  /** Whose managers count, as the node heard last. */
  let managers: Set<string>;
  let asked: TaskLogsRequest[];

  async function identity({ nodeId = "m1", role = "manager", ...forged }: ForgedCertificate = {}): Promise<NodeIdentity> {
    const { csrPem, keyPem } = await certificates.createRequest();
    const certificatePem = await certificates.issue({
      ...{
        csrPem,
        root: forged.root ?? root,
        role,
        nodeId: asId<NodeId>(nodeId),
        clusterId: asId<ClusterId>(forged.clusterId ?? CLUSTER),
      },
      ...{ nowMs: clock.nowMs() - (forged.issuedMsAgo ?? 0), lifetimeMs: DAY_MS },
    });
    return { certificatePem, keyPem, rootPem: root.certificatePem };
  }

  before(async () => {
    root = await certificates.createRoot({ nowMs: clock.nowMs() });
  });

  async function listen({ reviewMs }: { readonly reviewMs: number }): Promise<void> {
    const logs: TaskLogs = {
      async *taskLogs(request, { signal }) {
        asked.push(request);
        yield [{ stream: "stdout", data: Buffer.from(LINE) }];
        if (request.follow) await new Promise(resolve => signal.addEventListener("abort", resolve, { once: true }));
      },
    };
    node = await PeerListener.listen({
      ...{ host: "127.0.0.1", port: 0, identity: await identity({ nodeId: "w1", role: "worker" }), clusterId: CLUSTER, logs },
      ...{ admits: ({ nodeId }) => managers.has(nodeId), reviewMs },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    });
  }

  beforeEach(async () => {
    managers = new Set(["m1", "m2"]);
    asked = [];
    await listen({ reviewMs: NO_REVIEW_MS });
  });
  afterEach(async () => node[Symbol.asyncDispose]());

  function logs(who: NodeIdentity, { nodeId = "w1", follow = false } = {}) {
    const request: TaskLogsRequest = {
      ...{ taskId: asId("t"), follow, wantsStdout: true, wantsStderr: true, timestamps: false, details: false, origin: "" },
    };
    const place = { nodeId: asId<NodeId>(nodeId), address: `127.0.0.1:${node.port}` };
    return taskLogsOf(place, request, { identity: who, clock, signal: new AbortController().signal });
  }

  it("a manager that counts is answered (so that the refusals below mean something)", async () => {
    const { value } = await logs(await identity()).next();
    assert.equal(Buffer.from(value?.[0]?.data ?? []).toString(), LINE);
  });

  it("a worker gets no log of another tenant's task", async () => {
    managers.add("w2");
    await assert.rejects(logs(await identity({ nodeId: "w2", role: "worker" })).next(), { kind: "forbidden" });
    assert.deepEqual(asked, []);
  });

  it("a manager that was removed gets no logs, though its certificate has not expired", async () => {
    managers.delete("m2");
    await assert.rejects(logs(await identity({ nodeId: "m2" })).next(), { kind: "unavailable" });
    assert.deepEqual(asked, []);
  });

  it("a manager that is removed while it follows a log is cut off", async () => {
    await node[Symbol.asyncDispose]();
    await listen({ reviewMs: REVIEW_MS });
    const following = logs(await identity({ nodeId: "m2" }), { follow: true });
    assert.equal((await following.next()).done, false);
    managers.delete("m2");
    await assert.rejects(following.next(), { kind: "unavailable" });
  });

  it("somebody without a certificate is cut", async () => {
    assert.equal(await dial(node.port).then(isCut, () => true), true);
  });

  const forgeries: readonly (readonly [string, () => Promise<NodeIdentity>])[] = [
    ["of another root", async () => identity({ root: await certificates.createRoot({ nowMs: clock.nowMs() }) })],
    ["that has expired", () => identity({ issuedMsAgo: 2 * DAY_MS })],
    ["that is not valid yet", () => identity({ issuedMsAgo: -DAY_MS })],
    ["of this root for another cluster", () => identity({ clusterId: "other" })],
  ];
  for (const [what, forge] of forgeries) {
    it(`a manager's certificate ${what} gets no logs`, async () => {
      await assert.rejects(logs(await forge()).next(), { kind: "unavailable" });
      assert.deepEqual(asked, []);
    });
  }

  it("TLS 1.2, and a connection without a protocol, are not served", async () => {
    const who = await identity();
    await assert.rejects(dial(node.port, { identity: who, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }));
    assert.equal(await dial(node.port, { identity: who, ALPNProtocols: [] }).then(isCut, () => true), true);
  });

  it("a node that answers in another's place is not believed", async () => {
    await assert.rejects(logs(await identity(), { nodeId: "w2" }).next(), { kind: "unavailable" });
    assert.deepEqual(asked, []);
  });

  it("handshakes that never end keep no manager out", async () => {
    const { connect } = await import("node:net");
    const held = await Promise.all(
      Array.from({ length: 1_100 }, () => {
        const socket = connect(node.port, "127.0.0.1");
        socket.on("error", () => {});
        return new Promise<typeof socket>(resolve => socket.once("connect", () => resolve(socket)));
      }),
    );
    await until("the oldest are cut", () => held.some(socket => socket.destroyed));
    assert.equal((await logs(await identity()).next()).done, false);
    for (const socket of held) socket.destroy();
  });
});
