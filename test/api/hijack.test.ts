import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { isRecord } from "../../src/api/wire/codec.ts";
import { Harness } from "./harness.ts";
import { RawConnection } from "./raw-connection.ts";

const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const frame = (stream: 1 | 2, text: string) => {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]);
  return Buffer.concat([header, Buffer.from(text)]).toString("latin1");
};

function idOf(value: unknown): string {
  assert.ok(isRecord(value) && typeof value["Id"] === "string");
  return value["Id"];
}

describe("hijacked connections", () => {
  let harness: Harness;
  beforeEach(async () => (harness = await Harness.create()));
  afterEach(() => harness[Symbol.asyncDispose]());

  async function running(cmd: readonly string[], extra: object = {}): Promise<string> {
    const body = { Image: "busybox", Cmd: cmd, OpenStdin: true, ...extra };
    const id = idOf((await harness.call("POST", "/containers/create", { body })).json);
    await harness.call("POST", `/containers/${id}/start`);
    return id;
  }

  async function exec(container: string, cmd: readonly string[]): Promise<string> {
    const body = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: cmd };
    return idOf((await harness.call("POST", `/containers/${container}/exec`, { body })).json);
  }

  const attachTo = (id: string, headers: string, query = "stream=1&stdin=1&stdout=1&stderr=1") =>
    `POST /v1.50/containers/${id}/attach?${query} HTTP/1.1\r\nHost: docker\r\n${headers}\r\n`;

  it("answers an upgrade with 101 and the name of framed output", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.end(attachTo(await running(["cat"]), UPGRADE));
    await connection.ended();
    assert.match(connection.text, /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\n/);
    assert.equal(connection.body.toString("latin1"), frame(2, "end of input\n"));
  });

  it("answers 200 without an upgrade, and passes bytes that look like a request", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write(attachTo(await running(["cat"]), ""));
    await connection.until(received => received.includes("\r\n\r\n"));
    connection.socket.end("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
    await connection.ended();
    assert.match(connection.text, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
    const expected = frame(1, "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n") + frame(2, "end of input\n");
    assert.equal(connection.body.toString("latin1"), expected);
  });

  it("frames nothing for a terminal", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write(attachTo(await running(["cat"], { Tty: true }), UPGRADE));
    await connection.until(received => received.includes("\r\n\r\n"));
    connection.socket.end("hi");
    await connection.ended();
    assert.match(connection.text, /Content-Type: application\/vnd\.docker\.raw-stream\r\n/);
    assert.equal(connection.body.toString(), "hiend of input\n");
  });

  it("frames an exec's output as who starts it asks, whether it has a terminal or not", async () => {
    for (const [hasTerminal, asksForOne] of [
      [true, false],
      [false, true],
    ]) {
      const id = await running(["cat"]);
      const body = { AttachStdout: true, Cmd: ["echo", "a"], Tty: hasTerminal };
      const made = await harness.call("POST", `/containers/${id}/exec`, { body });
      const start = JSON.stringify({ Tty: asksForOne });
      const { Id: execId } = made.json as { readonly Id: string };
      const connection = await RawConnection.open(harness.socketPath);
      const head = `POST /exec/${execId}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${start.length}\r\n`;
      connection.socket.write(`${head}${UPGRADE}\r\n${start}`);
      await connection.ended();
      assert.equal(connection.body.toString("latin1"), asksForOne === true ? "a\n" : frame(1, "a\n"));
    }
  });

  it("names no framed output to clients before 1.42", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.end(attachTo(await running(["cat"]), UPGRADE).replace("v1.50", "v1.41"));
    await connection.ended();
    assert.match(connection.text, /Content-Type: application\/vnd\.docker\.raw-stream\r\n/);
  });

  const bodies = [
    { as: "a length", headers: "Content-Length: 2\r\n\r\n{}" },
    { as: "chunks", headers: "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n" },
  ];
  for (const { as, headers } of bodies) {
    for (const upgrade of [UPGRADE, ""]) {
      it(`keeps a body sent with ${as} out of stdin, ${upgrade === "" ? "without" : "with"} an upgrade`, async () => {
        const id = await exec(await running(["sleep"]), ["cat"]);
        const connection = await RawConnection.open(harness.socketPath);
        connection.socket.write(
          `POST /exec/${id}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n${upgrade}${headers}`,
        );
        // With an upgrade, stdin may be in the same packet as the request.
        if (upgrade !== "") connection.socket.write("typed");
        await connection.until(received => received.includes("\r\n\r\n"));
        connection.socket.end(upgrade === "" ? "typed" : "");
        await connection.ended();
        assert.equal(connection.body.toString("latin1"), frame(1, "typed") + frame(2, "end of input\n"));
      });
    }
  }

  it("answers an error as plain HTTP as long as nothing was upgraded", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write(attachTo("nobody", UPGRADE));
    await connection.until(received => received.includes('"}'));
    assert.match(connection.text, /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.equal(connection.body.toString(), '{"message":"No such container: nobody"}\n');
    connection.socket.end();
    await eventually(() => harness.takenCount === 0);
  });

  it("answers a request that asks for another protocol as if it had not", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write("GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n");
    await connection.until(received => received.endsWith("OK"));
    assert.match(connection.text, /^HTTP\/1\.1 200 OK\r\n/);
    connection.socket.destroy();
  });

  it("holds output back from a client that does not read, and tells when it has gone", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.pause();
    connection.socket.removeAllListeners("data");
    connection.socket.write(attachTo(await running(["big"]), UPGRADE));
    const sent = await settled(() => harness.engine.bigBytesSent);
    assert.ok(sent < 16 * 1024 * 1024, `sent ${sent} bytes to a client that reads nothing`);
    connection.socket.destroy();
    await eventually(() => harness.engine.wasCancelled);
  });

  it("tells a log's reader that the client has gone", async () => {
    const id = await running(["sleep"]);
    harness.engine.say(id, "one\n");
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write(`GET /containers/${id}/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n`);
    await connection.until(received => received.includes("one\n"));
    connection.socket.destroy();
    await eventually(() => harness.engine.wasCancelled);
  });

  it("carries messages both ways on a WebSocket", async () => {
    const id = await running(["cat"]);
    const path = `/v1.50/containers/${id}/attach/ws?stream=1&stdin=1&stdout=1&stderr=1`;
    const socket = new WebSocket(`ws+unix://${harness.socketPath}:${path}`);
    await once(socket, "open");
    socket.send("typed");
    const [echoed] = (await once(socket, "message")) as [Buffer];
    assert.equal(echoed.toString(), "typed");
    socket.close();
    await once(socket, "close");
  });

  it("tells a WebSocket's client that there is no such container", async () => {
    const socket = new WebSocket(`ws+unix://${harness.socketPath}:/containers/nobody/attach/ws`);
    const [error] = (await once(socket, "error")) as [Error];
    assert.match(error.message, /404/);
  });

  it("lets go of a connection as soon as both sides have ended, whatever was left unread", async () => {
    const id = await running(["sleep"]);
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write(attachTo(id, UPGRADE, "stream=1&stdout=1"));
    await connection.until(received => received.includes("\r\n\r\n"));
    connection.socket.write("nobody reads this");
    await harness.call("POST", `/containers/${id}/kill`);
    await connection.ended();
    const closed = once(connection.socket, "close", { signal: AbortSignal.timeout(5000) });
    connection.socket.end();
    await closed;
    await eventually(() => harness.takenCount === 0);
  });

  it("ends attached connections when the server closes", async () => {
    const other = await Harness.create();
    const created = await other.call("POST", "/containers/create", { body: { Image: "busybox", Cmd: ["sleep"] } });
    await other.call("POST", `/containers/${idOf(created.json)}/start`);
    const connection = await RawConnection.open(other.socketPath);
    connection.socket.write(attachTo(idOf(created.json), UPGRADE, "stream=1&stdout=1"));
    await connection.until(received => received.includes("\r\n\r\n"));
    await other[Symbol.asyncDispose]();
    await connection.ended();
  });
});

async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5000;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, "it did not happen in 5 s");
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** The value once it has been the same for a while. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1, sameSinceMs = performance.now(); ; ) {
    const value = read();
    if (value !== last) [last, sameSinceMs] = [value, performance.now()];
    if (value > 0 && performance.now() - sameSinceMs > 200) return value;
    await new Promise(resolve => setImmediate(resolve));
  }
}
