import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type Commands, CONTAINER_COMMANDS, CoverageTable, SWARM_COMMANDS } from "../../oracle/coverage.ts";
import { differencesPage, type Miss, scenariosOn } from "../../oracle/differences-page.ts";
import { unprovenExplanations, unusedExplanations } from "../../oracle/explanations.ts";
import { allDone } from "../../../src/lib/all-done.ts";
import { type Engine, startEngines, stopEngines } from "../../oracle/engines.ts";
import { send } from "../../oracle/http.ts";
import { pairFor, runAll, SCENARIOS, settle } from "../../oracle/run-all.ts";
import type { ScenarioResult } from "../../oracle/run-scenario.ts";
import { skip } from "../../skip.ts";

const START_MS = 700_000;
/** What real-docker.sh exits with where no real engine can be had. */
const NO_REAL_ENGINE = 3;
const SHOWN_MAX = 5;
/** A scenario that takes longer is named. */
const LONG_MS = 12_000;
const SAID_CHARACTERS_MAX = 600;
/** Neither may fall. */
const COUNTED_MIN = 440;
const RUN_FLAGS_MIN = 98;
const SWARM_COUNTED_MIN = 280;
/** Of what is counted: scenarios that differ, whether that is explained or missed. */
const DIFFERENT_SHARE_MAX = 0.05;
const PAGE = "docs/differences.md";

const MISSES = JSON.parse(readFileSync(new URL("../../oracle/misses.json", import.meta.url), "utf8")) as readonly Miss[];

describe("the same commands on a real Docker Engine and on ours", function () {
  this.timeout(START_MS);
  const suffix = randomBytes(2).toString("hex");
  const names = ["a", "b", "c"].map(letter => ({ lab: `o${suffix}${letter}`, peer: `p${suffix}${letter}` }));
  const results = new Map<string, ScenarioResult>();

  before(async function () {
    const { status, stderr } = spawnSync("bash", ["test/oracle/real-docker.sh", "install"], { encoding: "utf8" });
    if (status === NO_REAL_ENGINE) skip(this, stderr.trim());
    assert.equal(status, 0, stderr);
    const startedMs = performance.now();
    // The real ones are compared by what they say, not by their memory: they may collect garbage more rarely.
    process.env["GOGC"] = "400";
    const pairs = await allDone(names.map(startEngines));
    for await (const result of runAll(pairs, ({ isLong }) => isLong !== true)) results.set(result.scenario.name, result);
    const known = new Set(MISSES.map(({ scenario }) => scenario));
    for (const result of [...results.values()].filter(({ differences }) => differences.length > 0)) {
      const { name } = result.scenario;
      const pair = pairFor(pairs, result.scenario);
      if (known.has(name) || pair === undefined) continue;
      const settled = await settle(pair, result);
      results.set(name, settled);
      const [first] = result.differences;
      const said = `real ${JSON.stringify(first?.real)}, ours ${JSON.stringify(first?.ours)}`.slice(0, SAID_CHARACTERS_MAX);
      if (settled !== result) console.log(`note: the real engine answers both ways: ${name}: ${first?.where}: ${said}`);
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    for (const { scenario, tookMs, ours } of results.values()) {
      const whose = ours.tookMs === tookMs ? "ours" : "real";
      if (tookMs > LONG_MS) console.log(`note: ${scenario.name} took ${(tookMs / 1000).toFixed(0)} s (${whose})`);
    }
    const same = [...results.values()].filter(({ differences }) => differences.length === 0).length;
    console.log(
      `note: ${results.size} scenarios beside Docker Engine ${await versionOf(pairs[0]?.real)}: ${same} the same, ${results.size - same} differ (${MISSES.length} known), ${seconds} s`,
    );
  });
  after(() => allDone(names.map(stopEngines)));

  /** Scenarios that differ, of all and of those that are counted. */
  function shareThatDiffers(table: CoverageTable, commands: Commands) {
    const all = [...results.values()];
    const explained = all.filter(result => result.explained.length > 0).map(({ scenario }) => scenario.name);
    const different = new Set([...explained, ...MISSES.map(({ scenario }) => scenario)]);
    const counted = all.filter(result => different.has(result.scenario.name) && CoverageTable.of([result], commands).count > 0);
    const [ofAll, ofCounted] = [different.size / results.size, counted.length / table.count];
    const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
    const text = `${explained.length} scenarios explained, ${MISSES.length} missed: ${percent(ofAll)} of all; ${counted.length} of them counted: ${percent(ofCounted)}`;
    return { ofAll, ofCounted, names: [...different], text };
  }

  for (const { name } of SCENARIOS.filter(({ isLong }) => isLong !== true)) {
    const miss = MISSES.find(({ scenario }) => scenario === name);
    it(miss === undefined ? name : `${name}: differs still, because ${miss.because}`, () => {
      const { differences } = results.get(name) ?? assert.fail("it was not run");
      if (miss === undefined) assert.deepEqual(differences.slice(0, SHOWN_MAX), []);
      else assert.ok(differences.length > 0, "it is the same now: take it off test/oracle/misses.json");
    });
  }

  it("tries every command on containers and the system, and nearly every option", () => {
    const table = CoverageTable.of([...results.values()]);
    console.log(`note: ${table.count} counted outcomes of options, ${table.flagsOf("container run").length} options of run`);
    assert.deepEqual(table.missingVerbs(), []);
    assert.ok(table.count >= COUNTED_MIN, `${table.count} of at least ${COUNTED_MIN} counted:\n${table.text()}`);
    assert.ok(table.flagsOf("container run").length >= RUN_FLAGS_MIN, table.text());
  });

  it("tries every command on swarms and what is in them, and nearly every option", () => {
    const table = CoverageTable.of([...results.values()], SWARM_COMMANDS);
    console.log(`note: ${table.count} counted outcomes of options of the swarm's commands`);
    assert.deepEqual(table.missingVerbs(), []);
    assert.ok(table.count >= SWARM_COUNTED_MIN, `${table.count} of at least ${SWARM_COUNTED_MIN} counted:\n${table.text()}`);
  });

  for (const [what, commands] of [
    ["containers", CONTAINER_COMMANDS],
    ["swarms", SWARM_COMMANDS],
  ] as const)
    it(`differs in at most one of twenty of the commands on ${what}, explained or missed`, () => {
      const table = CoverageTable.of([...results.values()], commands);
      const { ofAll, ofCounted, names, text } = shareThatDiffers(table, commands);
      console.log(`note: of the commands on ${what}: ${text}`);
      assert.ok(ofAll <= DIFFERENT_SHARE_MAX && ofCounted <= DIFFERENT_SHARE_MAX, names.join("\n"));
    });

  it("has on its page every scenario that is explained, and explains nothing else", () => {
    const all = [...results.values()];
    if (process.env["UPDATE"] === "1") writeFileSync(PAGE, differencesPage(all, MISSES));
    const explained = all.filter(result => result.explained.length > 0);
    assert.deepEqual(scenariosOn(readFileSync(PAGE, "utf8")), new Set(explained.map(({ scenario }) => scenario.name)));
    assert.deepEqual(
      unusedExplanations(new Set(explained.flatMap(result => result.explained.map(each => each.explanation)))),
      [],
    );
    assert.deepEqual(unprovenExplanations(), []);
  });

  it("has every known miss among the scenarios, each once", () => {
    const names = new Set(SCENARIOS.map(({ name }) => name));
    assert.equal(names.size, SCENARIOS.length, "two scenarios of one name");
    assert.deepEqual(
      MISSES.filter(({ scenario }) => !names.has(scenario)),
      [],
    );
  });
});

async function versionOf(engine: Engine | undefined): Promise<string> {
  if (engine === undefined) return "of an unknown version";
  const { stdout } = await send(engine, { method: "GET", path: "/version" });
  return /"Version":"([^"]+)"/.exec(stdout)?.[1] ?? "of an unknown version";
}
