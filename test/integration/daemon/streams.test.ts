import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { call, importBusybox, ok } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";
import { StreamClient } from "./stream-client.ts";

const MIB = 1024 * 1024;
/** A client that reads nothing lets the daemon grow by no more than this, whatever is printed. */
const GROWTH_BYTES_MAX = 48 * MIB;
const OUTPUT = "stream=1&stdout=1&stderr=1";
const ATTACH = "stream=1&stdin=1&stdout=1&stderr=1";

describe("streams of containers", function () {
  this.timeout(60_000);
  let daemon: OwnDaemon;

  before(async () => {
    daemon = new OwnDaemon();
    await daemon.start();
    await importBusybox([daemon.host]);
  });
  after(async () => daemon?.[Symbol.asyncDispose]());

  async function create(cmd: readonly string[], config: object = {}, hostConfig: object = {}): Promise<string> {
    const body = { Image: "busybox", Cmd: cmd, ...config, HostConfig: { NetworkMode: "none", ...hostConfig } };
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", body);
    return Id;
  }

  const start = (id: string) => ok(daemon.host, "POST", `/containers/${id}/start`);
  const wait = (id: string) => ok<{ StatusCode: number }>(daemon.host, "POST", `/containers/${id}/wait`);
  const isRunning = async (id: string) =>
    (await ok<{ State: { Running: boolean } }>(daemon.host, "GET", `/containers/${id}/json`)).State.Running;

  function attach(id: string, { query = ATTACH, upgrade = true } = {}): Promise<StreamClient> {
    return StreamClient.open(daemon.host.socket, { request: `POST /containers/${id}/attach?${query}`, upgrade });
  }

  async function execIn(id: string, config: object): Promise<StreamClient> {
    const body = { AttachStdin: true, AttachStdout: true, AttachStderr: true, ...config };
    const exec = await ok<{ Id: string }>(daemon.host, "POST", `/containers/${id}/exec`, body);
    const startBody = JSON.stringify({ Tty: "Tty" in config });
    return StreamClient.open(daemon.host.socket, { request: `POST /exec/${exec.Id}/start`, body: startBody });
  }

  /** Bytes of the daemon's process. */
  function residentBytes(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) * 1024;
  }

  async function logsOf(id: string): Promise<Buffer> {
    const path = `/containers/${id}/logs?stdout=1&stderr=1`;
    const [response] = (await once(request({ socketPath: daemon.host.socket, path }).end(), "response")) as [
      AsyncIterable<Buffer>,
    ];
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    return unframed(Buffer.concat(pieces));
  }

  const CAT = { OpenStdin: true, StdinOnce: true, AttachStdin: true };

  for (const upgrade of [true, false]) {
    it(`attach passes megabytes in, the end of input, and all of it back, ${upgrade ? "with" : "without"} an upgrade`, async () => {
      const id = await create(["cat"], CAT);
      const client = await attach(id, { upgrade });
      client.isFramed = true;
      assert.match(client.head, upgrade ? /^HTTP\/1.1 101 UPGRADED/ : /^HTTP\/1.1 200 OK/);
      await start(id);
      const input = Buffer.alloc(4 * MIB, "0123456789abcdef\n");
      client.socket.end(input);
      await client.ended();
      assert.deepEqual([client.bytes, client.digest], [input.length, createHash("sha256").update(input).digest("hex")]);
      assert.equal((await wait(id)).StatusCode, 0);
    });
  }

  it("attach speaks through a WebSocket", async () => {
    const id = await create(["sh", "-c", "read line; echo got $line"], CAT);
    const socket = new WebSocket(`ws+unix:${daemon.host.socket}:/containers/${id}/attach/ws?${ATTACH}`);
    await once(socket, "open");
    const received: string[] = [];
    socket.on("message", data => received.push(String(data as Buffer)));
    await start(id);
    socket.send("hello\n");
    await once(socket, "close");
    assert.equal(received.join(""), "got hello\n");
  });

  it("detach keys leave a container and an exec running", async () => {
    const id = await create(["sh"], { Tty: true, OpenStdin: true });
    await start(id);
    const client = await attach(id);
    client.socket.write("echo $((6*7))\n");
    await client.until(() => client.text.includes("\n42"), "the shell answered");
    client.socket.write(Buffer.from([0x10, 0x11])); // ctrl-p, ctrl-q
    await client.ended();
    const exec = await execIn(id, { Cmd: ["sh"], Tty: true, DetachKeys: "x,ctrl-e" });
    exec.socket.write("echo $((7*7)) x y\n");
    await exec.until(() => exec.text.includes("\n49 x y"), "the keys that were not meant came through");
    exec.socket.write(Buffer.from("x\x05"));
    await exec.ended();
    assert.equal(await isRunning(id), true);
    await ok(daemon.host, "DELETE", `/containers/${id}?force=1`);
  });

  it("exec passes input, its end, errors apart from output, and a size that is set at once", async () => {
    const id = await create(["sleep", "1000"]);
    await start(id);
    const plain = await execIn(id, { Cmd: ["sh", "-c", "wc -c; echo oops >&2"] });
    plain.socket.end(Buffer.alloc(2 * MIB, "x"));
    await plain.ended();
    assert.deepEqual(plain.text.split("\n").sort(), ["", String(2 * MIB), "oops"]);
    const body = { AttachStdin: true, AttachStdout: true, Tty: true, Cmd: ["sh", "-c", "read line; stty size"] };
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", `/containers/${id}/exec`, body);
    const opening = StreamClient.open(daemon.host.socket, {
      request: `POST /exec/${Id}/start`,
      body: JSON.stringify({ Tty: true }),
    });
    const resized = await call(daemon.host, "POST", `/exec/${Id}/resize?h=31&w=77`); // It may not run yet: the answer waits.
    assert.equal(resized.status, 200);
    const terminal = await opening;
    terminal.socket.write("\n");
    await terminal.ended();
    assert.match(terminal.text, /31 77\r\n$/);
    await ok(daemon.host, "DELETE", `/containers/${id}?force=1`);
  });

  it("resizes that race with a start and an end are answered, and the last size holds", async () => {
    const id = await create(
      ["sh", "-c", 'read line; until [ "$(stty size)" = "60 90" ]; do sleep 0.01; done; stty size; read line'],
      { Tty: true, OpenStdin: true },
    );
    const client = await attach(id);
    const resize = async (height: number) =>
      (await call(daemon.host, "POST", `/containers/${id}/resize?h=${height}&w=90`)).status;
    const early = Array.from({ length: 20 }, (_, index) => resize(index + 10));
    await start(id);
    const answered = await Promise.all([...early, ...Array.from({ length: 20 }, (_, index) => resize(index + 30))]);
    assert.deepEqual(new Set(answered.filter(status => status !== 200 && status !== 409)), new Set());
    assert.equal(await resize(60), 200); // conmon gives it to the terminal, in its own time.
    client.socket.write("\n");
    await client.until(() => client.text.includes("60 90"), "the last size is the terminal's");
    client.socket.write("\n");
    const late = await Promise.all(Array.from({ length: 20 }, (_, index) => resize(index + 10)));
    assert.deepEqual(new Set(late.filter(status => status !== 200 && status !== 409)), new Set());
    await wait(id);
    assert.equal(await resize(10), 409);
  });

  it("the last of many sizes holds, also when the terminal's keeper was slow to read them", async () => {
    const id = await create(["sh", "-c", 'until [ "$(stty size)" = "60 90" ]; do sleep 0.01; done; echo so'], { Tty: true });
    const client = await attach(id);
    await start(id);
    const { State } = await ok<{ State: { Pid: number } }>(daemon.host, "GET", `/containers/${id}/json`);
    const keeper = Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${State.Pid}/status`, "utf8"))?.[1]);
    const resize = async (height: number) =>
      (await call(daemon.host, "POST", `/containers/${id}/resize?h=${height}&w=90`)).status;
    process.kill(keeper, "SIGSTOP");
    assert.equal(await resize(10), 200);
    const last = resize(60);
    await new Promise(resolve => setTimeout(resolve, 100)); // Else it may not have been asked for yet.
    process.kill(keeper, "SIGCONT");
    assert.equal(await last, 200);
    await client.until(() => client.text.includes("so"), "the last size is the terminal's");
  });

  it("a slow attached client gets every byte while the daemon stays small and the container does not wait", async () => {
    const warm = await printer();
    const fast = await attach(warm.id, { query: OUTPUT });
    await start(warm.id);
    await fast.ended(); // The daemon's heap has grown to what such work needs.
    assert.equal(fast.digest, warm.digest);
    const { id, digest } = await printer();
    const client = await attach(id, { query: OUTPUT });
    client.socket.pause();
    const before = residentBytes();
    await start(id);
    assert.equal((await wait(id)).StatusCode, 0); // And nobody has read.
    const growth = residentBytes() - before;
    assert.ok(growth < GROWTH_BYTES_MAX, `the daemon grew by ${Math.round(growth / MIB)} MiB`);
    client.socket.resume();
    await client.ended();
    assert.equal(client.digest, digest);
    await ok(daemon.host, "DELETE", `/containers/${id}`);
  });

  /** A container that prints 90 MB. */
  async function printer(): Promise<{ readonly id: string; readonly digest: string }> {
    const LINES = 1_500_000;
    const id = await create(["sh", "-c", `yes ${"x".repeat(59)} | head -n ${LINES}`]);
    return { id, digest: digestOf(`${"x".repeat(59)}\n`, LINES) };
  }

  it("a slow attached client holds back a container whose output has nowhere else to go", async () => {
    const LINES = 300_000;
    const id = await create(["sh", "-c", `yes ${"x".repeat(59)} | head -n ${LINES}`], {}, { LogConfig: { Type: "none" } });
    const client = await attach(id, { query: OUTPUT });
    client.socket.pause();
    const before = residentBytes();
    await start(id);
    await delay(1500); // Held, it prints nothing more; otherwise it ends within a tenth of that.
    assert.equal(await isRunning(id), true);
    assert.ok(residentBytes() - before < GROWTH_BYTES_MAX);
    client.socket.resume();
    await client.ended();
    assert.equal(client.bytes, LINES * 60);
    assert.equal((await wait(id)).StatusCode, 0);
  });

  it("a slow follower of the log never holds its container back, and gets what the log has kept", async () => {
    const LINES = 500_000;
    const id = await create(["sh", "-c", `yes ${"x".repeat(59)} | head -n ${LINES}`]);
    await start(id);
    const following = request({ socketPath: daemon.host.socket, path: `/containers/${id}/logs?follow=1&stdout=1` }).end();
    const [response] = (await once(following, "response")) as [AsyncIterable<Buffer> & { pause(): void }];
    response.pause();
    assert.equal((await wait(id)).StatusCode, 0);
    let bytes = 0;
    for await (const piece of response) bytes += piece.length;
    assert.equal(bytes, LINES * (60 + 8)); // Each line in a frame.
  });

  it("loses no line of containers that print 10,000 lines a second each", async () => {
    const line = "i=0; while [ $i -lt 20 ]; do seq $((i*1000+1)) $((i*1000+1000)); i=$((i+1)); usleep 100000; done";
    const ids = await Promise.all([1, 2, 3].map(() => create(["sh", "-c", line])));
    const expected = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("");
    await Promise.all(
      ids.map(async id => {
        const client = await attach(id, { query: OUTPUT });
        await start(id);
        await client.ended();
        assert.equal(client.text, expected);
        assert.equal((await logsOf(id)).toString(), expected);
      }),
    );
  });
});

function unframed(data: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const end = at + 8 + data.readUInt32BE(at + 4);
    pieces.push(data.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces);
}

function digestOf(line: string, count: number): string {
  const hash = createHash("sha256");
  const block = line.repeat(1000);
  for (let done = 0; done < count; done += 1000) hash.update(block);
  return hash.digest("hex");
}
