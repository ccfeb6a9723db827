import type { ConsensusStatus, SpeaksFor } from "../../ports/consensus.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { admissionOf, type Holder } from "./admission.ts";

/**
 * Whether the holder of this certificate may send Raft messages in a member's name: in its own alone, and no more once it is removed.
 *
 * A manager that lags may not know yet whom a Raft id belongs to, and may have to vote for it, or follow it, all the same: such a
 * sender is heard while there is no other leader, who would have told of it.
 */
export function raftSender(
  holder: Holder,
  { view, status }: { readonly view: () => Snapshot; readonly status: () => ConsensusStatus },
): SpeaksFor {
  return raftId => {
    const nodes = view();
    if (nodes.count("node") === 0) return true; // It has just joined and knows nobody.
    if (admissionOf(holder, nodes) === "superseded") return false; // Its connection may be older than that.
    // The certificate's own node first: it is the sender of all messages but forged ones.
    if (nodes.get("node", holder.nodeId)?.manager?.raftId === raftId) return true;
    for (const { manager } of nodes.all("node")) if (manager?.raftId === raftId) return false;
    const { leaderId } = status();
    return leaderId === undefined || leaderId === raftId;
  };
}
