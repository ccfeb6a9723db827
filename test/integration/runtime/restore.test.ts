import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ConmonShim } from "../../../src/engine/runtime/conmon-shim.ts";
import type { ShimContainer, ShimCreate, ShimRestore } from "../../../src/engine/runtime/shim.ts";
import { createSpawner } from "../../../src/system/spawn.ts";
import { collect, isDead, RuntimeLab, waitUntil, whyNotHere } from "./lab.ts";
import { skip } from "../../skip.ts";

const STAND_IN = join(import.meta.dirname, "stand-in-daemon.ts");

describe("containers over a daemon's kill -9", function () {
  let lab: RuntimeLab;
  let runtime: string;

  before(async function () {
    const reason = whyNotHere();
    if (reason !== undefined) return skip(this, reason);
    lab = await RuntimeLab.create();
    runtime = lab.probed.defaultRuntime;
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  /** Has a process of its own make the container, and kills that process once the container runs. */
  async function leftBehind(
    command: readonly string[],
    { attach = false, cgroup = "" } = {},
  ): Promise<{ readonly request: ShimCreate; readonly restore: ShimRestore }> {
    const request = await lab.prepare(command, { runtime, attach, hasStdin: true });
    const order = join(lab.directory, `${request.id}.json`);
    const { conmonPath, runtimes } = lab.probed;
    const exitDirectory = join(lab.directory, "exits");
    const socketDirectory = join(lab.directory, "console");
    await writeFile(
      order,
      JSON.stringify({ runtime: runtimes.get(runtime), conmonPath, exitDirectory, socketDirectory, request }),
    );
    const enterCgroup = cgroup === "" ? "" : `echo $$ > ${cgroup}/cgroup.procs; `;
    const child = await createSpawner().spawn({
      file: "sh",
      args: ["-c", `${enterCgroup}exec "$@"`, "sh", process.execPath, "--import=tsx", STAND_IN, order],
      stdio: ["null", "pipe-from-child", "null"],
    });
    const [line] = (await once(child.pipes[1] ?? assert.fail(), "data")) as [Buffer];
    child.kill(9);
    assert.equal(await child.exit, 137);
    const { pid, pidStartTicks } = JSON.parse(line.toString()) as Pick<ShimContainer, "pid" | "pidStartTicks">;
    const { id, bundlePath, logPath, isTty } = request;
    return { request, restore: { id, bundlePath, logPath, isTty, runtime, pid, pidStartTicks } };
  }

  async function withNextDaemon(act: (shim: ConmonShim) => Promise<void>): Promise<void> {
    using shim = await lab.shim();
    await act(shim);
  }

  async function restored(shim: ConmonShim, request: ShimRestore): Promise<ShimContainer> {
    return (await shim.restore(request)) ?? assert.fail("the container is not found again");
  }

  it("run on when they cannot be watched at the moment", async () => {
    const { restore } = await leftBehind(["sh", "-c", "read x"]);
    const shortage = Object.assign(new Error("pidfd_open: EMFILE"), { code: "EMFILE" });
    const watchProcess = (): never => {
      throw shortage;
    };
    using shim = await lab.shim({ watchProcess });
    await assert.rejects(shim.restore(restore), shortage);
    await withNextDaemon(async next => {
      const container = await restored(next, restore);
      await container.kill(9);
      assert.deepEqual(await container.exit, { exitCode: 137, isOomKilled: false });
      await container.delete();
    });
  });

  it("run on, write on, and are taken up again", async () => {
    const { restore, request } = await leftBehind(["sh", "-c", "read x; seq 1 30000; read y; echo said $y; exit 9"], {
      attach: true,
    });
    await withNextDaemon(async shim => {
      const container = await restored(shim, restore);
      assert.equal(container.pid, restore.pid);
      const streams = await container.attach();
      const output = collect(streams);
      await streams.writeStdin(Buffer.from("\n"));
      await streams.writeStdin(Buffer.from("hello\n"));
      assert.deepEqual(await container.exit, { exitCode: 9, isOomKilled: false });
      assert.match((await output).stdout, /30000\nsaid hello\n$/);
      assert.equal((await lab.log(request.id)).match(/ F /g)?.length, 30_001);
      await container.delete();
    });
  });

  it("keep the code of an end that no daemon saw", async () => {
    const { restore } = await leftBehind(["sh", "-c", "sleep 0.3; exit 6"]);
    await waitUntil(async () => existsSync(join(lab.directory, "exits", restore.id)), "the exit file");
    await withNextDaemon(async shim => {
      const container = await restored(shim, restore);
      assert.deepEqual(await container.exit, { exitCode: 6, isOomKilled: false });
      await container.delete();
      assert.equal(await shim.restore(restore), undefined);
    });
  });

  it("are ended with 137 when their conmon went too", async () => {
    const { restore } = await leftBehind(["sleep", "1000"]);
    process.kill(Number(await readFile(join(restore.bundlePath, "conmon.pid"), "utf8")), 9);
    await withNextDaemon(async shim => {
      const container = await restored(shim, restore);
      assert.equal((await container.exit).exitCode, 137);
      await waitUntil(() => isDead(restore.pid), "the container's end");
      await container.delete();
    });
  });

  it("are not mistaken for another process of the same pid", async () => {
    const { restore } = await leftBehind(["sleep", "1000"]);
    await withNextDaemon(async shim => {
      const container = await restored(shim, restore);
      await container.kill(9);
      await container.exit;
      await container.delete();
      assert.equal(await shim.restore({ ...restore, pid: process.pid }), undefined);
    });
  });

  it("get their log back when the daemon was killed amid a rotation", async () => {
    const { restore } = await leftBehind(["sh", "-c", "echo before; read x; echo after"]);
    const logPath = restore.logPath ?? assert.fail();
    await waitUntil(async () => (await readFile(logPath, "utf8")).includes("before"), "the first line");
    await rename(logPath, `${logPath}.1`);
    await withNextDaemon(async shim => {
      const container = await restored(shim, restore);
      const streams = await container.attach();
      await streams.writeStdin(Buffer.from("\n"));
      await container.exit;
      assert.match(await readFile(logPath, "utf8"), /after/);
      await container.delete();
    });
  });

  it("are taken away whole by discard, twice too", async () => {
    const { restore } = await leftBehind(["sleep", "1000"]);
    const conmonPid = Number(await readFile(join(restore.bundlePath, "conmon.pid"), "utf8"));
    await withNextDaemon(async shim => {
      await shim.discard(restore);
      assert.ok(await isDead(restore.pid));
      assert.ok(await isDead(conmonPid));
      await shim.discard(restore);
      assert.equal(await shim.restore(restore), undefined);
    });
  });

  it("are taken away by discard also where their deletion was cut short", async () => {
    for (const missing of ["status", "config.json"]) {
      const { restore } = await leftBehind(["sh", "-c", "read x"]);
      const used = lab.probed.runtimes.get(runtime) ?? assert.fail();
      const state = join(used.rootPath, restore.id);
      await withNextDaemon(async shim => {
        const container = await restored(shim, restore);
        await container.kill(9);
        await container.exit;
        if (used.kind === "crun") await rm(join(state, missing));
        await shim.discard(restore);
        assert.ok(!existsSync(state), `left where ${missing} was gone`);
      });
    }
  });

  it("and their conmons live outside the cgroup of the daemon that made them", async () => {
    const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");
    const cgroup = join("/sys/fs/cgroup", isUnified ? "" : "pids", `shrt-daemon-${process.pid}`);
    await mkdir(cgroup, { recursive: true });
    try {
      const { restore } = await leftBehind(["sleep", "1000"], { cgroup });
      const cgroupOf = async (pid: number | string): Promise<string> => {
        const text = await readFile(`/proc/${pid}/cgroup`, "utf8");
        return text.split("\n").find(line => line.includes(isUnified ? "0::" : ":pids:")) ?? "";
      };
      const conmonPid = (await readFile(join(restore.bundlePath, "conmon.pid"), "utf8")).trim();
      assert.match(await cgroupOf(conmonPid), /:\/shrt\/conmon$/);
      assert.match(await cgroupOf(restore.pid), new RegExp(`:/shrt/${restore.id}$`));
      await withNextDaemon(shim => shim.discard(restore));
    } finally {
      await waitUntil(
        () =>
          rmdir(cgroup).then(
            () => true,
            () => false,
          ),
        "the daemon's cgroup to be empty",
      );
    }
  });
});
