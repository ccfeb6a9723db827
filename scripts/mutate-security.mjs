#!/usr/bin/env node
// Takes one protection away at a time, in a copy of the source that is built apart, and runs the one test that must notice: where
// nothing that it changes stays.
// Usage: sudo node scripts/mutate-security.mjs [--only WORD] [--from N] [--count N] [--workers 2]
//        node scripts/mutate-security.mjs --check: whether the code still is what they change; nothing is run.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SECURITY_MUTANTS } from "./security-mutants.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    from: { type: "string", default: "0" },
    count: { type: "string", default: String(SECURITY_MUTANTS.length) },
    workers: { type: "string", default: "2" },
    check: { type: "boolean", default: false },
  },
});
if (values.check) process.exit(misfits().length);
if (process.env.THROWAWAY_ROOT !== "1") {
  // There is no network in there.
  if (spawnSync("bash", ["test/oracle/real-docker.sh", "install"], { stdio: "inherit" }).status === 1) process.exit(1);
  // What breaks out, breaks out there.
  const args = ["scripts/throwaway-root.sh", process.execPath, ...process.argv.slice(1)];
  process.exit(spawnSync("sh", args, { stdio: "inherit" }).status ?? 1);
}
const TIME_LIMIT_MS = 120_000;
/** Other tests run the source itself. */
const ON_BUILT_PROGRAMS = /^test\/integration\/(security|build)\//;
const COPIED = ["src", "test", "deploy", "bin", "scripts", "package.json", "tsconfig.json", ".mocharc.json"];
const UNTRACKED_OUTPUT = { stdio: ["ignore", "pipe", "pipe"] };

/** @returns what it exited with, and what it said. */
function run(cwd, args) {
  return new Promise(resolve => {
    // A group of its own: what it started ends with it.
    const child = spawn(process.execPath, args, { cwd, detached: true, ...UNTRACKED_OUTPUT });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", text => (said += text));
    const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), TIME_LIMIT_MS);
    child.on("close", code => {
      clearTimeout(timer);
      resolve({ code, said });
    });
  });
}

function makeTree() {
  const tree = mkdtempSync(join(tmpdir(), "shoal-security-mutants-"));
  for (const path of COPIED) cpSync(path, join(tree, path), { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(tree, "node_modules"));
  return tree;
}

/** @throws Error where the code is no longer what the mutant changes. */
function mutated({ file, find, put }, source) {
  if (source.split(find).length !== 2) throw new Error(`src/${file} does not hold this once: ${find}`);
  return source.replace(find, () => put);
}

/** Those that changed code has left behind, which it prints. */
function misfits() {
  return SECURITY_MUTANTS.filter(({ guards, edits }) => {
    const sources = new Map();
    try {
      for (const edit of edits)
        sources.set(edit.file, mutated(edit, sources.get(edit.file) ?? readFileSync(`src/${edit.file}`, "utf8")));
      return false;
    } catch (error) {
      console.log(`${guards}: ${error.message}`);
      return true;
    }
  });
}

/** @returns the changed files as they were. */
function apply(tree, { edits }) {
  const originals = new Map();
  for (const edit of edits) {
    const path = join(tree, "src", edit.file);
    const source = readFileSync(path, "utf8");
    if (!originals.has(path)) originals.set(path, source);
    writeFileSync(path, mutated(edit, source));
  }
  return originals;
}

/** Whether a test failed, and not merely something before it. */
async function outcome(tree, { test: [file, title] }) {
  if (ON_BUILT_PROGRAMS.test(file)) {
    const built = await run(tree, ["scripts/build.mjs"]);
    if (built.code !== 0) return { kind: "broken", said: built.said };
  }
  const { code, said } = await run(tree, [
    "node_modules/mocha/bin/mocha.js",
    "--reporter",
    "tap",
    file,
    ...(title === "" ? [] : ["--fgrep", title]),
  ]);
  const failed = [...said.matchAll(/^not ok \d+ (.*)$/gm)].map(([, name]) => name);
  const passed = [...said.matchAll(/^ok \d+/gm)].length;
  if (failed.some(name => !/"(before|after)( all| each)" hook/.test(name))) return { kind: "caught", by: failed[0] };
  return code === 0 && passed > 0 ? { kind: "survived" } : { kind: "broken", said };
}

const chosen = SECURITY_MUTANTS.map((mutant, index) => ({ ...mutant, index }))
  .filter(({ guards, index }) => index >= Number(values.from) && guards.includes(values.only))
  .slice(0, Number(values.count));
const counts = { caught: 0, survived: 0, broken: 0 };
const pending = [...chosen];
const busyFiles = new Set();

/** One whose test nobody runs: some of them change what is the whole machine's. What is left over then is for who runs it. */
function takeNext() {
  const at = pending.findIndex(({ test: [file] }) => !busyFiles.has(file));
  return at < 0 ? undefined : pending.splice(at, 1)[0];
}

async function tryOne(tree, mutant) {
  const startedMs = performance.now();
  const originals = apply(tree, mutant);
  const { kind, by, said } = await outcome(tree, mutant);
  for (const [path, source] of originals) writeFileSync(path, source);
  counts[kind]++;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const word = { caught: "caught  ", survived: "SURVIVED", broken: "BROKEN  " }[kind];
  console.log(`${word} ${mutant.index} ${mutant.guards} (${seconds} s)${by === undefined ? "" : `: ${by}`}`);
  if (kind === "broken") for (const line of said.split("\n").slice(-25)) console.log(`    ${line}`);
}

/** In a tree of its own. */
async function work() {
  const tree = makeTree();
  try {
    for (let mutant = takeNext(); mutant !== undefined; mutant = takeNext()) {
      const [file] = mutant.test;
      busyFiles.add(file);
      await tryOne(tree, mutant);
      busyFiles.delete(file);
    }
  } finally {
    rmSync(tree, { recursive: true });
  }
}

await Promise.all(Array.from({ length: Number(values.workers) }, work));
console.log(
  `\n${counts.caught} of ${chosen.length} weakenings are caught, ${counts.survived} survive, ${counts.broken} do not run`,
);
process.exitCode = counts.caught === chosen.length ? 0 : 1;
