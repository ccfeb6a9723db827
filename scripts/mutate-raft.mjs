#!/usr/bin/env node
// Breaks Raft on purpose, one small change at a time, and counts how many of the changes the tests notice.
// Usage: node scripts/mutate-raft.mjs [--count 120] [--seed 1] [--workers 2] [--sim-seeds 30] [--only file.ts]
//        node scripts/mutate-raft.mjs --planted [--sim-seeds 100]: classic mistakes, with the simulation alone to find them
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "120" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
    "sim-seeds": { type: "string", default: "30" },
    only: { type: "string" },
    planted: { type: "boolean", default: false },
  },
});
const FILES = [
  "core.ts",
  "disk-health.ts",
  "disk-watch.ts",
  "election.ts",
  "log.ts",
  "membership.ts",
  "progress.ts",
  "quorum.ts",
  "read-index.ts",
  "receive.ts",
  "replication.ts",
  "state.ts",
  "storage.ts",
  "transfer.ts",
  "wal.ts",
].filter(file => values.only === undefined || file === values.only);
const TIME_LIMIT_MS = 90_000;
/** Mutants that were looked at: why no test can, or need, tell them from the code. */
const KNOWN = JSON.parse(readFileSync(new URL("mutate-raft.survivors.json", import.meta.url), "utf8"));

/** Each rule: what to look for in a line, and what to put in its place. */
const RULES = [
  { name: "<= to <", find: / <= /g, put: " < " },
  { name: "< to <=", find: / < /g, put: " <= " },
  { name: ">= to >", find: / >= /g, put: " > " },
  { name: "> to >=", find: / > /g, put: " >= " },
  { name: "=== to !==", find: / === /g, put: " !== " },
  { name: "!== to ===", find: / !== /g, put: " === " },
  { name: "&& to ||", find: / && /g, put: " || " },
  { name: "|| to &&", find: / \|\| /g, put: " && " },
  { name: "+ 1 to + 0", find: / \+ 1\b/g, put: " + 0" },
  { name: "- 1 to - 0", find: / - 1\b/g, put: " - 0" },
  { name: "+ to -", find: / \+ (?!1\b)/g, put: " - " },
  { name: "min to max", find: /Math\.min/g, put: "Math.max" },
  { name: "max to min", find: /Math\.max/g, put: "Math.min" },
  { name: "true to false", find: /\btrue\b/g, put: "false" },
  { name: "false to true", find: /\bfalse\b/g, put: "true" },
  { name: "negated condition", find: /\bif \((?!.*\bif \()(.+)\) (?=return|throw|continue|break|\{)/g, put: "if (!($1)) " },
];
/** A whole statement on one line, which does something rather than declare or decide. */
const STATEMENT =
  /^\s+(?!return|const|let|throw|if|else|for|case|default|import|export|type|readonly|static|private|assert|\}|\/\/|\*)[#\w.?]+(\(.*\)|\[.*\]| [+-]?= .*);$/;

/** The first value of a field: mostly set again before it is used. */
const FIELD = /^ {2}#?\w+(: .*)? = /;

function isCode(line) {
  return !/^\s*(\/\/|\/?\*|import |export (interface|type)|readonly |assert\(|type )/.test(line) && !line.includes("=>  ");
}

/** Where a match lies in a type or a string, the change would mean nothing or not compile. */
function isLive(line, at) {
  const before = line.slice(0, at);
  return (
    before.split('"').length % 2 === 1 &&
    before.split("`").length % 2 === 1 &&
    !/\/\/|throw new|assert\(|: Map$|Promise$/.test(before)
  );
}

function mutantsOf(file) {
  const lines = readFileSync(join("src/raft", file), "utf8").split("\n");
  const mutants = [];
  for (const [at, line] of lines.entries()) {
    if (!isCode(line)) continue;
    for (const { name, find, put } of RULES) {
      for (const match of line.matchAll(find)) {
        if (!isLive(line, match.index)) continue;
        // The whole rest of the line, since a rule may look ahead.
        const rest = line.slice(match.index).replace(new RegExp(find.source), put);
        const changed = line.slice(0, match.index) + rest;
        if (changed === line) continue;
        mutants.push({ file, at, name, changed });
      }
    }
    if (STATEMENT.test(line) && !FIELD.test(line)) mutants.push({ file, at, name: "removed statement", changed: "" });
  }
  return mutants;
}

/** Mistakes that Raft implementations were found to have. */
const PLANTED = [
  {
    name: "answers leave before the disk has what they promise",
    file: "driver.ts",
    find: "    await writing;",
    put: "    for (const message of ready.messages) this.#send(message);\n    await writing;",
  },
  { name: "writes are not synced", file: "wal.ts", find: "    await this.#synced(file.sync());", put: "" },
  { name: "a torn tail is not cut", file: "wal.ts", find: "    await this.#file.truncate(scan.end);", put: "" },
  {
    name: "candidates with older logs get votes",
    file: "election.ts",
    find: "mayVote && log.isUpToDate",
    put: "mayVote || log.isUpToDate",
  },
  {
    name: "more than one vote a term",
    file: "election.ts",
    find: "state.vote === 0 && state.leaderId === 0",
    put: "state.leaderId === 0",
  },
  {
    name: "entries of older terms are committed by counting",
    file: "replication.ts",
    find: "!log.matches(index, state.term) || ",
    put: "",
  },
  {
    name: "one voter less than a majority commits",
    file: "quorum.ts",
    find: "descending[majority(voters.length) - 1]",
    put: "descending[Math.max(0, majority(voters.length) - 2)]",
  },
  {
    name: "the leader counts entries that its disk does not have",
    file: "replication.ts",
    find: "accepted(log.persisted)",
    put: "accepted(log.lastIndex)",
  },
  { name: "reads are answered unconfirmed", file: "read-index.ts", find: "if (round > confirmed) break;", put: "" },
  {
    name: "a new leader answers reads before it knows what is committed",
    file: "read-index.ts",
    find: "if (!hasCommittedInTerm(state)) {",
    put: "if (state.term < 0) {",
  },
  {
    name: "conflicting entries stay",
    file: "replication.ts",
    find: "const fresh = log.newAmong(entries);",
    put: "const fresh = entries.filter(entry => entry.index > log.lastIndex);",
  },
  {
    name: "the snapshot's members are not taken over",
    file: "replication.ts",
    find: "  state.membership.restore(meta.index, meta.members);",
    put: "",
  },
  {
    name: "a lost snapshot is not noticed",
    file: "snapshot-exchange.ts",
    find: "    core.snapshotSent(to.raftId, { isOk });",
    put: "    if (isOk) core.snapshotSent(to.raftId, { isOk });",
  },
  {
    name: "what a full disk took of a write stays",
    file: "wal.ts",
    find: "if (isDiskFull(error)) await file.truncate(this.#fileBytes);",
    put: "",
  },
  { name: "a full disk counts as written", file: "disk-watch.ts", find: "      return false;", put: "      return true;" },
  { name: "what was lost is not asked for", file: "replication.ts", find: "  askForGap(state, from);", put: "" },
];

function plantedMutants() {
  return PLANTED.map(({ name, file, find, put }) => {
    const source = readFileSync(join("src/raft", file), "utf8");
    if (source.split(find).length !== 2) throw new Error(`${file} does not hold this once: ${find}`);
    return { file, name, at: source.slice(0, source.indexOf(find)).split("\n").length - 1, source: source.replace(find, put) };
  });
}

function shuffled(list, seed) {
  let state = seed >>> 0;
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return list
    .map(item => ({ item, key: draw() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function run(cwd, args, env) {
  return new Promise(resolve => {
    // A group of its own: mocha runs the tests in a child, and a mutant that never ends would go on when only mocha is killed.
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: "ignore", detached: true });
    const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), TIME_LIMIT_MS);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      resolve(signal === "SIGKILL" ? "timeout" : code === 0 ? "passed" : "failed");
    });
  });
}

const MOCHA = ["node_modules/mocha/bin/mocha.js", "--bail", "--timeout", "8000"];
/** The cheapest tests first; a mutant is caught by the first that fails. */
async function test(tree) {
  const unit = readdirSync(join(tree, "test/unit/raft"))
    .filter(name => name.endsWith(".test.ts") && name !== "driver.test.ts")
    .map(name => join("test/unit/raft", name));
  const byUnit = values.planted ? "passed" : await run(tree, [...MOCHA, ...unit], {});
  if (byUnit !== "passed") return `unit tests ${byUnit}`;
  const bySimulation = await run(tree, [...MOCHA, "test/sim/raft/raft.test.ts"], { SEEDS: values["sim-seeds"] });
  return bySimulation === "passed" ? undefined : `simulation ${bySimulation}`;
}

function makeTree() {
  const tree = mkdtempSync(join(tmpdir(), "shoal-mutants-"));
  for (const path of ["src/raft", "src/lib", "src/ports", "src/model", "src/system", "test/unit/raft", "test/sim", "scripts"]) {
    cpSync(path, join(tree, path), { recursive: true });
  }
  for (const path of ["package.json", "tsconfig.json", ".mocharc.json"]) cpSync(path, join(tree, path));
  symlinkSync(join(process.cwd(), "node_modules"), join(tree, "node_modules"));
  return tree;
}

const queue = values.planted
  ? plantedMutants()
  : shuffled(FILES.flatMap(mutantsOf), Number(values.seed)).slice(0, Number(values.count));
const total = queue.length;
const survivors = [];
let unexplained = 0;
let done = 0;

async function work() {
  const tree = makeTree();
  try {
    for (let mutant = queue.pop(); mutant !== undefined; mutant = queue.pop()) {
      const { file, at, name, changed = "", source } = mutant;
      const path = join(tree, "src/raft", file);
      const original = readFileSync(path, "utf8");
      const lines = original.split("\n");
      const before = lines[at];
      lines[at] = changed;
      writeFileSync(path, source ?? lines.join("\n"));
      const caughtBy = await test(tree);
      writeFileSync(path, original);
      done += 1;
      console.log(`${done}/${total} ${file}:${at + 1} ${name}: ${caughtBy ?? "SURVIVED"}`);
      if (caughtBy !== undefined) continue;
      const known = KNOWN.find(each => each.file === file && each.rule === name && each.line === before.trim());
      if (known === undefined) unexplained++;
      const reason = known?.because ?? "NOT EXPLAINED: add a test, or the reason to mutate-raft.survivors.json";
      survivors.push(`${file}:${at + 1} ${name}\n  - ${before.trim()}\n  + ${changed.trim()}\n  ${reason}`);
    }
  } finally {
    rmSync(tree, { recursive: true });
  }
}

const baseline = makeTree();
const unbroken = await test(baseline);
rmSync(baseline, { recursive: true });
if (unbroken !== undefined) throw new Error(`the tests fail on the code as it is: ${unbroken}`);
await Promise.all(Array.from({ length: Number(values.workers) }, work));
console.log(`\nSurvivors:\n${survivors.join("\n") || "none"}`);
console.log(
  `\n${total - survivors.length} of ${total} mutants caught (${Math.round((100 * (total - survivors.length)) / total)} %), ${unexplained} survivors without a reason`,
);
process.exitCode = (total - survivors.length) / total >= 0.8 ? 0 : 1;
