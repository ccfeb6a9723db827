import { checkLinearizable } from "../sim/linearizability/checker.ts";
import { type ObjectInput, objectModel } from "../sim/linearizability/cluster-objects.ts";
import type { RecordedCall } from "./history.ts";
import { PLANTED_WRONGS } from "./planted-wrongs.ts";

const CALLS_SHOWN = 8;
/** In a longer history there is a place for each wrong, or the clients did not do what they should. */
const SHORT_CALLS = 100;

export interface Verdict {
  readonly callCount: number;
  /** Calls whose client was never told. */
  readonly unansweredCount: number;
  /** The longest time in which no client was told that it had written, in ms. */
  readonly longestWithoutWriteMs: number;
  /** Histories that were made wrong and rejected, of so many. */
  readonly rejectedCount: number;
  readonly plantedCount: number;
  /** What is wrong, one text each. */
  readonly findings: readonly string[];
}

/** Whether what the clients were answered can be put in an order, and whether the checker would have noticed otherwise. */
export function judgeCalls(calls: readonly RecordedCall[]): Verdict {
  const parts = byName(calls);
  const findings = [...parts.values()].flatMap(wrongIn);
  const planted =
    findings.length > 0 ? [] : Object.entries(PLANTED_WRONGS).map(([name, plant]) => [name, planting(parts, plant)] as const);
  const missed = planted.filter(([, result]) => result === "missed").map(([name]) => `the checker does not notice when ${name}`);
  const without = planted.filter(([, result]) => result === "no place").map(([name]) => `no place to plant: ${name}`);
  return {
    callCount: calls.length,
    unansweredCount: calls.filter(({ output }) => output === undefined).length,
    longestWithoutWriteMs: longestWithoutWriteMs(calls),
    rejectedCount: planted.filter(([, result]) => result === "rejected").length,
    plantedCount: Object.keys(PLANTED_WRONGS).length,
    findings: [...findings, ...missed, ...(calls.length < SHORT_CALLS ? [] : without)],
  };
}

/** Names are objects of their own: what concerns one is judged by itself. */
function byName(calls: readonly RecordedCall[]): ReadonlyMap<string, readonly RecordedCall[]> {
  const parts = new Map<string, RecordedCall[]>();
  for (const call of calls) {
    const part = parts.get(nameOf(call.input)) ?? [];
    part.push(call);
    parts.set(nameOf(call.input), part);
  }
  return parts;
}

function nameOf(input: ObjectInput): string {
  return "name" in input ? input.name : "";
}

function check(calls: readonly RecordedCall[]) {
  const operations = calls.map(call => ({ ...call, output: call.output }));
  return checkLinearizable(operations, objectModel({ isWrittenByCluster: true }));
}

function wrongIn(calls: readonly RecordedCall[]): readonly string[] {
  const verdict = check(calls);
  if (verdict.isLinearizable) return [];
  const shown = [...verdict.order.slice(-CALLS_SHOWN), "--- none of these can come next:", ...verdict.stuck];
  return [`the answers are not linearizable:\n${shown.map(call => JSON.stringify(call)).join("\n")}`];
}

function planting(
  parts: ReadonlyMap<string, readonly RecordedCall[]>,
  plant: (calls: readonly RecordedCall[]) => readonly RecordedCall[] | undefined,
): "rejected" | "missed" | "no place" {
  for (const calls of parts.values()) {
    const wrong = plant(calls);
    if (wrong !== undefined) return check(wrong).isLinearizable ? "missed" : "rejected";
  }
  return "no place";
}

function longestWithoutWriteMs(calls: readonly RecordedCall[]): number {
  const toldAt = calls
    .filter(({ output }) => output?.kind === "created" || output?.kind === "done")
    .map(({ returnedAt }) => returnedAt)
    .sort((a, b) => a - b);
  return toldAt.reduce((longest, at, index) => Math.max(longest, at - (toldAt[index - 1] ?? at)), 0);
}
