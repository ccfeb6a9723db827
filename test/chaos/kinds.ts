import { FAULT_KINDS, type FaultKind } from "./fault.ts";

export interface Machine {
  /** Hosts can have clocks of their own. */
  readonly hasClocks: boolean;
  /** Here nothing may be left out. */
  readonly hasReferenceData: boolean;
}

export interface ChosenKinds {
  readonly kinds: readonly [FaultKind, ...FaultKind[]];
  /** What all kinds would be, and cannot be had here. */
  readonly skipped: readonly FaultKind[];
}

/** Which faults a run has. @param only - Those that were asked for; nothing: all that can be had. @returns also why there is no run. */
export function chooseKinds(only: string | undefined, { hasClocks, hasReferenceData }: Machine): ChosenKinds | string {
  const asked: readonly string[] = only?.split(",") ?? FAULT_KINDS;
  const unknown = asked.filter(kind => !(FAULT_KINDS as readonly string[]).includes(kind));
  if (unknown.length > 0) return `no such faults: ${unknown.join(", ")} (there are ${FAULT_KINDS.join(", ")})`;
  const isLeftOut = (kind: FaultKind): boolean => kind === "clock step" && !hasClocks;
  const wanted = FAULT_KINDS.filter(kind => asked.includes(kind));
  if (wanted.some(isLeftOut) && (only !== undefined || hasReferenceData))
    return `clock steps need Debian's libfaketime (deploy/setup.sh --tests); without them: --only ${JSON.stringify(
      wanted.filter(kind => !isLeftOut(kind)).join(","),
    )}`;
  const [first, ...others] = wanted.filter(kind => !isLeftOut(kind));
  if (first === undefined) return "--only names no fault";
  return { kinds: [first, ...others], skipped: wanted.filter(isLeftOut) };
}
