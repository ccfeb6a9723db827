import type { Case } from "./case.ts";
import { NEVER_ANSWERED } from "./explanations.ts";
import type { Operation, Specification } from "./specification.ts";

/** Operations of these tags have to be shown whole. */
export const TAGS_COVERED = ["Container", "Exec", "System"];

/** A failure of the engine itself is not brought about by a call. */
const FAILURE = "500";

export interface Coverage {
  readonly operation: Operation;
  readonly status: string;
  /** Empty: nobody brought it about. */
  readonly shownBy: readonly Case[];
  /** Why no engine answers so. */
  readonly never: string | undefined;
}

/** Every operation and status of the tags, with the cases that are there for it. */
export function coverageOf({ operations }: Specification, cases: readonly Case[]): readonly Coverage[] {
  return operations
    .filter(({ tag }) => TAGS_COVERED.includes(tag))
    .flatMap(operation =>
      Object.keys(operation.responses)
        .filter(status => status !== FAILURE)
        .map(status => ({
          operation,
          status,
          shownBy: cases.filter(one => one.operation === operation.id && String(one.status) === status),
          never: NEVER_ANSWERED.find(one => one.operation === operation.id && String(one.status) === status)?.because,
        })),
    );
}

export function isMissing({ shownBy, never }: Coverage): boolean {
  return shownBy.length === 0 && never === undefined;
}

/** A line for each status of each operation. */
export function coverageTable(specification: Specification, cases: readonly Case[]): string {
  const lines = coverageOf(specification, cases).map(({ operation, status, shownBy, never }) => {
    const how = shownBy.length > 0 ? shownBy.map(({ when }) => when).join("; ") : (never ?? "NOT SHOWN");
    return `${operation.tag.padEnd(9)} ${operation.id.padEnd(26)} ${status} ${shownBy.length > 0 ? "" : "(never) "}${how}`;
  });
  return lines.join("\n");
}
