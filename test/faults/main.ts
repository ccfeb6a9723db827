// Rounds of faults: an operation under way, the daemon killed at a failpoint or a moment, the machine's power lost, a step that fails; then a
// look at what is left. ROUNDS=n rounds of kills, SEED=n what they are, CRASHES=n reboots, STOPS=n stops, ERRORS=0 none that fail, HOSTS=n side by side.
// ONLY=word: operations or faults with that word. PROGRESS=file FOR=seconds: in parts, each goes on where the last stopped, and plays what failed again.
import { defined } from "../../src/lib/assert.ts";
import { Disposal } from "../../src/lib/disposal.ts";
import { refuse } from "../command-line.ts";
import { FaultRun } from "./fault-run.ts";
import { OPERATIONS } from "./operations.ts";
import { type Passed, planRounds, spareRounds } from "./plan.ts";
import { type Assignment, Progress } from "./progress.ts";
import type { Round } from "./round.ts";

if (process.argv.length > 2)
  refuse(`no such argument: ${process.argv[2]}; what it is to do is said in the environment: ONLY=word, SEED=n …`);
const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const { PROGRESS: path, ONLY: only } = process.env;
const endMs = performance.now() + numberOf("FOR", Infinity) * 1000;

await using hosts = new Disposal();
const runs = [hosts.use(await FaultRun.begin())];
const progress = Progress.read(path) ?? Progress.begin(path, await learned());
while (runs.length < numberOf("HOSTS", 2)) runs.push(hosts.use(await FaultRun.begin()));
const { seed, kills } = progress.assignment;
const passed = progress.assignment.passed.flatMap(({ operation: name, ...rest }): readonly Passed[] => {
  const operation = defined(
    OPERATIONS.find(other => other.name === name),
    name,
  );
  return [{ operation, ...rest }];
});
const isMeant = ({ operation, fault }: Round): boolean =>
  only === undefined || `${operation.name} ${JSON.stringify(fault)}`.includes(only);
const request = { ...progress.assignment, passed };
const { deaths, failures } = planRounds(request);
const total = deaths.length + failures.length;
console.log(`SEED=${seed}: ${total} rounds`);
let looked = await playAll(deaths, { from: 0, isWanted: isMeant });
// A failpoint may not have been passed when it was armed: others are played until each was, and until there were as many kills as asked for.
const isMissing = ({ fault }: Round): boolean =>
  "armed" in fault ? progress.missed.includes(fault.armed.name) : progress.killCount < kills;
if (looked === deaths.length && only === undefined) await playAll(spareRounds(request), { from: total, isWanted: isMissing });
looked += await playAll(failures, { from: deaths.length, isWanted: isMeant });
const isWhole = looked === total && only === undefined;
console.log(`\n${progress.report()}`);
if (!isWhole) console.log(`${looked} of ${total} rounds were looked at`);
process.exitCode = progress.failed.length > 0 || (isWhole && (progress.missed.length > 0 || progress.killCount < kills)) ? 1 : 0;

/** On all hosts, each round on the next that is free. @param options.from - The first one's number. @returns how many were looked at in time. */
async function playAll(
  all: readonly Round[],
  { from, isWanted }: { readonly from: number; readonly isWanted: (round: Round) => boolean },
): Promise<number> {
  let next = 0;
  const work = async (run: FaultRun): Promise<void> => {
    while (next < all.length && performance.now() < endMs) {
      const index = next++;
      const round = defined(all[index], "a round");
      if (!progress.isDone(from + index) && isWanted(round)) await play(run, from + index, round);
    }
  };
  await Promise.all(runs.map(work));
  return next;
}

async function play(run: FaultRun, index: number, round: Round): Promise<void> {
  const result = await run.play(round);
  progress.add(index, round, result);
  const { problems, isHit, ending } = result;
  const { fault, operation } = round;
  const what =
    "armed" in fault ? `${fault.armed.name} ${fault.armed.moment} ${fault.armed.action}` : `${fault.kind} ${fault.afterMs} ms`;
  const word = problems.length === 0 ? "ok" : "FAILED";
  console.log(`${word} ${index} ${operation.name}: ${what}${isHit ? "" : " (not passed)"}: ${ending.slice(0, 150)}`);
  for (const problem of problems) console.log(`    ${problem}`);
}

async function learned(): Promise<Assignment> {
  const all = await defined(runs[0], "a host").learn();
  return {
    seed: numberOf("SEED", Math.floor(Math.random() * 1_000_000)),
    kills: numberOf("ROUNDS", 300),
    crashes: numberOf("CRASHES", 20),
    stops: numberOf("STOPS", 30),
    hasErrors: numberOf("ERRORS", 1) > 0,
    passed: all.map(({ operation, ...rest }) => ({ operation: operation.name, ...rest })),
  };
}
