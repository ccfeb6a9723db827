// Runs every group of tests in processes of their own, side by side where they do not disturb each other, and adds up what they say.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

const MOCHA = ["node_modules/.bin/mocha"];
const PRIVATE_MOUNTS = ["bash", "test/integration/private-mounts.sh"];
const CHAOS = ["node", "--import=tsx", "test/chaos/main.ts", "--minutes", "3", "--seed", "1"];

/**
 * Integration groups that may run beside others, and how many processors each keeps busy: what they put up in the kernel has names of its
 * own. Any other runs alone.
 */
const INTEGRATION_LOADS = {
  ...{ lab: 0.6, oracle: 0.9, archive: 1 },
  ...{ network: 0.5, daemon: 0.6, security: 0.7, faults: 0.7, cli: 0.6, conformance: 0.6, "one-node": 0.5 },
  ...{ images: 0.7, bundles: 0.7, runtime: 0.7, containers: 0.7, build: 0.6, fields: 0.7, scale: 1.2, setup: 0.5 },
};
/** Processors that may be asked for at once. More than there are: nobody asks for his all the time. */
const LOAD_MAX = 2.8;

/** Run only when named: three real engines and three of ours at once, for a minute and a half. */
const WHEN_NAMED = ["swarm"];

/** In the order in which they begin, the longest first: a group begins as soon as there is room for it beside those that run. */
const GROUPS = [
  integration("lab"),
  // Mostly waits.
  { name: "chaos", load: 0.5, command: [...PRIVATE_MOUNTS, ...CHAOS], isPlain: true, isShown: true },
  { name: "check", load: 1, command: ["node", "scripts/check.mjs"], isPlain: true },
  { name: "api", load: 0.7, command: [...MOCHA, "test/api/**/*.test.ts"] },
  integration("oracle"),
  { name: "simulation", load: 1, command: [...MOCHA, "test/sim/**/*.test.ts"] },
  { name: "unit", load: 1, command: [...MOCHA, "test/unit/**/*.test.ts", "test/architecture.test.ts"] },
  ...integrationFolders()
    .filter(folder => folder !== "lab" && folder !== "oracle")
    .map(integration),
];

function integration(folder) {
  return {
    name: `integration/${folder}`,
    load: INTEGRATION_LOADS[folder] ?? LOAD_MAX,
    command: [...PRIVATE_MOUNTS, ...MOCHA, `test/integration/${folder}/**/*.test.ts`],
  };
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
    .sort((a, b) => rank(a) - rank(b));
}

/** As in the list of loads; unknown ones at the end. */
function rank(folder) {
  const at = Object.keys(INTEGRATION_LOADS).indexOf(folder);
  return at < 0 ? Infinity : at;
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
    const stop = () => process.kill(-child.pid, "SIGINT");
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

const only = process.argv.slice(2);
const isMeant = ({ name }) =>
  only.length === 0 ? !WHEN_NAMED.some(folder => name === `integration/${folder}`) : only.some(prefix => name.startsWith(prefix));
const waiting = GROUPS.filter(isMeant);
const running = new Map();
const results = [];
while (waiting.length > 0 || running.size > 0) {
  if (stopping.aborted) waiting.length = 0;
  const load = [...running.keys()].reduce((sum, group) => sum + group.load, 0);
  const next = waiting.findIndex(group => running.size === 0 || load + group.load <= LOAD_MAX);
  if (next >= 0) {
    const [group] = waiting.splice(next, 1);
    running.set(group, begin(group));
  } else if (running.size > 0) await Promise.race(running.values());
}

async function begin(group) {
  const result = await run(group);
  running.delete(group);
  results.push(result);
}

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
