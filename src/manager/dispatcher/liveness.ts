import type { NodeRole } from "../../model/cluster.ts";
import type { NodeId, SessionId } from "../../model/ids.ts";
import type { SessionReport } from "./leader-calls.ts";

const GRACE_BEATS = 3;
const SILENCE_MIN_MS = 5_000;
/** A manager that has not reported for this long is not heard: three reports missed. */
const MANAGER_SILENCE_MS = 1_500;
/** Workers of such a manager get this much more: they have to find another one first. */
const MOVING_MS = 5_000;
/**
 * And so much a worker that has not been heard since the election: it was at the manager that is gone, as were many others, and an election
 * may take less time than it takes them to find out.
 */
const UNHEARD_MS = 3_000;
/**
 * Workers without a manager queue for another. While one of them arrives at least this often, the rest is taken for being on its way: how
 * long the queue is says how many there are, and how busy the managers, not who is down. One that came while nobody led was sent away after
 * 2.5 s and comes again.
 */
const ARRIVAL_GAP_MS = 5_000;
/** But no longer than this since they lost their manager: one that is down has been hidden by the others for long enough. */
const ARRIVING_MAX_MS = 30_000;
/** A silent node is asked itself from so long before its limit. */
const ASK_BEFORE_MS = 1_500;
/** How long its answer counts. */
const ANSWER_COUNTS_MS = 1_500;
/** One that answers but sends no beats is down after so much more. */
const ANSWERING_MAX_MS = 3_000;
/** When most nodes fall silent at once, it is rather the network, or this manager, that is at fault. */
const MASS_WINDOW_MS = 30_000;
const MASS_HOLD_MS = 60_000;

/** How long a worker may be silent before it counts as down. Down is not gone: its containers may still run. */
export function silenceLimitMs(beatPeriodMs: number): number {
  return Math.max(SILENCE_MIN_MS, GRACE_BEATS * beatPeriodMs);
}

export interface Verdict {
  readonly down: readonly NodeId[];
  readonly up: readonly NodeId[];
  /** Those that said goodbye and do not count as down yet. */
  readonly left: readonly NodeId[];
}

/** What it has to know of a `Node`. */
interface JudgedNode {
  readonly id: NodeId;
  readonly status: { readonly state: string };
  readonly role: NodeRole;
}

interface Heard {
  readonly sessionId: SessionId;
  readonly managerId: NodeId;
  readonly openedAtMs: number;
  atMs: number;
}

/** The leader's judgement of who is there. Lives for one term; all times are this manager's monotonic clock. */
export class Liveness {
  readonly #electedAtMs: number;
  readonly #limitMs: number;
  readonly #heard = new Map<NodeId, Heard>();
  readonly #managers = new Map<NodeId, number>();
  /** What each manager told of last. */
  readonly #sessions = new Map<NodeId, ReadonlySet<SessionId>>();
  readonly #answers = new Map<NodeId, number>();
  /** When each said goodbye. */
  readonly #left = new Map<NodeId, number>();
  /** When a worker that had no manager was last heard at one. A manager's own node queues for none, also when it comes back. */
  #arrivedAtMs = -Infinity;
  #recentlyDown: readonly number[] = [];
  #holdEndsAtMs: number | undefined;

  constructor(options: { readonly electedAtMs: number; readonly beatPeriodMs: number }) {
    this.#electedAtMs = options.electedAtMs;
    this.#limitMs = silenceLimitMs(options.beatPeriodMs);
  }

  /** @returns sessions whose node has a newer one, here or at another manager, or has left the swarm since. */
  report({ managerId, sessions }: SessionReport, nowMs: number): readonly SessionId[] {
    this.#managers.set(managerId, nowMs);
    this.#sessions.set(managerId, new Set(sessions.map(({ sessionId }) => sessionId)));
    const fenced: SessionId[] = [];
    for (const { nodeId, sessionId, ageMs, silenceMs } of sessions) {
      const known = this.#heard.get(nodeId);
      const openedAtMs = known?.sessionId === sessionId ? known.openedAtMs : nowMs - ageMs;
      if (known !== undefined && known.sessionId !== sessionId && known.openedAtMs > openedAtMs) {
        fenced.push(sessionId);
        continue;
      }
      const leftAtMs = this.#left.get(nodeId);
      if (leftAtMs !== undefined && openedAtMs <= leftAtMs) {
        fenced.push(sessionId);
        continue;
      }
      this.#left.delete(nodeId);
      const isNewHere = known?.managerId !== managerId && !this.#managers.has(nodeId);
      if (isNewHere && this.#homelessSinceMs({ id: nodeId, role: "worker" }, nowMs) !== undefined) this.#arrivedAtMs = nowMs;
      const atMs = nowMs - silenceMs;
      if (known === undefined || known.sessionId !== sessionId || known.managerId !== managerId) {
        const lastMs = known?.sessionId === sessionId ? known.atMs : -Infinity;
        this.#heard.set(nodeId, { sessionId, managerId, openedAtMs, atMs: Math.max(atMs, lastMs) });
      } else if (atMs > known.atMs) known.atMs = atMs;
    }
    return fenced;
  }

  /** The node says goodbye: it is not expected to be heard, so its silence says nothing of the others. A session that it opens later counts. */
  left(id: NodeId, nowMs: number): void {
    this.#left.set(id, nowMs);
  }

  /** Which nodes to ask whether they are there. @param nodes - Those that are in the state now. */
  suspects(nodes: Iterable<JudgedNode>, nowMs: number): readonly NodeId[] {
    const suspects: NodeId[] = [];
    for (const node of nodes) {
      const { id, status } = node;
      const silenceMs = this.#silenceMs(id, nowMs);
      // No limit is lower than this one: of most nodes nothing else has to be asked.
      if (status.state !== "ready" || silenceMs <= this.#limitMs - ASK_BEFORE_MS || this.#left.has(id)) continue;
      const lateMs = silenceMs - this.#limitOf(node, nowMs);
      if (lateMs > -ASK_BEFORE_MS && lateMs <= ANSWERING_MAX_MS) suspects.push(id);
    }
    return suspects;
  }

  /** The node answered when it was asked. */
  answered(id: NodeId, nowMs: number): void {
    this.#answers.set(id, nowMs);
  }

  /** Which nodes' state has to change. Several times a second, for thousands of them. @param nodes - Those that are in the state now. */
  judge(nodes: Iterable<JudgedNode>, nowMs: number): Verdict {
    const [left, up, late]: [NodeId[], NodeId[], NodeId[]] = [[], [], []];
    let ready = 0;
    let silent = 0;
    for (const node of nodes) {
      const { id, status } = node;
      if (this.#left.has(id)) {
        if (status.state !== "down") left.push(id);
        continue;
      }
      const silenceMs = this.#silenceMs(id, nowMs);
      if (status.state !== "ready") {
        if (silenceMs <= this.#limitMs && this.#heard.has(id)) up.push(id);
        continue;
      }
      ready++;
      if (silenceMs <= this.#limitMs / 2) continue;
      silent++;
      if (silenceMs > this.#limitMs && silenceMs > this.#limitOf(node, nowMs) + this.#respiteMs(id, nowMs)) late.push(id);
    }
    this.#recentlyDown = this.#recentlyDown.filter(atMs => nowMs - atMs < MASS_WINDOW_MS);
    const isMass = late.length > 0 && silent + this.#recentlyDown.length > (ready + this.#recentlyDown.length) / 2;
    if (isMass) this.#holdEndsAtMs ??= nowMs + MASS_HOLD_MS;
    // The network gives nodes back one after the other: the last of them is no lone failure.
    else if (silent === 0 || nowMs >= (this.#holdEndsAtMs ?? 0)) this.#holdEndsAtMs = undefined;
    if (this.#holdEndsAtMs !== undefined && nowMs < this.#holdEndsAtMs) return { down: [], up, left };
    this.#recentlyDown = [...this.#recentlyDown, ...late.map(() => nowMs)];
    return { down: late, up, left };
  }

  #silenceMs(id: NodeId, nowMs: number): number {
    return nowMs - Math.max(this.#electedAtMs, this.#heard.get(id)?.atMs ?? -Infinity);
  }

  #respiteMs(id: NodeId, nowMs: number): number {
    const answeredAtMs = this.#answers.get(id);
    if (answeredAtMs === undefined) return 0;
    if (nowMs - answeredAtMs <= ANSWER_COUNTS_MS) return ANSWERING_MAX_MS;
    this.#answers.delete(id);
    return 0;
  }

  #limitOf(node: JudgedNode, nowMs: number): number {
    const homelessSinceMs = this.#homelessSinceMs(node, nowMs);
    const queuesSinceMs = homelessSinceMs ?? this.#brokenSinceMs(node.id);
    const isQueueMoving = nowMs - this.#arrivedAtMs <= ARRIVAL_GAP_MS;
    if (queuesSinceMs !== undefined && isQueueMoving && nowMs - queuesSinceMs <= ARRIVING_MAX_MS) return Infinity;
    if (homelessSinceMs === undefined) return this.#limitMs;
    return this.#limitMs + (this.#heard.has(node.id) ? MOVING_MS : UNHEARD_MS);
  }

  /**
   * When the leader was lost, if the node has no session at its manager any more: while its crowd arrives, connections of others break too,
   * and they stand in the same queue. One without power has its session for longer than it may be silent.
   */
  #brokenSinceMs(id: NodeId): number | undefined {
    const heard = this.#heard.get(id);
    if (heard === undefined || this.#sessions.get(heard.managerId)?.has(heard.sessionId) === true) return undefined;
    return this.#electedAtMs;
  }

  /** Since when the node has had no manager that this one hears. @returns undefined when it has one, or is one itself. */
  #homelessSinceMs({ id, role }: Pick<JudgedNode, "id" | "role">, nowMs: number): number | undefined {
    const managerId = this.#heard.get(id)?.managerId;
    if (managerId === undefined) return role === "worker" ? this.#electedAtMs : undefined;
    if (managerId === id) return undefined;
    const heardAtMs = Math.max(this.#electedAtMs, this.#managers.get(managerId) ?? -Infinity);
    return nowMs - heardAtMs <= MANAGER_SILENCE_MS ? undefined : heardAtMs;
  }
}
