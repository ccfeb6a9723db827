import type { CertificateIssuer, NodeRole } from "../model/cluster.ts";
import type { HistoryPosition } from "../model/history-position.ts";
import type { ClusterId, NodeId } from "../model/ids.ts";
import type { RootRequest } from "./external-signer.ts";

/** X.509, as an effect: keys are made from the system's chance, signatures use the real cryptography. */
export interface Certificates {
  /** A self-signed root: ECDSA P-256, 20 years. */
  createRoot(options: { readonly nowMs: number }): Promise<CertificateWithKey>;
  /**
   * A root that somebody made elsewhere. @returns it. @throws OperationError `invalid` (or `internal`, as SwarmKit does) in
   * SwarmKit's words when it is no root that can sign from now on, or the key (where one is given) is not its own.
   */
  checkRoot(root: CertificateWithKey, options: { readonly nowMs: number }): CertificateWithKey;
  /** The name and key of another root, signed by `root`: what the other signs then leads to this root too. */
  crossSign(options: {
    readonly root: CertificateWithKey;
    readonly certificatePem: string;
    readonly nowMs: number;
  }): Promise<string>;
  /** A request for the same by somebody who has the other root's key. @throws OperationError `invalid` when `root` has none. */
  requestForRoot(root: CertificateWithKey): Promise<RootRequest>;
  /**
   * What somebody else made of such a request. @throws OperationError `internal` when it is not the name and key of `certificatePem`, may
   * not sign, or does not lead to `rootPem`.
   */
  checkCrossSigned(
    crossSignedPem: string,
    options: { readonly certificatePem: string; readonly rootPem: string; readonly nowMs: number },
  ): void;
  /** Whether a certificate is for the key that a request was signed with. */
  isForRequest(certificatePem: string, csrPem: string): Promise<boolean>;
  /** What certificates that this one signs say of their issuer. */
  issuerIn(certificatePem: string): CertificateIssuer;
  /** A key that stays on the node, and the request for its certificate. */
  createRequest(): Promise<{ readonly csrPem: string; readonly keyPem: string }>;
  /** Signs a request. Its own words about names are ignored: identity comes from the caller. @throws OperationError `invalid` for a bad request. */
  issue(request: IssueRequest): Promise<string>;
  /**
   * A node's certificate, with those between it and a root behind it, against one or more roots.
   * @throws OperationError `unauthorized` when it does not lead to a root, is not valid at that time, or names no node.
   */
  verify(certificatePem: string, options: { readonly rootPem: string; readonly nowMs: number }): NodeCertificate;
  /** SHA-256 of the PEM text: what a join token pins. */
  digest(certificatePem: string): Uint8Array;
}

export interface CertificateWithKey {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface IssueRequest {
  readonly csrPem: string;
  readonly root: CertificateWithKey;
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
  readonly role: NodeRole;
  readonly nowMs: number;
  readonly lifetimeMs: number;
  readonly position?: HistoryPosition;
}

/** Who a certificate says its holder is: CN node, O cluster, OU role, serialNumber position. */
export interface NodeCertificate {
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
  readonly role: NodeRole;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The state by which its holder is a node of that role, or a later one that still said so. Missing in a first manager's, and in those of external authorities and of earlier versions. */
  readonly position?: HistoryPosition;
}

/** What a node shows to others and checks them by; the certificate may have others behind it, and there may be two roots. */
export interface NodeIdentity extends CertificateWithKey {
  readonly rootPem: string;
}
