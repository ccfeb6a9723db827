import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { parseDockerHost } from "../../src/api/client/address.ts";
import { ApiClient, ApiError } from "../../src/api/client/client.ts";
import { demultiplex, jsonLines } from "../../src/api/client/decode.ts";
import { frameHeader, framed } from "../../src/api/http/frames.ts";
import { createApiServer } from "../../src/api/server.ts";
import { isRecord } from "../../src/api/wire/codec.ts";
import { Harness } from "./harness.ts";

/** A daemon beside this thread that reads no body before it answers. */
const REFUSING = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:http").createServer((_, response) =>
    setTimeout(() => response.writeHead(400).end('{"message":"no archive"}'), 100));
  server.listen(workerData, () => parentPort.postMessage("ready"));
`;

describe("the client", () => {
  let harness: Harness;
  let client: ApiClient;
  beforeEach(async () => {
    harness = await Harness.create();
    client = new ApiClient(parseDockerHost(harness.dockerHost));
  });
  afterEach(() => harness[Symbol.asyncDispose]());

  async function created(cmd: readonly string[]): Promise<string> {
    const body = { Image: "busybox", Cmd: cmd, OpenStdin: true };
    const answer = await client.json("POST", "/containers/create", { query: { name: "one" }, body });
    assert.ok(isRecord(answer) && typeof answer["Id"] === "string");
    return answer["Id"];
  }

  it("reads JSON, nothing, and errors", async () => {
    const id = await created(["sleep"]);
    assert.equal(await client.json("POST", `/containers/${id}/start`), undefined);
    assert.equal(await client.json("POST", `/containers/${id}/start`), undefined, "304 is no error");
    await assert.rejects(client.json("GET", "/containers/two/json"), (error: unknown) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual([error.status, error.message], [404, "Error response from daemon: No such container: two"]);
      return true;
    });
  });

  it("sends a stream and reads the lines of the answer", async () => {
    async function* archive(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 100; part++) yield Buffer.alloc(64 * 1024);
    }
    const answer = await client.stream("POST", "/images/load", { body: archive() });
    const messages: unknown[] = [];
    for await (const message of jsonLines(answer)) messages.push(message);
    assert.deepEqual(messages, [{ stream: "Loaded image: busybox:latest\n" }]);
  });

  it("reads why it was refused though it was still sending when that came", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "shoal-client-")), "api.sock");
    const worker = new Worker(REFUSING, { eval: true, workerData: path });
    try {
      await once(worker, "message");
      async function* archive(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(10);
        await setTimeout(20); // It is sent, and has not been answered.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // Meanwhile the daemon answers, and closes if it may.
        yield Buffer.alloc(10);
        yield Buffer.alloc(10);
      }
      const client = new ApiClient(parseDockerHost(`unix://${path}`));
      await assert.rejects(client.json("POST", "/images/load", { body: archive() }), { status: 400, message: /no archive/ });
    } finally {
      await worker.terminate();
    }
  });

  it("is told in the body that an archive is refused, as by Docker: some clients never look at this answer's status", async () => {
    const { status, json } = await harness.call("POST", "/images/load", { body: "x" });
    assert.deepEqual(
      { status, json },
      { status: 200, json: { errorDetail: { message: "unexpected EOF" }, error: "unexpected EOF" } },
    );
  });

  it("attaches, types, closes its half and takes the output apart", async () => {
    const id = await created(["cat"]);
    const query = { stream: 1, stdin: 1, stdout: 1, stderr: 1 };
    const { socket, isMultiplexed } = await client.hijack(`/containers/${id}/attach`, { query });
    assert.equal(isMultiplexed, true);
    await client.json("POST", `/containers/${id}/start`);
    socket.end("typed");
    const output = { stdout: "", stderr: "" };
    for await (const { stream, data } of demultiplex(socket)) output[stream] += Buffer.from(data).toString();
    assert.deepEqual(output, { stdout: "typed", stderr: "end of input\n" });
  });

  it("takes the daemon's own word in a stream for a failure, and what came before it for output", async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      const reason = "Error grabbing logs: no\n";
      yield framed([{ stream: "stdout", data: Buffer.from("said") }]);
      yield Buffer.concat([frameHeader("systemerr", reason.length), Buffer.from(reason)]);
    }
    let output = "";
    await assert.rejects(
      async () => {
        for await (const { data } of demultiplex(body())) output += Buffer.from(data).toString();
      },
      { message: "error from daemon in stream: Error grabbing logs: no" },
    );
    assert.equal(output, "said");
  });

  it("is refused an attach as any other call", async () => {
    await assert.rejects(client.hijack("/containers/two/attach"), { status: 404 });
  });

  it("says that nobody listens", async () => {
    const nobody = new ApiClient(parseDockerHost("unix:///nowhere/api.sock"));
    await assert.rejects(nobody.json("GET", "/info"), {
      message: "Cannot connect to the Docker daemon at unix:///nowhere/api.sock. Is the docker daemon running?",
    });
  });

  it("reaches a server over TCP too, where the authorizer has a say", async () => {
    const server = createApiServer({
      ...harness.serverOptions,
      authorizer: {
        begin: () => ({
          async authorizeRequest({ method, uri }) {
            if (method === "DELETE") throw new Error(`no ${uri}`);
          },
          async authorizeResponse() {},
        }),
      },
    });
    const port = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    try {
      const remote = new ApiClient(parseDockerHost(`tcp://127.0.0.1:${port}`));
      const version = await remote.json("GET", "/version");
      assert.ok(isRecord(version) && version["ApiVersion"] === "1.56");
      await assert.rejects(remote.json("DELETE", "/containers/one"), {
        status: 500,
        message: "Error response from daemon: no /containers/one",
      });
    } finally {
      await server.close();
    }
  });
});
