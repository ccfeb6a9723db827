#!/usr/bin/env node
// Plants one fault at a time in a copy of the control plane, and shows which checker of its simulation finds it, and in which life.
// Usage: node scripts/plant-faults.mjs [--seeds 60] [--only WORDS]; --check only says whether each still has its place in the code
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "60" },
    only: { type: "string", default: "" },
    check: { type: "boolean", default: false },
  },
});
const TIME_LIMIT_MS = 600_000;

/** Each with the words of the checker that is to find it. */
const FAULTS = [
  {
    name: "reads are answered from whatever is applied here",
    file: "src/manager/control-api/control-api.ts",
    find: "      await consensus.readBarrier(waiting);\n      return await read",
    put: "      return await read",
    finder: /not linearizable/,
  },
  {
    name: "a version that was overtaken is written over",
    file: "src/manager/control-api/mutations.ts",
    find: "if (!isSpecOf(version, object)) throw",
    put: "if (object.version < version) throw",
    finder: /not linearizable/,
  },
  {
    name: "an update is refused when the cluster alone has written since",
    file: "src/manager/spec-sequence.ts",
    find: "specChangedAfter < version && version < present",
    put: "specChangedAfter < 0",
    finder: /not linearizable/,
  },
  {
    name: "a name is given to two secrets",
    edits: [
      [
        "src/manager/control-api/blobs.ts",
        "if (view.byName(table, spec.name) !==",
        "if (view.byName(table, `${spec.name} `) !==",
      ],
      ["src/manager/store/checks.ts", "if (owner === undefined || owner === change.object.id)", 'if (owner !== "")'],
    ],
    finder: /not linearizable/,
  },
  {
    name: "writes of the log are not synced",
    file: "src/raft/wal.ts",
    find: "    await this.#synced(file.sync());",
    put: "",
    finder: /is lost|state machine safety|not linearizable|past the last entry|is damaged/,
  },
  {
    name: "a request that comes again is carried out again",
    edits: [
      ["src/manager/store/store.ts", "if (done !== undefined) return", "if (done !== undefined && index < 0) return"],
      ["src/manager/control-api/mutations.ts", "if (done !== undefined) return", "if (done !== undefined && attempt < 0) return"],
    ],
    finder: /carried out twice|not linearizable/,
  },
  {
    name: "a request that comes again is carried out again, whatever became of its object meanwhile",
    edits: [
      ["src/manager/store/store.ts", "if (done !== undefined) return", "if (done !== undefined && index < 0) return"],
      ["src/manager/control-api/mutations.ts", "if (done !== undefined) return", "if (done !== undefined && attempt < 0) return"],
      ["src/manager/control-api/mutations.ts", "if (!isSpecOf(version, object)) throw", "if (object.version < 0) throw"],
    ],
    finder: /carried out twice/,
  },
  {
    name: "a request that was refused is carried out when its first try comes late",
    file: "src/manager/control-api/mutations.ts",
    find: "options.mayRepeat === true && isRefusal(error)",
    put: "options.mayRepeat === undefined && isRefusal(error)",
    finder: /not linearizable/,
    livesMin: 200, // The name has to be taken and freed again while a manager stands still.
  },
  {
    name: "what apply writes depends on chance",
    file: "src/manager/store/store.ts",
    find: "updatedAtMs: atMs }",
    put: "updatedAtMs: atMs + Math.floor(Math.random() * 3) }",
    finder: /determinism/,
  },
  {
    name: "a worker is not told of entries that its manager applies together",
    file: "src/manager/dispatcher/dispatcher.ts",
    find: "for await (const { ids, view: after } of watch) {",
    put: "for await (const { ids } of watch) {\n          const after = store.view();",
    finder: /two places|convergence/,
  },
  {
    name: "a worker goes on with what is to stop",
    file: "src/worker/task-machine.ts",
    find: 'if (!isToRun(desiredState)) return { kind: "stop" };',
    put: 'if (!isToRun(desiredState)) return { kind: state === "running" ? "rest" : "stop" };',
    finder: /two places/,
  },
  {
    name: "a new leader plans before it has applied what is in the log",
    file: "src/daemon/manager/leadership.ts",
    find: "      await consensus.readBarrier({ signal });\n",
    put: "",
    finder: /slot doubled/,
    livesMin: 200, // Nearly all plans that it makes rely on something that has changed, and are refused.
  },
  {
    name: "an update takes more down than its parallelism",
    file: "src/manager/orchestrator/update.ts",
    find: "config.parallelism - progress.busyCount(planner);",
    put: "config.parallelism + 1 - progress.busyCount(planner);",
    finder: /update limit/,
  },
  {
    name: "an update that starts first stops first",
    file: "src/manager/orchestrator/update.ts",
    find: 'const serving = order === "start-first" ?',
    put: 'const serving = order === "stop-first" ?',
    finder: /update limit|slot doubled/,
  },
  {
    name: "a task starts before the one that it replaces has ended",
    edits: [
      [
        "src/manager/orchestrator/successor.ts",
        "const mustWait = delayMs > 0 ||",
        "const mustWait = delayMs > 0 || delayMs < 0 &&",
      ],
      ["src/manager/orchestrator/supervise.ts", "if (planner.nowMs < patienceEndsMs &&", "if (planner.nowMs < 0 &&"],
    ],
    finder: /slot doubled/,
  },
  {
    name: "an update goes on whatever fails",
    file: "src/manager/orchestrator/update.ts",
    find: "failure.ratio > config.maxFailureRatio",
    put: "failure.ratio > 1",
    finder: /update failure/,
  },
  {
    name: "an update ends when as many have failed as may",
    file: "src/manager/orchestrator/update.ts",
    find: "failure.ratio > config.maxFailureRatio",
    put: "failure.ratio >= config.maxFailureRatio",
    finder: /update failure/,
  },
  {
    name: "an update that is to go on whatever fails is paused",
    file: "src/manager/orchestrator/update.ts",
    find: 'config.failureAction === "continue" ? undefined : ',
    put: "",
    finder: /update failure/,
  },
  {
    name: "what ends long after its update had it watched is a failure of the update",
    file: "src/manager/orchestrator/update-progress.ts",
    find: "hasEndedByItself(updated) && (updated.ranForMs ?? 0) <= monitorMsOf(config)",
    put: "hasEndedByItself(updated)",
    finder: /update failure/,
  },
  {
    name: "an update that is to be rolled back is paused",
    file: "src/manager/orchestrator/update.ts",
    find: 'config.failureAction === "pause" ||',
    put: 'config.failureAction !== "continue" ||',
    finder: /update failure/,
  },
  {
    name: "an update that was paused begins again by itself",
    file: "src/manager/orchestrator/update.ts",
    find: 'if (state === "paused" || state === "rollback_paused") return [];',
    put: "",
    finder: /update failure/,
  },
  {
    name: "a global service rests where its task ended while the node was away",
    file: "src/manager/orchestrator/global.ts",
    find: "  return !mayRestart(last,",
    put: "  return last.version > 0 || !mayRestart(last,",
    finder: /convergence/,
  },
  {
    name: "reports of tasks that the leader has yet to apply are dropped",
    file: "src/manager/dispatcher/status-writer.ts",
    find: 'if (batch.some(({ taskId }) => this.#view().get("task", taskId) === undefined)) await',
    put: "if (batch.length < 0) await",
    finder: /report lost|the state knows of|does not end/,
  },
  {
    name: "a newer format is in force before all managers read it",
    file: "src/manager/dispatcher/format-levels.ts",
    find: "this.#known.get(id) ?? 0",
    put: "Math.max(2, this.#known.get(id) ?? 0)",
    finder: /this program reads|older manager/,
  },
  {
    name: "what older managers would lose is written while there are some",
    edits: [
      ["src/manager/orchestrator/drain.ts", "planner.view.formatLevel >= SECOND_FORMAT_LEVEL", "planner.view.formatLevel > 0"],
      ["src/manager/store/proposals.ts", "if (levelNeeded(entry) > (entry.level ?? level))", "if (levelNeeded(entry) < level)"],
    ],
    finder: /older manager/,
  },
]
  .filter(({ name }) => name.includes(values.only))
  .map(({ file, find, put, edits = [[file, find, put]], ...fault }) => ({ ...fault, edits }));

/** The file as it is with the fault. @throws when the fault has no place of its own in it. */
function planted(tree, [file, find, put]) {
  const source = readFileSync(join(tree, file), "utf8");
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold this once: ${find}`);
  return source.replace(find, put);
}

function plant(tree, edit) {
  const [file] = edit;
  writeFileSync(join(tree, file), planted(tree, edit));
}

function makeTree() {
  const tree = mkdtempSync(join(tmpdir(), "shoal-planted-"));
  for (const path of ["src", "test/sim"]) cpSync(path, join(tree, path), { recursive: true });
  for (const path of ["package.json", "tsconfig.json", "test/command-line.ts"]) cpSync(path, join(tree, path));
  symlinkSync(join(process.cwd(), "node_modules"), join(tree, "node_modules"));
  return tree;
}

/** Lives of what was planted, until one of them ends as `finder` says. @returns that one, or what else they came to. */
function live(tree, { finder, livesMin = 1 }) {
  const lives = String(Math.max(livesMin, Number(values.seeds)));
  const args = ["--import=tsx", "test/sim/control-plane/main.ts", "--seeds", lives, "--processes", "1"];
  const child = spawn(process.execPath, args, { cwd: tree, stdio: ["ignore", "pipe", "pipe"], detached: true });
  // With the processes that it lets the lives run in: they hold the output open.
  const stop = () => child.exitCode === null && process.kill(-child.pid, "SIGKILL");
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    stop();
  }, TIME_LIMIT_MS);
  let [said, found, firstOther] = ["", undefined, undefined];
  const hear = text => {
    said += text;
    for (const [, seed, failure] of said.matchAll(/seed (\d+) failed: ([^\n]*)\n/g)) {
      const words = `life ${seed}: ${failure.slice(0, 140)}`;
      if (!finder.test(failure)) firstOther ??= words;
      else if (found === undefined) {
        found = words;
        stop();
      }
    }
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear);
  return new Promise((resolve, reject) => {
    child.on("close", () => {
      clearTimeout(limit);
      const isOver = / lives were right, /.test(said) || isLate;
      const none = isLate ? `nothing failed in ${TIME_LIMIT_MS / 1_000} s` : "nothing failed";
      if (isOver || found !== undefined || firstOther !== undefined) resolve({ found, other: firstOther ?? none });
      else reject(new Error(`the simulation did not run: ${said.slice(-2_000)}`));
    });
  });
}

async function plantAll() {
  let missed = 0;
  for (const { name, edits, ...fault } of FAULTS) {
    const tree = makeTree();
    try {
      for (const edit of edits) plant(tree, edit);
      const { found, other } = await live(tree, fault);
      if (found === undefined) missed++;
      console.log(`${found === undefined ? "MISSED" : "found "}  ${name}\n        ${found ?? other}`);
    } finally {
      rmSync(tree, { recursive: true });
    }
  }
  console.log(`\n${FAULTS.length - missed} of ${FAULTS.length} planted faults found by their checker`);
  process.exitCode = missed === 0 ? 0 : 1;
}

if (values.check) for (const { edits } of FAULTS) for (const edit of edits) planted(".", edit);
else await plantAll();
