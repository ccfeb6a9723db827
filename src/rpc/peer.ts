import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from "node:tls";
import type { NodeRole } from "../model/cluster.ts";
import { type HistoryPosition, positionIn } from "../model/history-position.ts";
import { asId, type ClusterId, type NodeId } from "../model/ids.ts";

/** Who is at the other end, by the certificate that the TLS handshake verified. */
export interface Peer {
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
  readonly role: NodeRole;
  readonly position?: HistoryPosition;
}

const ROLE_OF_UNIT: Readonly<Record<string, NodeRole>> = { "swarm-manager": "manager", "swarm-worker": "worker" };

/** Whom a certificate names; nothing when it is not a node's. */
export function peerInCertificate(certificate: PeerCertificate | DetailedPeerCertificate): Peer | undefined {
  // An empty object stands for "none" (Node's way), so the subject may be missing whatever the type says.
  const subject = certificate.subject as Readonly<Record<string, unknown>> | undefined;
  const { CN, O, OU, serialNumber } = subject ?? {};
  const role = typeof OU === "string" ? ROLE_OF_UNIT[OU] : undefined;
  if (typeof CN !== "string" || typeof O !== "string" || role === undefined) return undefined;
  const position = typeof serialNumber === "string" ? positionIn(serialNumber) : undefined;
  return { nodeId: asId(CN), clusterId: asId(O), role, ...(position && { position }) };
}

export function peerOf(call: { getAuthContext(): { sslPeerCertificate?: PeerCertificate } }): Peer | undefined {
  const { sslPeerCertificate } = call.getAuthContext();
  return sslPeerCertificate === undefined ? undefined : peerInCertificate(sslPeerCertificate);
}

/** gRPC only looks whether it is there. */
const SOME_BYTES = Buffer.alloc(0);

/**
 * What to do with a fresh connection: its certificate is this cluster's, there is none, or it (or the protocol) is no good.
 *
 * gRPC asks a member's for the certificate at each call, and Node reads all of it anew each time: a quarter of what a short call cost. It
 * cannot change in TLS 1.3, so the connection keeps what says who is at the other end.
 */
export function judge(
  socket: TLSSocket,
  clusterId: ClusterId,
): { readonly kind: "member"; readonly peer: Peer } | { readonly kind: "stranger" | "refused" } {
  if (socket.alpnProtocol !== "h2") return { kind: "refused" };
  const certificate = socket.getPeerCertificate();
  if (Object.keys(certificate).length === 0) return { kind: "stranger" };
  const peer = socket.authorized ? peerInCertificate(certificate) : undefined;
  if (peer?.clusterId !== clusterId) return { kind: "refused" };
  const kept = { subject: { ...certificate.subject }, raw: SOME_BYTES };
  Object.defineProperty(socket, "getPeerCertificate", { value: () => kept });
  return { kind: "member", peer };
}
