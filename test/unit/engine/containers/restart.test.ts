import assert from "node:assert/strict";
import { nextRestartDelayMs, shouldRestart, shouldStartWithDaemon } from "../../../../src/engine/containers/restart-policy.ts";
import type { HostConfig, RestartPolicy } from "../../../../src/model/container.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { FakeWorld, until } from "./fake-world.ts";

const policy = (name: RestartPolicy["name"], maximumRetryCount = 0): Partial<HostConfig> => ({
  restartPolicy: { name, maximumRetryCount },
});

describe("shouldRestart", () => {
  const plain = { max: 0, exitCode: 0, restartCount: 0, isStoppedByUser: false, isCancelled: false };
  const stopped = { ...plain, exitCode: 143, isStoppedByUser: true, isCancelled: true };
  const signalled = { ...plain, isStoppedByUser: true };
  const cases = [
    { ...plain, name: "no", exitCode: 1, restarts: false, withDaemon: false },
    { ...plain, name: "always", restartCount: 99, restarts: true, withDaemon: true },
    { ...stopped, name: "always", restarts: false, withDaemon: true },
    { ...signalled, name: "always", restarts: true, withDaemon: true },
    { ...plain, name: "unless-stopped", restarts: true, withDaemon: true },
    { ...stopped, name: "unless-stopped", restarts: false, withDaemon: false },
    { ...signalled, name: "unless-stopped", restarts: false, withDaemon: false },
    { ...plain, name: "on-failure", restarts: false, withDaemon: false },
    { ...stopped, name: "on-failure", restarts: false, withDaemon: true },
    { ...plain, name: "on-failure", max: 2, exitCode: 1, restartCount: 1, restarts: true, withDaemon: true },
    { ...plain, name: "on-failure", max: 2, exitCode: 1, restartCount: 2, restarts: false, withDaemon: false },
  ] as const;
  for (const { name, max, restarts, withDaemon, ...run } of cases) {
    const by = run.isCancelled ? ", stopped by the user" : run.isStoppedByUser ? ", sent another signal" : "";
    it(`is ${restarts} (${withDaemon} with the daemon) for ${name}:${max} after exit ${run.exitCode}, ${run.restartCount} restarts${by}`, () => {
      const restartPolicy = { name, maximumRetryCount: max };
      assert.equal(shouldRestart(restartPolicy, run), restarts);
      assert.equal(shouldStartWithDaemon(restartPolicy, run), withDaemon);
    });
  }

  it("waits longer each time, up to a minute, until a run lasts", () => {
    const delays: number[] = [];
    for (let delayMs = 0; delays.length < 12; ) delays.push((delayMs = nextRestartDelayMs(delayMs, 5)));
    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
    assert.equal(nextRestartDelayMs(60_000, 10_000), 100);
  });
});

describe("restarts", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("come after a delay, counted, until the limit", async () => {
    const { id } = await world.run({ hostConfig: policy("on-failure", 2) });
    for (const delayMs of [100, 200]) {
      world.process(id).exit(1);
      await until(() => world.clock.isDueIn(delayMs), "it waits");
      await world.clock.advance(delayMs - 1);
      assert.equal(await world.status(id), "restarting");
      assert.equal((await world.engine.inspect(id)).restartCount, delayMs / 100);
      await assert.rejects(world.engine.start(id), { kind: "not-modified" });
      await world.clock.advance(1);
      await until(async () => (await world.status(id)) === "running", "it runs again");
    }
    world.process(id).exit(1);
    await until(async () => (await world.status(id)) === "exited", "it is given up");
    const { restartCount, state } = await world.engine.inspect(id);
    assert.deepEqual({ restartCount, exitCode: state.exitCode }, { restartCount: 2, exitCode: 1 });
  });

  it("do not come when the user stopped it, nor while it waits", async () => {
    const { id } = await world.run({ hostConfig: policy("always") });
    await world.engine.stop(id, {});
    assert.equal(await world.status(id), "exited");
    await world.engine.start(id);
    world.process(id).exit(1);
    await until(async () => (await world.status(id)) === "restarting", "it waits");
    await world.engine.stop(id, {});
    await world.clock.advance(120_000);
    assert.equal(await world.status(id), "exited");
  });

  it("begin anew after ten seconds up", async () => {
    const { id } = await world.run({ hostConfig: policy("always") });
    const end = async (afterMs: number, delayMs: number) => {
      await world.clock.advance(afterMs);
      world.process(id).exit(1);
      await until(() => world.clock.isDueIn(delayMs), "it waits");
      await world.clock.advance(delayMs - 1);
      assert.equal(await world.status(id), "restarting");
      await world.clock.advance(1);
      await until(async () => (await world.status(id)) === "running", "it runs again");
    };
    await end(10, 100);
    await end(9_999, 200);
    await end(10_000, 100);
    assert.equal((await world.engine.inspect(id)).restartCount, 3);
  });

  it("end when one cannot be started: then it has the last run's code, and why", async () => {
    const { id } = await world.run({ hostConfig: policy("always") });
    world.host.onCreate = () => {
      throw new OperationError("invalid", "no such program");
    };
    world.process(id).exit(3);
    await until(() => world.clock.isDueIn(100), "it waits");
    await world.clock.advance(100);
    await until(async () => (await world.status(id)) === "exited", "it is given up");
    const { restartCount, state } = await world.engine.inspect(id);
    assert.deepEqual([restartCount, state.exitCode, state.error], [1, 3, "no such program"]);
  });

  it("follow a policy that is changed while it waits", async () => {
    const { id } = await world.run({ hostConfig: policy("always") });
    world.process(id).exit(1);
    await until(() => world.clock.isDueIn(100), "it waits");
    await world.engine.update(id, policy("no"));
    await world.clock.advance(100);
    await until(async () => (await world.status(id)) === "running", "the one that was due came");
    world.process(id).exit(1);
    await until(async () => (await world.status(id)) === "exited", "no other follows");
  });

  it("do not come after a signal, unless the container has another one to be stopped with", async () => {
    const signals = [
      { stopSignal: undefined, runsOn: false },
      { stopSignal: "QUIT", runsOn: true },
    ];
    for (const { stopSignal, runsOn } of signals) {
      const { id } = await world.run({
        hostConfig: policy("always"),
        config: { ...(stopSignal !== undefined && { stopSignal }) },
      });
      await world.engine.kill(id, "HUP");
      world.process(id).exit(0);
      await until(async () => (await world.status(id)) !== "running", "its end is known");
      assert.equal(await world.status(id), runsOn ? "restarting" : "exited");
    }
  });

  it("let `wait` know each end, and removal by force take it while it waits", async () => {
    const { id } = await world.run({ hostConfig: policy("always") });
    const signal = new AbortController().signal;
    const { result } = await world.engine.wait(id, "not-running", { signal });
    world.process(id).exit(5);
    assert.deepEqual(await result, { exitCode: 5 });
    await until(async () => (await world.status(id)) === "restarting", "it waits");
    const options = { volumes: false, link: false };
    await assert.rejects(world.engine.remove(id, { ...options, force: false }), { kind: "conflict" });
    await world.engine.remove(id, { ...options, force: true });
    assert.equal(world.hasFiles(id), false);
  });

  it("by hand count as a new life", async () => {
    const { id } = await world.run({ hostConfig: { autoRemove: true } });
    await world.engine.restart(id, { timeoutSeconds: 1 });
    const { state, restartCount } = await world.engine.inspect(id);
    assert.deepEqual({ status: state.status, pid: state.pid, restartCount }, { status: "running", pid: 1001, restartCount: 0 });
  });
});

describe("a daemon that starts again", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("takes up what runs, and knows how the others ended", async () => {
    const lives = await world.run({ name: "lives" });
    const ends = await world.run({ name: "ends" });
    const lost = await world.run({ name: "lost" });
    await world.engine.pause(lives.id);
    await world.close();
    ends.process.exit(4);
    world.host.processes.delete(lost.id); // Neither it nor a record of its end is there.
    await world.open();
    assert.equal(await world.status("lives"), "paused");
    await until(async () => (await world.status("ends")) === "exited", "its end is known");
    assert.equal((await world.engine.inspect("ends")).state.exitCode, 4);
    assert.deepEqual([await world.status("lost"), (await world.engine.inspect("lost")).state.exitCode], ["exited", 255]);
    assert.deepEqual(new Set(world.networks.restored), new Set([lives.id, ends.id]));
    await world.engine.unpause("lives");
    lives.process.print("still here\n");
    await world.engine.stop("lives", {});
    assert.equal((await world.engine.inspect("lives")).state.exitCode, 143);
  });

  const shortage = (): Error => Object.assign(new Error("EMFILE: too many open files, open '/proc/1/stat'"), { code: "EMFILE" });

  it("goes on with what runs when this host lacks something for a while", async () => {
    const { id } = await world.run();
    await world.close();
    world.host.restoreFailures.push(shortage(), new Error("it cannot be known", { cause: shortage() }));
    const opened = world.open();
    for (let times = 0; times < 2; times++) {
      await until(() => world.clock.isDueIn(500), "it is tried again later");
      await world.clock.advance(500);
    }
    await opened;
    assert.equal(await world.status(id), "running");
    assert.deepEqual(world.host.discarded, []);
  });

  it("rather does not start than end what runs, when this host lacks something for longer", async () => {
    const { id, process } = await world.run();
    await world.close();
    world.host.restoreFailures.push(...Array.from({ length: 5 }, shortage));
    const opened = assert.rejects(world.open(), { code: "EMFILE" });
    for (let times = 0; times < 4; times++) {
      await until(() => world.clock.isDueIn(500), "it is tried again later");
      await world.clock.advance(500);
    }
    await opened;
    assert.deepEqual([world.host.discarded, process.signals], [[], []]);
    await world.open();
    assert.equal(await world.status(id), "running");
  });

  it("ends what can be known no more", async () => {
    const { id } = await world.run();
    await world.close();
    world.host.restoreFailures.push(new Error("its bundle has no config.json"));
    await world.open();
    assert.equal(await world.status(id), "exited");
    assert.ok(world.host.discarded.some(discarded => discarded.id === id));
  });

  it("starts by policy what ran before a reboot, and nothing else", async () => {
    const names = { always: policy("always"), "unless-stopped": policy("unless-stopped"), no: {} };
    for (const [name, hostConfig] of Object.entries(names)) await world.run({ name, hostConfig });
    await world.run({ name: "stopped", hostConfig: policy("unless-stopped") });
    await world.engine.stop("stopped", {});
    await world.close();
    world.bootId = "boot-2";
    world.host.processes.clear();
    await world.open();
    await until(
      async () => (await world.status("always")) === "restarting" || (await world.status("always")) === "running",
      "taken up",
    );
    assert.deepEqual([await world.status("no"), (await world.engine.inspect("no")).state.exitCode], ["exited", 255]);
    for (const name of ["always", "unless-stopped"]) {
      await until(async () => {
        await world.clock.advance(100);
        return (await world.status(name)) === "running";
      }, `${name} runs`);
    }
    assert.equal(await world.status("stopped"), "exited");
  });

  it("starts a container that always runs even if the user had stopped it", async () => {
    const { id } = await world.run({ hostConfig: policy("always") });
    await world.engine.stop(id, {});
    await world.close();
    await world.open();
    await until(async () => (await world.status(id)) === "running", "it runs");
  });

  it("goes on with a restart that was waiting", async () => {
    const { id, process } = await world.run({ hostConfig: policy("on-failure") });
    process.exit(1);
    await until(async () => (await world.status(id)) === "restarting", "it waits");
    await world.close();
    await world.open();
    await until(async () => (await world.status(id)) === "running", "it runs");
  });

  it("removes what --rm left", async () => {
    const { id } = await world.run({ hostConfig: { autoRemove: true } });
    await world.close();
    world.host.processes.clear();
    await world.open();
    await until(() => !world.hasFiles(id), "it is gone");
  });

  it("undoes starts, creations and removals that were cut short", async () => {
    const { id } = await world.run();
    await world.engine.stop(id, {});
    await world.close();
    const half = world.leaveHalfMade(id);
    await world.open();
    assert.ok(world.host.discarded.some(discarded => discarded.id === id));
    assert.equal(world.hasFiles(half), false);
    assert.deepEqual(await world.volumes.list({}), []);
    await world.engine.start(id);
  });
});
