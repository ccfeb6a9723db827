import type { NodeId } from "../../model/ids.ts";
import type { ConsensusStatus, SpeaksFor } from "../../ports/consensus.ts";
import type { Snapshot } from "../store/snapshot.ts";

/**
 * Whether the node with this certificate may send Raft messages in a member's name: in its own alone.
 *
 * A manager that lags may not know yet whom a Raft id belongs to, and may have to vote for it all the same: such a sender
 * is heard while there is no leader, who would otherwise have told of it.
 */
export function raftSender(
  nodeId: NodeId,
  { view, status }: { readonly view: () => Snapshot; readonly status: () => ConsensusStatus },
): SpeaksFor {
  return raftId => {
    const nodes = view();
    if (nodes.count("node") === 0) return true; // It has just joined and knows nobody.
    // The certificate's own node first: it is the sender of all messages but forged ones.
    if (nodes.get("node", nodeId)?.manager?.raftId === raftId) return true;
    for (const { manager } of nodes.all("node")) if (manager?.raftId === raftId) return false;
    return status().leaderId === undefined;
  };
}
