// Runs what other people's clients do on a real Docker Engine and on ours: what passes there passes here, or this fails.
//   npm run clients [-- SUITE...]
// The results are written to docs/clients.md, which says what the suites need. With KEEP=1 in the environment both engines stay.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAll } from "../oracle/holdings.ts";
import { startEngines, stopEngines } from "../oracle/engines.ts";
import { COMPOSE_EXPLANATIONS, compose2Program, composeSuite } from "./compose.ts";
import { loadImage } from "./images.ts";
import { judge, type Miss, type TestResult, type Verdict } from "./judge.ts";
import { DOCKER_PY, DOCKERODE, PYTHON_DOCKER, TESTCONTAINERS } from "./own-suites.ts";
import type { Suite, Target } from "./suite.ts";
import { row, writeTable } from "./table.ts";

const SUITES: readonly Suite[] = [
  DOCKERODE,
  TESTCONTAINERS,
  DOCKER_PY,
  PYTHON_DOCKER,
  composeSuite(1, "docker-compose 1.29", () => "docker-compose"),
  composeSuite(2, "compose 2.40", compose2Program),
];
const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !SUITES.some(suite => suite.name === name));
if (process.getuid?.() !== 0) fail("run it as root: sudo npm run clients");
if (unknown.length > 0) fail(`no such suite: ${unknown.join(", ")}; there are ${SUITES.map(({ name }) => name).join(", ")}`);
const misses: readonly Miss[] = JSON.parse(readFileSync("test/clients/misses.json", "utf8"));
const suites = SUITES.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const lacking = suites.flatMap(suite => (suite.lacks() === undefined ? [] : [`${suite.name} needs ${suite.lacks()}`]));
if (lacking.length > 0) fail(lacking.join("\n"));

const suffix = randomBytes(2).toString("hex");
const names = { lab: `c${suffix}`, peer: `c${suffix}` };
const work = mkdtempSync(join(tmpdir(), "shoal-clients-"));
const verdicts: Verdict[] = [];
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopEngines(names);
    process.exit(1);
  });
}
try {
  const { real, ours } = startEngines(names);
  const targets: readonly Target[] = [
    { engine: real, namespace: `oracle-${names.peer}`, folder: join(work, "real") },
    { engine: ours, namespace: `shoal-${names.lab}-m1`, folder: join(work, "ours") },
  ];
  for (const { folder } of targets) mkdirSync(folder);
  for (const suite of suites) verdicts.push(await runSuite(suite, targets));
} finally {
  if (process.env["KEEP"] === undefined) stopEngines(names);
  rmSync(work, { recursive: true, force: true });
}
writeTable(verdicts, misses, new Map(SUITES.map(({ name, title }) => [name, title])));
process.exit(verdicts.every(({ faults }) => faults.length === 0) ? 0 : 1);

async function runSuite(suite: Suite, targets: readonly Target[]): Promise<Verdict> {
  const startedMs = performance.now();
  const images = await suite.images(join(work, "images"));
  for (const { engine } of targets) for (const image of images) await loadImage(engine.dockerHost, image);
  const run = async (target: Target): Promise<readonly TestResult[]> => {
    const results = await suite.run(target);
    await removeAll(target.engine);
    return results;
  };
  const [real = [], ours = []] = suite.isShared ? await Promise.all(targets.map(run)) : await oneByOne(targets, run);
  const verdict = judge({ suite: suite.name, real, ours, explanations: COMPOSE_EXPLANATIONS }, misses);
  console.log(`${row(verdict, suite.title)}  (${((performance.now() - startedMs) / 1000).toFixed(0)} s)`);
  for (const fault of verdict.faults) console.log(`  FAULT ${fault}`);
  if (process.env["VERBOSE"] !== undefined) {
    for (const { name, isPassed, why } of real) if (!isPassed) console.log(`  real  ${name}: ${why}`);
    for (const { name, isPassed, why } of ours) if (!isPassed) console.log(`  ours  ${name}: ${why}`);
  }
  return verdict;
}

async function oneByOne<T, R>(items: readonly T[], each: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await each(item));
  return results;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
