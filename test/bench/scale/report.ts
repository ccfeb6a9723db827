import { loadavg } from "node:os";
import { round } from "../statistics.ts";
import type { ManagerFigures } from "./protocol.ts";

interface Gate {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly isMet: boolean;
  readonly bound: string;
}

/** What was promised and what was measured. */
export class Report {
  readonly #gates: Gate[] = [];
  readonly #print: (line: string) => void;

  constructor({ print = line => console.log(line) }: { readonly print?: (line: string) => void } = {}) {
    this.#print = print;
  }

  say(text: string): void {
    this.#print(`${text} [load ${round(loadavg()[0] ?? 0)}]`);
  }

  atMost(name: string, value: number, max: number, unit: string): void {
    this.#note({ name, value, unit, isMet: value <= max, bound: `<= ${max}` });
  }

  atLeast(name: string, value: number, min: number, unit: string): void {
    this.#note({ name, value, unit, isMet: value >= min, bound: `>= ${min}` });
  }

  #note(gate: Gate): void {
    this.#gates.push(gate);
    this.say(`gate: ${describe(gate)}`);
  }

  /** The worst stall of every manager since the last figures were taken. */
  stalls(name: string, figures: readonly ManagerFigures[], { maxMs }: { readonly maxMs?: number } = {}): void {
    const each = figures.map(
      ({ stall, role }) =>
        `${role} ${round(stall.worstMs)} ms (${round(stall.worstWallMs)} by the clock, ${round(stall.worstRanMs)} running, ${round(stall.collectorMs)} of the collector's)`,
    );
    this.say(`${name}: worst stall of each manager: ${each.join(", ")}`);
    if (maxMs !== undefined)
      this.atMost(`${name}: worst stall`, Math.max(...figures.map(({ stall }) => stall.worstMs)), maxMs, "ms");
  }

  /** Those that were missed, in words. */
  get missed(): readonly string[] {
    return this.#gates.filter(({ isMet }) => !isMet).map(describe);
  }

  /** @returns whether all gates were met. */
  finish(): boolean {
    const { missed } = this;
    console.log(`${this.#gates.length - missed.length} of ${this.#gates.length} gates met`);
    for (const gate of missed) console.log(`MISSED: ${gate}`);
    return missed.length === 0;
  }
}

function describe({ name, value, unit, bound, isMet }: Gate): string {
  return `${name}: ${round(value, 2)} ${unit}, ${bound} ${isMet ? "met" : "MISSED"}`;
}
