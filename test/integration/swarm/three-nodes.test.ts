import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { spawnSync } from "node:child_process";
import { CLUSTER_SCENARIOS } from "../../oracle/cluster-scenarios.ts";
import { startHosts, stopHosts } from "../../oracle/engines.ts";
import { runCluster, WORKERS } from "../../oracle/run-cluster.ts";
import type { ScenarioResult } from "../../oracle/run-scenario.ts";
import { skip } from "../../skip.ts";

const RUN_MS = 300_000;
/** What real-docker.sh exits with where no real engine can be had. */
const NO_REAL_ENGINE = 3;
const SHOWN_MAX = 5;

describe("three nodes of a real swarm and three of ours", function () {
  this.timeout(RUN_MS);
  const suffix = randomBytes(2).toString("hex");
  const names = { lab: `t${suffix}`, peer: `u${suffix}` };
  const results = new Map<string, ScenarioResult>();

  before(async function () {
    const { status, stderr } = spawnSync("bash", ["test/oracle/real-docker.sh", "install"], { encoding: "utf8" });
    if (status === NO_REAL_ENGINE) skip(this, stderr.trim());
    assert.equal(status, 0, stderr);
    const startedMs = performance.now();
    for await (const result of runCluster(await startHosts(names, { workers: WORKERS })))
      results.set(result.scenario.name, result);
    const slowest = [...results.values()].map(({ scenario, tookMs }) => `${(tookMs / 1000).toFixed(1)} s ${scenario.name}`);
    console.log(`note: three nodes took ${((performance.now() - startedMs) / 1000).toFixed(0)} s: ${slowest.join("; ")}`);
  });
  after(() => stopHosts(names, { workers: WORKERS }));

  for (const { name } of CLUSTER_SCENARIOS)
    it(name, () => {
      const { differences } = results.get(name) ?? assert.fail("it was not run");
      assert.deepEqual(differences.slice(0, SHOWN_MAX), []);
    });
});
