// Runs the scenarios on real Docker Engines and on ours side by side and prints where they differ.
//   node --import=tsx test/oracle/main.ts [part of a scenario's name]... | --missed
// With UPDATE=1 and all scenarios it writes docs/differences.md.
import { readFileSync, writeFileSync } from "node:fs";
import { allDone } from "../../src/lib/all-done.ts";
import { CLUSTER_SCENARIOS } from "./cluster-scenarios.ts";
import { CoverageTable, SWARM_COMMANDS } from "./coverage.ts";
import { differencesPage, type Miss } from "./differences-page.ts";
import { startEngines, startHosts, stopEngines, stopHosts } from "./engines.ts";
import { runAll, SCENARIOS } from "./run-all.ts";
import { runCluster, WORKERS } from "./run-cluster.ts";
import { SERVICE_CONTAINER_SCENARIOS } from "./service-container-scenarios.ts";
import type { ScenarioResult } from "./run-scenario.ts";

const DIFFERENCES_SHOWN_MAX = 12;
const SLOWEST_SHOWN = 12;
const PAIRS = 3;
const known = JSON.parse(readFileSync(new URL("misses.json", import.meta.url), "utf8")) as readonly Miss[];
const filters = process.argv.slice(2);
const isWanted = ({ name }: { readonly name: string }): boolean =>
  filters.length === 0 ||
  (filters.includes("--missed") && known.some(({ scenario }) => scenario === name)) ||
  filters.some(filter => name.includes(filter));
const pairCount = Math.min(PAIRS, SCENARIOS.filter(isWanted).length);
const names = Array.from({ length: pairCount }, (_, index) => ({
  lab: `o${process.pid}${index}`,
  peer: `p${process.pid}${index}`,
}));
const results: ScenarioResult[] = [];

try {
  const pairs = await allDone(names.map(startEngines));
  for await (const result of runAll(pairs, isWanted)) report(result);
} finally {
  if (process.env["KEEP"] === undefined) await allDone(names.map(stopEngines));
}
// What the containers of services are is too long a comparison for the tests.
const ofCluster = [...SERVICE_CONTAINER_SCENARIOS, ...CLUSTER_SCENARIOS].filter(isWanted);
if (ofCluster.length > 0) await runOnThreeNodes();
const misses = results.filter(({ differences }) => differences.length > 0);
for (const { scenario, tookMs } of results.toSorted((left, right) => right.tookMs - left.tookMs).slice(0, SLOWEST_SHOWN)) {
  console.log(`${(tookMs / 1000).toFixed(1)} s  ${scenario.name}`);
}
if (filters.length === 0)
  console.log(`\n${CoverageTable.of(results).text()}\n\n${CoverageTable.of(results, SWARM_COMMANDS).text()}`);
const explained = results.filter(result => result.explained.length > 0);
for (const { scenario, explained: all } of explained)
  console.log(`explained: ${scenario.name}: ${all.map(({ where }) => where).join(", ")}`);
if (filters.length === 0 && process.env["UPDATE"] === "1") writeFileSync("docs/differences.md", differencesPage(results, known));
console.log(`\n${results.length} scenarios, ${results.length - misses.length} the same, ${misses.length} differ`);
process.exit(misses.length === 0 ? 0 : 1);

async function runOnThreeNodes(): Promise<void> {
  const hosts = { lab: `n${process.pid}`, peer: `m${process.pid}` };
  try {
    for await (const result of runCluster(await startHosts(hosts, { workers: WORKERS }), ofCluster)) report(result);
  } finally {
    await stopHosts(hosts, { workers: WORKERS });
  }
}

function report(result: ScenarioResult): void {
  results.push(result);
  console.log(`${result.differences.length === 0 ? "same  " : "DIFFER"} ${result.scenario.name}`);
  for (const { where, real, ours } of result.differences.slice(0, DIFFERENCES_SHOWN_MAX)) {
    console.log(`         ${where}\n           real ${JSON.stringify(real)}\n           ours ${JSON.stringify(ours)}`);
  }
  if (result.differences.length > DIFFERENCES_SHOWN_MAX)
    console.log(`         and ${result.differences.length - DIFFERENCES_SHOWN_MAX} more`);
}
