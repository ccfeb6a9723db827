#!/usr/bin/env node
// Breaks the cluster's core on purpose, one small change at a time, and counts how many of the changes the tests notice.
// Usage: node scripts/mutate.mjs [--target raft,store,loop,dispatcher] [--workers 2] [--seed 1] [--count N] [--file PART] [--list]
//        --state FILE: keeps the outcomes, so that the next run goes on where this one was stopped; --again: tries its survivors again
//        node scripts/mutate.mjs --planted: classic mistakes in Raft, with the simulation alone to find them
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compiled, drawn, mutantsOf, mutatedSource } from "./mutation-rules.mjs";
import { TARGETS } from "./mutation-targets.mjs";
import { plantedMistakes, PLANTED_TARGET } from "./raft-mistakes.mjs";

const { values } = parseArgs({
  options: {
    target: { type: "string", default: TARGETS.map(({ name }) => name).join(",") },
    workers: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    count: { type: "string" },
    file: { type: "string", default: "" },
    list: { type: "boolean", default: false },
    state: { type: "string" },
    again: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
  },
});
/** Of each target's mutants. */
const CAUGHT_MIN = 0.85;
/** What runs this much longer than the code as it is does not end, or might as well not. */
const CPU_FACTOR = 5;
const CPU_MIN_S = 10;
/** For what waits and does nothing. */
const TIME_LIMIT_MS = 120_000;
const UNEXPLAINED = "NOT EXPLAINED: add a test, or the reason to mutate.survivors.json";
/** Mutants that were looked at: why no test can, or need, tell them from the code. */
const KNOWN = JSON.parse(readFileSync(new URL("mutate.survivors.json", import.meta.url), "utf8"));
/** A test may be kept waiting by a busy machine; what does nothing but wait ends by this. */
const TEST_LIMIT_MS = 20_000;
const MOCHA = [
  "node_modules/mocha/bin/mocha.js",
  "--no-config",
  "--check-leaks",
  "--bail",
  "--reporter=tap",
  `--timeout=${TEST_LIMIT_MS}`,
];

/** What is to be removed whatever ends this. */
const trees = new Set();
process.on("exit", () => trees.forEach(removeTree));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

function removeTree(tree) {
  trees.delete(tree);
  rmSync(tree, { recursive: true, force: true });
}

/** Everything as node runs it, with no loader between: half of a test's time otherwise. */
function makeTree() {
  const tree = mkdtempSync(join(tmpdir(), "shoal-mutants-"));
  trees.add(tree);
  for (const folder of ["src", "test/unit", "test/sim", "test/bench"]) {
    for (const name of readdirSync(folder, { recursive: true })) {
      const path = join(folder, name);
      if (name.endsWith(".ts")) write(tree, path, readFileSync(path, "utf8"));
      else if (/\.\w+$/.test(name)) cpSync(path, join(tree, path), { recursive: true });
    }
  }
  write(tree, "test/skip.ts", readFileSync("test/skip.ts", "utf8"));
  cpSync("package.json", join(tree, "package.json"));
  symlinkSync(join(process.cwd(), "node_modules"), join(tree, "node_modules"));
  return tree;
}

function write(tree, path, source) {
  const target = join(tree, path.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, compiled(source));
}

/** One stage's tests. @returns what failed first, if anything did, and how long it took. */
function run(tree, { files, env = {}, without, cpuLimitS }) {
  return new Promise(resolve => {
    const tests = files.map(file => join(tree, file.replace(/\.ts$/, ".js")));
    const left = without === undefined ? [] : ["--fgrep", without, "--invert"];
    // By processor time: how busy the machine is says nothing about a mutant.
    const limit = cpuLimitS === undefined ? [] : ["prlimit", `--cpu=${cpuLimitS}`];
    const [command, ...args] = [...limit, process.execPath, ...MOCHA, ...left, ...tests];
    // A group of its own: what it started ends with it.
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", text => (said += text));
    const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), TIME_LIMIT_MS);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const [, title = said.trim().split("\n").at(-1), error = ""] = /^not ok \d+ (.*)\n *(.*)$/m.exec(said) ?? [];
      resolve(code === 0 ? undefined : signal === null ? `${title}: ${error.slice(0, 100)}` : "it does not end");
    });
  });
}

/** @returns which test noticed. */
async function noticed(tree, stages) {
  for (const stage of stages) {
    const by = await run(tree, stage);
    if (by !== undefined) return `${stage.name}: ${by}`;
  }
  return undefined;
}

/** The code as it is has to pass. @returns the stages with the processor time that a mutant may take. */
async function measured({ name, stages }) {
  const tree = makeTree();
  try {
    const limited = [];
    const seconds = [];
    for (const stage of stages) {
      const before = childSeconds();
      const failed = await run(tree, stage);
      if (failed !== undefined) throw new Error(`the tests of ${name} fail on the code as it is: ${failed}`);
      seconds.push(childSeconds() - before);
      limited.push({ ...stage, cpuLimitS: Math.ceil(CPU_MIN_S + CPU_FACTOR * seconds.at(-1)) });
    }
    console.log(`${name}: ${seconds.map((each, at) => `${stages[at].name} ${each.toFixed(1)} s`).join(", ")} of processor time`);
    return limited;
  } finally {
    removeTree(tree);
  }
}

/** Processor time of the children that have ended. */
function childSeconds() {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/\(.*\)/, "-")
    .split(" ")
    .map(Number);
  const [user = 0, system = 0] = fields.slice(15, 17);
  return (user + system) / Number(TICKS_PER_S);
}
const TICKS_PER_S = spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout.trim();

function outcomesOf(file) {
  if (file === undefined || !existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map(line => JSON.parse(line)).map(({ key, by }) => [key, by]));
}

/** Why a mutant may survive. */
function reasonFor({ file, rule, line }) {
  return KNOWN.find(each => each.file === file && each.rule === rule && each.line === line)?.because;
}

async function work(tree, { queue, stages, onOutcome }) {
  for (let mutant = queue.pop(); mutant !== undefined; mutant = queue.pop()) {
    const startedMs = performance.now();
    write(tree, mutant.file, mutant.source ?? mutatedSource(mutant));
    const by = await noticed(tree, stages);
    write(tree, mutant.file, readFileSync(mutant.file, "utf8"));
    onOutcome(mutant, by, (performance.now() - startedMs) / 1000);
  }
}

/** @returns what became of the target's mutants. */
async function breakTarget(target, mutants) {
  const earlier = outcomesOf(values.state);
  const isOpen = ({ key }) => !earlier.has(key) || (values.again && earlier.get(key) === null);
  const queue = mutants.filter(isOpen).reverse();
  const survivors = mutants.filter(mutant => !isOpen(mutant) && earlier.get(mutant.key) === null);
  const [count, startedMs] = [queue.length, performance.now()];
  let done = 0;
  const onOutcome = (mutant, by, seconds) => {
    const { file, at, rule, key } = mutant;
    console.log(`${target.name} ${++done}/${count} ${file}:${at + 1} ${rule} (${seconds.toFixed(1)} s): ${by ?? "SURVIVED"}`);
    if (by === undefined) survivors.push(mutant);
    if (values.state !== undefined) appendFileSync(values.state, `${JSON.stringify({ key, by: by ?? null })}\n`);
  };
  if (count > 0) {
    const stages = await measured(target);
    const copies = Array.from({ length: Number(values.workers) }, makeTree);
    await Promise.all(copies.map(tree => work(tree, { queue, stages, onOutcome })));
    copies.forEach(removeTree);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { name: target.name, total: mutants.length, count, survivors, seconds };
}

function report(results) {
  for (const { name, survivors } of results) {
    if (survivors.length > 0) console.log(`\nSurvivors of ${name}:`);
    for (const mutant of survivors) console.log(`${told(mutant)}\n  ${reasonFor(mutant) ?? UNEXPLAINED}`);
  }
  console.log("");
  for (const { name, total, count, survivors, seconds } of results) {
    const unexplained = survivors.filter(mutant => reasonFor(mutant) === undefined).length;
    const [caught, each] = [total - survivors.length, count === 0 ? 0 : seconds / count];
    const earlier = count === total ? "" : `, ${total - count} run earlier`;
    console.log(
      `${shareOf(name, caught, total)}, ${unexplained} survivors without a reason; ${each.toFixed(1)} s a mutant${earlier}`,
    );
    if (caught < CAUGHT_MIN * total) process.exitCode = 1;
  }
  const total = results.reduce((sum, result) => sum + result.total, 0);
  const survived = results.reduce((sum, { survivors }) => sum + survivors.length, 0);
  console.log(shareOf("all", total - survived, total));
}

function shareOf(name, caught, total) {
  return `${name.padEnd(10)} ${caught} of ${total} mutants caught (${((100 * caught) / Math.max(1, total)).toFixed(1)} %)`;
}

function told({ file, at, rule, line, changed }) {
  return `${file}:${at + 1} ${rule}\n  - ${line}\n  + ${changed.trim()}`;
}

/** With the changes of it that are drawn. */
function draws(target) {
  const count = values.count === undefined ? target.count : Number(values.count);
  const files = target.files.filter(file => file.includes(values.file));
  return [target, drawn(files.flatMap(mutantsOf), { seed: Number(values.seed), count })];
}

const names = values.target.split(",");
const unknown = names.find(name => !TARGETS.some(target => target.name === name));
if (unknown !== undefined) throw new Error(`there is no target ${unknown}`);
const chosen = values.planted
  ? [[PLANTED_TARGET, plantedMistakes()]]
  : TARGETS.filter(({ name }) => names.includes(name)).map(draws);
if (values.list) for (const [{ name }, mutants] of chosen) for (const mutant of mutants) console.log(`${name} ${told(mutant)}`);
else {
  const results = [];
  for (const [target, mutants] of chosen) results.push(await breakTarget(target, mutants));
  report(results);
}
