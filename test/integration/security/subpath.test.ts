import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { FaultHost } from "../../faults/fault-host.ts";
import { importBusybox } from "../lab/lab.ts";
import { exec, runContainer, startContainer } from "./world.ts";

const OFFLINE = { NetworkMode: "none" };

/** Not by chance: the daemon is held up between its look at the place and the runtime's mount. */
describe("a part of a volume, in which another container writes", function () {
  this.timeout(30_000);
  let host: FaultHost;
  let writer: string;

  before(async () => {
    host = await FaultHost.up();
    await importBusybox([{ name: "m1", address: "", socket: host.socket }]);
    mkdirSync(host.inside("/run/outside"));
    writeFileSync(host.inside("/run/outside/secret"), "the host's");
    writer = await startContainer(host, { HostConfig: { ...OFFLINE, Binds: ["shared:/v"] } });
    await sh("mkdir /v/sub; echo own >/v/sub/own");
  });
  after(() => host?.[Symbol.asyncDispose]());

  async function sh(script: string): Promise<void> {
    const { exitCode, output } = await exec(host, writer, { Cmd: ["sh", "-c", script] });
    assert.equal(exitCode, 0, output);
  }

  const mount = { Type: "volume", Source: "shared", Target: "/mnt", VolumeOptions: { Subpath: "sub" } };
  const reader = { Cmd: ["ls", "/mnt"], HostConfig: { ...OFFLINE, Mounts: [mount] } };

  for (const [kind, target] of [
    ["an absolute link", "/run/outside"],
    ["a link that climbs", "../".repeat(20) + "run/outside"],
  ] as const) {
    it(`is what it was when it was looked at, though it has become ${kind} to the host's by the time it is mounted`, async () => {
      host.arm({ name: "containers/bundle.write", moment: "after", action: "hold" });
      const ran = runContainer(host, reader);
      await host.awaitHold();
      await sh(`mv /v/sub /v/away; ln -s ${target} /v/sub`);
      host.release();
      const { output, isRefused } = await ran;
      await sh("rm /v/sub; mv /v/away /v/sub");
      assert.deepEqual({ output, isRefused }, { output: "own\n", isRefused: false });
    });

    it(`is not there when it is ${kind} to the host's from the beginning`, async () => {
      await sh(`mv /v/sub /v/away; ln -s ${target} /v/sub`);
      const { output, isRefused } = await runContainer(host, reader);
      await sh("rm /v/sub; mv /v/away /v/sub");
      assert.ok(isRefused, output);
      assert.match(output, /path concatenation escapes the base directory/);
    });
  }

  it("is mounted nowhere once its containers are gone", () => {
    assert.deepEqual(readdirSync(host.inside("/run/shoal/held")), []);
  });
});
