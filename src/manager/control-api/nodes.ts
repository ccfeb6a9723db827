import type { Node, NodeSpec } from "../../model/cluster.ts";
import type { Filters, NodeView } from "../../model/control.ts";
import type { ConsensusStatus } from "../../ports/consensus.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { beginsWith, checkFilters, hasLabels, passes } from "./filters.ts";
import { find, nodeName } from "./find.ts";
import { checkVersion, type PlanMutation } from "./mutations.ts";

export function updateNode(request: { readonly id: string; readonly version: number; readonly spec: NodeSpec }): PlanMutation {
  const { id, version, spec } = request;
  return view => {
    const node = find(view, "node", id);
    if (node.spec.role === "manager" && spec.role === "worker") checkDemotion(view, node);
    checkVersion(node, version);
    const change = { kind: "put", table: "node", object: { ...node, spec }, basedOn: node.version } as const;
    return { changes: [change], response: { kind: "done" } };
  };
}

/** A quorum of those who would be left must be up. */
function checkDemotion(view: StateSnapshot, node: Node): void {
  if (node.manager === undefined) return; // It has left Raft by itself, or never came in.
  const managers = [...view.all("node")].filter(({ spec, manager }) => spec.role === "manager" && manager !== undefined);
  if (managers.length === 1) throw rpcError("FailedPrecondition", "attempting to demote the last manager of the swarm");
  const rest = managers.filter(({ id }) => id !== node.id);
  const ready = rest.filter(({ status }) => status.state === "ready");
  if (ready.length <= rest.length / 2) {
    throw rpcError("FailedPrecondition", "can't remove member from the raft: this would result in a loss of quorum");
  }
}

export function removeNode(idOrName: string, { force }: { readonly force: boolean }): PlanMutation {
  return view => {
    const { id, version, status, manager } = find(view, "node", idOrName);
    if (manager !== undefined) {
      throw rpcError(
        "FailedPrecondition",
        `node ${id} is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal`,
      );
    }
    if (!force && status.state === "ready") throw rpcError("FailedPrecondition", `node ${id} is not down and can't be removed`);
    return { changes: [{ kind: "remove", table: "node", id, basedOn: version }], response: { kind: "done" } };
  };
}

export function listNodes(view: StateSnapshot, filters: Filters): Node[] {
  checkFilters(filters, ["id", "name", "label", "node.label", "role", "membership"]);
  return [...view.all("node")].filter(
    node =>
      passes(filters, "id", beginsWith(node.id)) &&
      passes(filters, "name", beginsWith(nodeName(node))) &&
      passes(filters, "role", value => value === node.spec.role) &&
      passes(filters, "membership", value => value === "accepted") &&
      hasLabels(filters, "label", node.description?.engine.labels ?? {}) &&
      hasLabels(filters, "node.label", node.spec.labels),
  );
}

export function viewOfNode(node: Node, { leaderId }: ConsensusStatus): NodeView {
  const isLeader = node.manager !== undefined && node.manager.raftId === leaderId;
  return { node, isLeader, isReachable: node.manager !== undefined && (isLeader || node.status.state === "ready") };
}
