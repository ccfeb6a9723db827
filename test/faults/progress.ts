import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { FAILPOINTS, type FailpointName } from "../../src/ports/failpoint.ts";
import type { PlanRequest } from "./plan.ts";
import type { Fault, Round, RoundResult } from "./round.ts";

/** What a run has to play: the same rounds in every part of it. */
export type Assignment = Omit<PlanRequest, "passed"> & {
  readonly passed: readonly { readonly operation: string; readonly hits: readonly FailpointName[]; readonly lastsMs: number }[];
};

export interface Played extends RoundResult {
  readonly index: number;
  readonly operation: string;
  readonly fault: Fault;
}

/** A run that goes on where an earlier part of it stopped: a file of lines, first what is to be played, then what came of each round. */
export class Progress {
  readonly #path: string | undefined;
  /** By the round's number; one that is played again counts as it went last. */
  readonly #played = new Map<number, Played>();
  readonly assignment: Assignment;

  private constructor(assignment: Assignment, path: string | undefined) {
    this.assignment = assignment;
    this.#path = path;
  }

  /** @returns undefined where nothing has begun. */
  static read(path: string | undefined): Progress | undefined {
    if (path === undefined || !existsSync(path)) return undefined;
    const [first = "", ...rest] = readFileSync(path, "utf8").trimEnd().split("\n");
    const progress = new Progress(JSON.parse(first) as Assignment, path);
    for (const line of rest) {
      const played = JSON.parse(line) as Played;
      progress.#played.set(played.index, played);
    }
    return progress;
  }

  /** @param path - Missing: nothing is kept. */
  static begin(path: string | undefined, assignment: Assignment): Progress {
    if (path !== undefined) appendFileSync(path, `${JSON.stringify(assignment)}\n`);
    return new Progress(assignment, path);
  }

  /** Whether a round went well: the others are played again. */
  isDone(index: number): boolean {
    return this.#played.get(index)?.problems.length === 0;
  }

  add(index: number, { operation, fault }: Round, result: RoundResult): void {
    const played: Played = { index, operation: operation.name, fault, ...result };
    this.#played.set(index, played);
    if (this.#path !== undefined) appendFileSync(this.#path, `${JSON.stringify(played)}\n`);
  }

  get failed(): readonly Played[] {
    return [...this.#played.values()].filter(({ problems }) => problems.length > 0);
  }

  /** Of this run's kills, those that came. */
  get killCount(): number {
    return [...this.#played.values()].filter(({ isHit, fault }) => isHit && ["failpoint", "moment"].includes(fault.kind)).length;
  }

  /** Failpoints at which the daemon was not killed yet. */
  get missed(): readonly FailpointName[] {
    const counts = this.#countsAt(fault => fault.kind === "failpoint");
    return FAILPOINTS.filter(name => !counts.has(name));
  }

  /** All parts together. */
  report(): string {
    const kills = this.#countsAt(fault => fault.kind === "failpoint");
    const errors = this.#countsAt(fault => fault.kind === "error");
    const full = this.#countsAt(fault => fault.kind === "error" && fault.armed.action === "ENOSPC");
    const rows = FAILPOINTS.map(name =>
      [kills, errors, full]
        .map(counts => String(counts.get(name) ?? 0).padStart(7))
        .concat(` ${name}`)
        .join(""),
    );
    const hit = [...this.#played.values()].filter(({ isHit }) => isHit);
    const of = (kind: Fault["kind"]): number => hit.filter(({ fault }) => fault.kind === kind).length;
    const operations = new Set(hit.map(({ operation }) => operation)).size;
    return [
      " killed failed   full at",
      ...rows,
      `${of("failpoint") + of("moment")} rounds of kill -9 (${of("failpoint")} at failpoints), ${of("crash")} power losses, ${of("stop")} stops, ${of("error")} failing steps, in ${operations} operations`,
      this.missed.length === 0 ? "the daemon was killed at every failpoint" : `never killed at: ${this.missed.join(", ")}`,
      `${this.failed.length} rounds failed`,
    ].join("\n");
  }

  #countsAt(isMeant: (fault: Extract<Fault, { armed: unknown }>) => boolean): ReadonlyMap<FailpointName, number> {
    const counts = new Map<FailpointName, number>();
    for (const { fault, isHit } of this.#played.values()) {
      if (!isHit || !("armed" in fault) || !isMeant(fault)) continue;
      counts.set(fault.armed.name, (counts.get(fault.armed.name) ?? 0) + 1);
    }
    return counts;
  }
}
