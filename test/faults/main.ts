// Rounds of faults: an operation under way, the daemon killed at a failpoint or a moment, the machine's power lost, a step that fails; then a
// look at what is left. ROUNDS=n rounds of kills, SEED=n what they are, FROM=n the first of them, CRASHES=n reboots, STOPS=n stops, ERRORS=0 none that fail, ONLY=word operations or failpoints with that word.
import { FAILPOINTS } from "../../src/ports/failpoint.ts";
import { FaultRun } from "./fault-run.ts";
import { planRounds } from "./plan.ts";

const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

const seed = numberOf("SEED", Math.floor(Math.random() * 1_000_000));
const startedMs = performance.now();
await using run = await FaultRun.begin();
const passed = await run.learn();
const plan = planRounds({
  seed,
  passed,
  kills: numberOf("ROUNDS", 300),
  crashes: numberOf("CRASHES", 20),
  stops: numberOf("STOPS", 30),
  hasErrors: numberOf("ERRORS", 1) > 0,
});
const only = process.env["ONLY"];
const rounds = plan.filter(
  ({ operation, fault }) => only === undefined || `${operation.name} ${JSON.stringify(fault)}`.includes(only),
);
console.log(`SEED=${seed}: ${rounds.length} rounds`);
for (const [index, round] of rounds.entries()) {
  if (index < numberOf("FROM", 0)) continue;
  const { problems, isHit, ending } = await run.play(round);
  const fault =
    "armed" in round.fault
      ? `${round.fault.armed.name} ${round.fault.armed.moment} ${round.fault.armed.action}`
      : `${round.fault.kind} ${round.fault.afterMs} ms`;
  console.log(
    `${problems.length === 0 ? "ok" : "FAILED"} ${index} ${round.operation.name}: ${fault}${isHit ? "" : " (not passed)"}: ${ending.slice(0, 150)}`,
  );
  for (const problem of problems) console.log(`    ${problem}`);
}
const hit = run.killedAt();
const counts = FAILPOINTS.map(name => `${String(hit.get(name) ?? 0).padStart(4)} ${name}`);
console.log(`\nkilled at:\n${counts.join("\n")}`);
const missed = FAILPOINTS.filter(name => !hit.has(name));
if (missed.length > 0) console.log(`never killed at: ${missed.join(", ")}`);
console.log(`${run.count} rounds, ${run.failures} failed, ${Math.round((performance.now() - startedMs) / 1000)} s, SEED=${seed}`);
process.exitCode = run.failures > 0 || (only === undefined && missed.length > 0) ? 1 : 0;
