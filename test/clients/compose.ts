import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectAll } from "../oracle/aftermath.ts";
import { canonical, type Explanation, type Outcome } from "../oracle/compare.ts";
import { removeAll } from "../oracle/holdings.ts";
import { Normalizer } from "../oracle/normalize.ts";
import { type ComposeStep, type Generation, STEPS } from "./compose-steps.ts";
import { makeImages } from "./images.ts";
import type { TestResult } from "./judge.ts";
import { runOn, type Suite, type Target } from "./suite.ts";

const STEP_MS = 60_000;
const UNTIL_MS = 30_000;
const PAUSE_MS = 200;
const SLOW_MS = 10_000;
/** After these all containers are inspected. */
const INSPECTED_AFTER = new Set(["what docker ps says", "what is healthy again", "a config by file"]);
export const COMPOSE_EXPLANATIONS: readonly Explanation[] = [
  {
    scenario: /^compose/,
    where: /\.Networks\..+\.MacAddress$/, // Its networks have a dot in their names.
    reason: "more on purpose",
    because: "it is made of the address and stays with it (decision 0007); the real engine makes up another one at each start",
  },
];

/** The project of three services, in a folder of the same name for both engines: it stands in labels. */
class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "shoal-compose-"));

  constructor() {
    cpSync("test/clients/compose-project", this.folder, { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function composeSuite(generation: Generation, title: string, program: () => string): Suite {
  const project = new Project();
  process.once("exit", () => project[Symbol.dispose]());
  return {
    name: `compose${generation}`,
    title,
    lacks: () => undefined,
    isShared: false,
    images: folder => makeImages(folder, ["busybox"]),
    run: target => new ComposeRun(target, { generation, program: program(), folder: project.folder }).all(),
  };
}

interface ComposeOptions {
  readonly generation: Generation;
  readonly program: string;
  readonly folder: string;
}

/** All steps on one engine. */
class ComposeRun {
  readonly #target: Target;
  readonly #options: ComposeOptions;
  readonly #normalizer: Normalizer;

  constructor(target: Target, options: ComposeOptions) {
    this.#target = target;
    this.#options = options;
    // So that they are not taken for names that are made up.
    const names = ["front", "back", "data"].map(name => [`clients_${name}`, `clients.${name}`] as const);
    this.#normalizer = new Normalizer([...target.engine.literals, ...names]);
  }

  async all(): Promise<readonly TestResult[]> {
    const results: TestResult[] = [];
    for (const step of STEPS.filter(({ only }) => only === undefined || only === this.#options.generation)) {
      const startedMs = performance.now();
      results.push(this.#result(step, await this.#carryOut(step)));
      const tookMs = performance.now() - startedMs;
      if (tookMs > SLOW_MS) console.log(`  slow: ${step.name} (${this.#target.engine.name}) ${(tookMs / 1000).toFixed(0)} s`);
      if (INSPECTED_AFTER.has(step.name)) results.push(this.#inspected(step.name, await inspectAll(this.#target.engine)));
    }
    await removeAll(this.#target.engine);
    return results;
  }

  #result({ name, exitCode = 0, masked = [] }: ComposeStep, outcome: Outcome): TestResult {
    const shown = (text: string): string =>
      inOrder(this.#normalizer.normalize(masked.reduce((rest, [pattern, label]) => rest.replace(pattern, label), text)));
    return {
      name,
      isPassed: outcome.exitCode === exitCode,
      why: `exit code ${outcome.exitCode}: ${outcome.stderr.trim().split("\n").at(-1) ?? ""}`,
      outcome: { exitCode: outcome.exitCode, stdout: shown(outcome.stdout), stderr: shown(outcome.stderr) },
    };
  }

  #inspected(after: string, { stdout }: Outcome): TestResult {
    const name = `containers after: ${after}`;
    const text = this.#normalizer.normalize(canonical(`${name}: stdout`, withListsInOrder(stdout), this.#target.engine));
    return { name, isPassed: true, why: "", outcome: { exitCode: 0, stdout: text, stderr: "" } };
  }

  #carryOut(step: ComposeStep): Promise<Outcome> {
    if (step.during !== undefined) return this.#eventsDuring(step, step.during);
    return step.until === undefined ? this.#once(step) : this.#until(step, step.until);
  }

  #once({ args, env }: ComposeStep): Promise<Outcome> {
    const command = typeof args === "string" ? ["sh", "-c", args] : this.#command(args);
    return runOn(this.#target, command, { cwd: this.#options.folder, env: { ...ENVIRONMENT, ...env }, limitMs: STEP_MS });
  }

  async #until(step: ComposeStep, prints: RegExp): Promise<Outcome> {
    const deadlineMs = performance.now() + UNTIL_MS;
    for (;;) {
      const outcome = await this.#once(step);
      if (prints.test(outcome.stdout) || performance.now() > deadlineMs) return outcome;
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Events told of while a command runs: from a signal that shows that they are listened to, to the `restart` itself. */
  async #eventsDuring({ args }: ComposeStep, command: readonly string[]): Promise<Outcome> {
    const { engine, namespace } = this.#target;
    const listener = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...this.#command(args as readonly string[])], {
      cwd: this.#options.folder,
      env: { ...process.env, ...ENVIRONMENT, DOCKER_HOST: engine.dockerHost },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let told = "";
    listener.stdout.on("data", chunk => (told += chunk));
    const waitFor = async (text: string, meanwhile?: readonly string[]): Promise<void> => {
      const deadlineMs = performance.now() + UNTIL_MS;
      while (!told.includes(text) && performance.now() < deadlineMs) {
        if (meanwhile !== undefined) await this.#once({ name: "", args: meanwhile });
        await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
      }
    };
    await waitFor("kill", ["kill", "-s", "SIGWINCH", "web"]);
    const outcome = await this.#once({ name: "", args: command });
    await waitFor('"restart"'); // The last of them.
    listener.kill("SIGKILL");
    const events = told.split("\n").filter(line => line.includes('"store"'));
    return { ...outcome, stdout: events.map(withoutTime).join("\n") };
  }

  #command(args: readonly string[]): readonly string[] {
    return [this.#options.program, ...args];
  }
}

const ENVIRONMENT = {
  COMPOSE_PROJECT_NAME: "clients",
  COMPOSE_ANSI: "never",
  COMPOSE_PROGRESS: "plain",
  COMPOSE_MENU: "false",
  PYTHONWARNINGS: "ignore",
};

/** The programs keep variables, mounts and aliases in maps: in what order they give them is chance. So is whether a probe runs just then. */
function withListsInOrder(inspected: string): string {
  const lists = new Set(["Env", "Aliases", "DNSNames"]);
  return JSON.stringify(JSON.parse(inspected), (key, value: unknown) => {
    if (key === "ExecIDs") return undefined; // Health checks alone: no command here leaves an exec running.
    if (key === "Mounts" && Array.isArray(value))
      return value.toSorted((left, right) => (targetOf(left) < targetOf(right) ? -1 : 1));
    if (key === "Health" && typeof value === "object" && value !== null) return { ...value, Log: "<probes>" }; // As many as there were by then.
    return lists.has(key) && Array.isArray(value) ? value.toSorted(shortIdsLast) : value;
  });
}

function targetOf({ Target, Destination }: { readonly Target?: string; readonly Destination?: string }): string {
  return Target ?? Destination ?? "";
}

function shortIdsLast(left: string, right: string): number {
  const keyOf = (name: string): string => (/^[0-9a-f]{12}$/.test(name) ? "~" : name);
  return keyOf(left) < keyOf(right) ? -1 : 1;
}

function withoutTime(event: string): string {
  return event.replace(/"time":\s*"[^"]*"/, '"time":"<time>"').replace(/"execDuration":\s*"[^"]*"/, '"execDuration":"<seconds>"');
}

/** Moves of the cursor and colours: the first generation draws a line anew when what it tells of is done. */
const CONTROL = new RegExp(`(?:${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]|\r)+`, "g");
/** What was only begun, and rules as wide as the longest number of a process above them. */
const LEFT_OUT = /^(?:[A-Z]\S+ \S+ +\.\.\.|-*)$/;

/** What is done to several services at once is told in any order, and waiting is told as often as it is looked at. */
function inOrder(text: string): string {
  const lines = text
    .replace(CONTROL, "\n")
    .split("\n")
    .map(line => line.trimEnd().replace(/ {2,}/g, "   "))
    .map(line =>
      line.replace(/^Attaching to (.*)$/, (_, names: string) => `Attaching to ${names.split(", ").toSorted().join(", ")}`),
    )
    .filter(line => !LEFT_OUT.test(line));
  return [...new Set(lines)].toSorted().join("\n");
}

export function compose2Program(): string {
  return execFileSync("bash", ["test/oracle/real-docker.sh", "compose"], { encoding: "utf8" }).trim();
}
