import { errorKind, errorMessage } from "../lib/errors.ts";
import { asId } from "../model/ids.ts";
import type { TaskId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Agenda } from "./control-loop-agenda.ts";
import { Inbox } from "./control-loop-inbox.ts";
import type { HeardStore } from "./control-loop-inbox.ts";
import { LoopMemory } from "./control-loop-memory.ts";
import { planTurn } from "./control-loop-turn.ts";
import type { Turn } from "./control-loop-turn.ts";
import type { ApplyResult, Entry } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** About what one entry holds at most, so that Raft's messages are not kept waiting. */
const CHANGES_MAX = 500;
/** After refusals for staleness a turn is made smaller, down to this: less to be overtaken. */
const CHANGES_MIN = 20;
/** Of the first turn, which runs what V8 has not compiled yet and takes five times as long for each change. */
const CHANGES_FIRST = 100;
/** Nothing else gets its turn while one is planned: where one takes longer, the next has less to do, */
const TURN_MS = 20;
/** down to this: most of what a smaller one costs is looking at every node. */
const CHANGES_TIMELY_MIN = 100;
/** A change in one of these may leave a node without its number or address. */
const NODE_TABLES = ["node", "network", "cluster"] as const;
const PROPOSE_RETRY_MS = 500;
/** Something to wait for even if no stage asked for a time. */
const IDLE_MS = 60_000;

export interface ControlLoopOptions {
  readonly store: HeardStore;
  readonly propose: (entry: Omit<Entry, "atMs">, options: { readonly signal: AbortSignal }) => Promise<ApplyResult>;
  /** What is due in a minute is due then, whatever the machine's clock is set to: see `TermClock`. */
  readonly clock: Clock;
  readonly log: Log;
  readonly newTaskId: () => TaskId;
  /** The term this manager leads in: a plan of it is refused in any other. */
  readonly term: number;
  /** Aborted when leadership is over. */
  readonly signal: AbortSignal;
}

/**
 * Runs while this manager leads. Reads state, never what an event said, so a missed event costs nothing.
 * @throws The signal's reason. Returns when another term has begun first.
 */
export async function runControlLoop(options: ControlLoopOptions): Promise<void> {
  const { store, clock, log, newTaskId, signal } = options;
  const inbox = new Inbox(store, { signal });
  const agenda = new Agenda();
  let memory: LoopMemory | undefined;
  let changesMax = CHANGES_FIRST;
  let sweepsRevisions = true;
  let looksAtNodes = true;
  for (;;) {
    // What woke it was just applied: that, a plan and writing it out are not to be one long stall.
    await clock.sleep(0, { signal });
    const taken = inbox.take();
    const view = store.view();
    agenda.note(view, taken);
    sweepsRevisions ||= taken.kind === "all" || taken.ids.has("service") || hasGone(view, taken.ids.get("task"));
    looksAtNodes ||= taken.kind === "all" || NODE_TABLES.some(table => taken.ids.has(table));
    if (memory === undefined || taken.kind === "all" || taken.ids.has("cluster")) {
      // What changes meanwhile is in the inbox, and is looked at before anything is planned.
      memory = await LoopMemory.read(view, { pause: () => clock.sleep(0, { signal }) });
      if (!inbox.isEmpty) continue;
    } else memory.refresh(view, taken.ids);
    const nowMs = clock.nowMs();
    const beganMs = clock.monotonicMs();
    const services = agenda.due(nowMs);
    const turn = planTurn(view, { nowMs, newTaskId, services, memory, changesMax, sweepsRevisions, looksAtNodes });
    if (turn.changes.length === 0) {
      sweepsRevisions = false;
      looksAtNodes = false;
      agenda.settle(turn, { nowMs });
      if (agenda.due(nowMs).length === 0) await inbox.wait(Math.min(IDLE_MS, agenda.nextAtMs - nowMs), clock);
      else await clock.sleep(0, { signal }); // Others get their turn between the slices of a long list.
      continue;
    }
    const tookMs = clock.monotonicMs() - beganMs;
    log.debug({ changes: turn.changes.length, ms: tookMs }, "a turn is planned");
    if (turn.changes.length > CHANGES_MIN) await clock.sleep(0, { signal }); // Writing it out takes a while too.
    const result = await proposeTurn(turn, options);
    if (result === undefined) continue; // Nothing was settled: all of it is planned again.
    if (result.kind === "applied") {
      agenda.settle(turn, { nowMs });
      changesMax = Math.min(CHANGES_MAX, changesMax * 2, timely(changesMax, { changes: turn.changes.length, tookMs }));
      continue;
    }
    if (result.reason === "term") return;
    if (result.reason === "conflict") {
      // What the plan did not foresee: put these services off, so that one cannot hold up the rest.
      log.warn({ message: result.message, services: services.length }, "a plan was refused");
      agenda.settle(postponed(turn, nowMs), { nowMs });
    }
    changesMax = Math.max(CHANGES_MIN, Math.floor(changesMax / 2));
  }
}

/** A proposal that failed may have been kept or not: the next turn sees. @throws The signal's reason once leadership is over. */
async function proposeTurn(
  { changes, reliesOn }: Turn,
  { propose, clock, log, term, signal }: ControlLoopOptions,
): Promise<ApplyResult | undefined> {
  try {
    return await propose({ changes, reliesOn, term }, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (errorKind(error) !== "unavailable") throw error;
    log.warn({ error: errorMessage(error) }, "a plan could not be proposed; trying again");
    await clock.sleep(PROPOSE_RETRY_MS, { signal });
    return undefined;
  }
}

/** As many changes as fit the time at the pace of the last turn, which may have been too small to tell. */
function timely(changesMax: number, { changes, tookMs }: { readonly changes: number; readonly tookMs: number }): number {
  const fitting = Math.floor((changes * TURN_MS) / tookMs);
  return Math.max(tookMs > TURN_MS ? CHANGES_TIMELY_MIN : changesMax, fitting);
}

function hasGone(view: Snapshot, taskIds: ReadonlySet<string> | undefined): boolean {
  for (const id of taskIds ?? []) if (view.get("task", asId<TaskId>(id)) === undefined) return true;
  return false;
}

const CONFLICT_RETRY_MS = 1_000;

function postponed({ looked, begun }: Turn, nowMs: number): Pick<Turn, "looked" | "begun"> {
  const put = [...looked.keys()].map(id => [id, { wakeAtMs: nowMs + CONFLICT_RETRY_MS, isWaiting: false }] as const);
  return { looked: new Map(put), begun };
}
