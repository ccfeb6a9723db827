import type { FaultKind } from "./fault.ts";
import type { Verdict } from "./verdict.ts";

/** How often a kind of fault was inflicted, and how often it was seen to be there. */
export interface FaultCount {
  readonly inflicted: number;
  readonly felt: number;
}

/** What became of a run. */
export interface Summary {
  readonly seed: number;
  readonly tookMs: number;
  readonly faults: Readonly<Partial<Record<FaultKind, FaultCount>>>;
  /** Not inflicted, for want of what it takes. */
  readonly skipped?: readonly FaultKind[];
  readonly verdict?: Omit<Verdict, "findings">;
  /** From the last change until everything was as its users asked. */
  readonly settledMs?: number;
  /** What is wrong, one text each. */
  readonly findings: readonly string[];
}

export function summaryText({ seed, tookMs, faults, skipped = [], verdict, settledMs, findings }: Summary): string {
  const counts = Object.entries(faults).map(
    ([kind, { inflicted, felt }]) => `${kind} ${inflicted}${felt === inflicted ? "" : ` (${felt} felt)`}`,
  );
  const lines = [
    `chaos, seed ${seed}: ${(tookMs / 60_000).toFixed(1)} min`,
    `  faults   ${counts.length === 0 ? "none" : counts.join(", ")}`,
    ...(skipped.length === 0 ? [] : [`  skipped  ${skipped.join(", ")}`]),
    ...(verdict === undefined ? [] : [`  answers  ${answersText(verdict)}`]),
    ...(settledMs === undefined ? [] : [`  rest     ${Math.round(settledMs)} ms after the last change`]),
    findings.length === 0 ? "nothing found" : `FOUND ${findings.length}:`,
    ...findings,
  ];
  return lines.join("\n");
}

function answersText(verdict: Omit<Verdict, "findings">): string {
  const { callCount, unansweredCount, longestWithoutWriteMs, rejectedCount, plantedCount } = verdict;
  return [
    `${callCount} calls`,
    `${unansweredCount} without an answer`,
    `${(longestWithoutWriteMs / 1_000).toFixed(1)} s at most between two writes`,
    `${rejectedCount} of ${plantedCount} planted wrongs rejected`,
  ].join(", ");
}
