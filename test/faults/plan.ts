import { FAILPOINTS, type FailpointName } from "../../src/ports/failpoint.ts";
import type { ArmedFailpoint } from "../../src/daemon/failpoints.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { defined } from "../../src/lib/assert.ts";
import type { Operation } from "./operation.ts";
import type { Fault, Round } from "./round.ts";

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

/** To be played where something is missing: kills at each failpoint in each operation that passes there, then further moments. */
export function spareRounds({ seed, passed, kills }: PlanRequest): readonly Round[] {
  const armed = (name: FailpointName): ArmedFailpoint => ({ name, moment: "before", action: "kill" });
  const atFailpoints = FAILPOINTS.flatMap(name =>
    passed
      .filter(({ hits }) => hits.includes(name))
      .map(({ operation }): Round => ({ operation, fault: { kind: "failpoint", armed: armed(name) } })),
  );
  return [...atFailpoints, ...momentRounds(new SeededRandom(seed + 1), passed, { kind: "moment", count: kills })];
}

export interface Plan {
  /** Kills before every failpoint, so that a run that is cut short has been at each; then after each and at moments of running operations, with power losses. */
  readonly deaths: readonly Round[];
  /** Steps that fail, and orderly stops. */
  readonly failures: readonly Round[];
}

/** The same for the same seed. */
export function planRounds({ seed, passed, kills, crashes, stops, hasErrors }: PlanRequest): Plan {
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
    shuffled(
      dice,
      FAILPOINTS.flatMap((name): readonly Round[] => {
        const found = at(name, { moment, action: "kill" });
        return found === undefined ? [] : [{ operation: found.operation, fault: { kind: "failpoint", armed: found.armed } }];
      }),
    ),
  );
  const moments = (kind: Moment["kind"], count: number): readonly Round[] => momentRounds(dice, passed, { kind, count });
  const errors = FAILPOINTS.flatMap((name): readonly Round[] => {
    if (WITHOUT_ERRORS.includes(name)) return [];
    return (["ENOSPC", pick(dice, OTHER_ERRORS)] as const).flatMap(action => {
      const found = at(name, { moment: "before", action });
      return found === undefined ? [] : [{ operation: found.operation, fault: { kind: "error", armed: found.armed } }];
    });
  });
  const killed = failpoints.slice(0, kills);
  const first = killed.filter(({ fault }) => "armed" in fault && fault.armed.moment === "before");
  const otherDeaths = [...killed.slice(first.length), ...moments("moment", kills - killed.length), ...moments("crash", crashes)];
  return {
    deaths: [...first, ...shuffled(dice, otherDeaths)],
    failures: shuffled(dice, [...moments("stop", stops), ...(hasErrors ? errors : [])]),
  };
}

type Moment = Extract<Fault, { readonly afterMs: number }>;

function momentRounds(
  dice: SeededRandom,
  passed: readonly Passed[],
  { kind, count }: { readonly kind: Moment["kind"]; readonly count: number },
): readonly Round[] {
  return Array.from({ length: Math.max(0, count) }, () => {
    const { operation, lastsMs } = pick(dice, passed);
    return { operation, fault: { kind, afterMs: Math.round(dice.fraction() * (lastsMs + 5)) } };
  });
}

function pick<T>(dice: SeededRandom, items: readonly T[]): T {
  return defined(dice.pick(items), "something to pick");
}

function shuffled<T>(dice: SeededRandom, items: readonly T[]): readonly T[] {
  const keyed = items.map(item => ({ item, key: dice.fraction() }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
