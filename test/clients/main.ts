// Runs what other people's clients do on a real Docker Engine and on ours: what passes there passes here, or this fails.
//   npm run clients [-- SUITE...]
// The results are written to docs/clients.md, which says what the suites need. With KEEP=1 in the environment both engines stay.
// PROGRESS=file FOR=seconds: in parts. No suite is begun after that time; the next part goes on there, and runs again what failed.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAll } from "../oracle/holdings.ts";
import { startHosts, stopHosts } from "../oracle/engines.ts";
import { COMPOSE_EXPLANATIONS, compose2Program, composeSuite } from "./compose.ts";
import { loadImage } from "./images.ts";
import { judge, type Miss, type Verdict } from "./judge.ts";
import { DOCKER_PY, DOCKERODE, PYTHON_DOCKER, TESTCONTAINERS } from "./own-suites.ts";
import { Progress } from "./progress.ts";
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

const endMs = performance.now() + Number(process.env["FOR"] ?? Infinity) * 1000;
const progress = new Progress(process.env["PROGRESS"]);
for (const suite of suites) if ((verdictOf(suite)?.faults.length ?? 0) > 0) progress.forget(suite.name);

/** One of each engine, with an address of its own, at which a swarm can be founded. */
const HOSTS = { workers: 0 };
const HOST = "m1";
const suffix = randomBytes(2).toString("hex");
const names = { lab: `c${suffix}`, peer: `c${suffix}` };
const work = mkdtempSync(join(tmpdir(), "shoal-clients-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void stopHosts(names, HOSTS).finally(() => process.exit(1));
  });
}
try {
  const { real, ours } = await startHosts(names, HOSTS);
  const targets: readonly Target[] = [
    { engine: real, namespace: `oracle-${names.peer}${HOST}`, folder: join(work, "real") },
    { engine: ours, namespace: `shoal-${names.lab}-${HOST}`, folder: join(work, "ours") },
  ];
  for (const { folder } of targets) mkdirSync(folder);
  for (const suite of suites) await runSuite(suite, targets);
} finally {
  if (process.env["KEEP"] === undefined) await stopHosts(names, HOSTS);
  rmSync(work, { recursive: true, force: true });
}
const verdicts = suites.flatMap(suite => verdictOf(suite) ?? []);
if (verdicts.length < suites.length) console.log(`${verdicts.length} of ${suites.length} suites have run`);
writeTable(verdicts, misses, new Map(SUITES.map(({ name, title }) => [name, title])));
process.exit(verdicts.every(({ faults }) => faults.length === 0) ? 0 : 1);

/** On the engines on which it has not run, as long as there is time. */
async function runSuite(suite: Suite, targets: readonly Target[]): Promise<void> {
  const startedMs = performance.now();
  const left = targets.filter(({ engine }) => progress.resultsOf(suite.name, engine.name) === undefined);
  const images = left.length > 0 && isTimeLeft() ? await suite.images(join(work, "images")) : [];
  const run = async (target: Target): Promise<void> => {
    if (!isTimeLeft()) return;
    for (const image of images) await loadImage(target.engine.dockerHost, image);
    const results = await suite.run(target);
    await removeAll(target.engine);
    progress.add({ suite: suite.name, engine: target.engine.name, results });
  };
  if (suite.isShared) await Promise.all(left.map(run));
  else for (const target of left) await run(target);
  const verdict = verdictOf(suite);
  if (verdict === undefined) return;
  console.log(`${row(verdict, suite.title)}  (${((performance.now() - startedMs) / 1000).toFixed(0)} s)`);
  for (const fault of verdict.faults) console.log(`  FAULT ${fault}`);
  if (process.env["VERBOSE"] === undefined) return;
  for (const { engine } of targets)
    for (const { name, isPassed, isSecondTry, why } of progress.resultsOf(suite.name, engine.name) ?? [])
      if (!isPassed || isSecondTry)
        console.log(`  ${engine.name}  ${name}${isSecondTry ? " (passed at the second try)" : ""}: ${why}`);
}

function isTimeLeft(): boolean {
  return performance.now() < endMs;
}

/** @returns undefined until it has run on both. */
function verdictOf({ name: suite }: Suite): Verdict | undefined {
  const [real, ours] = [progress.resultsOf(suite, "real"), progress.resultsOf(suite, "ours")];
  return real && ours && judge({ suite, real, ours, explanations: COMPOSE_EXPLANATIONS }, misses);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
