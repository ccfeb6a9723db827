import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { CreateContainerRequest } from "../../../src/model/container.ts";
import { DatagramReceiver } from "../../unit/engine/logs/forward/datagram-receiver.ts";
import { StreamServer } from "../../unit/engine/logs/forward/servers.ts";
import { aRequest } from "../../unit/engine/containers/fake-world.ts";
import { RealWorld, until } from "./world.ts";
import { skip } from "../../skip.ts";

const NEEDED = ["/usr/bin/conmon", "/usr/sbin/runc", "/usr/bin/busybox"];

describe("logs that are sent elsewhere", function () {
  this.timeout(60_000);
  let world: RealWorld;

  before(function () {
    if (NEEDED.some(path => !existsSync(path)) || process.getuid?.() !== 0)
      skip(this, "it needs root and the programs that run containers");
  });
  beforeEach(async () => {
    world = await RealWorld.create();
  });
  afterEach(async () => world?.[Symbol.asyncDispose]());

  const shell = (line: string, type: string, options: Readonly<Record<string, string>>): CreateContainerRequest =>
    aRequest({ config: { cmd: ["sh", "-c", line] }, hostConfig: { logConfig: { type, options } } });

  const syslogOptions = ({ port }: { readonly port: number }) => ({ "syslog-address": `tcp://127.0.0.1:${port}`, tag: "t" });

  function numbersIn(text: string): readonly number[] {
    return [...text.matchAll(/]: n?(\d+)\n/g)].map(([, number]) => Number(number));
  }

  async function logsOf(id: string): Promise<string> {
    const streams = { wantsStdout: true, wantsStderr: true, timestamps: false, details: false };
    const { batches } = await world.engine.logs(id, { ...streams, follow: false, signal: new AbortController().signal });
    const pieces: Uint8Array[] = [];
    for await (const lines of batches) pieces.push(...lines.map(({ data }) => data));
    return Buffer.concat(pieces).toString();
  }

  it("arrive whole, through rotation, a server that goes away and a daemon that does", async () => {
    const LINES = 40_000;
    const first = await StreamServer.create();
    const line = "i=0; while [ $i -lt 20 ]; do seq $((i*2000+1)) $((i*2000+2000)); i=$((i+1)); sleep 0.15; done";
    const options = { ...syslogOptions(first), "cache-max-size": "200k", "cache-max-file": "2" };
    const { id } = await world.engine.create(shell(line, "syslog", options));
    await world.engine.start(id);
    await until(() => numbersIn(first.text).length > 2000, "some lines came");
    await world.close();
    await new Promise(resolve => setTimeout(resolve, 600)); // The time in which it prints on with no daemon.
    await first[Symbol.asyncDispose]();
    await world.open();
    await new Promise(resolve => setTimeout(resolve, 600)); // And with no server.
    await using second = await StreamServer.create({ port: first.port });
    const arrived = () => new Set([...numbersIn(first.text), ...numbersIn(second.text)]);
    await until(() => arrived().size === LINES, "all lines came");
    const inOrder = numbersIn(second.text);
    assert.deepEqual(
      inOrder,
      [...inOrder].sort((a, b) => a - b),
    );
    await until(async () => (await world.engine.inspect(id)).state.status === "exited", "it ended");
    assert.match(await logsOf(id), /\n39999\n40000\n$/);
  });

  it("are needed for a start, and then no more", async () => {
    const server = await StreamServer.create();
    const { id } = await world.engine.create(shell("echo n1; sleep 0.3; echo n2", "syslog", syslogOptions(server)));
    const started = world.engine.start(id);
    await started;
    await until(() => server.text.includes("n1\n"), "the first line came");
    await server[Symbol.asyncDispose]();
    await until(async () => (await world.engine.inspect(id)).state.status === "exited", "it ended all the same");
    assert.equal(await logsOf(id), "n1\nn2\n");
    const other = await world.engine.create(shell("echo n1", "syslog", syslogOptions(server)));
    await assert.rejects(world.engine.start(other.id), {
      kind: "internal",
      message: `failed to create task for container: failed to initialize logging driver: dial tcp 127.0.0.1:${server.port}: connect: connection refused`,
    });
    const { status, exitCode } = (await world.engine.inspect(other.id)).state;
    assert.deepEqual({ status, exitCode }, { status: "created", exitCode: 128 });
    await using back = await StreamServer.create({ port: server.port });
    await until(() => back.text.includes("n2\n"), "the rest came");
  });

  it("reach their server though the container is removed at once", async () => {
    await using server = await StreamServer.create();
    const request = shell("seq 5000", "syslog", { ...syslogOptions(server), "cache-disabled": "true" });
    const { id } = await world.engine.create({ ...request, hostConfig: { ...request.hostConfig, autoRemove: true } });
    const { result } = await world.engine.wait(id, "removed", { signal: new AbortController().signal });
    await world.engine.start(id);
    await result;
    await until(() => numbersIn(server.text).length === 5000, "all lines came");
    await until(() => !existsSync(`${world.directory}/containers/${id}`), "its folder is gone");
  });

  it("go to the journal", async () => {
    const { id } = await world.engine.create(shell("echo out; echo err >&2", "journald", {}));
    await assert.rejects(world.engine.start(id), /failed to initialize logging driver: journald is not enabled on this host/);
    using journal = new DatagramReceiver(world.journalPath);
    await world.engine.start(id);
    await until(() => journal.received.length === 2, "both lines came");
    const texts = journal.received.map(String).sort();
    assert.match(texts[0] ?? "", /^PRIORITY=3\nMESSAGE=err\nCONTAINER_ID=[0-9a-f]{12}\nCONTAINER_ID_FULL=[0-9a-f]{64}\n/);
    assert.match(texts[1] ?? "", /^PRIORITY=6\nMESSAGE=out\n/);
    assert.match(await logsOf(id), /out\n/);
  });

  it("refuses to show what is kept for no reader", async () => {
    await using server = await StreamServer.create();
    const options = { ...syslogOptions(server), "cache-disabled": "true" };
    const { id } = await world.engine.create(shell("echo n1", "syslog", options));
    await assert.rejects(logsOf(id), { message: "configured logging driver does not support reading" });
  });
});
