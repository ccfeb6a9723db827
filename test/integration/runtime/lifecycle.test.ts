import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, readlink, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { readCgroupPaths } from "../../../src/engine/runtime/cgroups.ts";
import type { ConmonShim } from "../../../src/engine/runtime/conmon-shim.ts";
import { deleteByHand } from "../../../src/engine/runtime/crun-delete.ts";
import { ExecStartError } from "../../../src/engine/runtime/start-error.ts";
import type { ShimContainer, ShimCreate } from "../../../src/engine/runtime/shim.ts";
import { defined } from "../../../src/lib/assert.ts";
import { skip } from "../../skip.ts";
import { collect, isDead, RuntimeLab, startContainer, waitUntil, whyNotHere } from "./lab.ts";

for (const runtime of ["crun", "runc"] as const) {
  describe(`conmon shim with ${runtime}`, function () {
    let lab: RuntimeLab;
    let shim: ConmonShim;

    before(async function () {
      const reason = whyNotHere();
      if (reason !== undefined) return skip(this, reason);
      lab = await RuntimeLab.create();
      if (!lab.probed.runtimes.has(runtime)) {
        return skip(this, `${runtime} does not work here: ${lab.probed.refused.get(runtime) ?? "not installed"}`);
      }
      shim = await lab.shim();
    });
    after(async () => {
      shim?.[Symbol.dispose]();
      await lab?.[Symbol.asyncDispose]();
    });

    const start = (command: readonly string[], more: object = {}): ReturnType<typeof startContainer> =>
      startContainer(lab, shim, { command, runtime, ...more });

    /** Runs to the end and gives what the log holds, without the time stamps. */
    async function run(
      command: readonly string[],
      more: object = {},
    ): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
      const { request, container } = await start(command, more);
      const { exitCode } = await container.exit;
      await container.delete();
      const lines = (await lab.log(request.id)).trimEnd().split("\n");
      return { code: exitCode, lines: lines.map(line => line.split(" ").slice(1).join(" ")) };
    }

    it("runs a program and keeps its exit code and its output", async () => {
      const { code, lines } = await run(["sh", "-c", "echo out; echo err >&2; exit 7"]);
      assert.equal(code, 7);
      assert.deepEqual([...lines].sort(), ["stderr F err", "stdout F out"]);
    });

    it("makes a container once all is ready for it, while conmon has begun", async () => {
      const request = await lab.prepare(["sh", "-c", "exit 6"], { runtime });
      const config = join(request.bundlePath, "config.json");
      await rename(config, `${config}.later`);
      const isReady = (async () => {
        await untilConmonBegan(request);
        await rename(`${config}.later`, config);
      })();
      const container = await shim.create({ ...request, isReady });
      await container.start();
      assert.equal((await container.exit).exitCode, 6);
      await container.delete();
    });

    it("leaves no conmon and no container when what was to be ready fails", async () => {
      const request = await lab.prepare(["true"], { runtime });
      const isReady = (async () => {
        await untilConmonBegan(request);
        throw new Error("no room");
      })();
      await assert.rejects(shim.create({ ...request, isReady }), /^Error: no room$/);
      assert.deepEqual(await conmonsOf(request.id), []);
      assert.deepEqual(await readdir(request.bundlePath), ["config.json", "log"]);
    });

    if (runtime === "crun") {
      it("is run from a copy of the runtime that cannot be overwritten", async () => {
        const container = await shim.create(await lab.prepare(["true"], { runtime }));
        const program = `/proc/${container.pid}/exe`; // Of the runtime still: it has not been started.
        assert.equal(await readlink(program), "/memfd:crun (deleted)");
        await assert.rejects(open(program, "r+"), { code: "ETXTBSY" });
        await container.kill(9);
        await container.exit;
        await container.delete();
      });
    }

    for (const { where, makesBelow } of [
      { where: "", makesBelow: false },
      { where: ", also where cgroups were made below its own", makesBelow: true },
    ]) {
      it(`leaves nothing of the runtime's and no cgroup of a container that is deleted${where}`, async () => {
        const request = await lab.prepare(["true"], { runtime });
        const container = await shim.create(request);
        const cgroups = readCgroupPaths(container.pid);
        const own = (cgroups?.all ?? []).filter(path => basename(path) === request.id);
        const state = join(defined(lab.probed.runtimes.get(runtime), runtime).rootPath, request.id);
        const places = [...own, state];
        assert.ok(own.length > 0 && places.every(existsSync));
        if (makesBelow) await mkdir(join(defined(own.at(-1), "a cgroup"), "below"));
        await container.start();
        await container.exit;
        if (runtime === "crun" && !makesBelow)
          assert.ok(await deleteByHand(defined(lab.probed.runtimes.get(runtime), runtime), { id: request.id, cgroups }));
        else await container.delete();
        assert.deepEqual(places.filter(existsSync), []);
      });
    }

    it("gives a container what Docker gives it", async () => {
      const script = [
        "env | sort",
        "grep -E '^(CapInh|CapEff|CapBnd|CapAmb|Seccomp|NoNewPrivs):' /proc/self/status | tr '\\t' ' '",
        "hostname; cat /proc/sys/kernel/domainname /proc/self/oom_score_adj",
        "pwd",
        "mount -t tmpfs x /tmp 2>/dev/null || echo cannot mount",
        "(echo 1 > /proc/sys/kernel/panic) 2>/dev/null || echo cannot set",
        "wc -c < /proc/interrupts",
        "df -k /dev/shm | tail -1 | awk '{print $2}'",
        "head -c 1 /dev/zero | wc -c",
        "test -e /dev/console && echo console; true",
      ];
      const { code, lines } = await run(["sh", "-c", script.join("\n")], { config: { env: ["A=1"], domainname: "example.org" } });
      assert.equal(code, 0);
      assert.deepEqual(
        lines.map(line => line.replace("stdout F ", "")),
        [
          "A=1",
          "HOME=/root",
          "HOSTNAME=box",
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "PWD=/",
          "SHLVL=1",
          "CapInh: 0000000000000000",
          "CapEff: 00000000a80425fb",
          "CapBnd: 00000000a80425fb",
          "CapAmb: 0000000000000000",
          "NoNewPrivs: 0",
          "Seccomp: 2",
          "box",
          "example.org",
          "0",
          "/",
          "cannot mount",
          "cannot set",
          "0",
          "65536",
          "1",
        ],
      );
    });

    const refused = [
      { program: "nope", exitCode: 127, says: 'exec: "nope": executable file not found in $PATH' },
      { program: "/nope", exitCode: 127, says: 'exec: "/nope": stat /nope: no such file or directory' },
      { program: "/etc", exitCode: 126, says: 'exec: "/etc": permission denied' },
      { program: "/etc/not-a-program", exitCode: 126, says: 'exec: "/etc/not-a-program": permission denied' },
    ];
    for (const { program, exitCode, says } of refused) {
      it(`says of ${program} what Docker says`, async () => {
        const before = "failed to create task for container: failed to create shim task: OCI runtime create failed: ";
        const runc = "runc create failed: unable to start container process: ";
        await assert.rejects(start([program]), error => {
          assert.ok(error instanceof ExecStartError);
          assert.deepEqual([error.kind, error.exitCode, error.message], ["invalid", exitCode, `${before}${runc}${says}`]);
          return true;
        });
      });
    }

    it("passes megabytes through stdin and stdout and loses none", async () => {
      const request = await lab.prepare(["cat"], { runtime, hasStdin: true, isStdinOnce: true });
      const container = await shim.create({ ...request, attach: true });
      const streams = await container.attach();
      const output = collect(streams);
      await container.start();
      const input = Array.from({ length: 200_000 }, (_, index) => String(index).padStart(9, "0")).join("\n");
      await streams.writeStdin(Buffer.from(input));
      streams.closeStdin();
      assert.equal((await container.exit).exitCode, 0);
      assert.equal((await output).stdout === input, true, "the output differs from the input");
      await container.delete();
    });

    it("delivers all output of a program that ends with its input unread", async () => {
      const request = await lab.prepare(["sh", "-c", "head -c 1 >/dev/null; head -c 150000 /dev/zero"], {
        runtime,
        hasStdin: true,
        isStdinOnce: true,
      });
      const container = await shim.create({ ...request, attach: true });
      const streams = await container.attach();
      const output = collect(streams);
      await container.start();
      await streams.writeStdin(Buffer.alloc(200_000));
      await container.exit;
      assert.equal((await output).stdout.length, 150_000);
      await container.delete();
    });

    it("keeps stdin open for the next client unless it is the only one's", async () => {
      const { container } = await start(["sh", "-c", "read a; echo got $a; read b; echo got $b"], { hasStdin: true });
      const streams = await container.attach();
      const output = collect(streams);
      await streams.writeStdin(Buffer.from("one\n"));
      streams.closeStdin();
      await streams.writeStdin(Buffer.from("two\n"));
      assert.equal((await container.exit).exitCode, 0);
      assert.equal((await output).stdout, "got one\ngot two\n");
      await container.delete();
    });

    it("gives a terminal of the size asked for, and resizes it", async () => {
      const script = "stty size; read x; stty size";
      const { container } = await startPrepared(["sh", "-c", script], {
        config: { tty: true },
        hostConfig: { consoleSize: [33, 77] },
      });
      const streams = await container.attach();
      let seen = "";
      streams.subscribe(
        (_, data) => (seen += Buffer.from(data).toString()),
        () => undefined,
      );
      await container.start();
      await waitUntil(async () => seen.includes("33 77"), "the first size");
      await container.resize({ heightCells: 40, widthCells: 100 });
      await streams.writeStdin(Buffer.from("\n"));
      assert.equal((await container.exit).exitCode, 0);
      await waitUntil(async () => seen.includes("40 100"), "the second size");
      await container.delete();
    });

    async function startPrepared(
      command: readonly string[],
      more: object,
    ): Promise<{ readonly container: ShimContainer; readonly request: ShimCreate }> {
      const request = await lab.prepare(command, { runtime, hasStdin: true, ...more });
      return { request, container: await shim.create({ ...request, attach: true }) };
    }

    it("ends a container by a signal, also while it is paused", async () => {
      const first = await start(["sleep", "60"]);
      await first.container.kill(9);
      assert.deepEqual(await first.container.exit, { exitCode: 137, isOomKilled: false });
      await first.container.delete();
      const second = await start(["sleep", "60"]);
      await second.container.pause();
      await second.container.kill(9);
      assert.equal((await second.container.exit).exitCode, 137);
      await second.container.kill(9); // Nobody is hit.
      await second.container.delete();
    });

    it("reaps under --init and passes the stop signal on", async function () {
      if (lab.facts.initPath === undefined) return skip(this, "needs tini-static");
      const script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
      const { container, request } = await start(["sh", "-c", script], { hostConfig: { init: true } });
      await waitUntil(async () => (await lab.log(request.id)).includes("ready"), "the program under init");
      await container.kill(15);
      assert.equal((await container.exit).exitCode, 5);
      await container.delete();
    });

    it("says that the kernel ended it for want of memory", async () => {
      const { container } = await start(["sh", "-c", "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo ${#x}"], {
        hostConfig: { memoryBytes: 16 * 1024 * 1024, memorySwapBytes: 16 * 1024 * 1024 },
      });
      const { isOomKilled, exitCode } = await container.exit;
      assert.equal(isOomKilled, true);
      assert.notEqual(exitCode, 0);
      await container.delete();
    });

    it("changes limits of a running container", async () => {
      const { container } = await start(["sleep", "60"]);
      await container.update({ pids: { limit: 77 } });
      const cgroup = (await readFile(`/proc/${container.pid}/cgroup`, "utf8")).split("\n");
      const line = cgroup.find(text => text.includes(":pids:")) ?? cgroup.find(text => text.startsWith("0::")) ?? "";
      const path = join("/sys/fs/cgroup", line.includes(":pids:") ? "pids" : "", line.split(":")[2] ?? "");
      assert.equal((await readFile(join(path, "pids.max"), "utf8")).trim(), "77");
      await container.kill(9);
      await container.exit;
      await container.delete();
    });

    it("loses no line when the log is rotated under it", async () => {
      const lineCount = 20_000;
      const { container, request } = await start(
        ["sh", "-c", `read go; i=0; while [ $i -lt ${lineCount} ]; do echo line $i; i=$((i+1)); done; read stop`],
        {
          hasStdin: true,
        },
      );
      const streams = await container.attach();
      await streams.writeStdin(Buffer.from("go\n"));
      const parts: string[] = [];
      for (let index = 1; index < 6; index++) {
        const rotated = join(request.bundlePath, `log.${index}`);
        await container.rotateLog(rotated);
        parts.push(await readFile(rotated, "utf8"));
      }
      await streams.writeStdin(Buffer.from("stop\n"));
      await container.exit;
      parts.push(await lab.log(request.id));
      const numbers = messages(parts.join("")).map(line => Number(line.split(" ").at(-1)));
      assert.deepEqual(
        numbers,
        Array.from({ length: lineCount }, (_, index) => index),
      );
      assert.ok(parts.length > 1);
      await container.delete();
    });

    it("ends the container when its conmon is killed, with code 137", async () => {
      const { container, request } = await start(["sleep", "60"]);
      const conmonPid = Number(await readFile(join(request.bundlePath, "conmon.pid"), "utf8"));
      process.kill(conmonPid, 9);
      assert.equal((await container.exit).exitCode, 137);
      await waitUntil(() => isDead(container.pid), "the container's end");
      await container.delete();
    });
  });
}

/** The lines as they were written: a read that ended within one left it in pieces, marked P, with the last one marked F. */
function messages(log: string): readonly string[] {
  let text = "";
  for (const line of log.trimEnd().split("\n")) {
    const [, , mark, ...words] = line.split(" ");
    text += `${words.join(" ")}${mark === "F" ? "\n" : ""}`;
  }
  return text.trimEnd().split("\n");
}

/** It opens the log, and then waits. */
async function untilConmonBegan({ id, bundlePath }: Pick<ShimCreate, "id" | "bundlePath">): Promise<void> {
  await waitUntil(async () => (await readdir(bundlePath)).includes("log"), "a conmon that has begun");
  assert.equal((await conmonsOf(id)).length, 1);
}

async function conmonsOf(id: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter(name => /^\d+$/.test(name));
  const commandLines = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commandLines.filter(line => line.includes("conmon\0") && line.includes(id));
}
