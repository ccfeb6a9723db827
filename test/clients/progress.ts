import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { TestResult } from "./judge.ts";

interface Done {
  readonly suite: string;
  readonly engine: string;
  readonly results: readonly TestResult[];
}

/** What suites came to on each engine: kept in a file of lines where a run is done in parts. What was run again counts as it went last. */
export class Progress {
  readonly #path: string | undefined;
  readonly #done = new Map<string, readonly TestResult[]>();

  /** @param path - Missing: nothing is kept. */
  constructor(path: string | undefined) {
    this.#path = path;
    if (path === undefined || !existsSync(path)) return;
    for (const line of readFileSync(path, "utf8").split("\n").filter(Boolean)) {
      const { suite, engine, results } = JSON.parse(line) as Done;
      this.#done.set(keyOf(suite, engine), results);
    }
  }

  /** @returns undefined where the suite has not run on this engine. */
  resultsOf(suite: string, engine: string): readonly TestResult[] | undefined {
    return this.#done.get(keyOf(suite, engine));
  }

  add(done: Done): void {
    this.#done.set(keyOf(done.suite, done.engine), done.results);
    if (this.#path !== undefined) appendFileSync(this.#path, `${JSON.stringify(done)}\n`);
  }

  /** So that it is run again. */
  forget(suite: string): void {
    for (const key of this.#done.keys()) if (key.startsWith(`${suite} `)) this.#done.delete(key);
  }
}

function keyOf(suite: string, engine: string): string {
  return `${suite} ${engine}`;
}
