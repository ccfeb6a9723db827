import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { createApiServer } from "../../src/api/server.ts";
import { Harness } from "./harness.ts";
import { RawConnection } from "./raw-connection.ts";

const HOST = "HTTP/1.1\r\nHost: docker\r\n";
const PING = `GET /_ping ${HOST}\r\n`;
const END_OF_PING = "OK";

/** Connections that clients keep, share between requests and close by halves. */
describe("connections of clients", () => {
  let harness: Harness;

  before(async () => {
    harness = await Harness.create();
  });
  after(() => harness[Symbol.asyncDispose]());

  async function running(command: string): Promise<string> {
    const created = await harness.call("POST", "/containers/create", { body: { Image: "busybox", Cmd: [command] } });
    const { Id } = created.json as { readonly Id: string };
    await harness.call("POST", `/containers/${Id}/start`);
    return Id;
  }

  it("reach a socket that has its owner and mode from the first moment", async () => {
    const path = `${harness.socketPath}.other`;
    const server = createApiServer(harness.serverOptions);
    const listening = server.listen({ kind: "unix", path, mode: 0o600, gid: process.getgid?.() ?? 0 });
    while (!existsSync(path)) await setImmediate();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await listening;
    await server.close();
    assert.equal(existsSync(path), false);
  });

  it("are given no time after which we would close them", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    for (let count = 1; count <= 2; count++) {
      connection.socket.write(PING);
      await connection.until(received => received.split(END_OF_PING).length > count + 1);
    }
    assert.match(connection.text, /^Connection: keep-alive\r$/m);
    assert.doesNotMatch(connection.text, /^Keep-Alive:/m); // With a limit, Node's server tells it here.
    connection.socket.destroy();
  });

  it("carry the next request after one whose body nobody read", async () => {
    const connection = await RawConnection.open(harness.socketPath);
    const inner = `GET /version ${HOST}\r\n`;
    connection.socket.write(`POST /nothing ${HOST}Content-Length: ${inner.length}\r\n\r\n${inner}${PING}`);
    await connection.until(received => received.endsWith(END_OF_PING));
    assert.deepEqual(
      [...connection.text.matchAll(/^HTTP\/1.1 (\d+)/gm)].map(([, status]) => status),
      ["404", "200"],
    );
    connection.socket.destroy();
  });

  it("get an answer that takes its time though their client has closed its half, and then end", async () => {
    const id = await running("stubborn");
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.end(`POST /containers/${id}/stop ${HOST}\r\n`);
    await once(connection.socket, "finish");
    for (let count = 0; count < 2; count++) await harness.call("GET", "/_ping"); // The server has seen it then.
    assert.equal(connection.text, "");
    await harness.call("POST", `/containers/${id}/kill`);
    await connection.ended();
    assert.match(connection.text, /^HTTP\/1.1 204 /);
  });

  it("keep nothing going for a client that has closed its half", async () => {
    const id = await running("sleep");
    harness.engine.say(id, "one\n");
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.write(`GET /containers/${id}/logs?stdout=1&follow=1 ${HOST}\r\n`);
    await connection.until(received => received.includes("one\n"));
    connection.socket.end();
    await connection.ended();
    assert.ok(harness.engine.wasCancelled);
  });

  it("become streams for a client that has closed its half already", async () => {
    const id = await running("cat");
    const connection = await RawConnection.open(harness.socketPath);
    connection.socket.end(`POST /containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1 ${HOST}\r\n`);
    await connection.ended();
    assert.match(connection.text, /end of input\n$/);
  });
});
