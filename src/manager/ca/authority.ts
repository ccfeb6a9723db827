import { timingSafeEqual } from "node:crypto";
import { OperationError } from "../../lib/errors.ts";
import type { Cluster, Node, NodeRole, NodeSpec } from "../../model/cluster.ts";
import { clusterIdFrom, type NodeId } from "../../model/ids.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ExternalSigner } from "../../ports/external-signer.ts";
import type { Consensus } from "../../ports/consensus.ts";
import type { Random } from "../../ports/random.ts";
import { rpcError } from "../rpc-error.ts";
import { specChanged } from "../spec-sequence.ts";
import type { Proposals } from "../store/proposals.ts";
import type { Store } from "../store/store.ts";
import { signExternally } from "./external.ts";
import { signerOf, trustedRoots } from "./trust.ts";

export interface IssueCall {
  readonly csrPem: string;
  /** Empty in a renewal. */
  readonly joinToken: string;
  readonly availability: NodeSpec["availability"];
  /** Whose certificate is renewed: the caller, or the node that a follower passes a renewal on for. */
  readonly nodeId?: NodeId;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly rootPem: string;
  readonly nodeId: NodeId;
  readonly role: NodeRole;
}

export interface AuthorityOptions {
  readonly store: Store;
  readonly proposals: Proposals;
  readonly consensus: Consensus;
  readonly certificates: Certificates;
  readonly external: ExternalSigner;
  readonly clock: Clock;
  readonly random: Random;
  /** Passes the call on to the leader's CA, over mutual TLS. */
  readonly forward: (address: string, call: IssueCall, options: { readonly signal?: AbortSignal }) => Promise<IssuedCertificate>;
}

const NANOSECONDS_PER_MS = 1e6;

interface Signed {
  readonly issued: IssuedCertificate;
  readonly isExternal: boolean;
}

/** Gives certificates to nodes that have a join token, and renews those of nodes that are members. */
export class CertificateAuthority {
  readonly #options: AuthorityOptions;

  constructor(options: AuthorityOptions) {
    this.#options = options;
  }

  /** The one that join tokens pin. */
  rootCertificate(): string {
    return this.#cluster().rootCa.certificatePem;
  }

  /** A follower passes on what has to be written down. @throws OperationError `invalid` for a wrong token. */
  async issue(call: IssueCall, options: { readonly signal?: AbortSignal } = {}): Promise<IssuedCertificate> {
    await this.#options.consensus.readBarrier(options);
    const { role, leaderId, members } = this.#options.consensus.status();
    if (role === "leader") return call.joinToken === "" ? this.#renew(call, options) : this.#admit(call, options);
    const leader = members.find(({ raftId }) => raftId === leaderId);
    if (leader === undefined) throw new OperationError("unavailable", "no leader to issue a certificate");
    return await this.#options.forward(leader.address, call, options);
  }

  async #admit(call: IssueCall, options: { readonly signal?: AbortSignal }): Promise<IssuedCertificate> {
    const { random, proposals, store } = this.#options;
    const role = roleOfToken(call.joinToken, this.#cluster());
    const id = clusterIdFrom<NodeId>(random.bytes(25));
    // What cannot be signed is not written.
    const signed = await this.#sign(call, { nodeId: id, role, index: this.#options.store.view().index, ...options });
    const node: Node = {
      ...{ id, version: 0, createdAtMs: 0, updatedAtMs: 0, role },
      spec: { labels: {}, role, availability: call.availability },
      status: { state: "unknown", message: "", address: "" },
      ...specChanged(store.view()),
    };
    const result = await proposals.propose(
      { changes: [{ kind: "put", table: "node", object: node, basedOn: 0 }], reliesOn: [] },
      options,
    );
    if (result.kind === "refused") throw rpcError("Unknown", result.message);
    return await this.#signAnew(call, signed, result.index);
  }

  async #renew(call: IssueCall, options: { readonly signal?: AbortSignal }): Promise<IssuedCertificate> {
    const view = this.#options.store.view();
    const node = call.nodeId && view.get("node", call.nodeId);
    if (!node) throw new OperationError("forbidden", "this node is not a member of the swarm");
    // A manager stays one until it has left Raft: then the leader has taken its `manager` record away.
    const role = node.manager === undefined ? node.spec.role : "manager";
    const signed = await this.#sign(call, { nodeId: node.id, role, index: view.index, ...options });
    if (node.role === role) return signed.issued;
    const change = { kind: "put", table: "node", object: { ...node, role }, basedOn: node.version } as const;
    const result = await this.#options.proposals.propose({ changes: [change], reliesOn: [] }, options);
    if (result.kind === "refused") throw new OperationError("unavailable", result.message);
    return await this.#signAnew(call, signed, result.index);
  }

  async #sign(
    call: IssueCall,
    {
      signal,
      index,
      ...named
    }: { readonly nodeId: NodeId; readonly role: NodeRole; readonly index: number; readonly signal?: AbortSignal },
  ): Promise<Signed> {
    const { clock } = this.#options;
    const cluster = this.#cluster();
    const request = { csrPem: call.csrPem, ...named };
    const externalPem = await signExternally(request, { ...this.#options, cluster, signal, nowMs: clock.nowMs() });
    const certificatePem = externalPem ?? (await this.#signHere(request, { ...cluster, index }));
    const issued = { certificatePem, rootPem: trustedRoots(cluster.rootCa), ...named };
    return { issued, isExternal: externalPem !== undefined };
  }

  /**
   * What an external authority signed says of no state.
   * @param index - Of the state that first says that this node has this role: who has not applied so much cannot know better.
   */
  async #signAnew(call: IssueCall, { issued, isExternal }: Signed, index: number): Promise<IssuedCertificate> {
    if (isExternal) return issued;
    const cluster = this.#cluster();
    const { nodeId, role } = issued;
    const certificatePem = await this.#signHere({ csrPem: call.csrPem, nodeId, role }, { ...cluster, index });
    return { ...issued, certificatePem, rootPem: trustedRoots(cluster.rootCa) };
  }

  async #signHere(
    request: { readonly csrPem: string; readonly nodeId: NodeId; readonly role: NodeRole },
    { id: clusterId, rootCa, spec, epoch = 0, index }: Cluster & { readonly index: number },
  ): Promise<string> {
    const { certificates, clock } = this.#options;
    const { root, behindPem } = signerOf(rootCa);
    if (root.keyPem === "") throw new OperationError("unavailable", "no valid signer found");
    const lifetimeMs = spec.nodeCertExpiryNs / NANOSECONDS_PER_MS;
    const issued = { ...request, root, clusterId, nowMs: clock.nowMs(), lifetimeMs, position: { epoch, index } };
    return (await certificates.issue(issued)) + behindPem;
  }

  #cluster(): Cluster {
    const [cluster] = this.#options.store.view().all("cluster");
    if (cluster === undefined) throw new OperationError("unavailable", "the cluster's state is not here yet");
    return cluster;
  }
}

/** @throws OperationError `invalid` when the token is neither of the cluster's. */
export function roleOfToken(token: string, { rootCa }: Cluster): NodeRole {
  if (isSameSecret(token, rootCa.joinTokenManager)) return "manager";
  if (isSameSecret(token, rootCa.joinTokenWorker)) return "worker";
  throw rpcError("InvalidArgument", "A valid join token is necessary to join this cluster");
}

function isSameSecret(given: string, expected: string): boolean {
  const [asked, known] = [Buffer.from(given), Buffer.from(expected)];
  return asked.length === known.length && timingSafeEqual(asked, known);
}
