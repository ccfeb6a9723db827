import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { importBusybox, serviceSpec, type TestHost, TestLab, ok, runningTasks, until } from "./lab.ts";

const run = promisify(execFile);
const COMMAND = ["sh", "-c", "busybox echo begin; busybox echo trouble >&2; exec busybox sleep 1000"];

describe("logs of a service", function () {
  this.timeout(90_000);
  let lab: TestLab;
  let manager: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 1 });
    manager = lab.host("m1");
    await importBusybox(lab.hosts);
    await ok(manager, "POST", "/services/create", serviceSpec("loud", { replicas: 2, command: COMMAND }));
    await until("both tasks run", 30_000, async () => (await runningTasks(manager, "loud")).length === 2);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  const docker = (...args: readonly string[]) => run("docker", ["-H", `unix://${manager.socket}`, ...args]);
  const shoal = (...args: readonly string[]) => run(process.execPath, ["bin/shoal", "-H", `unix://${manager.socket}`, ...args]);
  const scale = (replicas: number) => docker("service", "scale", "--detach", `loud=${replicas}`);

  it("come from every host, to their streams, with the task's name and host", async () => {
    await until(
      "both have printed",
      10_000,
      async () => (await docker("service", "logs", "loud")).stdout.split("begin").length === 3,
    );
    const { stdout, stderr } = await docker("service", "logs", "loud");
    const lines = stdout.trimEnd().split("\n");
    const found = lines.map(line => /^(loud\.[12])\.\w+@(m1|w1) +\| begin$/.exec(line) ?? []);
    assert.deepEqual(
      [1, 2].map(group => new Set(found.map(match => match[group]))),
      [new Set(["loud.1", "loud.2"]), new Set(["m1", "w1"])],
      stdout,
    );
    assert.equal(stderr.split("trouble").length, 3);
    const ours = await shoal("service", "logs", "loud");
    assert.deepEqual([sortedLines(ours.stdout), sortedLines(ours.stderr)], [sortedLines(stdout), sortedLines(stderr)]);
    const [task] = await runningTasks(manager, "loud");
    assert.equal((await docker("service", "logs", "--raw", task?.ID ?? "")).stdout, "begin\n");
  });

  it("are followed, also of tasks that come later, and told of those that have ended", async () => {
    const child = spawn("docker", ["-H", `unix://${manager.socket}`, "service", "logs", "--raw", "--follow", "loud"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      let begins = 0;
      createInterface({ input: child.stdout }).on("line", line => (begins += Number(line === "begin")));
      await until("the follower has both", 10_000, async () => begins === 2);
      await scale(3);
      await until("the follower hears of the third", 20_000, async () => begins === 3);
      await scale(1);
      await until("two have ended", 20_000, async () => (await runningTasks(manager, "loud")).length === 1);
    } finally {
      child.kill();
      await once(child, "close");
    }
  });

  it("say which host did not answer, and tell the rest", async () => {
    await scale(2);
    await until("tasks on both hosts", 20_000, async () => (await runningTasks(manager, "loud")).length === 2);
    await lab.do("pause", "w1");
    try {
      const asked = [docker, shoal].flatMap(client => [
        client("service", "logs", "--raw", "loud"),
        client("service", "logs", "loud"),
      ]);
      for (const answer of await Promise.allSettled(asked)) {
        assert.ok(answer.status === "rejected", "it did not say so");
        const { stdout, stderr } = answer.reason as { readonly stdout: string; readonly stderr: string };
        assert.match(stdout, /begin/);
        assert.match(stderr, /error from daemon in stream: .*incomplete log stream.*node \w{25} is not available/s);
      }
    } finally {
      await lab.do("resume", "w1");
    }
  });
});

function sortedLines(text: string): readonly string[] {
  return text.split("\n").toSorted();
}
