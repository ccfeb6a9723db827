// Runs the scenarios on real Docker Engines and on ours side by side and prints where they differ.
//   node --import=tsx test/oracle/main.ts [part of a scenario's name]
import { CoverageTable } from "./coverage.ts";
import { startEngines, stopEngines } from "./engines.ts";
import { runAll, SCENARIOS } from "./run-all.ts";
import type { ScenarioResult } from "./run-scenario.ts";

const DIFFERENCES_SHOWN_MAX = 12;
const SLOWEST_SHOWN = 12;
const PAIRS = 3;
const filter = process.argv[2] ?? "";
const isWanted = ({ name }: { readonly name: string }): boolean => name.includes(filter);
const pairCount = Math.min(PAIRS, SCENARIOS.filter(isWanted).length);
const names = Array.from({ length: pairCount }, (_, index) => ({
  lab: `o${process.pid}${index}`,
  peer: `p${process.pid}${index}`,
}));
const results: ScenarioResult[] = [];

try {
  const pairs = names.map(startEngines);
  for await (const result of runAll(pairs, isWanted)) report(result);
} finally {
  if (process.env["KEEP"] === undefined) names.forEach(stopEngines);
}
const misses = results.filter(({ differences }) => differences.length > 0);
for (const { scenario, tookMs } of results.toSorted((left, right) => right.tookMs - left.tookMs).slice(0, SLOWEST_SHOWN)) {
  console.log(`${(tookMs / 1000).toFixed(1)} s  ${scenario.name}`);
}
if (filter === "") console.log(`\n${CoverageTable.of(results).text()}`);
console.log(`\n${results.length} scenarios, ${results.length - misses.length} the same, ${misses.length} differ`);
process.exit(misses.length === 0 ? 0 : 1);

function report(result: ScenarioResult): void {
  results.push(result);
  console.log(`${result.differences.length === 0 ? "same  " : "DIFFER"} ${result.scenario.name}`);
  for (const { where, real, ours } of result.differences.slice(0, DIFFERENCES_SHOWN_MAX)) {
    console.log(`         ${where}\n           real ${JSON.stringify(real)}\n           ours ${JSON.stringify(ours)}`);
  }
  if (result.differences.length > DIFFERENCES_SHOWN_MAX)
    console.log(`         and ${result.differences.length - DIFFERENCES_SHOWN_MAX} more`);
}
