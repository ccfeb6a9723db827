import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiServer, type ApiServer } from "../../src/api/server.ts";
import { AuthorizationPlugins } from "../../src/daemon/authorization/authorization-plugins.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Harness } from "./harness.ts";
import { RawConnection } from "./raw-connection.ts";

const MIB = 1024 * 1024;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

interface Question {
  readonly RequestMethod: string;
  readonly RequestUri: string;
  readonly RequestBody?: string;
  readonly RequestHeaders: Readonly<Record<string, string>>;
  readonly ResponseStatusCode?: number;
  readonly ResponseBody?: string;
  readonly ResponseHeaders?: Readonly<Record<string, string>>;
}

/** A plugin on a socket: remembers what it is asked, and denies what a test says. */
class Plugin implements AsyncDisposable {
  readonly requests: Question[] = [];
  readonly responses: Question[] = [];
  denies: (question: Question, phase: "request" | "response") => string | undefined = () => undefined;
  #server: Server | undefined;

  async listen(path: string): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => response.end(JSON.stringify(this.#answer(request.url ?? "", Buffer.concat(chunks).toString()))));
    });
    this.#server = server;
    await new Promise<void>(resolve => server.listen(path, resolve));
  }

  #answer(path: string, text: string): unknown {
    if (path === "/Plugin.Activate") return { Implements: ["authz"] };
    const phase = path.endsWith("Req") ? "request" : "response";
    const question = JSON.parse(text) as Question;
    (phase === "request" ? this.requests : this.responses).push(question);
    const reason = this.denies(question, phase);
    return { Allow: reason === undefined, Msg: reason ?? "" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}

describe("authorization plugins", () => {
  let harness: Harness;
  let plugin: Plugin;
  let plugins: AuthorizationPlugins;
  let server: ApiServer;
  let directory: string;
  let socketPath: string;
  const clock = { ...systemClock, sleep: async () => undefined }; // Waiting for a plugin that is away takes no time here.

  beforeEach(async () => {
    harness = await Harness.create();
    directory = mkdtempSync(join(tmpdir(), "shoal-authz-"));
    socketPath = join(directory, "api.sock");
    plugin = new Plugin();
    await plugin.listen(join(directory, "policy.sock"));
    let time = 0;
    const directories = { sockets: directory, specifications: [directory] };
    plugins = new AuthorizationPlugins({ clock: { ...clock, monotonicMs: () => (time += 500) }, log: SILENT, directories });
    (await plugins.prepare(["policy"]))();
    server = createApiServer({ ...harness.serverOptions, authorizer: plugins });
    await server.listen({ kind: "unix", path: socketPath, mode: 0o660, gid: 0 });
  });
  afterEach(async () => {
    await server.close();
    await plugin[Symbol.asyncDispose]();
    await harness[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Sends bytes as they are. @returns what came back until the server closed the connection, or had answered once. */
  async function send(text: string): Promise<string> {
    const connection = await RawConnection.open(socketPath);
    connection.socket.write(text);
    await connection.until(received => /^HTTP\/1\.1 (?!100)/m.test(received) && received.includes("\r\n\r\n"));
    connection.socket.end();
    await connection.ended();
    return connection.text;
  }
  const post = (path: string, headers: string, body = "") =>
    send(`POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n${headers}\r\n${body}`);
  const statusOf = (text: string) => Number(/^HTTP\/1\.1 (?!100)(\d+)/m.exec(text)?.[1]);
  const JSON_TYPE = "Content-Type: application/json\r\n";
  const shown = (question: Question | undefined) => Buffer.from(question?.RequestBody ?? "", "base64").toString();
  const containers = async () => (await harness.engine.containers.list({ all: true, filters: {} })).length;

  it("are shown a request as it came, and its answer before it is sent", async () => {
    const body = '{ "Image":"busybox" , "Cmd":["true"] }';
    const before = await containers();
    const answer = await post(
      "/v1.51/containers/create?name=shown",
      `${JSON_TYPE}X-Registry-Auth: secret\r\nContent-Length: ${body.length}\r\n`,
      body,
    );
    assert.equal(statusOf(answer), 201);
    assert.equal(await containers(), before + 1);
    const [asked] = plugin.requests;
    const { RequestBody: _, ...rest } = asked ?? {};
    assert.deepEqual(rest, {
      RequestMethod: "POST",
      RequestUri: "/v1.51/containers/create?name=shown",
      RequestHeaders: { Connection: "close", "Content-Type": "application/json", "Content-Length": String(body.length) },
    });
    assert.equal(shown(asked), body);
    const [answered] = plugin.responses;
    assert.equal(answered?.ResponseStatusCode, 201);
    assert.ok(answer.endsWith(Buffer.from(answered?.ResponseBody ?? "", "base64").toString()));
    assert.equal(answered?.ResponseHeaders?.["Content-Type"], "application/json");
  });

  it("deny a request before anything is done", async () => {
    const before = await containers();
    plugin.denies = (_, phase) => (phase === "request" ? "no way" : undefined);
    const body = '{"Image":"busybox","Cmd":["true"]}';
    const answer = await post("/containers/create", `${JSON_TYPE}Content-Length: ${body.length}\r\n`, body);
    assert.equal(statusOf(answer), 403);
    assert.match(answer, /\{"message":"authorization denied by plugin policy: no way"\}\n$/);
    assert.equal(await containers(), before);
    assert.deepEqual(plugin.responses, []);
  });

  it("deny an answer", async () => {
    plugin.denies = (_, phase) => (phase === "response" ? "not this" : undefined);
    const answer = await send("GET /containers/json HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden[^]*authorization denied by plugin policy: not this"\}\n$/);
  });

  it("hear of failures, and cannot change them", async () => {
    plugin.denies = (_, phase) => (phase === "response" ? "not this" : undefined);
    const answer = await send("GET /containers/nope/json HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n");
    assert.equal(statusOf(answer), 404);
    assert.deepEqual([plugin.responses.length, plugin.responses[0]?.ResponseStatusCode], [1, undefined]);
  });

  describe("see the very bytes that the daemon acts on", () => {
    const body = '{"Image":"busybox","Cmd":["true"]}';
    const chunked = `5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`;
    const large = JSON.stringify({ Image: "busybox", Cmd: ["true"], Labels: { large: "x".repeat(2 * MIB) } });
    const shownWhole = [
      { when: "it comes in chunks", headers: "Transfer-Encoding: chunked\r\n", sent: chunked, seen: body },
      { when: "it is larger than 1 MiB", headers: `Content-Length: ${large.length}\r\n`, sent: large, seen: large },
      {
        when: "its type has parameters and capitals",
        type: "Content-Type: Application/JSON; charset=utf-8\r\n",
        headers: `Content-Length: ${body.length}\r\n`,
        sent: body,
        seen: body,
      },
      {
        when: "the connection asks for an upgrade",
        headers: `${UPGRADE}Content-Length: ${body.length}\r\n`,
        sent: body,
        seen: body,
      },
    ];
    for (const { when, type = JSON_TYPE, headers, sent, seen } of shownWhole) {
      it(`when ${when}`, async () => {
        const before = await containers();
        const answer = await post("/containers/create", type + headers, sent);
        assert.equal(statusOf(answer), 201, answer);
        assert.equal(shown(plugin.requests[0]), seen);
        assert.equal(await containers(), before + 1);
      });
    }

    const denied = [
      { when: "its length is 0 and there is one", headers: `${JSON_TYPE}Content-Length: 0\r\n`, sent: body, status: 400 },
      {
        when: "there are two lengths",
        headers: `${JSON_TYPE}Content-Length: 0\r\nContent-Length: ${body.length}\r\n`,
        sent: body,
        status: 400,
      },
      {
        when: "there are two ways to tell its length",
        headers: `${JSON_TYPE}Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`,
        sent: chunked,
        status: 400,
      },
      {
        when: "there are two lengths and an upgrade",
        headers: `${UPGRADE}${JSON_TYPE}Content-Length: 0\r\nContent-Length: ${body.length}\r\n`,
        sent: body,
        status: 400,
      },
      {
        when: "it is not said to be JSON",
        headers: `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n`,
        sent: body,
        status: 400,
      },
      { when: "its type is not said", headers: `Content-Length: ${body.length}\r\n`, sent: body, status: 400 },
      {
        when: "it is larger than what can be shown",
        headers: `${JSON_TYPE}Content-Length: ${9 * MIB}\r\n`,
        sent: `${body.slice(0, -1)},"Labels":{"a":"${"x".repeat(9 * MIB)}"}}`.slice(0, 9 * MIB),
        status: 403,
      },
    ];
    for (const { when, headers, sent, status } of denied) {
      it(`or it is refused: ${when}`, async () => {
        const before = await containers();
        const answer = await post("/containers/create", headers, sent);
        assert.equal(statusOf(answer), status, answer.slice(0, 500));
        assert.equal(await containers(), before);
        assert.ok(plugin.requests.every(question => !question.RequestBody));
      });
    }
  });

  it("are asked before a connection becomes a stream, and not about the stream", async () => {
    const created = await harness.call("POST", "/containers/create", {
      body: { Image: "busybox", Cmd: ["cat"], OpenStdin: true },
    });
    const { Id } = created.json as { Id: string };
    await harness.call("POST", `/containers/${Id}/start`);
    const attach = `POST /containers/${Id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: docker\r\n${UPGRADE}\r\n`;
    const connection = await RawConnection.open(socketPath);
    connection.socket.write(attach);
    await connection.until(received => received.startsWith("HTTP/1.1 101 UPGRADED"));
    connection.socket.end("DELETE /containers/one HTTP/1.1\r\n\r\n");
    await connection.ended();
    assert.equal(plugin.requests.length, 1);
    plugin.denies = ({ RequestUri }, phase) => (phase === "request" && RequestUri.includes("/attach") ? "no streams" : undefined);
    assert.match(await send(attach), /^HTTP\/1\.1 403 Forbidden[^]*authorization denied by plugin policy: no streams/);
  });

  it("are shown no passwords", async () => {
    const body = '{"username":"u","password":"p"}';
    await post("/v1.51/auth", `${JSON_TYPE}Content-Length: ${body.length}\r\n`, body);
    assert.equal(plugin.requests[0]?.RequestBody, undefined);
  });

  it("deny by being away", async () => {
    await plugin[Symbol.asyncDispose]();
    const answer = await send("GET /containers/json HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 500 [^]*"message":"plugin policy failed with error: /);
  });

  it("are found by a file that names their address, and must be authorization plugins", async () => {
    writeFileSync(join(directory, "named.spec"), `unix://${join(directory, "policy.sock")}\n`);
    writeFileSync(
      join(directory, "asjson.json"),
      JSON.stringify({ Name: "asjson", Addr: `unix://${join(directory, "policy.sock")}` }),
    );
    (await plugins.prepare(["named", "asjson"]))();
    assert.equal(statusOf(await send("GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")), 200);
    assert.equal(plugin.requests.length, 2); // Each was asked.
    await assert.rejects(plugins.prepare(["nowhere"]), /validating authorization plugin: plugin "nowhere" not found/);
    await assert.rejects(plugins.prepare(["../policy"]), /plugin "..\/policy" not found/);
  });
});
