import { asId } from "../../model/ids.ts";
import type { NodeId, SessionId } from "../../model/ids.ts";
import type { Assignment, AssignmentKey, Assignments } from "../../model/session.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { NO_NEEDS, assignmentFor, fullAssignments, needsOf } from "./assignments.ts";
import type { NodeNeeds } from "./assignments.ts";

/** More than this to tell at once, and everything is told anew. */
const DIRTY_MAX = 5_000;

/** What one worker has been told, and what it has to be told next: ids, never a state. */
export class Session {
  readonly id: SessionId;
  readonly nodeId: NodeId;
  readonly openedAtMs: number;
  lastHeardMs: number;
  /** Known with the first `next`: until then everything is to be told anyway. */
  #needs: NodeNeeds = NO_NEEDS;
  #dirty = new Map<string, AssignmentKey>();
  #isFullDue = true;
  #areNeedsDue = false;
  #isStandingDue = false;
  #sequence = 0;

  constructor(options: { readonly id: SessionId; readonly nodeId: NodeId; readonly nowMs: number }) {
    this.id = options.id;
    this.nodeId = options.nodeId;
    this.openedAtMs = options.nowMs;
    this.lastHeardMs = options.nowMs;
  }

  get needs(): NodeNeeds {
    return this.#needs;
  }

  /** A secret or a config is there for its tasks. */
  holds({ kind, id }: AssignmentKey): boolean {
    const { secrets, configs } = this.#needs;
    return kind === "secret" ? secrets.has(asId(id)) : kind === "config" && configs.has(asId(id));
  }

  /** Something of what its node is to have or to know may have to be told. */
  get hasAssignments(): boolean {
    return this.#isFullDue || this.#areNeedsDue || this.#dirty.size > 0;
  }

  get hasNews(): boolean {
    return this.hasAssignments || this.#isStandingDue;
  }

  note(key: AssignmentKey): void {
    if (this.#isFullDue) return;
    this.#dirty.set(`${key.kind}/${key.id}`, key);
    if (this.#dirty.size > DIRTY_MAX) this.noteAll();
  }

  /** Its tasks changed: which networks, secrets and configs it needs is to be seen again. */
  noteNeeds(): void {
    this.#areNeedsDue = true;
  }

  /** Something besides assignments may have to be told; the dispatcher knows what. */
  noteStanding(): void {
    this.#isStandingDue = true;
  }

  /** It is being looked at: what is noted from now on is looked at once more. */
  takeStanding(): void {
    this.#isStandingDue = false;
  }

  noteAll(): void {
    this.#isFullDue = true;
    this.#dirty.clear();
  }

  /** What has to be told now. Empties what was noted. */
  next(view: Snapshot): Assignments | undefined {
    if (this.#isFullDue) {
      this.#needs = needsOf(view, this.nodeId);
      this.#isFullDue = false;
      this.#areNeedsDue = false;
      const put = fullAssignments(view, { nodeId: this.nodeId, needs: this.#needs });
      return { sequence: ++this.#sequence, isFull: true, put, removed: [] };
    }
    if (this.#areNeedsDue) this.#renewNeeds(view);
    const dirty = this.#dirty;
    this.#dirty = new Map();
    const put: Assignment[] = [];
    const removed: AssignmentKey[] = [];
    for (const key of dirty.values()) {
      const assignment = assignmentFor(view, { nodeId: this.nodeId, needs: this.#needs, key });
      if (assignment === undefined) removed.push(key);
      else put.push(assignment);
    }
    if (put.length === 0 && removed.length === 0) return undefined;
    return { sequence: ++this.#sequence, isFull: false, put, removed };
  }

  #renewNeeds(view: Snapshot): void {
    const before = this.#needs;
    this.#needs = needsOf(view, this.nodeId);
    this.#areNeedsDue = false;
    for (const id of changed(before.secrets, this.#needs.secrets)) this.note({ kind: "secret", id });
    for (const id of changed(before.configs, this.#needs.configs)) this.note({ kind: "config", id });
    if (before.takesFromAll !== this.#needs.takesFromAll) for (const { id } of view.all("node")) this.note({ kind: "peer", id });
    const networks = changed(before.networks, this.#needs.networks);
    if (networks.length === 0) return;
    for (const id of networks) {
      this.note({ kind: "network", id });
      for (const task of view.tasksOnNetwork(id)) {
        this.note({ kind: "endpoint", id: task.id });
        if (task.nodeId !== undefined) this.note({ kind: "peer", id: task.nodeId });
      }
    }
    for (const { id, spec } of view.all("service")) if (spec.task.networks.length > 0) this.note({ kind: "service", id });
  }
}

function changed<Id>(before: ReadonlySet<Id>, after: ReadonlySet<Id>): readonly Id[] {
  return [...[...before].filter(id => !after.has(id)), ...[...after].filter(id => !before.has(id))];
}
