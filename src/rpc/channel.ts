import { type ChannelCredentials, credentials, type ClientUnaryCall, type ServiceError } from "@grpc/grpc-js";
import { setMaxListeners } from "node:events";
import { createSecureContext, type PeerCertificate, type SecureContext } from "node:tls";
import type { NodeId } from "../model/ids.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import { peerInCertificate } from "./peer.ts";
import { fromStatus } from "./status.ts";

/** Shows this node's certificate, and takes only a manager of the same cluster at the other end. TLS 1.3 only. */
export function memberCredentials(identity: NodeIdentity): ChannelCredentials {
  return credentials.createFromSecureContext(contextOf(identity), { checkServerIdentity: checkManager });
}

/** Shows this node's certificate, and takes only the node of this id at the other end. */
export function nodeCredentials(identity: NodeIdentity, nodeId: NodeId): ChannelCredentials {
  return credentials.createFromSecureContext(contextOf(identity), {
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      peerInCertificate(certificate)?.nodeId === nodeId ? undefined : new Error(`the other end is not node ${nodeId}`),
  });
}

const contexts = new WeakMap<NodeIdentity, SecureContext>();

/** Made once for an identity: to read its key and certificates takes longer than a handshake. */
function contextOf(identity: NodeIdentity): SecureContext {
  const known = contexts.get(identity);
  if (known !== undefined) return known;
  const made = createSecureContext(contextOptions(identity));
  contexts.set(identity, made);
  return made;
}

export function contextOptions({ certificatePem, keyPem, rootPem }: NodeIdentity) {
  return { cert: certificatePem, key: keyPem, ca: rootPem, minVersion: "TLSv1.3" } as const;
}

/** For a node that has no certificate yet. Without a root nothing is verified: good for fetching the root alone. */
export function strangerCredentials({ rootPem }: { readonly rootPem?: string }): ChannelCredentials {
  if (rootPem === undefined) {
    const unverified = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
    return credentials.createFromSecureContext(createSecureContext({ minVersion: "TLSv1.3" }), unverified);
  }
  const context = createSecureContext({ ca: rootPem, minVersion: "TLSv1.3" });
  return credentials.createFromSecureContext(context, { checkServerIdentity: checkManager });
}

/** Managers are known by their certificate's role, whatever address they answer at. */
function checkManager(_host: string, certificate: PeerCertificate): Error | undefined {
  return peerInCertificate(certificate)?.role === "manager" ? undefined : new Error("the other end is no manager");
}

/** A unary call as a promise that rejects with an OperationError. */
export async function unaryCall<Response>(
  start: (callback: (error: ServiceError | null, response: Response) => void) => ClientUnaryCall,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Response> {
  signal?.throwIfAborted();
  if (signal !== undefined) setMaxListeners(0, signal); // One signal may end any number of calls.
  return await new Promise<Response>((resolve, reject) => {
    const onAbort = () => call.cancel();
    const call = start((error, response) => {
      signal?.removeEventListener("abort", onAbort);
      if (error === null) resolve(response);
      else reject(signal?.aborted ? (signal.reason as Error) : fromStatus(error));
    });
    signal?.addEventListener("abort", onAbort);
  });
}
