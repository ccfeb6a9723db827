import { FORMAT_LEVEL } from "../../codec/entry.ts";
import { OperationError, errorKind } from "../../lib/errors.ts";
import { LinkedSignal } from "../../lib/linked-signal.ts";
import { Newest } from "../../lib/newest.ts";
import type { Cluster, Node, NodeRole } from "../../model/cluster.ts";
import type { NodeId, SessionId } from "../../model/ids.ts";
import type { SessionDown, SessionUp } from "../../model/session.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { WatchedStore } from "../control-loop-inbox.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { authorityIn, managersIn } from "./cluster-news.ts";
import { described } from "./described.ts";
import type { LeaderCalls, NodeReport } from "./leader-calls.ts";
import { LeaderWait } from "./leader-wait.ts";
import { checkAddress, checkDescription, shortened } from "./report-limits.ts";
import { route } from "./router.ts";
import { Session } from "./session.ts";
import { SessionTable } from "./session-table.ts";
import { ThinnedWarning } from "./thinned-warning.ts";
import { Turns } from "./turns.ts";

/** News that comes within this time goes down together. */
const BATCH_MS = 50;
const REPORT_PERIOD_MS = 500;
/** New sessions are reported after so long: their nodes are ready sooner. */
const FIRST_REPORT_MS = 50;
/** Changes routed before other work of the process gets its turn: some 5 ms. */
const SLICE_CHANGES = 500;
/** A manager that has not reached a leader for this long sends its workers to another one. */
const LEADERLESS_MAX_MS = 4_000;
/**
 * A worker that comes while there is no leader is kept waiting for one for so long. If it were sent away at once, the workers of a
 * lost leader would be back at once, each with a handshake, and the managers too busy with them to elect anybody.
 */
const OPENING_MAX_MS = 2_500;
const NO_LEADER = "this manager has no leader";
/** They are not sent away all at once: a leader may be there before the last has to go. */
const SENT_AWAY = 32;
const SENT_AWAY_PERIOD_MS = 50;
const FORWARD_RETRY_MS = 200;
const FORWARD_ATTEMPTS_MAX = 20;

export interface DispatcherOptions {
  readonly store: WatchedStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly newSessionId: () => SessionId;
  /** The node this manager is on. */
  readonly managerId: NodeId;
  /** The newest format of the log's entries that it reads. */
  readonly formatLevel?: number;
  /** The leader, wherever it is: its own duties when this manager leads. Calls fail with `unavailable` when there is none. */
  readonly leader: LeaderCalls;
  readonly beatPeriodMs: number;
  /**
   * Resolves when the local state holds everything acknowledged before the call. Without it a manager that has just come back
   * would tell workers of an old state, and they would stop tasks that are not in it.
   */
  readonly readBarrier: (options: { readonly signal: AbortSignal }) => Promise<void>;
}

/** Serves workers' sessions from this manager's own applied state. Every manager has one. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #sessions = new SessionTable();
  #managers: ReturnType<typeof managersIn> | undefined;
  #lastLeaderMs: number;
  #opened = new AbortController();
  #isSendingAway = false;
  readonly #leaderWait: LeaderWait;
  /**
   * Things are told to few workers at a time: those of a lost manager come as one crowd, and a service of thousands of tasks is news to
   * thousands, whose batches end in one turn of the event loop.
   */
  readonly #turns: Turns;
  readonly #unreached: ThinnedWarning;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#turns = new Turns(options);
    this.#unreached = new ThinnedWarning(options);
    const isThere = async (): Promise<boolean> =>
      await this.#readBarrier(new AbortController().signal).then(
        () => true,
        () => false,
      );
    this.#leaderWait = new LeaderWait({ ...options, isThere });
    this.#lastLeaderMs = options.clock.monotonicMs();
  }

  /** Routes what the store applies and reports to the leader, until `signal`, which closes all sessions. @throws The signal's reason. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const stop = new AbortController();
    const joined = AbortSignal.any([signal, stop.signal]);
    try {
      await Promise.all([this.#route(joined), this.#report(joined)]);
    } finally {
      stop.abort();
      this.#sessions.closeAll("the manager is stopping");
    }
  }

  /**
   * One worker's session. Ends when `up` ends, when a newer session of the node fences it, or when this manager loses the leader.
   * @throws OperationError `not-found` for a node that is not in the cluster, `unavailable` when the worker should try another manager.
   */
  async *session(
    {
      nodeId,
      role: certifiedRole,
      remoteAddress = "",
    }: { readonly nodeId: NodeId; readonly role?: NodeRole; readonly remoteAddress?: string },
    up: AsyncIterable<SessionUp>,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SessionDown, void, undefined> {
    const { store, clock, newSessionId, beatPeriodMs } = this.#options;
    await this.#untilCurrent(signal);
    const begin = () => {
      if (store.view().get("node", nodeId) === undefined) throw new OperationError("not-found", `node ${nodeId} not found`);
      const session = new Session({ id: newSessionId(), nodeId, nowMs: clock.monotonicMs() });
      return { session, seat: this.#sessions.open(session) };
    };
    const { session, seat } = await this.#turns.run(begin, { signal });
    this.#opened.abort();
    const closed = AbortSignal.any([seat.closed, signal]);
    const reading = this.#readUp({ session, remoteAddress, closed }, up).then(
      () => seat.close("the worker ended the session"),
      (error: unknown) => seat.close(error instanceof Error ? error.message : String(error)),
    );
    try {
      yield { kind: "welcome", sessionId: session.id, beatPeriodMs };
      let managers: ReturnType<typeof managersIn> | undefined;
      let told = certifiedRole;
      let cluster: Cluster | undefined;
      for (;;) {
        session.takeStanding();
        const where = this.#whereManagersAre();
        if (where !== managers) yield { kind: "managers", ...where };
        managers = where;
        const [current] = store.view().all("cluster");
        const authority = current === cluster ? undefined : current && authorityIn(store.view(), current);
        cluster = current;
        if (authority !== undefined) yield { kind: "authority", authority };
        const wanted = store.view().get("node", nodeId)?.spec.role;
        if (told !== undefined && wanted !== undefined && wanted !== told) yield { kind: "role", role: (told = wanted) };
        const assignments = session.hasAssignments
          ? await this.#turns.run(() => session.next(store.view()), { signal: closed })
          : undefined;
        seat.reindex();
        if (assignments !== undefined) yield { kind: "assignments", assignments };
        await seat.news(closed);
        await clock.sleep(BATCH_MS, { signal: closed });
      }
    } catch (error) {
      if (!closed.aborted) throw error;
      if (!signal.aborted) throw new OperationError("unavailable", seat.reason);
    } finally {
      seat.close("the session is over");
      await reading;
    }
  }

  /** Resolves when the local state holds all that was acknowledged before the call. @throws OperationError `unavailable` without a leader. */
  async #untilCurrent(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const giveUpAtMs = clock.monotonicMs() + OPENING_MAX_MS;
    for (;;) {
      try {
        return await this.#readBarrier(signal);
      } catch (error) {
        const leftMs = giveUpAtMs - clock.monotonicMs();
        if (errorKind(error) !== "unavailable" || leftMs <= 0) throw error;
        await this.#leaderWait.wait(leftMs, { signal });
      }
    }
  }

  async #readBarrier(signal: AbortSignal): Promise<void> {
    const { clock, readBarrier } = this.#options;
    if (this.#isLeaderless()) throw new OperationError("unavailable", NO_LEADER);
    using waiting = new LinkedSignal([signal, clock.timeout(LEADERLESS_MAX_MS)]);
    await readBarrier({ signal: waiting.signal });
  }

  async #readUp(
    context: { readonly session: Session; readonly remoteAddress: string; readonly closed: AbortSignal },
    up: AsyncIterable<SessionUp>,
  ): Promise<void> {
    const { session, remoteAddress, closed } = context;
    const { clock, leader, store } = this.#options;
    const { nodeId } = session;
    const iterator = up[Symbol.asyncIterator]();
    // Not waited for: beats must not stand behind it. One after the other, or an older description could be the last to be written.
    const description = new Newest<NodeReport>(report =>
      this.#forward(session, { closed, send: () => leader.describeNode(report, { signal: closed }) }),
    );
    let isDescribed = false;
    let stop: () => void = () => undefined;
    closed.addEventListener("abort", () => stop(), { once: true });
    try {
      while (!closed.aborted) {
        // Not a race: the end of the session would keep every message's promise until it comes.
        const next = await new Promise<IteratorResult<SessionUp> | undefined>((resolve, reject) => {
          stop = () => resolve(undefined);
          iterator.next().then(resolve, reject);
        });
        if (next === undefined || next.done === true) return;
        session.lastHeardMs = clock.monotonicMs();
        const message = next.value;
        switch (message.kind) {
          case "hello": {
            checkDescription(message.description);
            checkAddress(message.address);
            const address = message.address === "" ? remoteAddress : message.address;
            // A node that only changed managers has nothing new to say. Later ones may overtake what this session said before.
            const view = store.view();
            const node = view.get("node", nodeId);
            const isNews = node === undefined || described(node, { description: message.description, address, view }) !== node;
            if (isDescribed || isNews) description.put({ nodeId, description: message.description, address });
            isDescribed ||= isNews;
            break;
          }
          case "statuses": {
            const statuses = message.statuses.map(({ taskId, status }) => ({ taskId, status: shortened(status) }));
            const report = { nodeId, statuses };
            void this.#forward(session, { closed, send: () => leader.writeStatuses(report, { signal: closed }) });
            break;
          }
          case "beat":
            break;
        }
      }
    } finally {
      void iterator.return?.();
    }
  }

  /** Brings a report to the leader, through changes of it. When that fails for long, the worker is made to begin again. */
  async #forward(
    session: Session,
    { closed, send }: { readonly closed: AbortSignal; readonly send: () => Promise<void> },
  ): Promise<void> {
    const { clock } = this.#options;
    for (let attempt = 1; !closed.aborted; attempt++) {
      try {
        await send();
        return;
      } catch (error) {
        if (closed.aborted) return;
        if (errorKind(error) !== "unavailable" || attempt === FORWARD_ATTEMPTS_MAX) {
          this.#unreached.warn({ node: session.nodeId, error: String(error) }, "a worker's report did not reach the leader");
          this.#sessions.close(session, "the leader could not be told");
          return;
        }
      }
      await clock.sleep(FORWARD_RETRY_MS, { signal: closed }).catch(() => undefined);
    }
  }

  async #route(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#options;
    while (!signal.aborted) {
      const watch = store.watch({ signal });
      let before = store.view();
      this.#managers = undefined;
      this.#sessions.noteAll();
      try {
        // Each entry is looked at with the state it made: several may have been applied since, and what is alike then is not told.
        let routed = 0;
        for await (const { ids, view: after } of watch) {
          for (const touched of ids.values()) routed += touched.size;
          if (routed > SLICE_CHANGES) {
            await clock.sleep(0, { signal });
            routed = 0;
          }
          route({ before, after }, ids, this.#sessions);
          for (const id of ids.get("node") ?? []) this.#routeNode({ before, after }, id as NodeId);
          if (ids.has("cluster")) this.#sessions.noteAllStanding();
          before = after;
        }
      } catch (error) {
        if (signal.aborted || errorKind(error) !== "unavailable") throw error;
        log.warn({}, "sessions fell behind the state and are told everything anew");
      }
    }
  }

  /** What concerns the node's own session, and where the managers are, which concerns all. */
  #routeNode({ before, after }: { readonly before: Snapshot; readonly after: Snapshot }, id: NodeId): void {
    const [old, now] = [before, after].map(view => view.get("node", id));
    if (now === undefined) this.#sessions.closeNode(id, "the node was removed");
    if (old?.spec.role !== now?.spec.role) this.#sessions.noteStanding(id);
    if (old?.manager?.address === now?.manager?.address && isManager(old) === isManager(now)) return;
    this.#managers = undefined;
    this.#sessions.noteAllStanding();
  }

  /** The same object until something of it changes. */
  #whereManagersAre(): ReturnType<typeof managersIn> {
    return (this.#managers ??= managersIn(this.#options.store.view()));
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { clock, leader, managerId, formatLevel = FORMAT_LEVEL, log } = this.#options;
    for (;;) {
      await clock.sleep(FIRST_REPORT_MS, { signal });
      using early = new LinkedSignal([signal, this.#opened.signal]);
      await clock.sleep(REPORT_PERIOD_MS - FIRST_REPORT_MS, { signal: early.signal }).catch(() => signal.throwIfAborted());
      this.#opened = new AbortController();
      const nowMs = clock.monotonicMs();
      const sessions = this.#sessions.list().map(session => ({
        nodeId: session.nodeId,
        sessionId: session.id,
        ageMs: nowMs - session.openedAtMs,
        silenceMs: nowMs - session.lastHeardMs,
      }));
      try {
        using deadline = new LinkedSignal([signal, clock.timeout(LEADERLESS_MAX_MS / 2)]);
        const { fenced } = await leader.reportSessions({ managerId, formatLevel, sessions }, { signal: deadline.signal });
        this.#lastLeaderMs = clock.monotonicMs();
        for (const id of fenced) this.#sessions.closeId(id, "the node has a newer session");
      } catch (error) {
        signal.throwIfAborted();
        log.debug({ error: String(error) }, "no leader was told of the sessions");
        if (this.#isLeaderless()) void this.#sendAway(signal);
      }
    }
  }

  /** A few at a time, so that other managers are not asked by all workers at once, and no more once a leader is there. */
  async #sendAway(signal: AbortSignal): Promise<void> {
    if (this.#isSendingAway) return;
    this.#isSendingAway = true;
    try {
      while (!signal.aborted && this.#isLeaderless() && this.#sessions.closeSome(SENT_AWAY, NO_LEADER) > 0)
        await this.#options.clock.sleep(SENT_AWAY_PERIOD_MS);
    } finally {
      this.#isSendingAway = false;
    }
  }

  #isLeaderless(): boolean {
    return this.#options.clock.monotonicMs() - this.#lastLeaderMs > LEADERLESS_MAX_MS;
  }
}

function isManager(node: Node | undefined): boolean {
  return node?.role === "manager";
}
