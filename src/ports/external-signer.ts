import type { NodeRole } from "../model/cluster.ts";
import type { ClusterId, NodeId } from "../model/ids.ts";

/** A certificate authority that is none of the cluster's, at an HTTPS address; it takes this manager for who it is by its certificate. */
export interface ExternalSigner {
  /** @throws OperationError `unavailable` when nobody answers there with a certificate that leads to one of the roots. */
  reach(url: string, options: ExternalCall): Promise<void>;
  /** @returns the certificate that was made of the request, PEM, as it was given. @throws OperationError when there is none. */
  sign(url: string, request: ExternalRequest, options: ExternalCall): Promise<string>;
}

export interface ExternalCall {
  /** Roots that the answer's certificate may lead to, PEM. */
  readonly rootPem: string;
  readonly signal?: AbortSignal | undefined;
}

export type ExternalRequest =
  | {
      readonly kind: "node";
      readonly csrPem: string;
      readonly nodeId: NodeId;
      readonly clusterId: ClusterId;
      readonly role: NodeRole;
    }
  | { readonly kind: "root"; readonly request: RootRequest };

/** For a root's name and key, signed by another root. */
export interface RootRequest {
  /** Signed by the root's own key. */
  readonly csrPem: string;
  readonly commonName: string;
  /** What else its name has: `[["O", "Example"]]`. */
  readonly names: readonly (readonly [string, string])[];
  /** Its basic constraints: DER, hexadecimal. */
  readonly basicConstraints: string;
}
