import { FIRST_FORMAT_LEVEL } from "../../codec/entry.ts";
import { defined } from "../../lib/assert.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Node, NodeRole } from "../../model/cluster.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Consensus, RaftMember } from "../../ports/consensus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Proposals } from "../store/proposals.ts";
import type { Store } from "../store/store.ts";

export interface JoinedMember {
  readonly raftId: number;
  readonly members: readonly RaftMember[];
}

/** The same calls at the leader's manager port, over mutual TLS. */
export interface RemoteMembership {
  join(
    leaderAddress: string,
    options: {
      readonly own: string;
      readonly formatLevel?: number;
      readonly onBehalfOf: NodeId;
      readonly signal?: AbortSignal;
    },
  ): Promise<JoinedMember>;
  leave(leaderAddress: string, options: { readonly onBehalfOf: NodeId; readonly signal?: AbortSignal }): Promise<void>;
}

export interface MembershipOptions {
  readonly store: Store;
  readonly consensus: Consensus;
  readonly proposals: Proposals;
  readonly remote: RemoteMembership;
  /** A node leaves the swarm; called on the leader. Resolves when everybody knows. */
  readonly onLeft: (nodeId: NodeId) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

interface JoinOptions {
  readonly address: string;
  /** The newest format of the log's entries that it reads; missing: the first. */
  readonly formatLevel?: number;
  readonly signal?: AbortSignal;
}

/** How long a manager that joins may take to catch up before others get their turn. */
const ADMIT_MS = 10_000;
const RETRY_MS = 500;
/** A node is overtaken once or twice, never so often. */
const ATTEMPTS_MAX = 20;
/** The managers are looked at again after so long even if nothing was touched. */
const RECONCILE_MS = 30_000;

/** Which managers take part in Raft. A follower passes calls on; the leader carries them out one after another. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #store: Store;
  readonly #consensus: Consensus;
  readonly #proposals: Proposals;
  readonly #remote: RemoteMembership;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MembershipOptions) {
    const { store, consensus, proposals, remote } = options;
    this.#options = options;
    this.#store = store;
    this.#consensus = consensus;
    this.#proposals = proposals;
    this.#remote = remote;
  }

  /** Adds a manager, as a learner at first. Asked again by the same node it answers the same Raft id. */
  async join(
    peer: { readonly nodeId: NodeId; readonly role: NodeRole },
    { address, formatLevel = FIRST_FORMAT_LEVEL, signal }: JoinOptions,
  ): Promise<JoinedMember> {
    if (peer.role !== "manager") throw new OperationError("forbidden", "only a manager can join Raft");
    const leader = this.#otherLeader();
    const waiting = signal === undefined ? {} : { signal };
    if (leader !== undefined)
      return await this.#remote.join(leader, { own: address, formatLevel, onBehalfOf: peer.nodeId, ...waiting });
    return await this.#oneAtATime(() => this.#join(peer.nodeId, { address, formatLevel, ...waiting }));
  }

  /** A node leaves the swarm of its own will, and Raft when it is a manager. The last manager has nobody to tell. */
  async leave({ nodeId }: { readonly nodeId: NodeId }, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { raftId, role, members } = this.#consensus.status();
    const own = this.#store.view().get("node", nodeId)?.manager?.raftId;
    if (members.length === 1 && own === raftId) return;
    if (role === "leader" && own === raftId) {
      await this.#consensus.transferLeadership(options);
      await this.#untilAnotherLeads(options);
    }
    const leader = this.#otherLeader();
    if (leader !== undefined) return await this.#remote.leave(leader, { onBehalfOf: nodeId, ...options });
    await this.remove(nodeId, options);
    await this.#options.onLeft(nodeId);
  }

  async #untilAnotherLeads({ signal = new AbortController().signal }: { readonly signal?: AbortSignal }): Promise<void> {
    const waiting = AbortSignal.any([signal, this.#options.clock.timeout(ADMIT_MS)]);
    for await (const { raftId, leaderId } of this.#consensus.watchStatus({ signal: waiting })) {
      if (leaderId !== undefined && leaderId !== raftId) return;
    }
  }

  /** Where the leader is, when it is another manager. */
  #otherLeader(): string | undefined {
    const { role, leaderId, members } = this.#consensus.status();
    return role === "leader" ? undefined : members.find(({ raftId }) => raftId === leaderId)?.address;
  }

  async #join(nodeId: NodeId, { address, formatLevel = FIRST_FORMAT_LEVEL, signal }: JoinOptions): Promise<JoinedMember> {
    const options = signal === undefined ? {} : { signal };
    const node = await this.#change(nodeId, options, current => {
      if (current.spec.role !== "manager") throw new OperationError("unavailable", "this node is not to be a manager any more");
      this.#checkLevel(formatLevel);
      if (current.manager?.address === address) return undefined;
      return { ...current, manager: { raftId: current.manager?.raftId ?? this.#newRaftId(), address } };
    });
    const raftId = defined(node.manager, "the manager that was written").raftId;
    // Raft takes it in when it answers, which it does once it knows its Raft id: see `run`.
    const members = this.#consensus.status().members.map(member => ({ raftId: member.raftId, address: member.address }));
    return { raftId, members: members.some(member => member.raftId === raftId) ? members : [...members, { raftId, address }] };
  }

  #checkLevel(formatLevel: number): void {
    const { formatLevel: inForce } = this.#store.view();
    if (formatLevel >= inForce) return;
    throw new OperationError(
      "conflict",
      `this cluster's format is ${inForce}, and that manager's program reads ${formatLevel}: upgrade it first`,
    );
  }

  /** Takes a manager out of Raft: demoted, or leaving. No error when it is no member. */
  async remove(nodeId: NodeId, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#oneAtATime(async () => {
      const node = await this.#node(nodeId, options);
      if (node.manager === undefined) return;
      const { raftId } = node.manager;
      if (this.#consensus.status().members.some(member => member.raftId === raftId)) {
        await this.#consensus.removeMember(raftId, options);
      }
      // Its manager's certificate counts for nothing from now on, whether or not it asks for another.
      await this.#change(nodeId, options, ({ manager, ...rest }) => manager && { ...rest, role: "worker" });
    });
  }

  /** On the leader, until aborted: managers that joined are taken into Raft, nodes that are to be workers leave it. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      const wait = AbortSignal.any([signal, clock.timeout(RECONCILE_MS)]);
      const touched = this.#store.watch({ signal: wait })[Symbol.asyncIterator]();
      try {
        await this.#reconcile(signal);
        for (let next = await touched.next(); next.done !== true; next = await touched.next()) {
          if (next.value.ids.has("node")) await this.#reconcile(signal);
        }
      } catch (error) {
        if (!wait.aborted) log.warn({ error: errorMessage(error) }, "a change of the managers is tried again");
        await clock.sleep(wait.aborted ? 0 : RETRY_MS, { signal }).catch(() => undefined);
      }
    }
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const managers = [...this.#store.view().all("node")].filter(node => node.manager !== undefined);
    // Those that leave go first: one that does not answer must not keep them.
    for (const node of managers) if (node.spec.role === "worker") await this.#dismiss(node, signal);
    await this.#removeUnknown(managers, signal);
    for (const { id, manager, spec } of managers) {
      if (manager !== undefined && spec.role === "manager") await this.#admit({ id, ...manager }, signal);
    }
  }

  /** A leader hands over first: who leads then takes it out. */
  async #dismiss({ id, manager }: Node, signal: AbortSignal): Promise<void> {
    if (manager?.raftId !== this.#consensus.status().raftId) return await this.remove(id, { signal });
    await this.#consensus.transferLeadership({ signal: AbortSignal.any([signal, this.#options.clock.timeout(ADMIT_MS)]) });
  }

  /** A member of Raft whose node was removed would count for the majority for ever. */
  async #removeUnknown(managers: readonly Node[], signal: AbortSignal): Promise<void> {
    if (managers.length === 0) return; // The cluster is just being founded.
    const known = new Set(managers.map(({ manager }) => manager?.raftId));
    const { raftId: own, members } = this.#consensus.status();
    for (const { raftId } of members) {
      if (!known.has(raftId) && raftId !== own) await this.#oneAtATime(() => this.#consensus.removeMember(raftId, { signal }));
    }
  }

  /** A manager that does not answer keeps the others waiting for a while only, and not at all once it is demoted. */
  async #admit({ id, raftId, address }: RaftMember & { readonly id: NodeId }, signal: AbortSignal): Promise<void> {
    const known = this.#consensus.status().members.find(member => member.raftId === raftId);
    if (known !== undefined && !known.isLearner && known.address === address) return;
    const over = new AbortController();
    const waiting = AbortSignal.any([signal, over.signal, this.#options.clock.timeout(ADMIT_MS)]);
    const demotion = this.#untilDemoted(id, waiting).then(() =>
      over.abort(new OperationError("cancelled", "the node was demoted")),
    );
    demotion.catch(() => undefined); // What ended the wait is told by `addMember`.
    try {
      await this.#consensus.addMember({ raftId, address }, { signal: waiting });
    } finally {
      over.abort();
    }
  }

  async #untilDemoted(id: NodeId, signal: AbortSignal): Promise<void> {
    for await (const _ of this.#store.watch({ signal })) {
      if (this.#store.view().get("node", id)?.spec.role !== "manager") return;
    }
  }

  async #node(nodeId: NodeId, options: { readonly signal?: AbortSignal }): Promise<Node> {
    await this.#consensus.readBarrier(options);
    if (this.#consensus.status().role !== "leader") throw new OperationError("unavailable", "this manager does not lead");
    const node = this.#store.view().get("node", nodeId);
    if (node === undefined) throw new OperationError("forbidden", "this node is not a member of the swarm");
    return node;
  }

  /**
   * Writes what `edit` makes of a node; `undefined`: it is right as it is. Beats and descriptions change nodes at any time, so what was
   * overtaken is read and edited anew.
   *
   * @returns the node as it is now to be.
   */
  async #change(
    nodeId: NodeId,
    options: { readonly signal?: AbortSignal },
    edit: (node: Node) => Node | undefined,
  ): Promise<Node> {
    for (let attempt = 1; ; attempt++) {
      const node = await this.#node(nodeId, options);
      const next = edit(node);
      if (next === undefined) return node;
      const change = { kind: "put", table: "node", object: next, basedOn: node.version } as const;
      // Who comes in, and what all can read, are decided in one order.
      const reliesOn = [...this.#store.view().all("cluster")].map(
        ({ id, version }) => ({ table: "cluster", id, version }) as const,
      );
      const result = await this.#proposals.propose({ changes: [change], reliesOn }, options);
      if (result.kind === "applied") return next;
      if (result.reason !== "stale" || attempt === ATTEMPTS_MAX) throw new OperationError("unavailable", result.message);
    }
  }

  /** Never one that was used before: each join commits entries, so the commit index has grown since the last. */
  #newRaftId(): number {
    const { commitIndex, members } = this.#consensus.status();
    const recorded = [...this.#store.view().all("node")].map(node => node.manager?.raftId ?? 0);
    return Math.max(commitIndex, ...members.map(member => member.raftId), ...recorded) + 1;
  }

  async #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return await result;
  }
}
