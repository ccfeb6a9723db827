import type { SeededRandom } from "../sim/seeded-random.ts";
import type { Deck } from "./deck.ts";

export const FAULT_KINDS = ["kill", "crash", "pause", "cut", "silence", "clock step", "full disk", "slow disk", "leave"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What is done to one host, and for how long. */
export interface Fault {
  readonly kind: FaultKind;
  readonly host: string;
  readonly forMs: number;
  /** Clock steps alone: by how much, forwards or back. */
  readonly stepMs: number;
}

/** From shorter than a worker's grace to much longer. */
const SHORT_MS = 300;
const LONG_MS = 15_000;
const STEP_MAX_MS = 3_600_000;
/** Together at most; each on a host of its own. */
const TOGETHER_MAX = 3;

/** The faults of one round, all begun at about the same time. Now and then they take the managers' majority. */
export function drawFaults(
  random: SeededRandom,
  { hosts, kinds }: { readonly hosts: readonly string[]; readonly kinds: Deck<FaultKind> },
): readonly Fault[] {
  const count = 1 + (random.chance(0.4) ? random.below(TOGETHER_MAX) : 0);
  const drawn = Array.from({ length: Math.min(count, hosts.length) }, () => kinds.draw());
  const left = new Set(hosts);
  // Those that not every host can have come first.
  return drawn
    .toSorted((a, b) => Number(b === "leave") - Number(a === "leave"))
    .flatMap(kind => {
      const host = random.pick([...left].filter(each => canHave(each, kind)));
      if (host === undefined) return [];
      left.delete(host);
      return [drawFault(random, { host, kind })];
    });
}

/** A manager that left would have to be waited for before the next one may. */
export function canHave(host: string, kind: FaultKind): boolean {
  return kind !== "leave" || host.startsWith("w");
}

export function drawFault(random: SeededRandom, { host, kind }: { readonly host: string; readonly kind: FaultKind }): Fault {
  // Short ones are as likely as long ones: the square root of a span is drawn from both ends alike.
  const forMs = Math.round(SHORT_MS + (LONG_MS - SHORT_MS) * random.fraction() ** 2);
  const stepMs = Math.round(random.between(-STEP_MAX_MS, STEP_MAX_MS));
  return { kind, host, forMs, stepMs };
}

export function describeFault({ kind, host, forMs, stepMs }: Fault): string {
  return `${kind} ${host} ${kind === "clock step" ? `by ${Math.round(stepMs / 1_000)} s ` : ""}for ${(forMs / 1_000).toFixed(1)} s`;
}
