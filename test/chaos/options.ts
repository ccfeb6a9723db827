import { existsSync } from "node:fs";
import { parsed, refuse } from "../command-line.ts";
import { hasClockLibrary } from "./clock.ts";
import { type ChosenKinds, chooseKinds } from "./kinds.ts";

const REFERENCE_DATA = "../shared";

export interface ChaosOptions extends ChosenKinds {
  /** From the start of the lab to the last fault. */
  readonly forMs: number;
  readonly seed: number;
  readonly managers: number;
  readonly workers: number;
}

/** What the command line asks for. Ends the process with a line for what it cannot. */
export function chaosOptions(): ChaosOptions {
  const { values } = parsed({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
      managers: { type: "string", default: "3" },
      workers: { type: "string", default: "2" },
      only: { type: "string" },
    },
  });
  const forMs = Number(values.minutes) * 60_000;
  if (!(forMs > 0)) refuse(`--minutes is a number above 0, not ${values.minutes}`);
  for (const option of ["seed", "managers", "workers"] as const)
    if (!/^\d{1,9}$/.test(values[option])) refuse(`--${option} is a whole number, not ${values[option]}`);
  if (Number(values.managers) < 1) refuse("--managers is 1 or more");
  const [seed, managers, workers] = [Number(values.seed), Number(values.managers), Number(values.workers)];
  const chosen = chooseKinds(values.only, { hasClocks: hasClockLibrary(), hasReferenceData: existsSync(REFERENCE_DATA) });
  if (typeof chosen === "string") refuse(chosen);
  if (chosen.kinds.includes("leave") && workers === 0)
    refuse("without workers nobody can leave: say with --only which faults there are to be");
  return { forMs, seed, managers, workers, ...chosen };
}
