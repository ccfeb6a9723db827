// Rounds of faults: an operation under way, the daemon killed at a failpoint or a moment, the machine's power lost, a step that fails; then a
// look at what is left. ROUNDS=n rounds of kills, SEED=n what they are, CRASHES=n reboots, STOPS=n stops, ERRORS=0 none that fail.
// ONLY=word: operations or faults with that word. PROGRESS=file FOR=seconds: in parts, each goes on where the last stopped, and plays what failed again.
import { defined } from "../../src/lib/assert.ts";
import { FaultRun } from "./fault-run.ts";
import { OPERATIONS } from "./operations.ts";
import { type Passed, planRounds, roundsAt } from "./plan.ts";
import { type Assignment, Progress } from "./progress.ts";
import type { Round } from "./round.ts";

const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const { PROGRESS: path, ONLY: only } = process.env;
const endMs = performance.now() + numberOf("FOR", Infinity) * 1000;

await using run = await FaultRun.begin();
const progress = Progress.read(path) ?? Progress.begin(path, await learned());
const { seed } = progress.assignment;
const passed = progress.assignment.passed.flatMap(({ operation: name, ...rest }): readonly Passed[] => {
  const operation = defined(
    OPERATIONS.find(other => other.name === name),
    name,
  );
  return [{ operation, ...rest }];
});
const isWanted = ({ operation, fault }: Round): boolean =>
  only === undefined || `${operation.name} ${JSON.stringify(fault)}`.includes(only);
const rounds = planRounds({ ...progress.assignment, passed });
console.log(`SEED=${seed}: ${rounds.length} rounds`);
let next = 0;
for (; next < rounds.length && performance.now() < endMs; next++) await play(next, defined(rounds[next], "a round"));
// A failpoint may not have been passed when it was armed.
const isWhole = next === rounds.length && only === undefined;
const more = isWhole ? progress.missed.flatMap(name => roundsAt(passed, name)) : [];
for (const [index, round] of more.entries()) if (performance.now() < endMs) await play(rounds.length + index, round);
console.log(`\n${progress.report()}`);
if (!isWhole) console.log(`${next} of ${rounds.length} rounds were looked at`);
process.exitCode = progress.failed.length > 0 || (isWhole && progress.missed.length > 0) ? 1 : 0;

async function play(index: number, round: Round): Promise<void> {
  if (!isWanted(round) || progress.isDone(index)) return;
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
  const all = await run.learn();
  return {
    seed: numberOf("SEED", Math.floor(Math.random() * 1_000_000)),
    kills: numberOf("ROUNDS", 300),
    crashes: numberOf("CRASHES", 20),
    stops: numberOf("STOPS", 30),
    hasErrors: numberOf("ERRORS", 1) > 0,
    passed: all.map(({ operation, ...rest }) => ({ operation: operation.name, ...rest })),
  };
}
