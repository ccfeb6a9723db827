import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { CreateContainerRequest } from "../../../src/model/container.ts";
import { aClient, aRequest, type RequestOptions } from "../../unit/engine/containers/fake-world.ts";
import { RealWorld, until } from "./world.ts";
import { skip } from "../../skip.ts";

const NEEDED = ["/usr/bin/conmon", "/usr/sbin/runc", "/usr/bin/busybox"];

describe("containers on conmon", function () {
  this.timeout(30_000);
  let world: RealWorld;
  const never = new AbortController().signal;

  before(function () {
    const missing = NEEDED.filter(path => !existsSync(path));
    if (missing.length > 0 || process.getuid?.() !== 0) {
      skip(this, `it needs root and ${missing.join(", ")}`);
    }
  });
  beforeEach(async () => {
    world = await RealWorld.create();
  });
  afterEach(async () => world?.[Symbol.asyncDispose]());

  const shell = (line: string, options: RequestOptions = {}): CreateContainerRequest =>
    aRequest({ ...options, config: { cmd: ["sh", "-c", line], ...options.config } });

  /** As `docker run` without `-d` does it. */
  async function runAttached(request: CreateContainerRequest, stdin?: AsyncIterable<Uint8Array>) {
    const { id } = await world.engine.create(request);
    const client = aClient();
    const attached = world.engine.attach(id, {
      stream: true,
      logs: false,
      ...(stdin !== undefined && { stdin }),
      output: client.output,
      wantsStdout: true,
      wantsStderr: true,
      signal: never,
      onReady: () => {},
    });
    const { result } = await world.engine.wait(id, "next-exit", { signal: never });
    await world.engine.start(id);
    await attached;
    return { id, client, exit: await result };
  }

  async function logsOf(id: string, options: { readonly tail?: number } = {}): Promise<string> {
    const { batches } = await world.engine.logs(id, {
      follow: false,
      wantsStdout: true,
      wantsStderr: true,
      timestamps: false,
      details: false,
      signal: never,
      ...options,
    });
    const pieces: Uint8Array[] = [];
    for await (const lines of batches) pieces.push(...lines.map(({ data }) => data));
    return Buffer.concat(pieces).toString();
  }

  it("print, fail and are remembered", async () => {
    const { id, client, exit } = await runAttached(shell("echo out; echo err >&2; hostname; exit 3"));
    assert.deepEqual(
      { out: client.text("stdout"), err: client.text("stderr"), exit },
      { out: `out\n${id.slice(0, 12)}\n`, err: "err\n", exit: { exitCode: 3 } },
    );
    assert.match(await logsOf(id), /out\n/);
    assert.equal((await world.engine.inspect(id)).state.status, "exited");
    await world.engine.start(id);
    await until(async () => (await world.engine.inspect(id)).state.status === "exited", "it ended again");
    assert.equal((await logsOf(id)).match(/out\n/g)?.length, 2);
  });

  it("read what is typed, to its end", async () => {
    async function* typed() {
      yield Buffer.from("hello ");
      yield Buffer.alloc(100_000, "x");
      yield Buffer.from("\n");
    }
    const { client, exit } = await runAttached(
      aRequest({ config: { cmd: ["wc", "-c"], openStdin: true, stdinOnce: true, attachStdin: true } }),
      typed(),
    );
    assert.deepEqual({ text: client.text().trim(), exit }, { text: "100007", exit: { exitCode: 0 } });
  });

  it("give a client that reads slowly all of their output, without waiting for it", async () => {
    const LINES = 300_000;
    const { id } = await world.engine.create(shell(`seq ${LINES}`));
    const pieces: Uint8Array[] = [];
    let isHeld = true;
    const attached = world.engine.attach(id, {
      stream: true,
      logs: false,
      output: async (_stream, data) => {
        pieces.push(data);
        await until(() => !isHeld, "the client goes on");
      },
      wantsStdout: true,
      wantsStderr: true,
      signal: never,
      onReady: () => {},
    });
    const { result } = await world.engine.wait(id, "not-running", { signal: never });
    const { result: next } = await world.engine.wait(id, "next-exit", { signal: never });
    await result;
    await world.engine.start(id);
    await next; // It ended though the client has taken one piece.
    assert.ok(pieces.length <= 1);
    isHeld = false;
    await attached;
    const text = Buffer.concat(pieces).toString();
    assert.equal(text, Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join(""));
    assert.equal(await logsOf(id, { tail: 2 }), `${LINES - 1}\n${LINES}\n`);
  });

  it("say why a program cannot be run", async () => {
    const { id } = await world.engine.create(aRequest({ config: { cmd: ["/nope"] } }));
    await assert.rejects(world.engine.start(id), {
      kind: "invalid",
      message: /exec: "\/nope": stat \/nope: no such file or directory/,
    });
    const { state } = await world.engine.inspect(id);
    assert.deepEqual({ status: state.status, exitCode: state.exitCode }, { status: "created", exitCode: 127 });
    assert.match(state.error, /no such file/);
  });

  it("run further programs", async () => {
    const { id } = await world.engine.create(shell("sleep 100"));
    await world.engine.start(id);
    const config = {
      cmd: ["sh", "-c", "echo $GREETING; pwd; id -u; cat; exit 5"],
      env: ["GREETING=hi"],
      user: "1000",
      workingDir: "/tmp",
      tty: false,
      privileged: false,
      attachStdin: true,
      attachStdout: true,
      attachStderr: true,
      detachKeys: "",
    };
    const execId = await world.engine.execs.create(id, config);
    const client = aClient();
    async function* typed() {
      yield Buffer.from("typed\n");
    }
    await world.engine.execs.start(execId, {
      detach: false,
      stdin: typed(),
      output: client.output,
      wantsStdout: true,
      wantsStderr: true,
      signal: never,
      onReady: () => {},
    });
    assert.equal(client.text(), "hi\n/tmp\n1000\ntyped\n");
    assert.equal(world.engine.execs.inspect(execId).exitCode, 5);
    const missing = await world.engine.execs.create(id, { ...config, cmd: ["nope"] });
    await assert.rejects(
      world.engine.execs.start(missing, {
        detach: false,
        output: client.output,
        wantsStdout: true,
        wantsStderr: true,
        signal: never,
        onReady: () => {},
      }),
      { message: /executable file not found in \$PATH/ },
    );
    assert.equal(world.engine.execs.inspect(missing).exitCode, 127);
  });

  it("live on without the daemon, and what ended meanwhile is known", async () => {
    const lasting = await world.engine.create(shell("i=0; while true; do i=$((i+1)); echo line $i; sleep 0.05; done"));
    const ending = await world.engine.create(shell("sleep 0.5; exit 9"));
    await world.engine.start(lasting.id);
    await world.engine.start(ending.id);
    const { pid } = (await world.engine.inspect(lasting.id)).state;
    await world.close();
    await new Promise(resolve => setTimeout(resolve, 1000)); // The time in which one of them ends.
    await world.open();
    assert.equal((await world.engine.inspect(lasting.id)).state.pid, pid);
    await until(async () => (await world.engine.inspect(ending.id)).state.status === "exited", "its end is known");
    assert.equal((await world.engine.inspect(ending.id)).state.exitCode, 9);
    await world.engine.stop(lasting.id, { timeoutSeconds: 1 });
    const numbers = (await logsOf(lasting.id))
      .trim()
      .split("\n")
      .map(line => Number(line.split(" ")[1]));
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    assert.ok(numbers.length > 15);
  });

  it("keep what is in the image in a new volume, and see the host's folders", async () => {
    const source = `${world.directory}/shared`;
    const request = shell("echo new > /data/file; echo bound > /bound/file; cat /etc/hosts; ls /tmpfs", {
      hostConfig: { binds: ["vol:/data", `${source}:/bound`], tmpfs: { "/tmpfs": "size=1m" } },
    });
    const { client, exit } = await runAttached(request);
    assert.deepEqual(exit, { exitCode: 0 });
    assert.match(client.text(), /localhost/);
    assert.equal(existsSync(`${source}/file`), true);
    assert.equal(existsSync(`${world.directory}/volumes/vol/_data/file`), true);
  });

  it("have their logs rotated while they are followed, nothing lost or doubled", async () => {
    const LINES = 60_000;
    const logConfig = { type: "json-file", options: { "max-size": "200k", "max-file": "2" } };
    const line = `i=0; while [ $i -lt 12 ]; do i=$((i+1)); seq $((i*5000-4999)) $((i*5000)); sleep 0.2; done`;
    const { id } = await world.engine.create(shell(line, { hostConfig: { logConfig } }));
    await world.engine.start(id);
    const { batches } = await world.engine.logs(id, {
      follow: true,
      wantsStdout: true,
      wantsStderr: true,
      timestamps: false,
      details: false,
      signal: never,
    });
    const pieces: Uint8Array[] = [];
    for await (const lines of batches) pieces.push(...lines.map(({ data }) => data));
    const expected = Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join("");
    assert.equal(Buffer.concat(pieces).toString(), expected);
    const kept = await logsOf(id);
    assert.ok(expected.endsWith(kept) && kept.length < expected.length, "old files are gone");
  });

  it("have a terminal", async () => {
    const { client, exit } = await runAttached(
      shell("stty size; cat", {
        config: { cmd: ["sh", "-c", "stty size; echo done"], tty: true, openStdin: true },
        hostConfig: { consoleSize: [33, 77] },
      }),
    );
    assert.deepEqual(exit, { exitCode: 0 });
    assert.equal(client.text(), "33 77\r\ndone\r\n");
  });
});
