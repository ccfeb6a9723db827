import { OperationError } from "../../lib/errors.ts";
import type { Node } from "../../model/cluster.ts";
import type { NodeId, SessionId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ApplyResult, Change, Entry } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { described } from "./described.ts";
import type { LeaderCalls, NodeReport, SessionReport, StatusReport } from "./leader-calls.ts";
import { FormatLevels } from "./format-levels.ts";
import { Liveness } from "./liveness.ts";
import { type Reaches, SecondOpinion } from "./second-opinion.ts";
import { StatusWriter } from "./status-writer.ts";

const JUDGE_PERIOD_MS = 250;
const ATTEMPTS_MAX = 20;
const HAS_LEFT = "the node left the swarm";

export interface LeaderDutiesOptions {
  readonly view: () => Snapshot;
  readonly propose: (entry: Omit<Entry, "atMs">, options: { readonly signal?: AbortSignal }) => Promise<ApplyResult>;
  /** Resolves when the view holds everything that any manager has applied before the call. */
  readonly readBarrier: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly beatPeriodMs: number;
  readonly reaches: Reaches;
}

/** What the leader does for the dispatchers: writes what workers report, and judges which nodes are up. */
export class LeaderDuties implements LeaderCalls {
  readonly #options: LeaderDutiesOptions;
  readonly #statuses: StatusWriter;
  readonly #secondOpinion: SecondOpinion;
  /** The last report of a node that is being written. */
  readonly #describing = new Map<NodeId, Promise<void>>();
  #liveness: Liveness | undefined;
  #levels = new FormatLevels();

  constructor(options: LeaderDutiesOptions) {
    this.#options = options;
    this.#statuses = new StatusWriter(options);
    this.#secondOpinion = new SecondOpinion(options);
  }

  /** Runs while this manager leads. @throws The signal's reason. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, beatPeriodMs, log } = this.#options;
    const liveness = new Liveness({ electedAtMs: clock.monotonicMs(), beatPeriodMs });
    this.#liveness = liveness;
    this.#levels = new FormatLevels();
    try {
      for (;;) {
        await clock.sleep(JUDGE_PERIOD_MS, { signal });
        try {
          await this.#judge(liveness, signal);
          await this.#raiseLevel(signal);
        } catch (error) {
          signal.throwIfAborted();
          log.warn({ error: String(error) }, "could not record which nodes are up");
        }
      }
    } finally {
      if (this.#liveness === liveness) this.#liveness = undefined;
    }
  }

  async writeStatuses(report: StatusReport): Promise<void> {
    this.#leading();
    await this.#statuses.write(report);
  }

  /** Reports of one node are written in the order in which they come. */
  async describeNode(report: NodeReport): Promise<void> {
    const { nodeId } = report;
    const before = this.#describing.get(nodeId);
    const written = (before ?? Promise.resolve()).catch(() => undefined).then(() => this.#describe(report));
    this.#describing.set(nodeId, written);
    try {
      await written;
    } finally {
      if (this.#describing.get(nodeId) === written) this.#describing.delete(nodeId);
    }
  }

  async #describe({ nodeId, description, address }: NodeReport): Promise<void> {
    this.#leading();
    if (this.#options.view().get("node", nodeId) === undefined) await this.#options.readBarrier();
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const view = this.#options.view();
      const node = view.get("node", nodeId);
      if (node === undefined) throw new OperationError("not-found", `node ${nodeId} not found`);
      const next = described(node, { description, address, view });
      if (next === node) return;
      if (await this.#put([next])) return;
    }
    throw new OperationError("unavailable", "the node's description was overtaken too often");
  }

  /** A node says goodbye: it is down at once. Resolves when that is in the state. */
  async nodeLeft(nodeId: NodeId): Promise<void> {
    const { view, clock } = this.#options;
    this.#leading().left(nodeId, clock.monotonicMs());
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const node = view().get("node", nodeId);
      if (node === undefined || node.status.state === "down") return;
      if (await this.#putStates([{ id: nodeId, state: "down", message: HAS_LEFT }])) return;
    }
    throw new OperationError("unavailable", "the node's state was overtaken too often");
  }

  async reportSessions(report: SessionReport): Promise<{ readonly fenced: readonly SessionId[] }> {
    this.#levels.report(report);
    return { fenced: this.#leading().report(report, this.#options.clock.monotonicMs()) };
  }

  async #raiseLevel(signal: AbortSignal): Promise<void> {
    const { view, propose, log } = this.#options;
    const entry = this.#levels.raise(view());
    if (entry === undefined) return;
    signal.throwIfAborted();
    if ((await propose(entry, {})).kind === "applied")
      log.info({ level: entry.level }, "all managers read a newer format; it is in force");
  }

  #leading(): Liveness {
    if (this.#liveness === undefined) throw new OperationError("unavailable", "this manager is not the leader");
    return this.#liveness;
  }

  async #judge(liveness: Liveness, signal: AbortSignal): Promise<void> {
    const { view, clock } = this.#options;
    const snapshot = view();
    const nodes = [...snapshot.all("node")];
    this.#secondOpinion.ask(
      liveness.suspects(nodes, clock.monotonicMs()).flatMap(nodeId => {
        const host = snapshot.get("node", nodeId)?.status.address ?? "";
        return host === "" ? [] : [{ nodeId, host }];
      }),
      { onAnswer: id => liveness.answered(id, clock.monotonicMs()), signal },
    );
    const { down, up, left } = liveness.judge(nodes, clock.monotonicMs());
    signal.throwIfAborted();
    await this.#putStates([
      ...left.map(id => ({ id, state: "down", message: HAS_LEFT }) as const),
      ...down.map(id => ({ id, state: "down", message: "heartbeat failure" }) as const),
      // A node that has never said what it is has no room for tasks yet.
      ...up
        .filter(id => snapshot.get("node", id)?.description !== undefined)
        .map(id => ({ id, state: "ready", message: "" }) as const),
    ]);
  }

  /** @returns false when some of the nodes were written by somebody else meanwhile: then nothing is. */
  async #putStates(states: readonly (Pick<Node["status"], "state" | "message"> & { readonly id: NodeId })[]): Promise<boolean> {
    const { view, log } = this.#options;
    const snapshot = view();
    const changed = states.flatMap(({ id, state, message }) => {
      const node = snapshot.get("node", id);
      return node === undefined ? [] : [{ ...node, status: { ...node.status, state, message } }];
    });
    if (changed.length === 0) return true;
    const isWritten = await this.#put(changed);
    if (isWritten) for (const { id, status } of changed) log.info({ node: id, state: status.state }, "a node changed state");
    return isWritten;
  }

  async #put(nodes: readonly Node[]): Promise<boolean> {
    const changes: readonly Change[] = nodes.map(object => ({ kind: "put", table: "node", object, basedOn: object.version }));
    return (await this.#options.propose({ changes, reliesOn: [] }, {})).kind === "applied";
  }
}
