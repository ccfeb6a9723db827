import type { Admission } from "../../model/admission.ts";
import { type HistoryPosition, isLater } from "../../model/history-position.ts";
import type { NodeCertificate } from "../../ports/certificates.ts";
import type { Snapshot } from "../store/snapshot.ts";

export type Holder = Pick<NodeCertificate, "nodeId" | "role" | "position">;

/** What the holder of a certificate of this cluster may do at a manager with this state. */
export function admissionOf({ nodeId, role, position }: Holder, view: Snapshot): Admission {
  if (view.count("node") === 0) return "ahead"; // This manager has just joined and knows nobody yet.
  const node = view.get("node", nodeId);
  // A demoted manager's old certificate counts for nothing.
  if (node !== undefined && (role === "worker" || node.role === "manager")) return "member";
  return position !== undefined && isLater(position, positionOf(view)) ? "ahead" : "superseded";
}

export function positionOf(view: Snapshot): HistoryPosition {
  const [cluster] = view.all("cluster");
  return { epoch: cluster?.epoch ?? 0, index: view.index };
}
