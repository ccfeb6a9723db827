import assert from "node:assert/strict";
import { Membership, type MembershipOptions } from "../../../../src/manager/ca/membership.ts";
import type { Node } from "../../../../src/model/cluster.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";

const nodeId = asId<NodeId>("node2");
const joiner = { nodeId, role: "manager" } as const;

/** A leader whose record of the node is written by somebody else before each of the first `overtakings` proposals. */
function aLeader(overtakings: number, { formatLevel = 1 }: { readonly formatLevel?: number } = {}) {
  let node = { id: nodeId, version: 1, spec: { role: "manager" }, labels: 0 } as unknown as Node;
  let left = overtakings;
  const propose = async ({ changes }: { readonly changes: readonly { readonly object: Node; readonly basedOn: number }[] }) => {
    const [change] = changes;
    if (left-- > 0) node = { ...node, version: node.version + 1, message: `beat ${left}` } as unknown as Node;
    if (change?.basedOn !== node.version) return { kind: "refused", reason: "stale", message: "update out of sequence" };
    node = { ...change.object, version: node.version + 1 };
    return { kind: "applied" };
  };
  const options = {
    store: { view: () => ({ formatLevel, get: () => node, all: () => [node] }) },
    consensus: {
      status: () => ({ role: "leader", raftId: 1, leaderId: 1, commitIndex: 7, members: [{ raftId: 1, address: "m1:2377" }] }),
      readBarrier: () => Promise.resolve(),
    },
    proposals: { propose },
  } as unknown as MembershipOptions;
  return { membership: new Membership(options), node: () => node };
}

describe("Membership", () => {
  it("takes a manager in though its node's record is overtaken meanwhile, and loses nothing of what overtook it", async () => {
    const { membership, node } = aLeader(2);
    const { raftId, members } = await membership.join(joiner, { address: "m2:2377" });
    assert.deepEqual([raftId, members.length], [8, 2]);
    assert.deepEqual(node().manager, { raftId: 8, address: "m2:2377" });
    assert.equal((node() as unknown as { message: string }).message, "beat 0");
  });

  it("gives up when it is overtaken for ever", async () => {
    const { membership } = aLeader(Infinity);
    await assert.rejects(membership.join(joiner, { address: "m2:2377" }), {
      kind: "unavailable",
      message: "update out of sequence",
    });
  });

  it("takes no manager in whose program cannot read the log", async () => {
    const { membership, node } = aLeader(0, { formatLevel: 2 });
    await assert.rejects(membership.join(joiner, { address: "m2:2377" }), {
      kind: "conflict",
      message: "this cluster's format is 2, and that manager's program reads 1: upgrade it first",
    });
    assert.equal(node().manager, undefined);
    await membership.join(joiner, { address: "m2:2377", formatLevel: 2 });
  });

  it("lets a manager leave", async () => {
    const { membership, node } = aLeader(0);
    await membership.join(joiner, { address: "m2:2377" });
    await membership.remove(nodeId);
    assert.equal(node().manager, undefined);
  });
});
