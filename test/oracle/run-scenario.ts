import { spawn } from "node:child_process";
import { spawn as spawnTerminal } from "@lydell/node-pty";
import { compareOutcomes, type Difference, type Outcome, withoutExplained } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { EXPLANATIONS } from "./explanations.ts";
import { Normalizer } from "./normalize.ts";
import type { Scenario, Step } from "./scenario.ts";

// Built from text: a control character in a regular expression literal is taken for a slip.
const ESCAPES = new RegExp("\\u001b\\[[0-9;]*[a-zA-Z]", "g");
const COMMAND_MS = 40_000;
const UNTIL_MS = 30_000;

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly differences: readonly Difference[];
}

/** Runs a scenario on both engines at once and cleans up after it. */
export async function runScenario(
  scenario: Scenario,
  engines: { readonly real: Engine; readonly ours: Engine },
): Promise<ScenarioResult> {
  const [real, ours] = await Promise.all([outcomesOn(engines.real, scenario), outcomesOn(engines.ours, scenario)]);
  const differences = scenario.steps.flatMap((step, index) => {
    const [a, b] = [real[index], ours[index]];
    if (a === undefined || b === undefined || (step.kind === "docker" && step.isSetUp === true)) return [];
    return withoutExplained(compareOutcomes(`${index + 1} ${step.args.join(" ")}`, a, b), EXPLANATIONS);
  });
  return { scenario, differences };
}

async function outcomesOn(engine: Engine, scenario: Scenario): Promise<readonly Outcome[]> {
  const normalizer = new Normalizer(engine.literals);
  const outcomes: Outcome[] = [];
  for (const step of scenario.steps) {
    const { exitCode, stdout, stderr } = await runStep(engine, step);
    outcomes.push({ exitCode, stdout: normalizer.normalize(stdout), stderr: normalizer.normalize(stderr) });
  }
  await cleanUp(engine);
  return outcomes;
}

function runStep(engine: Engine, step: Step): Promise<Outcome> {
  switch (step.kind) {
    case "docker":
      return runDocker(engine, step.args, step.stdin);
    case "terminal":
      return runInTerminal(engine, step);
    case "until":
      return runUntil(engine, step);
  }
}

export function runDocker({ dockerHost }: Engine, args: readonly string[], stdin?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, {
      env: { ...process.env, DOCKER_HOST: dockerHost, TZ: "UTC" },
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
    child.onData(data => {
      output += data;
      const due = step.typed[next];
      if (due?.when.test(output)) {
        next++;
        child.write(due.text);
      }
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
  for (;;) {
    const outcome = await runDocker(engine, step.args);
    if (step.prints.test(outcome.stdout) || performance.now() > deadline) return outcome;
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

/** Leaves the engine as it was: no containers, services, networks or volumes of a scenario. */
async function cleanUp(engine: Engine): Promise<void> {
  const services = await runDocker(engine, ["service", "ls", "-q"]);
  if (services.exitCode === 0 && services.stdout.trim() !== "")
    await runDocker(engine, ["service", "rm", ...services.stdout.trim().split("\n")]);
  const containers = await runDocker(engine, ["ps", "-aq"]);
  if (containers.stdout.trim() !== "") await runDocker(engine, ["rm", "-f", "-v", ...containers.stdout.trim().split("\n")]);
  const networks = await runDocker(engine, ["network", "ls", "--filter", "type=custom", "--filter", "driver=bridge", "-q"]);
  if (networks.stdout.trim() !== "") await runDocker(engine, ["network", "rm", ...networks.stdout.trim().split("\n")]);
  const volumes = await runDocker(engine, ["volume", "ls", "-q"]);
  if (volumes.stdout.trim() !== "") await runDocker(engine, ["volume", "rm", ...volumes.stdout.trim().split("\n")]);
}
