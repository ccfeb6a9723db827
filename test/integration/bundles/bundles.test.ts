import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, run, words } from "../cli/programs.ts";
import { OwnDaemon } from "../daemon/own-daemon.ts";
import { until } from "../lab/lab.ts";
import { ask, busyboxTree, importImage, runContainer, send, startContainer } from "../security/world.ts";
import { runBare } from "./bare.ts";
import { type BundleCase, CASES } from "./cases.ts";
import { schemaViolations } from "./schema.ts";

/** Most of a case is waiting for processes. */
const LANES = 3;
/** In this order: of a mount point that is there already runc takes the mode for a tmpfs. */
const RUNTIMES = ["runc", "crun"];

interface Shown {
  readonly byEngine: Outcome;
  readonly bare: ReadonlyMap<string, Outcome>;
  readonly violations: readonly string[];
}

describe("bundles of containers, run by runtimes alone", function () {
  this.timeout(120_000);
  const daemon = new OwnDaemon();
  const shown = new Map<BundleCase, Shown | Error>();
  const folder = join(daemon.directory, "folder");

  before(async () => {
    await daemon.start();
    await importImage(daemon.host, {
      name: "busybox",
      archive: await busyboxTree("echo nobody:x:99:99::/:/bin/false >>etc/passwd"),
    });
    const { exitCode } = await runContainer(daemon.host, {
      Cmd: ["sh", "-c", "mkdir /shared/sub; echo in the volume >/shared/sub/file; chown 7:8 /shared/sub/file"],
      HostConfig: { Mounts: [{ Type: "volume", Source: "shared", Target: "/shared" }] },
    });
    assert.equal(exitCode, 0);
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", folder]);
    execFileSync("mount", ["--make-shared", folder]); // So that a bind of it can follow.
    writeFileSync(join(folder, "file"), "of the host\n");
    const work = [...CASES.entries()];
    const lane = async () => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) {
        const [number, one] = next;
        shown.set(
          one,
          await show(one, number).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
        );
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });
  after(async () => {
    execFileSync("umount", [folder]);
    await daemon[Symbol.asyncDispose]();
  });

  const docker = async (...args: readonly string[]): Promise<Outcome> => run("docker", daemon.host.socket, args);

  async function show({ flags, program }: BundleCase, number: number): Promise<Shown> {
    const name = `case${number}`;
    const network = flags.includes("--network") ? [] : ["--network", "none"];
    const all = words(flags.replaceAll("{folder}", folder));
    const created = await docker("create", "--name", name, ...network, ...all, "busybox", ...program);
    assert.equal(created.exitCode, 0, created.stderr);
    // Of the container as it was made: what its run leaves in its files is the next one's too.
    const bundle = join(daemon.directory, name);
    const written = await run("shoal", daemon.host.socket, ["container", "bundle", name, bundle]);
    assert.equal(written.exitCode, 0, written.stderr);
    const violations = schemaViolations(JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")));
    const byEngine = await docker("start", "--attach", name);
    const bare = new Map<string, Outcome>();
    for (const runtime of RUNTIMES) {
      const networkNamespace = `/proc/${daemon.pid}/ns/net`;
      bare.set(runtime, await runBare({ runtime, bundle, id: `shoal-${name}-${process.pid}`, networkNamespace }));
    }
    await docker("rm", "--volumes", name);
    return { byEngine, bare, violations };
  }

  for (const one of CASES) {
    it(`${one.flags} ${one.program.join(" ")}`.trim(), () => {
      const found = shown.get(one);
      if (found === undefined || found instanceof Error) throw found ?? new Error("it was not tried");
      assert.deepEqual(found.violations, []);
      for (const [runtime, outcome] of found.bare)
        assert.deepEqual(outcome, found.byEngine, `${runtime} (actual), and the engine`);
    });
  }

  it("of what is nothing without another container are refused", async () => {
    const { Id } = await ask<{ Id: string }>(daemon.host, "POST /containers/create?name=other", { body: { Image: "busybox" } });
    await ask(daemon.host, "POST /containers/create?name=guest", {
      body: { Image: "busybox", HostConfig: { NetworkMode: `container:${Id}` } },
    });
    const bundle = join(daemon.directory, "guest");
    const { exitCode, stderr } = await run("shoal", daemon.host.socket, ["container", "bundle", "guest", bundle]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /a bundle cannot be made of this container: it shares the network namespace of another container/);
    assert.equal((await send(daemon.host, "GET /containers/nosuch/bundle")).status, 404);
  });

  it("of one that runs have the files that it has written", async () => {
    const script = "cat /written && exit 7; echo once >/written; echo ready; exec sleep 1000";
    const Id = await startContainer(daemon.host, { Cmd: ["sh", "-c", script], HostConfig: { NetworkMode: "none" } });
    await until("it has written", 10_000, async () => {
      const log = await send(daemon.host, `GET /containers/${Id}/logs?stdout=1`);
      return log.body.includes("ready");
    });
    const bundle = join(daemon.directory, "running");
    const { exitCode, stderr } = await run("shoal", daemon.host.socket, ["container", "bundle", Id, bundle]);
    assert.equal(exitCode, 0, stderr);
    const networkNamespace = `/proc/${daemon.pid}/ns/net`;
    const bare = await runBare({ runtime: "crun", bundle, id: `shoal-running-${process.pid}`, networkNamespace });
    assert.deepEqual(bare, { exitCode: 7, stdout: "once\n", stderr: "" });
  });

  it("are written only where nothing is", async () => {
    const { exitCode, stderr } = await run("shoal", daemon.host.socket, ["container", "bundle", "other", folder]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /is not empty/);
    assert.equal(readFileSync(join(folder, "file"), "utf8"), "of the host\n");
  });
});
