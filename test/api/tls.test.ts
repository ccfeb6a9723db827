import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:tls";
import { request as plainRequest } from "node:http";
import { request } from "node:https";
import type { AuthorizedRequest } from "../../src/api/authorizer.ts";
import { type ApiServer, createApiServer } from "../../src/api/server.ts";
import { Harness } from "./harness.ts";
import { type Pem, TestAuthority } from "./tls-certificates.ts";

/** How a connection ends that the server does not want: Node names it by where the client was. */
const REFUSED = /certificate|ECONNRESET|EPIPE|alert|hang up|disconnected before secure TLS/i;

describe("the API over TLS", () => {
  let harness: Harness;
  let server: ApiServer;
  let port: number;
  let authority: TestAuthority;
  let foreign: TestAuthority;
  let certificates: Readonly<Record<"good" | "expired" | "foreign" | "of a server", Pem>>;
  const asked: AuthorizedRequest[] = [];

  before(async () => {
    harness = await Harness.create();
    authority = await TestAuthority.create("ours");
    foreign = await TestAuthority.create("ours"); // The same name: only the signature tells them apart.
    certificates = {
      good: await authority.issue("alice", { use: "client" }),
      expired: await authority.issue("alice", { use: "client", endsInMs: -1_000 }),
      foreign: await foreign.issue("alice", { use: "client" }),
      "of a server": await authority.issue("alice", { use: "server" }),
    };
    const authorizer = {
      begin: () => ({
        authorizeRequest: async (question: AuthorizedRequest) => void asked.push(question),
        authorizeResponse: async () => undefined,
      }),
    };
    server = createApiServer({ ...harness.serverOptions, authorizer });
    const tls = { ...(await authority.issue("localhost", { use: "server" })), clientCaPem: authority.certificatePem };
    port = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0, tls });
  });
  after(async () => {
    await server.close();
    await harness[Symbol.asyncDispose]();
  });
  beforeEach(() => void asked.splice(0));

  function ping(options: {
    readonly as?: Pem;
    readonly maxVersion?: "TLSv1.1" | "TLSv1.2";
    readonly ca?: string;
  }): Promise<number> {
    const { as, maxVersion, ca = authority.certificatePem } = options;
    return new Promise((resolve, reject) => {
      request(
        {
          ...{ host: "127.0.0.1", port, path: "/_ping", agent: false as const, ca },
          ...(as && { cert: as.certificatePem, key: as.keyPem }),
          ...(maxVersion && { maxVersion, minVersion: "TLSv1" as const, ciphers: "DEFAULT@SECLEVEL=0" }),
        },
        response => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      )
        .on("error", reject)
        .end();
    });
  }

  it("serves a client with a certificate of its authority, and knows its name", async () => {
    assert.equal(await ping({ as: certificates.good }), 200);
    const [question] = asked;
    assert.deepEqual([question?.user, question?.userMethod], ["alice", "TLS"]);
    assert.equal(question?.peerCertificates[0]?.replace(/\s/g, ""), certificates.good.certificatePem.replace(/\s/g, ""));
    assert.equal(await ping({ as: certificates.good, maxVersion: "TLSv1.2" }), 200);
  });

  for (const kind of ["expired", "foreign", "of a server"] as const) {
    it(`refuses a client certificate that is ${kind}`, async () => {
      await assert.rejects(ping({ as: certificates[kind] }), REFUSED);
      await assert.rejects(ping({ as: certificates[kind], maxVersion: "TLSv1.2" }), REFUSED);
      assert.deepEqual(asked, []);
    });
  }

  it("refuses a client without a certificate, an old protocol, and plain HTTP", async () => {
    await assert.rejects(ping({}), REFUSED);
    await assert.rejects(ping({ as: certificates.good, maxVersion: "TLSv1.1" }), /protocol|version|alert/i);
    const plain = new Promise((resolve, reject) => {
      plainRequest({ host: "127.0.0.1", port, path: "/_ping", agent: false }, resolve).on("error", reject).end();
    });
    await assert.rejects(plain);
    assert.deepEqual(asked, []);
  });

  for (const upgrade of ["Connection: Upgrade\r\nUpgrade: tcp\r\n", ""]) {
    it(`gives a client that has closed its half all that comes after, ${upgrade === "" ? "without" : "with"} an upgrade`, async () => {
      const created = await harness.call("POST", "/containers/create", {
        body: { Image: "busybox", Cmd: ["cat"], OpenStdin: true },
      });
      const { Id } = created.json as { Id: string };
      await harness.call("POST", `/containers/${Id}/start`);
      const { certificatePem: cert, keyPem: key } = certificates.good;
      const options = { host: "127.0.0.1", port, ca: authority.certificatePem, cert, key, allowHalfOpen: true };
      const socket = connect(options);
      let received = "";
      socket.setEncoding("latin1").on("data", (text: string) => (received += text));
      const ended = once(socket, "end");
      socket.write(`POST /containers/${Id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: docker\r\n${upgrade}\r\n`);
      while (!received.includes("\r\n\r\n")) await once(socket, "data");
      socket.end("typed");
      await ended;
      assert.ok(received.includes("typed") && received.endsWith("end of input\n"), received);
    });
  }

  it("is not trusted by a client of another authority", async () => {
    await assert.rejects(ping({ as: certificates.good, ca: foreign.certificatePem }), /certificate/i);
  });
});
