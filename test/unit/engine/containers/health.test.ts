import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { formatDuration } from "../../../../src/engine/containers/health-monitor.ts";
import { ProbeOutput } from "../../../../src/engine/health/output.ts";
import { healthSettings } from "../../../../src/engine/health/settings.ts";
import { healthAfter } from "../../../../src/engine/health/state.ts";
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
      probe: { kind: "exec", command: ["/bin/sh", "-c", "curl x || exit 1"] },
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5000,
      retries: 3,
    });
    assert.equal(healthSettings({ healthcheck: { test: ["NONE"] } }), undefined);
    assert.equal(healthSettings({}), undefined);
  });

  it("knows probes over the network, and refuses what none can be", () => {
    const of = (...test: string[]) => healthSettings({ healthcheck: { test } })?.probe;
    assert.deepEqual(of("HTTP", "http://:8080/a?b=c"), { kind: "http", address: "127.0.0.1", port: 8080, path: "/a?b=c" });
    assert.deepEqual(of("HTTP", "http://10.0.0.9"), { kind: "http", address: "10.0.0.9", port: 80, path: "/" });
    assert.deepEqual(of("TCP", "localhost:53"), { kind: "tcp", address: "127.0.0.1", port: 53 });
    for (const bad of [
      "https://:1/",
      "http://:0/",
      "http://:65536/",
      "http://a.example/",
      "http://1.2.3.256/",
      "http://x y/",
      "",
    ])
      assert.throws(() => of("HTTP", bad), { kind: "invalid", message: /takes one URL/ });
    for (const bad of ["80", ":x", "host:80", ":0", "1.2.3.4"])
      assert.throws(() => of("TCP", bad), { message: /takes one address/ });
    assert.throws(() => of("TCP", ":1", ":2"), { kind: "invalid" });
    assert.throws(() => of("PING", "x"), { message: "Unknown type 'PING' in HEALTHCHECK (try CMD)" });
  });

  it("says durations as Go does", () => {
    assert.deepEqual([500, 3000, 90_000, 3_600_000].map(formatDuration), ["500ms", "3s", "1m30s", "1h0m0s"]);
  });
});

describe("ProbeOutput", () => {
  it("keeps 4 KiB and says that there was more", () => {
    const output = new ProbeOutput();
    output.add(Buffer.alloc(4000, "a"));
    output.add(Buffer.alloc(96, "b"));
    assert.equal(output.toString().length, 4096);
    output.add(Buffer.from("c"));
    assert.equal(output.toString().slice(-5), "bb...");
  });
});

/** What listens in a container and says `answer` to whoever asks. */
function listener(answer: string): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      this.push(answer);
      this.push(null);
      done();
    },
  });
}

/** A container with a check, and what it takes to see one probe after the other. */
async function checked(
  world: FakeWorld,
  { test, labels = {}, timeoutNs = 3600e9 }: { test: readonly string[]; labels?: Record<string, string>; timeoutNs?: number },
) {
  const healthcheck = { test, intervalNs: 1e9, timeoutNs, retries: 2 };
  const { id } = await world.run({ config: { healthcheck, labels } });
  const health = async () => (await world.engine.inspect(id)).state.health;
  const nextProbe = async () => {
    const before = (await health())?.log.at(-1)?.endAtMs;
    await until(async () => {
      await world.clock.advance(100);
      return (await health())?.log.at(-1)?.endAtMs !== before;
    }, "a probe");
    return (await health())?.log.at(-1);
  };
  return { id, health, nextProbe };
}

describe("health over the network", () => {
  it("is what the status says, with the beginning of the answer where it is bad", async () => {
    await using world = await FakeWorld.create();
    const answers = ["HTTP/1.1 204 No Content\r\n\r\n", `HTTP/1.1 503 Busy\r\n\r\n${"x".repeat(5000)}`];
    const asked: unknown[] = [];
    world.connectTcp = async target => {
      asked.push([target.address, target.port]);
      const answer = answers.shift();
      if (answer === undefined) throw new Error("connect ECONNREFUSED 127.0.0.1:8080");
      return listener(answer);
    };
    // The pid is that of this very process, so that there is one to look into.
    world.host.nextPid = process.pid;
    const { nextProbe, health } = await checked(world, { test: ["HTTP", "http://:8080/ready"] });
    assert.deepEqual([(await nextProbe())?.output, (await health())?.status], ["HTTP/1.1 204 No Content\n", "healthy"]);
    const bad = await nextProbe();
    assert.deepEqual([bad?.exitCode, bad?.output.slice(0, 18), bad?.output.length], [1, "HTTP/1.1 503 Busy\n", 4099]);
    assert.equal((await nextProbe())?.output, "connect ECONNREFUSED 127.0.0.1:8080");
    assert.equal((await health())?.status, "unhealthy");
    assert.deepEqual(asked, Array(3).fill(["127.0.0.1", 8080]));
  });

  it("takes no longer than the timeout", async () => {
    await using world = await FakeWorld.create();
    world.host.nextPid = process.pid;
    world.connectTcp = (_target, { signal }) =>
      new Promise((_resolve, reject) => {
        // The simulated clock may have run past the timeout while files were read.
        signal.throwIfAborted();
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    const { nextProbe } = await checked(world, { test: ["TCP", ":1"], timeoutNs: 3e9 });
    const probe = await nextProbe();
    assert.deepEqual([probe?.exitCode, probe?.output], [-1, "Health check exceeded timeout (3s)"]);
  });
});

describe("restart of an unhealthy container", () => {
  const labels = { "io.shoal.restart-on-unhealthy": "true" };
  const failing = { test: ["CMD", "probe"], labels };

  it("comes once it is, counted, with the policy's delay, and not after a stop", async () => {
    await using world = await FakeWorld.create();
    world.host.onExec = exec => queueMicrotask(() => exec.end_(1));
    const { id, nextProbe, health } = await checked(world, failing);
    const first = world.process(id);
    await nextProbe();
    assert.deepEqual(first.signals, []);
    await nextProbe();
    await until(async () => (await world.status(id)) === "restarting", "it was ended");
    assert.deepEqual(first.signals, [15]);
    await until(async () => {
      await world.clock.advance(100);
      return (await world.status(id)) === "running";
    }, "it runs again");
    assert.deepEqual([(await world.engine.inspect(id)).restartCount, (await health())?.status], [1, "starting"]);
    world.process(id).deadly.delete(15);
    await nextProbe();
    await nextProbe();
    await until(() => world.process(id).signals.includes(15), "it is asked to end");
    await world.engine.kill(id, "KILL");
    await until(async () => (await world.status(id)) === "exited", "the user had the last word");
  });

  it("is off by default, and refused where it means nothing", async () => {
    await using world = await FakeWorld.create();
    world.host.onExec = exec => queueMicrotask(() => exec.end_(1));
    const { id, nextProbe, health } = await checked(world, { test: ["CMD", "probe"] });
    for (let count = 0; count < 3; count++) await nextProbe();
    assert.deepEqual([(await health())?.status, world.process(id).signals], ["unhealthy", []]);
    await assert.rejects(world.run({ config: { labels }, hostConfig: { autoRemove: true } }), { kind: "invalid" });
    await assert.rejects(world.run({ config: { labels: { ...labels, "io.shoal.restart-on-unhealthy": "yes" } } }), {
      kind: "invalid",
    });
  });
});

describe("health", () => {
  it("outlives the daemon, and is unknown while the container is paused", async () => {
    await using world = await FakeWorld.create();
    world.host.onExec = exec => queueMicrotask(() => exec.end_(0));
    const { id, nextProbe, health } = await checked(world, { test: ["CMD", "probe"] });
    await nextProbe();
    await world.close();
    await world.open();
    assert.equal((await health())?.status, "healthy");
    await nextProbe();
    await world.engine.pause(id);
    assert.equal((await health())?.status, "unhealthy");
    const { length } = world.process(id).execs;
    await world.clock.advance(5000);
    assert.equal(world.process(id).execs.length, length);
    await world.engine.unpause(id);
    await nextProbe();
    assert.equal((await health())?.status, "healthy");
  });

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
