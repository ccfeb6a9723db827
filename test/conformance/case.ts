import type { Answer } from "./http.ts";
import type { CaseStage } from "./common.ts";

/** One status of one operation, brought about by a call on an engine. */
export interface Case {
  readonly operation: string;
  readonly status: number;
  /** `it runs already`. */
  readonly when: string;
  /** The oldest version that can be asked so. */
  readonly since?: string;
  /** Only where the engine is the manager of a swarm. */
  readonly onManager?: boolean;
  /** Why the real engine is not asked. */
  readonly oursAlone?: string;
  /** It has the second host, for itself alone. */
  readonly usesOther?: boolean;
  /** Not at the same time as others, since it looks at all there is. */
  readonly isAlone?: boolean;
  /** Where the real engine answers otherwise, and why that is so. */
  readonly real?: { readonly status: number; readonly because: string };
  readonly run: (stage: CaseStage) => Promise<Answer>;
}

export function shows(
  operation: string,
  status: number,
  when: string,
  run: Case["run"],
  options: Pick<Case, "since" | "real" | "isAlone" | "oursAlone" | "onManager" | "usesOther"> = {},
): Case {
  return { operation, status, when, run, ...options };
}

export function caseName({ operation, status, when }: Case): string {
  return `${operation} ${status} when ${when}`;
}

/** The id of nothing. */
export const GONE = { id: "f".repeat(64) };
