import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { aClient, aRequest, FakeWorld, until } from "./fake-world.ts";

describe("containers", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("go from created to running to exited, and say so", async () => {
    const seen: string[] = [];
    const stop = new AbortController();
    const events = world.events.follow({ filters: { type: ["container"] }, signal: stop.signal });
    const reader = (async () => {
      for await (const { action } of events) seen.push(action);
    })();
    const { id } = await world.engine.create(aRequest({ name: "web", config: { cmd: ["sleep", "9"] } }));
    assert.equal(await world.status("web"), "created");
    await world.engine.start("web");
    const { state, path, args } = await world.engine.inspect(id.slice(0, 10));
    assert.deepEqual(
      { status: state.status, pid: state.pid, path, args },
      { status: "running", pid: 1000, path: "sleep", args: ["9"] },
    );
    const waited = await world.engine.wait("web", "not-running", { signal: stop.signal });
    world.process(id).exit(3);
    assert.deepEqual(await waited.result, { exitCode: 3 });
    assert.equal((await world.engine.inspect("web")).state.exitCode, 3);
    await world.engine.remove("web", { force: false, volumes: false, link: false });
    assert.equal(world.hasFiles(id), false);
    assert.deepEqual([...world.images.mounted], []);
    await assert.rejects(world.engine.inspect("web"), { kind: "not-found", message: "No such container: web" });
    stop.abort();
    await reader;
    assert.deepEqual(seen, ["create", "start", "die", "destroy"]);
  });

  it("refuse a name that is taken", async () => {
    const { id } = await world.engine.create(aRequest({ name: "web" }));
    await assert.rejects(world.engine.create(aRequest({ name: "/web" })), {
      kind: "conflict",
      message: `Conflict. The container name "/web" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    });
  });

  it("leave nothing behind when they cannot be created", async () => {
    world.images.failCreate = true;
    await assert.rejects(world.engine.create(aRequest({ name: "web", config: { volumes: ["/data"] } })), {
      message: "no space left",
    });
    world.images.failCreate = false;
    assert.deepEqual(await world.volumes.list({}), []);
    await world.engine.create(aRequest({ name: "web" }));
  });

  it("show their output to who attached before the start, and in the log", async () => {
    const { id } = await world.engine.create(aRequest({ config: { attachStdout: true, attachStderr: true } }));
    const client = aClient();
    let isReady = false;
    const attached = world.engine.attach(id, {
      stream: true,
      logs: false,
      output: client.output,
      wantsStdout: true,
      wantsStderr: true,
      signal: new AbortController().signal,
      onReady: () => (isReady = true),
    });
    assert.equal(isReady, true);
    await world.engine.start(id);
    const process = world.process(id);
    process.print("one\ntw");
    process.print("o\n");
    process.print("oops\n", "stderr");
    process.exit(0);
    await attached;
    assert.equal(client.text("stdout"), "one\ntwo\n");
    assert.equal(client.text("stderr"), "oops\n");
    const { batches } = await world.engine.logs(id, {
      follow: false,
      wantsStdout: true,
      wantsStderr: true,
      timestamps: false,
      details: false,
      signal: new AbortController().signal,
    });
    const logged: string[] = [];
    for await (const lines of batches) {
      logged.push(...lines.map(({ stream, data }) => `${stream}:${Buffer.from(data).toString()}`));
    }
    assert.deepEqual(logged, ["stdout:one\n", "stdout:two\n", "stderr:oops\n"]);
  });

  it("are stopped by their signal, then killed", async () => {
    const { id, process } = await world.run({ config: { stopSignal: "SIGUSR1" } });
    const stopped = world.engine.stop(id, { timeoutSeconds: 2 });
    await until(() => process.signals.length === 1, "the signal is sent");
    assert.deepEqual(process.signals, [10]);
    await until(() => world.clock.isDueIn(2000), "the grace period runs");
    await world.clock.advance(2000);
    await stopped;
    assert.deepEqual(process.signals, [10, 9]);
    assert.equal((await world.engine.inspect(id)).state.exitCode, 137);
    await assert.rejects(world.engine.stop(id, {}), { kind: "not-modified" });
  });

  describe("whose mounts lie elsewhere than they should", () => {
    beforeEach(() => void (world.host.mountInfo = "36 35 0:98 /volumes/x/_data /proc/1/attr rw master:1 - ext4 ext4 rw\n"));
    const withVolume = { config: { volumes: ["/data"] } };
    const MESSAGE =
      'failed to create task for container: failed to create shim task: OCI runtime create failed: "/proc/1/attr" cannot be mounted because it is inside /proc';

    for (const runtime of ["", "runc"]) {
      it(`are not started, by the runtime "${runtime}"`, async () => {
        const { id } = await world.engine.create(aRequest({ ...withVolume, hostConfig: { runtime } }));
        await assert.rejects(world.engine.start(id), { kind: "internal", message: MESSAGE });
        const { state } = await world.engine.inspect(id);
        assert.deepEqual([state.status, state.exitCode, state.error], ["created", 128, MESSAGE]);
        assert.deepEqual(
          world.host.created.map(({ isStarted, signals }) => [isStarted, signals]),
          [[false, [9]]],
        );
        assert.equal(world.host.processes.size, 0);
      });
    }

    it("are started where nothing could lead them there, or others mount there", async () => {
      await world.run();
      await world.run({ ...withVolume, hostConfig: { runtime: "vendors" } });
      assert.equal(world.host.processes.size, 2);
    });
  });

  it("removed with --rm are gone when they end, with their anonymous volumes", async () => {
    const { id, process } = await world.run({ hostConfig: { autoRemove: true }, config: { volumes: ["/data"] } });
    const [volume] = await world.volumes.list({});
    assert.equal(existsSync(join(volume?.mountpoint ?? "", "from-image")), true);
    const { result } = await world.engine.wait(id, "removed", { signal: new AbortController().signal });
    process.exit(7);
    assert.deepEqual(await result, { exitCode: 7 });
    await until(() => !world.hasFiles(id), "its files are gone");
    await until(async () => (await world.volumes.list({})).length === 0, "its volume is gone");
  });
});
