import assert from "node:assert/strict";
import { spawn as nodeSpawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createExec } from "../../../src/system/exec.ts";
import { createSpawner } from "../../../src/system/spawn.ts";

const exec = createExec();
const spawner = createSpawner();

describe("createExec", () => {
  it("gives a program its input, and its output and exit code back", async () => {
    const { exitCode, stdout, stderr } = await exec.run("sh", ["-c", "cat; echo err >&2; exit 3"], {
      stdin: "in\n",
      allowFailure: true,
    });
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 3, stdout: "in\n", stderr: "err\n" });
  });

  it("passes on only the environment and the folder it is told", async () => {
    const { stdout } = await exec.run("sh", ["-c", "pwd; echo $A-$HOME"], {
      cwd: "/usr",
      env: { A: "1", PATH: "/usr/bin:/bin" },
    });
    assert.equal(stdout, "/usr\n1-\n");
  });

  it("leaves a program none of this process's files and signal settings", async () => {
    const fd = openSync("/dev/null", "r");
    try {
      const { stdout } = await exec.run("sh", ["-c", "ls /proc/self/fd; grep -E 'Sig(Ign|Blk)' /proc/self/status"]);
      assert.deepEqual(stdout.split("\n"), ["0", "1", "2", "3", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", ""]);
    } finally {
      closeSync(fd);
    }
  });

  it("keeps what is asked for of a long output, and reads the rest", async () => {
    const { stdout } = await exec.run("sh", ["-c", "head -c 3000000 /dev/zero"], { outputBytesMax: 1000 });
    assert.equal(stdout.length, 1000);
  });

  it("does not mind a program that leaves its input unread", async () => {
    assert.equal((await exec.run("true", [], { stdin: Buffer.alloc(1_000_000) })).exitCode, 0);
  });

  const failures = [
    { command: ["/no/such/program"], says: /cannot run \/no\/such\/program: no such file or directory/ },
    { command: ["sh", "-c", "echo why >&2; exit 9"], says: /exited 9: why$/ },
    { command: ["sh", "-c", "kill -9 $$"], says: /was ended by signal 9$/ },
  ];
  for (const { command, says } of failures) {
    it(`says why ${command.join(" ")} failed`, async () => {
      const [file = "", ...args] = command;
      await assert.rejects(exec.run(file, args), { kind: "internal", message: says });
    });
  }

  it("ends a program when it is told to stop waiting", async () => {
    const abort = new AbortController();
    const run = exec.run("sleep", ["60"], { signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(run, /enough/);
  });

  it("runs many at once, beside Node's own children", async () => {
    const runs = Array.from({ length: 40 }, (_, index) => exec.run("sh", ["-c", `exit ${index}`], { allowFailure: true }));
    const own = Array.from({ length: 5 }, () => once(nodeSpawn("sh", ["-c", "exit 4"]), "exit"));
    assert.deepEqual(
      (await Promise.all(runs)).map(({ exitCode }) => exitCode),
      Array.from({ length: 40 }, (_, index) => index),
    );
    for (const [code] of (await Promise.all(own)) as [number][]) assert.equal(code, 4);
  });
});

describe("createSpawner", () => {
  it("places open files where the child looks for them, whatever their numbers here", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shrt-spawn-"));
    try {
      const fds = [0, 1, 2].map(index => openSync(join(folder, String(index)), "w"));
      const [first = 0, second = 0, third = 0] = fds;
      const stdio = ["null", { fd: third }, { fd: second }, { fd: first }] as const;
      const child = await spawner.spawn({ file: "sh", args: ["-c", "echo a; echo b >&2; echo c >&3"], stdio });
      assert.equal(await child.exit, 0);
      for (const fd of fds) closeSync(fd);
      assert.deepEqual(
        [0, 1, 2].map(index => readFileSync(join(folder, String(index)), "utf8")),
        ["c\n", "b\n", "a\n"],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("makes a session leader when asked", async () => {
    const child = await spawner.spawn({
      file: "sh",
      args: ["-c", "cut -d' ' -f6 /proc/$$/stat"],
      stdio: ["null", "pipe-from-child"],
      isSessionLeader: true,
    });
    const [data] = (await once(child.pipes[1] ?? assert.fail(), "data")) as [Buffer];
    assert.equal(Number(data.toString()), child.pid);
    await child.exit;
  });

  it("lets a program go before others when asked, and what that starts as usual", async () => {
    const policy = "cut -d' ' -f41 /proc/self/stat";
    const child = await spawner.spawn({
      file: "sh",
      args: ["-c", `read go; ${policy}`],
      stdio: ["pipe-to-child", "pipe-from-child"],
      goesFirst: true,
    });
    const own = readFileSync(`/proc/${child.pid}/stat`, "latin1").split(") ")[1]?.split(" ")[38];
    const output = once(child.pipes[1] ?? assert.fail(), "data");
    child.pipes[0]?.end("go\n");
    assert.deepEqual([own, String((await output)[0]).trim()], ["2", "0"]);
    await child.exit;
  });

  it("signals a child, and nobody once it has ended", async () => {
    const child = await spawner.spawn({ file: "sleep", args: ["60"], stdio: [] });
    child.kill(15);
    assert.equal(await child.exit, 143);
    child.kill(15);
  });
});
