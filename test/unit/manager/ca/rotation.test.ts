import assert from "node:assert/strict";
import { CertificateAuthority } from "../../../../src/manager/ca/authority.ts";
import { runRootRotation } from "../../../../src/manager/ca/root-rotation.ts";
import { trustedRoots } from "../../../../src/manager/ca/trust.ts";
import { parseJoinToken, rootDigestText } from "../../../../src/model/join-token.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";
import { tlsOf } from "../../../../src/system/certificate-chain.ts";
import { aCluster, expectKind } from "../control-api/cluster.ts";

const DAY_MS = 24 * 3600_000;
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** One manager with a worker, both of which have told whose certificates they have. */
async function aClusterOfTwo() {
  const cluster = await aCluster();
  const { store, call, certificates, proposals } = cluster;
  const authority = new CertificateAuthority({ ...cluster, forward: async () => assert.fail("it leads") });
  const rootCa = () => ([...store.view().all("cluster")][0] ?? assert.fail()).rootCa;
  const { csrPem, keyPem } = await certificates.createRequest();
  const { nodeId } = await authority.issue({ csrPem, joinToken: rootCa().joinTokenWorker, availability: "active" });

  async function renew(id: NodeId) {
    const issued = await authority.issue({ csrPem, joinToken: "", availability: "active", nodeId: id });
    const node = store.view().get("node", id) ?? assert.fail();
    const identity = { ...issued, keyPem };
    const description = {
      ...{ hostname: id, platform: { architecture: "x86_64", os: "linux" }, resources: { nanoCpus: 1, memoryBytes: 1 } },
      ...{ engine: { version: "1", labels: {}, plugins: [] }, tls: tlsOf(identity) },
    };
    const change = { kind: "put", table: "node", object: { ...node, description }, basedOn: node.version } as const;
    await proposals.propose({ changes: [change], reliesOn: [] });
    return issued;
  }

  async function update(ca: { readonly rotate?: boolean; readonly signingCa?: { certificatePem: string; keyPem: string } }) {
    const { cluster: now } = expectKind(await call({ kind: "get-cluster" }), "cluster");
    const spec = { ...now.spec, forceRotate: now.spec.forceRotate + (ca.rotate === true ? 1 : 0) };
    const { version } = now;
    const tokens = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey: false };
    const { signingCa } = ca;
    return await call({ kind: "update-cluster", version, spec, ...tokens, ...(signingCa && { signingCa }) });
  }

  /** The leader's task, until it has nothing more to do. */
  async function look(): Promise<void> {
    const over = new AbortController();
    const running = runRootRotation({ ...cluster, propose: proposals.propose.bind(proposals), log }, { signal: over.signal });
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve));
    over.abort(new Error("looked"));
    await assert.rejects(running, { message: "looked" });
  }

  const manager = asId<NodeId>("node1");
  await renew(manager);
  await renew(nodeId);
  return { ...cluster, rootCa, renew, update, look, manager, worker: nodeId };
}

describe("a rotation of the root", () => {
  it("gives certificates that lead to either root, until all nodes have one; then the next root is the root", async () => {
    const { rootCa, renew, update, look, certificates, clock, manager, worker } = await aClusterOfTwo();
    const before = rootCa();
    await update({ rotate: true });
    const during = rootCa();
    assert.equal(during.certificatePem, before.certificatePem, "join tokens pin it");
    const next = during.rotation?.certificatePem ?? assert.fail();
    assert.equal(trustedRoots(during), before.certificatePem + next);

    const issued = await renew(manager);
    for (const rootPem of [before.certificatePem, next, issued.rootPem]) {
      assert.equal(certificates.verify(issued.certificatePem, { rootPem, nowMs: clock.nowMs() }).nodeId, manager);
    }
    await look();
    assert.notEqual(rootCa().rotation, undefined, "a node is away");

    await renew(worker);
    await look();
    const after = rootCa();
    assert.deepEqual([after.certificatePem, after.rotation, after.issuer], [next, undefined, certificates.issuerIn(next)]);
    for (const role of ["joinTokenWorker", "joinTokenManager"] as const) {
      assert.notEqual(after[role], before[role]);
      assert.equal(parseJoinToken(after[role]).rootDigest, rootDigestText(certificates.digest(next)));
    }
    const { certificatePem } = await renew(worker);
    certificates.verify(certificatePem, { rootPem: next, nowMs: clock.nowMs() });
    const old = { rootPem: before.certificatePem, nowMs: clock.nowMs() };
    assert.throws(() => certificates.verify(certificatePem, old), { kind: "unauthorized" });
  });

  it("is given up for another one, which the present root signs too", async () => {
    const { rootCa, renew, update, look, certificates, clock, manager, worker } = await aClusterOfTwo();
    const before = rootCa();
    await update({ rotate: true });
    const first = rootCa().rotation;
    await renew(worker);
    await update({ rotate: true });
    assert.notEqual(rootCa().rotation?.certificatePem, first?.certificatePem);
    await renew(manager);
    await look();
    assert.notEqual(rootCa().rotation, undefined, "the worker has a certificate of the root that was given up");
    const { certificatePem } = await renew(worker);
    certificates.verify(certificatePem, { rootPem: before.certificatePem, nowMs: clock.nowMs() });
    await look();
    assert.equal(rootCa().rotation, undefined);
  });

  it("is called off by asking for the present root, whose key comes with it", async () => {
    const { rootCa, update, look } = await aClusterOfTwo();
    const before = rootCa();
    await update({ rotate: true });
    await update({ signingCa: { certificatePem: `text in front\n${before.certificatePem}`, keyPem: before.keyPem } });
    assert.deepEqual(rootCa(), before);
    await look();
    assert.deepEqual(rootCa(), before);
  });

  it("goes to a root that was made elsewhere, and shows nobody its key", async () => {
    const { rootCa, renew, update, look, certificates, clock, call, manager, worker } = await aClusterOfTwo();
    const elsewhere = await certificates.createRoot({ nowMs: clock.nowMs() - DAY_MS });
    await update({ signingCa: elsewhere });
    const { cluster } = expectKind(await call({ kind: "get-cluster" }), "cluster");
    assert.deepEqual([cluster.rootCa.keyPem, cluster.rootCa.rotation?.keyPem], ["", ""]);
    await renew(manager);
    await renew(worker);
    await look();
    assert.deepEqual([rootCa().certificatePem, rootCa().keyPem], [elsewhere.certificatePem, elsewhere.keyPem]);
  });

  it("does not begin with a root that is good for less than a year, or that another has signed", async () => {
    const { rootCa, update, certificates, clock } = await aClusterOfTwo();
    const before = rootCa();
    const old = await certificates.createRoot({ nowMs: clock.nowMs() - 19.5 * 365 * DAY_MS });
    await assert.rejects(update({ signingCa: old }), {
      kind: "invalid",
      message: "rpc error: code = InvalidArgument desc = CA certificate expires too soon",
    });
    const other = await certificates.createRoot({ nowMs: clock.nowMs() });
    const certificatePem = await certificates.crossSign({
      root: before,
      certificatePem: other.certificatePem,
      nowMs: clock.nowMs(),
    });
    await assert.rejects(update({ signingCa: { ...other, certificatePem } }), { kind: "invalid", message: /unknown authority/ });
    assert.deepEqual(rootCa(), before);
  });

  it("is not begun by who has not read the cluster as it is", async () => {
    const { call, rootCa } = await aClusterOfTwo();
    const { cluster } = expectKind(await call({ kind: "get-cluster" }), "cluster");
    const spec = { ...cluster.spec, forceRotate: 1 };
    const tokens = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey: false };
    const request = { kind: "update-cluster", version: 1, spec, ...tokens } as const;
    await call({ ...request, version: cluster.version, spec: cluster.spec });
    await assert.rejects(call({ ...request, version: cluster.version }), { message: /update out of sequence/ });
    assert.equal(rootCa().rotation, undefined);
  });
});
