// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { systemCertificates } from "../../../src/system/certificates.ts";
import { call, ok, until } from "../lab/lab.ts";
import { OwnDaemon } from "../daemon/own-daemon.ts";

const run = promisify(execFile);
const SETTLE_MS = 20_000;
const SERVER = "test/unit/manager/ca/signing-server-main.ts";

interface SwarmJson {
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly CAConfig: Readonly<Record<string, unknown>> };
  readonly TLSInfo: { readonly TrustRoot: string };
}

describe("a swarm whose certificates somebody else signs", function () {
  this.timeout(60_000);
  let daemon: OwnDaemon;
  let server: ChildProcess;
  const signed: string[] = [];

  before(async () => {
    daemon = new OwnDaemon();
    await daemon.start();
    await ok(daemon.host, "POST", "/swarm/init", { ListenAddr: "127.0.0.1:2377", AdvertiseAddr: "127.0.0.1" });
  });
  after(async () => {
    server?.kill();
    await daemon?.[Symbol.asyncDispose]();
  });

  const file = (name: string) => join(daemon.directory, name);
  const swarm = () => ok<SwarmJson>(daemon.host, "GET", "/swarm");
  const shoal = async (...args: readonly string[]) =>
    (await run(process.execPath, ["bin/shoal", "-H", `unix://${daemon.host.socket}`, ...args])).stdout;

  /** In the daemon's network namespace. @returns its address. */
  async function serve(): Promise<string> {
    const files = ["ca.pem", "ca-key.pem", "callers.pem"].map(file);
    const node = [process.execPath, "--import=tsx", SERVER, ...files];
    server = spawn("nsenter", [`--net=/proc/${daemon.pid}/ns/net`, ...node], { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(server.stdout);
    return new Promise(resolve => {
      createInterface(server.stdout as NodeJS.ReadableStream).on("line", line => {
        if (line.startsWith("https://")) resolve(line);
        else signed.push(line);
      });
    });
  }

  it("goes over to its root and back again, and its node follows", async () => {
    const before = (await swarm()).TLSInfo.TrustRoot;
    const root = await systemCertificates.createRoot({ nowMs: Date.now() });
    writeFileSync(file("ca.pem"), root.certificatePem);
    writeFileSync(file("ca-key.pem"), root.keyPem);
    writeFileSync(file("callers.pem"), before + root.certificatePem);
    const url = await serve();
    const { ID: nodeId = "" } = (await ok<readonly { ID: string }[]>(daemon.host, "GET", "/nodes"))[0] ?? {};
    const shown = await shoal(
      "swarm",
      "ca",
      "--rotate",
      "--quiet",
      "--ca-cert",
      file("ca.pem"),
      "--external-ca",
      `protocol=cfssl,url=${url}`,
    );
    assert.equal(shown.trim(), root.certificatePem.trim());
    assert.deepEqual(signed, [`${nodeId} swarm-manager`]);
    const { Version, Spec } = await swarm();
    assert.deepEqual(Spec.CAConfig["ExternalCAs"], [{ Protocol: "cfssl", URL: url, CACert: root.certificatePem }]);
    const { ExternalCAs: _, ...rest } = Spec.CAConfig;
    const taken = await call(daemon.host, "POST", `/swarm/update?version=${Version.Index}`, {
      body: { ...Spec, CAConfig: rest },
    });
    assert.match(
      JSON.stringify(taken.body),
      /at least one valid, reachable external CA corresponding to the current CA certificate/,
    );

    const next = await shoal("swarm", "ca", "--rotate", "--quiet");
    assert.notEqual(next.trim(), root.certificatePem.trim());
    assert.deepEqual(signed.slice(1), ["swarm-ca CA"], "it signed the next root, and the managers the node");
    await until("the node trusts the next root alone", SETTLE_MS, async () => {
      const [node] = await ok<readonly { Description: { TLSInfo: { TrustRoot: string } } }[]>(daemon.host, "GET", "/nodes");
      return node?.Description.TLSInfo.TrustRoot.trim() === next.trim();
    });
  });
});
