import { round, summarize } from "./statistics.ts";

/** What is promised of a ratio: ours to the real engine's. */
export interface Gate {
  readonly name: string;
  readonly ratio: number;
  readonly ratioMax: number;
}

export interface Sides {
  readonly real: readonly number[];
  readonly ours: readonly number[];
}

/** The ratio of the medians, told with both. */
export function compareTimes(name: string, { real, ours }: Sides, ratioMax: number): Gate {
  const [a, b] = [summarize(real), summarize(ours)];
  const ratio = b.median / a.median;
  console.log(
    `${name}: real ${round(a.median)} ms (p99 ${round(a.p99)}), ours ${round(b.median)} ms (p99 ${round(b.p99)}), ratio ${round(ratio, 2)}`,
  );
  return { name, ratio, ratioMax };
}

/** @returns whether all are met. */
export function reportGates(gates: readonly Gate[]): boolean {
  for (const { name, ratio, ratioMax } of gates)
    console.log(`gate: ${name}: ${round(ratio, 2)} <= ${ratioMax}: ${ratio <= ratioMax ? "met" : "MISSED"}`);
  return gates.every(({ ratio, ratioMax }) => ratio <= ratioMax);
}
