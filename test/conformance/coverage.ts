import type { Case } from "./case.ts";
import { NEVER_ANSWERED, NOT_SHOWN_YET } from "./explanations.ts";
import type { Operation, Specification } from "./specification.ts";

/** Operations of these tags have to be shown whole. */
export const TAGS_COVERED = [
  ...["Container", "Exec", "System", "Image", "Network", "Volume"],
  ...["Swarm", "Node", "Service", "Task", "Secret", "Config"],
];

/** A failure of the engine itself is not brought about by a call. */
const FAILURE = "500";

export interface Coverage {
  readonly operation: Operation;
  readonly status: string;
  /** Empty: nobody brought it about. */
  readonly shownBy: readonly Case[];
  /** Why no engine answers so. */
  readonly never: string | undefined;
  /** Why we do not yet. */
  readonly notYet: string | undefined;
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
          never: reasonIn(NEVER_ANSWERED, operation.id, status),
          notYet: reasonIn(NOT_SHOWN_YET, operation.id, status),
        })),
    );
}

function reasonIn(list: typeof NEVER_ANSWERED, operation: string, status: string): string | undefined {
  return list.find(one => one.operation === operation && String(one.status) === status)?.because;
}

/** Neither shown nor excused, or both. */
export function isMissing({ shownBy, never, notYet }: Coverage): boolean {
  return shownBy.length > 0 === ((never ?? notYet) !== undefined);
}

/** A line for each status of each operation. */
export function coverageTable(specification: Specification, cases: readonly Case[]): string {
  const lines = coverageOf(specification, cases).map(one => {
    const { operation, status } = one;
    return `${operation.tag.padEnd(9)} ${operation.id.padEnd(26)} ${status} ${howShown(one)}`;
  });
  return lines.join("\n");
}

function howShown({ shownBy, never, notYet }: Coverage): string {
  if (shownBy.length > 0) return `when ${shownBy.map(({ when }) => when).join("; ")}`;
  if (never !== undefined) return `never: ${never}`;
  return notYet === undefined ? "NOT SHOWN" : `not yet: ${notYet}`;
}
