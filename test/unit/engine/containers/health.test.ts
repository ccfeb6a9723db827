import assert from "node:assert/strict";
import { formatDuration, healthAfter, healthSettings } from "../../../../src/engine/containers/health.ts";
import type { HealthState } from "../../../../src/model/container.ts";
import { FakeWorld, until } from "./fake-world.ts";

const probe = (exitCode: number) => ({ startAtMs: 0, endAtMs: 1, exitCode, output: "" });

describe("healthAfter", () => {
  const starting: HealthState = { status: "starting", failingStreak: 0, log: [] };
  const cases = [
    { before: starting, exitCode: 0, isStarting: true, status: "healthy", streak: 0 },
    { before: starting, exitCode: 1, isStarting: true, status: "starting", streak: 0 },
    { before: starting, exitCode: 1, isStarting: false, status: "starting", streak: 1 },
    { before: { ...starting, failingStreak: 2 }, exitCode: 1, isStarting: false, status: "unhealthy", streak: 3 },
    { before: { ...starting, status: "healthy" as const }, exitCode: 1, isStarting: true, status: "healthy", streak: 1 },
    {
      before: { ...starting, status: "unhealthy" as const, failingStreak: 5 },
      exitCode: 0,
      isStarting: false,
      status: "healthy",
      streak: 0,
    },
  ];
  for (const { before, exitCode, isStarting, status, streak } of cases) {
    const when = `${before.status} (${before.failingStreak} failures) and a probe ends with ${exitCode}${isStarting ? " while starting" : ""}`;
    it(`is ${status} after it was ${when}`, () => {
      const after = healthAfter(before, { probe: probe(exitCode), retries: 3, isStarting });
      assert.deepEqual([after.status, after.failingStreak], [status, streak]);
    });
  }

  it("keeps the last five probes", () => {
    let state = starting;
    for (let count = 0; count < 7; count++) state = healthAfter(state, { probe: probe(count), retries: 3, isStarting: false });
    assert.deepEqual(
      state.log.map(({ exitCode }) => exitCode),
      [2, 3, 4, 5, 6],
    );
  });
});

describe("healthSettings", () => {
  it("has Docker's defaults", () => {
    assert.deepEqual(healthSettings({ healthcheck: { test: ["CMD-SHELL", "curl x || exit 1"] } }), {
      command: ["/bin/sh", "-c", "curl x || exit 1"],
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5000,
      retries: 3,
    });
    assert.equal(healthSettings({ healthcheck: { test: ["NONE"] } }), undefined);
    assert.equal(healthSettings({}), undefined);
  });

  it("says durations as Go does", () => {
    assert.deepEqual([500, 3000, 90_000, 3_600_000].map(formatDuration), ["500ms", "3s", "1m30s", "1h0m0s"]);
  });
});

describe("health", () => {
  it("is probed, announced and forgotten with the run", async () => {
    await using world = await FakeWorld.create();
    const codes = [0, 1, 1];
    world.host.onExec = exec => {
      const exitCode = codes.shift();
      if (exitCode !== undefined) queueMicrotask(() => exec.end_(exitCode)); // The fourth hangs.
    };
    const actions: string[] = [];
    const stop = new AbortController();
    const events = world.events.follow({ filters: { event: ["health_status"] }, signal: stop.signal });
    const reading = (async () => {
      for await (const { action } of events) actions.push(action);
    })();
    const healthcheck = { test: ["CMD", "probe"], intervalNs: 1e9, timeoutNs: 3e9, retries: 3 };
    const { id } = await world.run({ config: { healthcheck } });
    assert.equal((await world.engine.inspect(id)).state.health?.status, "starting");
    const probes = async () => (await world.engine.inspect(id)).state.health?.log.length ?? 0;
    for (const count of [1, 2, 3, 4]) {
      await until(async () => {
        await world.clock.advance(100);
        return (await probes()) === count;
      }, `${count} probes`);
    }
    const { health } = (await world.engine.inspect(id)).state;
    assert.deepEqual([health?.status, health?.failingStreak], ["unhealthy", 3]);
    const last = health?.log.at(-1);
    assert.deepEqual([last?.exitCode, last?.output], [-1, "Health check exceeded timeout (3s)"]);
    assert.deepEqual(await world.engine.list({ all: false, filters: { health: ["healthy"] } }), []);
    assert.equal((await world.engine.list({ all: false, filters: { health: ["unhealthy"] } })).length, 1);
    await world.engine.stop(id, {});
    stop.abort();
    await reading;
    assert.deepEqual(actions, ["health_status: healthy", "health_status: unhealthy"]);
  });
});
