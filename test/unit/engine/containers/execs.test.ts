import assert from "node:assert/strict";
import type { ExecConfig } from "../../../../src/model/container.ts";
import { aClient, ExecStartError, FakeWorld, until } from "./fake-world.ts";

const never = new AbortController().signal;
const config: ExecConfig = {
  cmd: ["date"],
  env: [],
  user: "",
  workingDir: "",
  tty: false,
  privileged: false,
  attachStdin: false,
  attachStdout: true,
  attachStderr: true,
  detachKeys: "",
};
const watching = { detach: false, wantsStdout: true, wantsStderr: true, signal: never, onReady: () => {} } as const;

describe("execs", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("run, print and are remembered with their exit code", async () => {
    const { id, process } = await world.run();
    const execId = await world.engine.execs.create(id, config);
    assert.deepEqual((await world.engine.inspect(id)).execIds, [execId]);
    const client = aClient();
    const done = world.engine.execs.start(execId, { ...watching, output: client.output });
    await until(() => world.engine.execs.inspect(execId).isRunning, "it runs");
    const [exec] = process.execs;
    exec?.print("stdout", Buffer.from("today\n"));
    exec?.end_(3);
    await done;
    assert.equal(client.text(), "today\n");
    const { isRunning, exitCode } = world.engine.execs.inspect(execId);
    assert.deepEqual({ isRunning, exitCode }, { isRunning: false, exitCode: 3 });
    await assert.rejects(world.engine.execs.start(execId, { detach: true }), { kind: "conflict", message: /has already run/ });
  });

  it("return at once when detached", async () => {
    const { id, process } = await world.run();
    const execId = await world.engine.execs.create(id, config);
    await world.engine.execs.start(execId, { detach: true });
    assert.equal(world.engine.execs.inspect(execId).isRunning, true);
    process.execs[0]?.end_(0);
    await until(() => world.engine.execs.inspect(execId).exitCode === 0, "its end is known");
  });

  it("that cannot be run say so, and have the code for it", async () => {
    const { id } = await world.run();
    const execId = await world.engine.execs.create(id, config);
    const message = 'OCI runtime exec failed: exec: "date": executable file not found in $PATH';
    world.host.onExec = exec =>
      queueMicrotask(() => {
        exec.fail(new ExecStartError(message, { exitCode: 127 }));
        exec.end();
      });
    await assert.rejects(world.engine.execs.start(execId, watching), { kind: "invalid", message });
    assert.equal(world.engine.execs.inspect(execId).exitCode, 127);
  });

  it("are held back by a client that reads slowly", async () => {
    const { id, process } = await world.run();
    const execId = await world.engine.execs.create(id, config);
    const gate = { open: () => {} };
    const opened = new Promise<void>(resolve => (gate.open = resolve));
    const client = aClient();
    const output = async (stream: "stdout" | "stderr", data: Uint8Array) => {
      await opened;
      await client.output(stream, data);
    };
    const done = world.engine.execs.start(execId, { ...watching, output });
    await until(() => world.engine.execs.inspect(execId).isRunning, "it runs");
    const [exec] = process.execs;
    for (let count = 0; count < 20; count++) exec?.print("stdout", Buffer.alloc(100_000));
    assert.equal(exec?.isPaused, true);
    gate.open();
    await until(() => exec?.isPaused === false, "it goes on");
    exec?.end_(0);
    await done;
    assert.equal(client.text().length, 2_000_000);
  });

  it("need a container that runs", async () => {
    const { id } = await world.run({ name: "web" });
    assert.throws(() => world.engine.execs.inspect("nope"), { kind: "not-found", message: "No such exec instance: nope" });
    await assert.rejects(world.engine.execs.create(id, { ...config, cmd: [] }), {
      kind: "invalid",
      message: "No exec command specified",
    });
    await world.engine.pause(id);
    for (const asked of ["web", id]) {
      await assert.rejects(world.engine.execs.create(asked, config), {
        kind: "conflict",
        message: `Container ${asked} is paused, unpause the container before exec`,
      });
    }
    await world.engine.unpause(id);
    const execId = await world.engine.execs.create(id, config);
    await world.engine.stop(id, {});
    await assert.rejects(world.engine.execs.create(id, config), { kind: "conflict", message: `container ${id} is not running` });
    assert.throws(() => world.engine.execs.inspect(execId), { kind: "not-found" });
  });
});
