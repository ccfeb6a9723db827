import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { parseChallenge } from "../../../../src/engine/registry/challenge.ts";
import { isInsecureRegistry } from "../../../../src/engine/registry/insecure.ts";
import { loginToRegistry } from "../../../../src/engine/registry/login.ts";
import { type Reply, StandIn } from "./stand-in.ts";

const BASIC = `Basic ${Buffer.from("someone:right").toString("base64")}`;
const SIGNAL = new AbortController().signal;
const login = (
  serverAddress: string,
  given: { readonly password?: string; readonly identityToken?: string } = { password: "right" },
) =>
  loginToRegistry(
    { serverAddress, username: "someone", password: "", identityToken: "", ...given },
    { insecure: [], signal: SIGNAL },
  );

/** Asks for a token of its own realm. */
function bearer({ headers, url = "" }: IncomingMessage, body: string, address: string): Reply {
  if (url === "/v2/" && headers.authorization === "Bearer t1") return { status: 200 };
  if (url === "/v2/")
    return { status: 401, headers: { "WWW-Authenticate": `Bearer realm="http://${address}/token",service="a, b"` } };
  if (body.includes("refresh_token=kept")) return { status: 200, json: { access_token: "t1", refresh_token: "kept" } };
  return headers.authorization === BASIC ? { status: 200, json: { token: "t1", refresh_token: "r1" } } : { status: 401 };
}

describe("logging in to a registry", () => {
  it("shows the password to one that asks for it", async () => {
    await using registry = await StandIn.start(({ headers }) =>
      headers.authorization === BASIC ? { status: 200 } : { status: 401, headers: { "WWW-Authenticate": 'Basic realm="x"' } },
    );
    assert.equal(await login(`http://${registry.address}/v1/`), "");
    assert.deepEqual(registry.asked, ["GET /v2/ -", `GET /v2/ ${BASIC}`]);
    await assert.rejects(login(registry.address, { password: "wrong" }), {
      kind: "unauthorized",
      message: `login attempt to http://${registry.address}/v2/ failed with status: 401 Unauthorized`,
    });
  });

  it("fetches a token where one is asked for, and gives back what stands for the password", async () => {
    await using registry = await StandIn.start(bearer);
    assert.equal(await login(registry.address), "r1");
    assert.equal(registry.asked[1], `GET /token?service=a%2C+b&client_id=docker&offline_token=true&account=someone ${BASIC}`);
    assert.equal(registry.asked.at(-1), "GET /v2/ Bearer t1");
    await assert.rejects(login(registry.address, { password: "wrong" }), { kind: "unauthorized" });
  });

  it("fetches a token with one from before", async () => {
    await using registry = await StandIn.start(bearer);
    assert.equal(await login(registry.address, { identityToken: "kept" }), "kept");
    assert.match(
      registry.asked[1] ?? "",
      /^POST \/token - service=a%2C\+b&client_id=docker&grant_type=refresh_token&refresh_token=kept$/,
    );
  });

  it("takes a registry that asks for nothing", async () => {
    await using registry = await StandIn.start(() => ({ status: 200 }));
    assert.equal(await login(registry.address), "");
  });

  it("says why a registry cannot be reached, and what is no address", async () => {
    await assert.rejects(login("127.0.0.1:1"), {
      kind: "internal",
      message: /^Get "http:\/\/127\.0\.0\.1:1\/v2\/": dial tcp 127.0.0.1:1: connect: connection refused$/,
    });
    await assert.rejects(login("a b"), { kind: "invalid" });
    await assert.rejects(login("user@host"), { kind: "invalid" });
  });

  it("does without TLS on loopback alone", async () => {
    await assert.rejects(login("[fe80::1]:1"), { kind: "internal", message: /^Get "https:/ });
  });
});

describe("a registry's challenge", () => {
  const CASES = [
    { header: "", challenge: { kind: "none" } },
    { header: 'basic realm="x"', challenge: { kind: "basic" } },
    { header: "Negotiate abc", challenge: { kind: "unknown", scheme: "Negotiate" } },
    {
      header: 'Bearer realm="https://a/t?x=1", service=s ,scope="a \\"b\\""',
      challenge: { kind: "bearer", realm: "https://a/t?x=1", service: "s", scope: 'a "b"' },
    },
  ];
  for (const { header, challenge } of CASES) {
    it(`is ${challenge.kind} in ${JSON.stringify(header)}`, () => assert.deepEqual(parseChallenge(header), challenge));
  }
});

describe("a registry that is trusted without TLS", () => {
  const ENTRIES = ["plain.example:5000", "10.1.0.0/16", "fd00::/8"];
  const HOSTS = {
    yes: ["127.0.0.9:1", "[::1]:5000", "localhost", "plain.example:5000", "10.1.2.3", "[fd00::1]:1"],
    no: ["plain.example", "10.2.0.1:1", "[fe80::1]"],
  };
  it("is on loopback, or among what the administrator named", () => {
    assert.deepEqual(
      HOSTS.yes.filter(host => !isInsecureRegistry(host, ENTRIES)),
      [],
    );
    assert.deepEqual(
      HOSTS.no.filter(host => isInsecureRegistry(host, ENTRIES)),
      [],
    );
  });
});
