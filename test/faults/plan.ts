import { FAILPOINTS, type FailpointName } from "../../src/ports/failpoint.ts";
import type { ArmedFailpoint } from "../../src/daemon/failpoints.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { defined } from "../../src/lib/assert.ts";
import type { Operation } from "./operation.ts";
import type { Round } from "./round.ts";

/** What an operation does when nothing fails. */
export interface Passed {
  readonly operation: Operation;
  readonly hits: readonly FailpointName[];
  readonly lastsMs: number;
}

export interface PlanRequest {
  readonly seed: number;
  readonly passed: readonly Passed[];
  readonly kills: number;
  readonly crashes: number;
  readonly stops: number;
  readonly hasErrors: boolean;
}

/** Besides a full disk. */
const OTHER_ERRORS = ["EIO", "EMFILE"] as const;
/** A program that fails by itself later, and where an error has no user to be told. */
const WITHOUT_ERRORS: readonly FailpointName[] = ["archive/helper.spawn", "networks/ip.spawn", "logs/rotate.rename"];

/** Rounds that end the daemon there in each operation that passes there, the first time. */
export function roundsAt(passed: readonly Passed[], name: FailpointName): readonly Round[] {
  const armed: ArmedFailpoint = { name, moment: "before", action: "kill" };
  return passed
    .filter(({ hits }) => hits.includes(name))
    .map(({ operation }) => ({ operation, fault: { kind: "failpoint", armed } }));
}

/** Every failpoint before and after, then moments of running operations, power losses and failing steps: the same for the same seed. */
export function planRounds({ seed, passed, kills, crashes, stops, hasErrors }: PlanRequest): readonly Round[] {
  const dice = new SeededRandom(seed);
  const at = (
    name: FailpointName,
    rest: Pick<ArmedFailpoint, "moment" | "action">,
  ): { operation: Operation; armed: ArmedFailpoint } | undefined => {
    const candidates = passed.filter(({ hits }) => hits.includes(name));
    if (candidates.length === 0) return undefined;
    const { operation, hits } = pick(dice, candidates);
    const count = hits.filter(hit => hit === name).length;
    return {
      operation,
      armed: { name, ...rest, skip: rest.action === "kill" ? Math.floor(dice.fraction() * Math.min(count, 2)) : 0 },
    };
  };
  const failpoints = (["before", "after"] as const).flatMap(moment =>
    FAILPOINTS.flatMap((name): readonly Round[] => {
      const found = at(name, { moment, action: "kill" });
      return found === undefined ? [] : [{ operation: found.operation, fault: { kind: "failpoint", armed: found.armed } }];
    }),
  );
  const moments = (kind: "moment" | "crash" | "stop", count: number): readonly Round[] =>
    Array.from({ length: Math.max(0, count) }, () => {
      const { operation, lastsMs } = pick(dice, passed);
      return { operation, fault: { kind, afterMs: Math.round(dice.fraction() * (lastsMs + 5)) } };
    });
  const errors = FAILPOINTS.flatMap((name): readonly Round[] => {
    if (WITHOUT_ERRORS.includes(name)) return [];
    return (["ENOSPC", pick(dice, OTHER_ERRORS)] as const).flatMap(action => {
      const found = at(name, { moment: "before", action });
      return found === undefined ? [] : [{ operation: found.operation, fault: { kind: "error", armed: found.armed } }];
    });
  });
  const killed = shuffled(dice, failpoints).slice(0, kills);
  return shuffled(dice, [
    ...killed,
    ...moments("moment", kills - killed.length),
    ...moments("crash", crashes),
    ...moments("stop", stops),
    ...(hasErrors ? errors : []),
  ]);
}

function pick<T>(dice: SeededRandom, items: readonly T[]): T {
  return defined(dice.pick(items), "something to pick");
}

function shuffled<T>(dice: SeededRandom, items: readonly T[]): readonly T[] {
  const keyed = items.map(item => ({ item, key: dice.fraction() }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
