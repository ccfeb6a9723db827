import assert from "node:assert/strict";
import { planStandingAlone } from "../../../src/daemon/manager/stand-alone.ts";
import type { Change } from "../../../src/model/entry.ts";
import { asId, type NodeId } from "../../../src/model/ids.ts";
import type { Node } from "../../../src/model/cluster.ts";
import { aCluster } from "../manager/control-api/cluster.ts";

const ALONE = { nodeId: asId<NodeId>("node1"), raftId: 1, advertiseAddress: "10.0.0.1:2377" };

describe("a manager that goes on alone", () => {
  it("makes workers of the other managers, also of one that had not joined yet, and says where it is itself", async () => {
    const { store, proposals } = await aCluster();
    const own = store.view().get("node", ALONE.nodeId) ?? assert.fail();
    const other = (id: string, rest: Partial<Node>): Change => {
      const object = { ...own, id: asId<NodeId>(id), ...rest };
      const { manager, ...worker } = object;
      return {
        kind: "put",
        table: "node",
        object: rest.manager === undefined ? worker : { ...worker, ...(manager && { manager }) },
        basedOn: 0,
      };
    };
    const workerSpec = { ...own.spec, role: "worker" as const };
    const changes = [
      other("node2", { manager: { raftId: 2, address: "10.0.0.2:2377" } }),
      other("node3", {}),
      other("node4", { role: "worker", spec: workerSpec }),
    ];
    assert.equal((await proposals.propose({ changes, reliesOn: [] })).kind, "applied");

    const plan = planStandingAlone(store.view(), ALONE);
    assert.equal((await proposals.propose({ changes: plan, reliesOn: [] })).kind, "applied");
    const after = [...store.view().all("node")].map(({ id, role, spec, manager }) => [id, role, spec.role, manager?.address]);
    assert.deepEqual(after, [
      ["node1", "manager", "manager", "10.0.0.1:2377"],
      ["node2", "worker", "worker", undefined],
      ["node3", "worker", "worker", undefined],
      ["node4", "worker", "worker", undefined],
    ]);
    assert.deepEqual(planStandingAlone(store.view(), ALONE), [], "once is enough");
  });
});
