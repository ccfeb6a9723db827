import { parsed, refuse } from "../command-line.ts";
import { hasClockLibrary } from "./clock.ts";
import { FAULT_KINDS, type FaultKind } from "./fault.ts";

export interface ChaosOptions {
  /** From the start of the lab to the last fault. */
  readonly forMs: number;
  readonly seed: number;
  readonly managers: number;
  readonly workers: number;
  readonly kinds: readonly [FaultKind, ...FaultKind[]];
}

/** What the command line asks for. Ends the process with a line for what it cannot. */
export function chaosOptions(): ChaosOptions {
  const { values } = parsed({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
      managers: { type: "string", default: "3" },
      workers: { type: "string", default: "2" },
      only: { type: "string", default: FAULT_KINDS.join(",") },
    },
  });
  const forMs = Number(values.minutes) * 60_000;
  if (!(forMs > 0)) refuse(`--minutes is a number above 0, not ${values.minutes}`);
  for (const option of ["seed", "managers", "workers"] as const)
    if (!/^\d{1,9}$/.test(values[option])) refuse(`--${option} is a whole number, not ${values[option]}`);
  if (Number(values.managers) < 1) refuse("--managers is 1 or more");
  const [seed, managers, workers] = [Number(values.seed), Number(values.managers), Number(values.workers)];
  const kinds = faultKinds(values.only);
  if (kinds.includes("leave") && workers === 0)
    refuse("without workers nobody can leave: say with --only which faults there are to be");
  return { forMs, seed, managers, workers, kinds };
}

function faultKinds(only: string): ChaosOptions["kinds"] {
  const asked = only.split(",");
  const unknown = asked.filter(kind => !(FAULT_KINDS as readonly string[]).includes(kind));
  if (unknown.length > 0) refuse(`no such faults: ${unknown.join(", ")} (there are ${FAULT_KINDS.join(", ")})`);
  if (asked.includes("clock step") && !hasClockLibrary())
    refuse(
      "clock steps need Debian's libfaketime; without them: --only " +
        JSON.stringify(FAULT_KINDS.filter(kind => kind !== "clock step").join(",")),
    );
  const [first, ...others] = FAULT_KINDS.filter(kind => asked.includes(kind));
  return first === undefined ? refuse("--only names no fault") : [first, ...others];
}
