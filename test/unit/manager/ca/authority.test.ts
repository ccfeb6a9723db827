import assert from "node:assert/strict";
import { FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import { CertificateAuthority, type IssueCall } from "../../../../src/manager/ca/authority.ts";
import { Membership } from "../../../../src/manager/ca/membership.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { NodeRole } from "../../../../src/model/cluster.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";
import { aCluster } from "../control-api/cluster.ts";

async function setUp() {
  const cluster = await aCluster();
  const forwarded: [string, IssueCall][] = [];
  const left: string[] = [];
  const told: string[] = [];
  const authority = new CertificateAuthority({
    ...cluster,
    forward: async (address, call) => {
      forwarded.push([address, call]);
      throw new OperationError("unavailable", "forwarded");
    },
  });
  const membership = new Membership({
    ...cluster,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    remote: {
      join: async address => ({ raftId: 99, members: [{ raftId: 99, address }] }),
      leave: async (address, { onBehalfOf }) => {
        left.push(`${onBehalfOf} ${address}`);
      },
    },
    onLeft: async nodeId => void told.push(nodeId),
  });
  const [{ rootCa } = assert.fail()] = cluster.store.view().all("cluster");
  const { csrPem } = await cluster.certificates.createRequest();
  const issue = (call: Partial<IssueCall>) => authority.issue({ csrPem, joinToken: "", availability: "active", ...call });
  return { ...cluster, authority, membership, rootCa, forwarded, left, told, issue };
}

describe("CertificateAuthority", () => {
  for (const role of ["worker", "manager"] as const) {
    it(`admits a ${role} by the ${role} token, and writes its node down`, async () => {
      const { issue, rootCa, store, certificates, clock } = await setUp();
      const joinToken = role === "worker" ? rootCa.joinTokenWorker : rootCa.joinTokenManager;
      const issued = await issue({ joinToken, availability: "drain" });
      const described = certificates.verify(issued.certificatePem, { rootPem: issued.rootPem, nowMs: clock.nowMs() });
      assert.deepEqual([described.nodeId, described.clusterId, described.role], [issued.nodeId, "cluster1", role]);
      assert.equal(Math.round((described.notAfterMs - clock.nowMs()) / 86_400_000), 90);
      const node = store.view().get("node", issued.nodeId);
      assert.deepEqual([node?.role, node?.spec.role, node?.spec.availability], [role, role, "drain"]);
    });
  }

  it("gives renewed certificates the life that the cluster's setting says by then, of an hour at least", async () => {
    const { issue, call, rootCa, store, certificates, clock } = await setUp();
    const { nodeId } = await issue({ joinToken: rootCa.joinTokenWorker });
    const [{ version, spec } = assert.fail()] = store.view().all("cluster");
    const update = {
      kind: "update-cluster",
      version,
      rotateWorkerToken: false,
      rotateManagerToken: false,
      rotateUnlockKey: false,
    } as const;
    await assert.rejects(call({ ...update, spec: { ...spec, nodeCertExpiryNs: 3599e9 } }), {
      kind: "invalid",
      message: "rpc error: code = InvalidArgument desc = minimum certificate expiry time is: 1h0m0s",
    });
    await call({ ...update, spec: { ...spec, nodeCertExpiryNs: 2 * 3600e9 } });
    const { certificatePem, rootPem } = await issue({ nodeId });
    const { notAfterMs } = certificates.verify(certificatePem, { rootPem, nowMs: clock.nowMs() });
    assert.equal(Math.round((notAfterMs - clock.nowMs()) / 3600e3), 2);
  });

  it("refuses a wrong token and one that was rotated away", async () => {
    const { issue, call, rootCa, store } = await setUp();
    const [before] = store.view().all("cluster");
    const rotation = { rotateWorkerToken: true, rotateManagerToken: false, rotateUnlockKey: false };
    await call({ kind: "update-cluster", version: before?.version ?? 0, spec: before?.spec ?? assert.fail(), ...rotation });
    for (const joinToken of [rootCa.joinTokenWorker, "nonsense"]) {
      await assert.rejects(issue({ joinToken }), {
        kind: "invalid",
        message: "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster",
      });
    }
  });

  it("renews for members only, with the role that is wanted once Raft is left", async () => {
    const { issue, rootCa, store, call, membership, proposals } = await setUp();
    const { nodeId } = await issue({ joinToken: rootCa.joinTokenWorker });
    await assert.rejects(issue({ nodeId: asId<NodeId>("unknown") }), { kind: "forbidden" });
    assert.equal((await issue({ nodeId })).role, "worker");
    const become = async (role: NodeRole) => {
      const node = store.view().get("node", nodeId) ?? assert.fail();
      await call({ kind: "update-node", id: nodeId, version: node.version, spec: { ...node.spec, role } });
    };
    await become("manager");
    assert.equal((await issue({ nodeId })).role, "manager");
    assert.equal(store.view().get("node", nodeId)?.role, "manager");
    await membership.join({ nodeId, role: "manager" }, { address: "m2:2377", formatLevel: FORMAT_LEVEL });
    const node = store.view().get("node", nodeId) ?? assert.fail();
    const demoted = { ...node, spec: { ...node.spec, role: "worker" as const } };
    await proposals.propose({ changes: [{ kind: "put", table: "node", object: demoted, basedOn: node.version }], reliesOn: [] });
    assert.equal((await issue({ nodeId })).role, "manager", "it is still in Raft");
    await membership.remove(nodeId);
    assert.equal((await issue({ nodeId })).role, "worker");
  });

  it("passes calls on to the leader while it follows", async () => {
    const { issue, consensus, forwarded } = await setUp();
    consensus.role = "follower";
    consensus.leaderId = 2;
    consensus.members = [{ raftId: 2, address: "m2:2377", isLearner: false }];
    await assert.rejects(issue({ nodeId: asId<NodeId>("w1") }), { kind: "unavailable" });
    assert.deepEqual(
      forwarded.map(([address, call]) => [address, call.nodeId]),
      [["m2:2377", "w1"]],
    );
  });
});

describe("Membership", () => {
  it("adds a manager once, under a Raft id that was never used, and takes it out again", async () => {
    const { issue, rootCa, membership, store } = await setUp();
    const { nodeId } = await issue({ joinToken: rootCa.joinTokenManager });
    const peer = { nodeId, role: "manager" } as const;
    const [first, again] = await Promise.all([
      membership.join(peer, { address: "m2:2377", formatLevel: FORMAT_LEVEL }),
      membership.join(peer, { address: "m2:2377", formatLevel: FORMAT_LEVEL }),
    ]);
    assert.deepEqual(again, first);
    assert.deepEqual(
      first.members.map(({ address }) => address),
      ["127.0.0.1:2377", "m2:2377"],
    );
    assert.deepEqual(store.view().get("node", nodeId)?.manager, { raftId: first.raftId, address: "m2:2377" });
    await membership.remove(nodeId);
    await membership.remove(nodeId);
    assert.equal(store.view().get("node", nodeId)?.manager, undefined);
    assert.ok((await membership.join(peer, { address: "m2:2377", formatLevel: FORMAT_LEVEL })).raftId > first.raftId);
  });

  it("lets only managers in, and only those that are members", async () => {
    const { membership } = await setUp();
    const address = "m2:2377";
    await assert.rejects(membership.join({ nodeId: asId("node1"), role: "worker" }, { address }), { kind: "forbidden" });
    await assert.rejects(membership.join({ nodeId: asId("gone"), role: "manager" }, { address }), { kind: "forbidden" });
  });

  it("takes joined managers into Raft and demoted ones out of it while it leads", async () => {
    const { issue, rootCa, membership, proposals, store, consensus } = await setUp();
    const { nodeId } = await issue({ joinToken: rootCa.joinTokenManager });
    const { raftId } = await membership.join({ nodeId, role: "manager" }, { address: "m2:2377", formatLevel: FORMAT_LEVEL });
    const abort = new AbortController();
    const running = membership.run({ signal: abort.signal });
    const memberIs = async (isThere: boolean) => {
      const there = () => consensus.members.some(member => member.raftId === raftId);
      for (let turn = 0; turn < 200 && there() !== isThere; turn++) await new Promise(resolve => setImmediate(resolve));
      assert.equal(there(), isThere);
    };
    await memberIs(true);
    const node = store.view().get("node", nodeId) ?? assert.fail();
    const object = { ...node, spec: { ...node.spec, role: "worker" as const } };
    await proposals.propose({ changes: [{ kind: "put", table: "node", object, basedOn: node.version }], reliesOn: [] });
    await memberIs(false);
    abort.abort(new Error("over"));
    await running;
    assert.equal(store.view().get("node", nodeId)?.manager, undefined);
  });

  it("hands over when the leader itself is to be a worker, and leaves it to the next one to take it out", async () => {
    const { membership, proposals, store, consensus } = await setUp();
    const abort = new AbortController();
    let handedOver = 0;
    consensus.transferLeadership = async () => {
      handedOver++;
      abort.abort(new Error("over"));
      return undefined;
    };
    const node = store.view().get("node", asId<NodeId>("node1")) ?? assert.fail();
    const object = { ...node, spec: { ...node.spec, role: "worker" as const } };
    await proposals.propose({ changes: [{ kind: "put", table: "node", object, basedOn: node.version }], reliesOn: [] });
    await membership.run({ signal: abort.signal });
    assert.equal(handedOver, 1);
    assert.equal(consensus.members.length, 1);
    assert.notEqual(store.view().get("node", asId<NodeId>("node1"))?.manager, undefined);
  });

  it("takes members out of Raft whose nodes are gone", async () => {
    const { membership, consensus } = await setUp();
    consensus.members = [...consensus.members, { raftId: 7, address: "gone:2377", isLearner: false }];
    const abort = new AbortController();
    const running = membership.run({ signal: abort.signal });
    for (let turn = 0; turn < 200 && consensus.members.length > 1; turn++) await new Promise(resolve => setImmediate(resolve));
    abort.abort(new Error("over"));
    await running;
    assert.deepEqual(
      consensus.members.map(({ raftId }) => raftId),
      [1],
    );
  });

  it("lets the last manager leave with nobody to tell, and passes the leaving of one that led on to the next leader", async () => {
    const { membership, consensus, left, told } = await setUp();
    await membership.leave({ nodeId: asId("node1") });
    assert.deepEqual([left, told], [[], []]);
    consensus.members = [...consensus.members, { raftId: 2, address: "m2:2377", isLearner: false }];
    consensus.transferLeadership = async () => {
      consensus.role = "follower";
      consensus.leaderId = 2;
      return undefined;
    };
    await membership.leave({ nodeId: asId("node1") });
    assert.deepEqual([left, told], [["node1 m2:2377"], []]);
  });

  it("lets workers leave, and managers once they are out of Raft; the leader tells", async () => {
    const { issue, rootCa, membership, consensus, left, told } = await setUp();
    const worker = await issue({ joinToken: rootCa.joinTokenWorker });
    const manager = await issue({ joinToken: rootCa.joinTokenManager });
    const { raftId } = await membership.join(
      { nodeId: manager.nodeId, role: "manager" },
      { address: "m2:2377", formatLevel: FORMAT_LEVEL },
    );
    await consensus.addMember({ raftId, address: "m2:2377" });
    await membership.leave({ nodeId: worker.nodeId });
    assert.deepEqual([told, consensus.members.length], [[worker.nodeId], 2]);
    await membership.leave({ nodeId: manager.nodeId });
    assert.deepEqual([told, consensus.members.length], [[worker.nodeId, manager.nodeId], 1]);
    consensus.role = "follower";
    consensus.members = [...consensus.members, { raftId: 3, address: "m3:2377", isLearner: false }];
    consensus.leaderId = 3;
    await membership.leave({ nodeId: worker.nodeId });
    assert.deepEqual([left, told.length], [[`${worker.nodeId} m3:2377`], 2]);
  });

  it("refuses a node that was demoted before it joined", async () => {
    const { issue, rootCa, membership, proposals, store } = await setUp();
    const { nodeId } = await issue({ joinToken: rootCa.joinTokenManager });
    const node = store.view().get("node", nodeId) ?? assert.fail();
    const object = { ...node, spec: { ...node.spec, role: "worker" as const } };
    await proposals.propose({ changes: [{ kind: "put", table: "node", object, basedOn: node.version }], reliesOn: [] });
    await assert.rejects(membership.join({ nodeId, role: "manager" }, { address: "m2:2377", formatLevel: FORMAT_LEVEL }), {
      kind: "unavailable",
    });
  });
});
