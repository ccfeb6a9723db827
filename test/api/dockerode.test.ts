import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import Docker from "dockerode";
import { Harness } from "./harness.ts";

describe("dockerode", () => {
  let harness: Harness;
  let docker: Docker;

  beforeEach(async () => {
    harness = await Harness.create();
    docker = new Docker({ socketPath: harness.socketPath, version: "v1.50" });
  });
  afterEach(() => harness[Symbol.asyncDispose]());

  async function collect(stream: NodeJS.ReadableStream): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, stdout, stderr);
    await once(stream, "end");
    return { stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
  }

  it("attaches with its options in the body, and types", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["cat"], OpenStdin: true });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    await container.start();
    stream.end("typed");
    assert.deepEqual(await collect(stream), { stdout: "typed", stderr: "end of input\n" });
    assert.deepEqual(await container.wait(), { StatusCode: 0 });
  });

  it("attaches without an upgrade", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["both"] });
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    await container.start();
    assert.deepEqual(await collect(stream), { stdout: "out\n", stderr: "err\n" });
  });

  it("runs an exec and reads its exit code", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep"], name: "one" });
    await container.start();
    const exec = await container.exec({ Cmd: ["cat"], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.end("in");
    assert.deepEqual(await collect(stream), { stdout: "in", stderr: "end of input\n" });
    const { ExitCode, ContainerID } = await exec.inspect();
    assert.deepEqual({ ExitCode, ContainerID }, { ExitCode: 0, ContainerID: container.id });
  });

  it("lists, inspects and fails as with Docker", async () => {
    await docker.createContainer({ Image: "busybox", Cmd: ["echo", "a b"], name: "one", HostConfig: { Memory: 64 * 2 ** 20 } });
    const [summary] = await docker.listContainers({ all: true });
    assert.deepEqual([summary?.Names, summary?.Command, summary?.State], [["/one"], "echo 'a b'", "created"]);
    const { HostConfig, State } = await docker.getContainer("one").inspect();
    assert.deepEqual([HostConfig.Memory, State.StartedAt], [64 * 2 ** 20, "0001-01-01T00:00:00Z"]);
    await assert.rejects(docker.getContainer("two").inspect(), { statusCode: 404 });
    await docker.getContainer("one").start();
    await assert.rejects(docker.getContainer("one").stop(), { statusCode: 304 });
  });

  it("creates and updates a service", async () => {
    await docker.swarmInit({ ListenAddr: "0.0.0.0:2377" });
    const spec = { Name: "web", TaskTemplate: { ContainerSpec: { Image: "busybox" } }, Mode: { Replicated: { Replicas: 2 } } };
    const service = await docker.createService(spec);
    const { Version } = await service.inspect();
    await service.update({ ...spec, version: Version.Index, Mode: { Replicated: { Replicas: 5 } } });
    const tasks = (await docker.listTasks()) as readonly { readonly Slot: number }[];
    assert.deepEqual(
      tasks.map(({ Slot }) => Slot),
      [1, 2, 3, 4, 5],
    );
  });

  it("reads events as they come", async () => {
    const stream = await docker.getEvents();
    const [line] = (await once(stream, "data")) as [Buffer];
    assert.deepEqual(JSON.parse(line.toString()), {
      status: "start",
      id: "d".repeat(64),
      from: "busybox",
      Type: "container",
      Action: "start",
      Actor: { ID: "d".repeat(64), Attributes: { image: "busybox", name: "one" } },
      scope: "local",
      time: 1_700_000_000,
      timeNano: 1_700_000_000_123_456_800, // What a double makes of it; the text has every digit.
    });
    assert.match(line.toString(), /"timeNano":1700000000123456789}/);
    (stream as NodeJS.ReadableStream & { destroy(): void }).destroy();
  });
});
