import assert from "node:assert/strict";
import { admissionOf, type Holder, positionOf } from "../../../../src/manager/ca/admission.ts";
import { raftSender } from "../../../../src/manager/ca/raft-senders.ts";
import type { Node } from "../../../../src/model/cluster.ts";
import type { Change } from "../../../../src/model/entry.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";
import { beginEpoch } from "../../../../src/daemon/manager/stand-alone.ts";
import { FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { aCluster } from "../control-api/cluster.ts";

/** A manager's state: itself (Raft id 1), a worker and a manager that was demoted. */
async function setUp() {
  const { store, proposals, consensus } = await aCluster();
  const view = () => store.view();
  const propose = async (...changes: Change[]) =>
    assert.equal((await proposals.propose({ changes, reliesOn: [] })).kind, "applied");
  const own = view().get("node", asId<NodeId>("node1")) ?? assert.fail();
  const { manager: _, ...rest } = own;
  const worker = (id: string): Node => ({
    ...rest,
    id: asId(id),
    version: 0,
    role: "worker",
    spec: { ...own.spec, role: "worker" },
  });
  for (const id of ["worker", "demoted"]) await propose({ kind: "put", table: "node", object: worker(id), basedOn: 0 });
  const { index } = view();
  const admission = (nodeId: string, holder: Partial<Holder>) =>
    admissionOf({ nodeId: asId(nodeId), role: "manager", ...holder }, view());
  const sender = (nodeId: string, holder: Partial<Holder> = {}) =>
    raftSender({ nodeId: asId(nodeId), role: "manager", ...holder }, { view, status: () => consensus.status() });
  return { view, propose, consensus, admission, sender, now: { epoch: 0, index }, later: { epoch: 0, index: index + 1 } };
}

describe("whom a manager admits", () => {
  it("lets members in as what the state says they are", async () => {
    const { admission, now } = await setUp();
    assert.equal(admission("node1", {}), "member");
    assert.equal(admission("worker", { role: "worker" }), "member");
    assert.equal(admission("worker", { role: "manager" }), "superseded");
    assert.equal(admission("demoted", { position: now }), "superseded");
    assert.equal(admission("removed", { position: now }), "superseded");
    assert.equal(admission("removed", { role: "worker", position: now }), "superseded");
  });

  it("cannot tell of a certificate that was given after all that it has applied", async () => {
    const { admission, later } = await setUp();
    assert.equal(admission("joined-since", { position: later }), "ahead");
    assert.equal(admission("worker", { position: later }), "ahead", "it may have been promoted since");
    assert.equal(admission("joined-since", { role: "worker", position: later }), "ahead");
    assert.equal(admission("worker", { role: "worker", position: later }), "member");
  });

  it("can tell once it has applied as much", async () => {
    const { admission, propose, view, later } = await setUp();
    const [cluster] = view().all("cluster");
    await propose({ kind: "put", table: "cluster", object: cluster ?? assert.fail(), basedOn: cluster?.version ?? 0 });
    assert.equal(admission("removed-since", { position: later }), "superseded");
  });

  it("takes no certificate of lost managers for a newer one, once one has gone on alone", async () => {
    const { admission, propose, view } = await setUp();
    const lost = { epoch: 0, index: 1e6 };
    assert.equal(admission("lost", { position: lost }), "ahead");
    await propose(...beginEpoch(view(), FORMAT_LEVEL));
    assert.equal(positionOf(view()).epoch, 1);
    assert.equal(admission("lost", { position: lost }), "superseded");
    await propose(...beginEpoch(view(), FORMAT_LEVEL));
    assert.equal(admission("joined", { position: { epoch: 2, index: 1 } }), "superseded");
    assert.equal(admission("joined", { position: { epoch: 3, index: 1 } }), "ahead", "this one has yet to go through it");
  });

  it("knows nobody when it has just joined", () => {
    const holder = { nodeId: asId<NodeId>("any"), role: "manager" } as const;
    assert.equal(admissionOf(holder, new Store().view()), "ahead");
  });
});

describe("in whose name Raft messages may come", () => {
  it("in the sender's own, of those that are known", async () => {
    const { sender } = await setUp();
    assert.deepEqual([sender("node1")(1), sender("worker")(1), sender("removed")(1)], [true, false, false]);
  });

  it("of a manager that joined since, in any that is nobody's yet: while nobody leads, or as the leader", async () => {
    const { sender, consensus, later } = await setUp();
    consensus.role = "follower";
    for (const [leaderId, isHeard] of [
      [undefined, true],
      [9, true],
      [8, false],
    ] as const) {
      consensus.leaderId = leaderId;
      assert.equal(sender("joined-since", { position: later })(9), isHeard, `with the leader ${leaderId}`);
      assert.equal(sender("joined-since", { position: later })(1), false, "not in another's");
      assert.equal(sender("removed")(9), false, "nor of a manager that was removed");
    }
  });

  it("not of one that is removed while its connection lasts", async () => {
    const { sender, propose, consensus, view } = await setUp();
    const { manager: _, ...worker } = view().get("node", asId<NodeId>("worker")) ?? assert.fail();
    const object: Node = { ...worker, role: "manager", manager: { raftId: 5, address: "m5:2377" } };
    await propose({ kind: "put", table: "node", object, basedOn: worker.version });
    consensus.leaderId = undefined;
    const open = sender("worker");
    assert.equal(open(5), true);
    await propose({ kind: "remove", table: "node", id: object.id, basedOn: view().get("node", object.id)?.version ?? 0 });
    assert.equal(open(5), false);
  });
});
