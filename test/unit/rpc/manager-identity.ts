import type { ClusterId, NodeId } from "../../../src/model/ids.ts";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import { systemCertificates as certificates } from "../../../src/system/certificates.ts";

/** A manager of a cluster with a root of its own, with the only certificate that this root ever signs. */
export async function managerIdentity({
  nodeId,
  clusterId,
}: {
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
}): Promise<NodeIdentity> {
  const nowMs = Date.now();
  const root = await certificates.createRoot({ nowMs });
  const { csrPem, keyPem } = await certificates.createRequest();
  const certificatePem = await certificates.issue({ csrPem, root, nodeId, clusterId, role: "manager", nowMs, lifetimeMs: 1e7 });
  return { certificatePem, keyPem, rootPem: root.certificatePem };
}
