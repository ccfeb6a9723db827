import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { ConmonShim } from "../../../src/engine/runtime/conmon-shim.ts";
import { planExecProcess } from "../../../src/engine/runtime/oci/process.ts";
import { DEFAULT_CAPABILITIES } from "../../../src/engine/runtime/oci/capabilities.ts";
import { ExecStartError } from "../../../src/engine/runtime/start-error.ts";
import type { ShimContainer } from "../../../src/engine/runtime/shim.ts";
import { aContainerConfig, aHostConfig } from "./host-config.ts";
import { collect, isDead, RuntimeLab, startContainer, waitUntil, whyNotHere } from "./lab.ts";
import { skip } from "../../skip.ts";

/** Without care, crun's child wins the race in a third of such cases. */
const TIMES_CROWDED = 30;
const BUSY_LOOPS = 3;

/** This process, and all that it starts, on one processor with others that never rest. */
function crowdOneProcessor(): AsyncDisposable {
  const pin = (processors: string) => execFileSync("taskset", ["-apc", processors, String(process.pid)], { stdio: "ignore" });
  const before = /list: (.*)$/m.exec(execFileSync("taskset", ["-pc", String(process.pid)], { encoding: "utf8" }))?.[1] ?? "0-";
  pin("0");
  const loops = Array.from({ length: BUSY_LOOPS }, () =>
    spawn("taskset", ["-c", "0", "sh", "-c", "while :; do :; done"], { stdio: "ignore" }),
  );
  return {
    async [Symbol.asyncDispose]() {
      pin(before);
      for (const loop of loops) loop.kill("SIGKILL");
      await Promise.all(loops.map(loop => once(loop, "exit")));
    },
  };
}

for (const runtime of ["crun", "runc"] as const) {
  describe(`exec with ${runtime}`, function () {
    let lab: RuntimeLab;
    let shim: ConmonShim;
    let container: ShimContainer;

    before(async function () {
      const reason = whyNotHere();
      if (reason !== undefined) return skip(this, reason);
      lab = await RuntimeLab.create();
      if (!lab.probed.runtimes.has(runtime)) {
        return skip(this, `${runtime} does not work here: ${lab.probed.refused.get(runtime) ?? "not installed"}`);
      }
      shim = await lab.shim();
      ({ container } = await startContainer(lab, shim, { command: ["sleep", "1000"], runtime }));
    });
    after(async () => {
      shim?.[Symbol.dispose]();
      await lab?.[Symbol.asyncDispose]();
    });

    function processOf(cmd: readonly string[], tty: boolean): unknown {
      const consoleSize = tty ? ([33, 77] as const) : undefined;
      return planExecProcess({
        config: {
          cmd,
          env: ["B=2"],
          user: "",
          workingDir: "/tmp",
          tty,
          privileged: false,
          attachStdin: true,
          attachStdout: true,
          attachStderr: true,
          detachKeys: "",
          ...(consoleSize === undefined ? {} : { consoleSize }),
        },
        container: { config: aContainerConfig({ env: ["A=1"] }), hostConfig: aHostConfig() },
        user: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
        capabilities: DEFAULT_CAPABILITIES,
        rlimits: [],
        noNewPrivileges: false,
      });
    }

    const exec = (cmd: readonly string[], { tty = false } = {}): ReturnType<ShimContainer["exec"]> =>
      container.exec({ process: processOf(cmd, tty), isTty: tty, hasStdin: true });

    it("runs a program in the container, with streams of its own", async () => {
      const run = await exec(["sh", "-c", "echo $A$B; pwd; cat; echo oops >&2; exit 3"]);
      assert.ok((await run.pid) > 0);
      const output = collect(run);
      await run.writeStdin(Buffer.from("in\n"));
      run.closeStdin();
      assert.equal(await run.exit, 3);
      assert.deepEqual(await output, { stdout: "12\n/tmp\nin\n", stderr: "oops\n" });
    });

    it("loses nothing of what comes before somebody listens", async () => {
      for (const tty of [false, true]) {
        const run = await exec(["sh", "-c", "echo early"], { tty });
        await run.exit;
        assert.equal((await collect(run)).stdout.trim(), "early");
      }
    });

    it("passes megabytes both ways", async () => {
      const run = await exec(["cat"]);
      const output = collect(run);
      const input = Buffer.alloc(3_000_000, "0123456789\n");
      await run.writeStdin(input);
      run.closeStdin();
      assert.equal(await run.exit, 0);
      assert.equal((await output).stdout === input.toString(), true, "the output differs from the input");
    });

    it("gives a terminal of the size asked for, resizes it, and reads it to its end", async () => {
      const run = await exec(
        [
          "sh",
          "-c",
          `tty; read x; stty size; while [ "$(stty size)" = "33 77" ]; do sleep 0.01; done; stty size; head -c 50000 /dev/zero | tr '\\0' y; exit 4`,
        ],
        {
          tty: true,
        },
      );
      let seen = "";
      const end = new Promise<void>(resolve => run.subscribe((_, data) => (seen += Buffer.from(data).toString()), resolve));
      await run.writeStdin(Buffer.from("\n"));
      await waitUntil(
        async () => seen.includes("33 77"),
        () => `the first size in ${JSON.stringify(seen)}`,
      );
      assert.match(seen, /\/dev\/pts\/\d/);
      await run.resize({ heightCells: 40, widthCells: 100 }); // Under runc conmon does it, in its own time.
      assert.equal(await run.exit, 4);
      await end;
      assert.match(seen, /40 100/);
      assert.equal(seen.split("y").length - 1, 50_000 + (seen.match(/tty/g) ?? []).length);
    });

    it("gives a terminal its size before the program can ask, on a busy processor too", async () => {
      await using _ = crowdOneProcessor();
      for (let times = 0; times < TIMES_CROWDED; times++) {
        const run = await exec(["stty", "size"], { tty: true });
        assert.equal((await collect(run)).stdout.trim(), "33 77");
      }
    });

    it("ends a program by a signal", async () => {
      const run = await exec(["sleep", "1000"]);
      const pid = await run.pid;
      run.kill(15);
      assert.equal(await run.exit, 143);
      await waitUntil(() => isDead(pid), "the program's end");
    });

    for (const tty of [false, true]) {
      it(`says what Docker says of a program that is not there${tty ? ", with a terminal too" : ""}`, async () => {
        const run = await exec(["nope"], { tty });
        await assert.rejects(run.exit, error => {
          assert.ok(error instanceof ExecStartError);
          assert.equal(error.exitCode, 127);
          assert.equal(
            error.message,
            'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH',
          );
          return true;
        });
        await run.resize({ heightCells: 1, widthCells: 1 }); // Comes late, and is no error.
      });
    }

    it("tells 255 of a program from a failure to start it", async () => {
      const run = await exec(["sh", "-c", "exit 255"]);
      assert.equal(await run.exit, 255);
    });
  });
}
