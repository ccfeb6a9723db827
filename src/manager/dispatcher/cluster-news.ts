import type { Cluster } from "../../model/cluster.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Authority } from "../../model/session.ts";
import { trustedRoots } from "../ca/trust.ts";
import type { Snapshot } from "../store/snapshot.ts";

/** Two to four times what a renewal takes of a manager, handshake and signature, so that it has time for other things. */
const RENEWAL_MS = 20;

/** The managers' ports, and the nodes whose certificates say manager and still count. */
export function managersIn(view: Snapshot): { readonly addresses: readonly string[]; readonly nodeIds: readonly NodeId[] } {
  const addresses: string[] = [];
  const nodeIds: NodeId[] = [];
  for (const { id, role, manager } of view.all("node")) {
    if (manager !== undefined) addresses.push(manager.address);
    if (role === "manager") nodeIds.push(id);
  }
  return { addresses: addresses.toSorted(), nodeIds };
}

/** `undefined` in a cluster that was made before its issuer was kept: it has no second root yet. */
export function authorityIn(view: Snapshot, { rootCa }: Cluster): Authority | undefined {
  const { issuer } = rootCa;
  return issuer && { rootsPem: trustedRoots(rootCa), issuer, spreadMs: view.count("node") * RENEWAL_MS };
}
