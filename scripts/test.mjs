// Runs every group of tests in processes of their own, side by side where they do not disturb each other, and adds up what they say.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

const MOCHA = ["node_modules/.bin/mocha"];
const PRIVATE_MOUNTS = ["bash", "test/integration/private-mounts.sh"];
const CHAOS = ["node", "--import=tsx", "test/chaos/main.ts", "--minutes", "3", "--seed", "1"];

/**
 * Integration groups that may run side by side: what they put up in the kernel has names of its own. Any other runs alone. The longest
 * first: the last group of all has the machine for itself, and a short one wastes less of it.
 */
const COMPATIBLE = [
  ["archive", "lab", "oracle"],
  ["cli", "conformance", "network", "setup"],
  ["containers", "daemon", "faults", "one-node", "security"],
  ["build", "bundles", "fields", "images", "runtime", "scale"],
];

/** Run only when named: three real engines and three of ours at once, for a minute and a half. */
const WHEN_NAMED = ["swarm"];

/** Groups of one stage run side by side; a stage starts when at most one group of those before is left, which would leave a core idle. */
const STAGES = [
  [
    // Mostly waits, beside groups that mostly compute.
    { name: "chaos", command: [...PRIVATE_MOUNTS, ...CHAOS], isPlain: true, isShown: true },
    { name: "check", command: ["node", "scripts/check.mjs"], isPlain: true },
    { name: "unit", command: [...MOCHA, "test/unit/**/*.test.ts", "test/architecture.test.ts"] },
    { name: "simulation", command: [...MOCHA, "test/sim/**/*.test.ts"] },
    { name: "api", command: [...MOCHA, "test/api/**/*.test.ts"] },
  ],
  ...integrationStages().map(folders =>
    folders.map(folder => ({
      name: `integration/${folder}`,
      command: [...PRIVATE_MOUNTS, ...MOCHA, `test/integration/${folder}/**/*.test.ts`],
      isAlone: !COMPATIBLE.flat().includes(folder),
    })),
  ),
];

function integrationStages() {
  const present = integrationFolders();
  const together = COMPATIBLE.map(folders => folders.filter(folder => present.includes(folder)));
  const alone = present.filter(folder => !COMPATIBLE.flat().includes(folder)).map(folder => [folder]);
  return [...together, ...alone].filter(folders => folders.length > 0);
}

/** No group needs that long on a slow machine: past it something hangs. */
const GROUP_LIMIT_MS = 800_000;

function integrationFolders() {
  return readdirSync("test/integration", { withFileTypes: true })
    .filter(
      entry =>
        entry.isDirectory() &&
        readdirSync(`test/integration/${entry.name}`, { recursive: true }).some(name => String(name).endsWith(".test.ts")),
    )
    .map(entry => entry.name)
    .sort();
}

/** Who is told to stop has the groups take down what they put up, and begins no other. */
const stopping = stoppedBySignal();

function stoppedBySignal() {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => controller.abort());
  return controller.signal;
}

function run({ name, command, isPlain, isShown }) {
  const started = performance.now();
  return new Promise(resolve => {
    const [file, ...args] = command;
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    const limit = setTimeout(() => {
      output += `FAILED ${name} did not end within ${GROUP_LIMIT_MS / 1000} s\n`;
      process.kill(-child.pid, "SIGKILL");
    }, GROUP_LIMIT_MS);
    // Not what tests run: they take it down themselves.
    const stop = () => (isPlain ? process.kill(-child.pid, "SIGINT") : child.kill("SIGINT"));
    stopping.addEventListener("abort", stop);
    // A process that was left behind may hold the output open: it is not waited for.
    child.on("exit", () => setTimeout(() => child.stdout.destroy() && child.stderr.destroy(), 1000));
    let output = "";
    child.stdout.on("data", chunk => (output += chunk));
    child.stderr.on("data", chunk => (output += chunk));
    child.on("close", code => {
      clearTimeout(limit);
      stopping.removeEventListener("abort", stop);
      const counts = /^(\d+) passed, (\d+) failed$/m.exec(output);
      const skipped = Number(/^(\d+) skipped$/m.exec(output)?.[1] ?? 0);
      let passed = Number(counts?.[1] ?? 0);
      let failed = Number(counts?.[2] ?? 0);
      if (isPlain) [passed, failed] = code === 0 ? [1, 0] : [0, 1];
      else if (counts === null || (code !== 0 && failed === 0)) failed++;
      console.log(
        `\n== ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${((performance.now() - started) / 1000).toFixed(1)} s ==`,
      );
      if (failed > 0 || skipped > 0 || isShown || process.env.VERBOSE) console.log(output.trimEnd());
      else for (const line of output.split("\n")) if (/^(slow:|note:)/.test(line)) console.log(line);
      resolve({ passed, failed, skipped });
    });
  });
}

const running = new Set();
async function untilLeft(count) {
  while (running.size > count) await Promise.race(running);
}

const only = process.argv.slice(2);
const results = [];
for (const stage of STAGES) {
  const isMeant = name =>
    only.length === 0
      ? !WHEN_NAMED.some(folder => name === `integration/${folder}`)
      : only.some(prefix => name.startsWith(prefix));
  const groups = stage.filter(({ name }) => isMeant(name));
  const isAlone = groups.some(group => group.isAlone);
  await untilLeft(isAlone ? 0 : 1);
  if (stopping.aborted) break;
  for (const group of groups) {
    const ended = run(group).then(result => {
      results.push(result);
      running.delete(ended);
    });
    running.add(ended);
  }
  if (isAlone) await untilLeft(0);
}
await untilLeft(0);
if (only.length === 0)
  for (const folder of WHEN_NAMED) console.log(`\nnot run here: node scripts/test.mjs integration/${folder}`);
const sum = key => results.reduce((total, result) => total + result[key], 0);
let failed = sum("failed");
if (stopping.aborted) {
  console.log("\nstopped before the end");
  failed++;
}
console.log(`\n${sum("skipped")} skipped`);
if (sum("skipped") > 0 && existsSync("../shared")) {
  console.log("the reference data is present, so nothing may be skipped");
  failed++;
}
console.log(`${sum("passed")} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
