import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { spawn as spawnTerminal } from "@lydell/node-pty";
import { inspectAll, inspectSwarm } from "./aftermath.ts";
import { makeContext } from "./build-context.ts";
import {
  canonical,
  compareOutcomes,
  type Difference,
  type ExplainedDifference,
  type Outcome,
  sortDifferences,
} from "./compare.ts";
import { leaveMapping, resetDaemon, runDaemonStep } from "./daemons.ts";
import { type Engine, loadImages } from "./engines.ts";
import type { EventListener } from "./events.ts";
import { explanationsFor } from "./explanations.ts";
import { listing, removeAll } from "./holdings.ts";
import { send } from "./http.ts";
import { insideScript, normalizeInside } from "./inside.ts";
import { Normalizer } from "./normalize.ts";
import { filledIn, type Scenario, type Step, stepText } from "./scenario.ts";

const INSPECTED = "at the end, inspect of all";
const KEPT = "at the end, what the swarm keeps";
const TOLD = "at the end, events";
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[a-zA-Z]`, "g");
const COMMAND_MS = 40_000;
const WHERE_CHARACTERS_MAX = 100;
const UNTIL_MS = 30_000;
const UNTIL_PAUSE_MS = 200;
/** Thousands of clients run for a moment each: none needs to collect garbage, nor a thread per processor. That is a fifth of what they cost. */
const SHORT_LIVED = { GOGC: "off", GOMAXPROCS: "1" };
/** A command that only fails is not asked again for longer. */
const FAILING_MS = 3000;

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly differences: readonly Difference[];
  readonly explained: readonly ExplainedDifference[];
  /** How long the slower engine took. */
  readonly tookMs: number;
  /** What the real engine did, step by step. */
  readonly real: readonly Outcome[];
  readonly ours: ScenarioRun;
}

/** What a scenario did on one engine, step by step, and what is there and was told when it had ended. */
export interface ScenarioRun {
  readonly outcomes: readonly Outcome[];
  readonly aftermath: Readonly<Record<string, Outcome>>;
  readonly tookMs: number;
}

/** What one scenario did on both. */
export function compareScenario(
  scenario: Scenario,
  runs: { readonly real: ScenarioRun; readonly ours: ScenarioRun },
): ScenarioResult {
  const explanations = explanationsFor(scenario.name);
  const tookMs = Math.max(runs.real.tookMs, runs.ours.tookMs);
  const [real, ours] = [runs.real.outcomes, runs.ours.outcomes];
  const differences = scenario.steps.flatMap((step, index) => {
    const [a, b] = [real[index], ours[index]];
    if (a === undefined || b === undefined || ("isSetUp" in step && step.isSetUp === true)) return [];
    return compareOutcomes(whereOf(step, index), a, b);
  });
  const afterwards = Object.keys(runs.real.aftermath).flatMap(where => {
    const [a, b] = [runs.real.aftermath[where], runs.ours.aftermath[where]];
    return a === undefined || b === undefined ? [] : compareOutcomes(where, a, b);
  });
  const { unexplained, explained } = sortDifferences([...differences, ...afterwards], explanations);
  const before = ours.at(scenario.steps.findIndex(({ kind }) => kind === "listing"));
  const isRefused = ours.some(({ exitCode }, index) => scenario.steps[index]?.kind === "http" && exitCode >= 400);
  const isChanged = isRefused && before?.stdout !== ours.at(-1)?.stdout;
  const change = { where: "what there was before and after", real: before?.stdout, ours: ours.at(-1)?.stdout };
  return {
    scenario,
    differences: [...unexplained, ...overdue(scenario, runs), ...(isChanged ? [change] : [])],
    explained,
    tookMs,
    real,
    ours: runs.ours,
  };
}

/** A scenario that waits in vain on both engines compares something else than it says. */
function overdue(scenario: Scenario, runs: Readonly<Record<"real" | "ours", ScenarioRun>>): Difference[] {
  return scenario.steps.flatMap((step, index) => {
    const told = (run: ScenarioRun) => (run.outcomes[index]?.isOverdue === true ? "waited in vain" : "waited");
    const [real, ours] = [told(runs.real), told(runs.ours)];
    return [real, ours].includes("waited in vain") ? [{ where: whereOf(step, index), real, ours }] : [];
  });
}

function whereOf(step: Step, index: number): string {
  return `${index + 1} ${stepText(step).slice(0, WHERE_CHARACTERS_MAX)}`;
}

/** Runs a scenario on one engine and cleans up after it; `events` hears all of that, where the engine is in no swarm. */
export async function outcomesOn(engine: Engine, scenario: Scenario, events?: EventListener): Promise<ScenarioRun> {
  const startedMs = performance.now();
  const normalizer = new Normalizer(engine.literals);
  const outcomes: Outcome[] = [];
  const normalized = (where: string, { exitCode, stdout, stderr, ...rest }: Outcome): Outcome => {
    const shown = canonical(`${where}: stdout`, stdout, engine);
    return { ...rest, exitCode, stdout: normalizer.normalize(shown), stderr: normalizer.normalize(stderr) };
  };
  const kept = new Map<string, string>();
  for (const [index, step] of scenario.steps.entries()) {
    const outcome = await runStep(engine, filledIn(step, kept));
    if (step.kind === "docker" && step.keeps !== undefined) kept.set(step.keeps, outcome.stdout.trim());
    outcomes.push(normalized(whereOf(step, index), outcome));
  }
  const aftermath: Record<string, Outcome> = {};
  if (events !== undefined) aftermath[INSPECTED] = normalized(INSPECTED, await inspectAll(engine));
  else aftermath[KEPT] = normalized(KEPT, await inspectSwarm(engine));
  await removeAll(engine);
  if (scenario.steps.some(isMapping)) await leaveMapping(engine.daemon);
  if (scenario.steps.some(({ kind }) => kind === "daemon")) {
    await events?.reopen(); // Its ears were shut with the daemon: what happened meanwhile is not compared.
    await resetDaemon(engine.daemon);
    await events?.forgetUntil("reload");
  } else if (events !== undefined) aftermath[TOLD] = normalized(TOLD, await events.take());
  return { outcomes, aftermath, tookMs: performance.now() - startedMs };
}

function isMapping(step: Step): boolean {
  return step.kind === "daemon" && step.settings["userns-remap"] !== undefined;
}

function shown(outcome: Outcome, shows: RegExp | undefined): Outcome {
  if (shows === undefined) return outcome;
  const only = (text: string): string =>
    text
      .split(/\r?\n/)
      .filter(line => shows.test(line))
      .join("\n");
  return { ...outcome, stdout: only(outcome.stdout), stderr: only(outcome.stderr) };
}

/** @throws Error when the step is for a host that there is not. */
async function runStep(first: Engine, step: Step): Promise<Outcome> {
  const engine = "on" in step && step.on !== undefined ? first.others.get(step.on) : first;
  if (engine === undefined) throw new Error(`no such host: ${stepText(step)}`);
  switch (step.kind) {
    case "docker":
      return shown(await runDocker(engine, step.args, step.stdin), step.shows);
    case "build":
      return runBuild(engine, step);
    case "terminal":
      return runInTerminal(engine, step);
    case "until":
      return runUntil(engine, step);
    case "inside":
      return runInside(engine, step);
    case "http":
      return send(engine, step);
    case "listing":
      return listing(engine);
    case "daemon": {
      const outcome = await runDaemonStep(engine.daemon, step);
      if (isMapping(step)) await loadImages([engine]);
      return outcome;
    }
  }
}

async function runBuild(engine: Engine, { args, files }: Extract<Step, { kind: "build" }>): Promise<Outcome> {
  const folder = makeContext(files);
  try {
    return await runDocker(engine, [...args, folder]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runInside(engine: Engine, { args, without }: Extract<Step, { kind: "inside" }>): Promise<Outcome> {
  const outcome = await runDocker(engine, [...args, "sh", "-c", insideScript(without)]);
  return { ...outcome, stdout: normalizeInside(outcome.stdout) };
}

export function runDocker({ dockerHost }: Engine, args: readonly string[], stdin?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, {
      env: { ...process.env, ...SHORT_LIVED, DOCKER_HOST: dockerHost, TZ: "UTC", DOCKER_BUILDKIT: "0" },
      stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: COMMAND_MS,
      killSignal: "SIGKILL", // SIGTERM would be passed on to the container.
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", chunk => (stdout += chunk));
    child.stderr?.on("data", chunk => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ exitCode: code ?? 1, stdout, stderr: signal === null ? stderr : `${stderr}ended by ${signal}` }),
    );
    child.stdin?.end(stdin);
  });
}

function runInTerminal({ dockerHost }: Engine, step: Extract<Step, { kind: "terminal" }>): Promise<Outcome> {
  return new Promise(resolve => {
    const child = spawnTerminal("docker", [...step.args], {
      cols: 80,
      rows: 24,
      env: { ...process.env, DOCKER_HOST: dockerHost, TERM: "xterm" },
    });
    let output = "";
    let next = 0;
    const timer = setTimeout(() => child.kill("SIGKILL"), COMMAND_MS);
    const typeWhatIsDue = () => {
      const due = step.typed[next];
      if (due?.when.test(output) !== true) return;
      next++;
      child.write(due.text);
    };
    typeWhatIsDue();
    child.onData(data => {
      output += data;
      typeWhatIsDue();
    });
    child.onExit(({ exitCode }) => {
      clearTimeout(timer);
      // Which of prompt, echo and answer comes first is the terminal's timing: what was printed is compared line by line, prompts left out.
      resolve({ exitCode, stdout: output.replaceAll("\r", "").replace(ESCAPES, ""), stderr: "" });
    });
  });
}

async function runUntil(engine: Engine, step: Extract<Step, { kind: "until" }>): Promise<Outcome> {
  const deadline = performance.now() + UNTIL_MS;
  let lastSuccess = performance.now();
  for (;;) {
    const outcome = await runDocker(engine, step.args);
    if (outcome.exitCode === 0) lastSuccess = performance.now();
    const isHopeless = performance.now() > deadline || performance.now() - lastSuccess > FAILING_MS;
    if (step.prints.test(outcome.stdout)) return outcome;
    if (isHopeless) return { ...outcome, isOverdue: true };
    await new Promise(resolve => setTimeout(resolve, UNTIL_PAUSE_MS));
  }
}
