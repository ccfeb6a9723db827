import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { cgroupDirectories } from "../../../deploy/lab/processes.ts";

const LAB = "leftover"; // Names no other program of this machine.
/** From the first namespace to a cluster under load. */
const MOMENTS_MS = [300, 1_500, 5_000, 14_000];

/** What a lab could leave behind on this machine, line by line. */
function listing(): readonly string[] {
  const lines = [
    ...execFileSync("ip", ["-o", "link"], { encoding: "utf8" })
      .split("\n")
      .map(line => `link ${line.split(":")[1]?.trim()}`),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map(line => `mount ${line.split(" ")[4]}`),
    ...(existsSync("/run/netns") ? readdirSync("/run/netns") : []).map(name => `namespace ${name}`),
    ...execFileSync("find", ["/sys/fs/cgroup", "-ignore_readdir_race", "-type", "d"], { encoding: "utf8" })
      .split("\n")
      .map(path => `cgroup ${path}`),
    ...(existsSync("/var/lib/shoal-lab") ? readdirSync("/var/lib/shoal-lab") : []).map(name => `folder ${name}`),
    ...processes(),
  ];
  return [...new Set(lines)].filter(line => !isOfOthers(line)).sort();
}

/** Other labs and test suites may be at work on this machine. */
function isOfOthers(line: string): boolean {
  if (/\bsh(rt|ct|nt|im)|oracle|docker/.test(line)) return true;
  const lab = /shoal-lab\/([a-z0-9-]+)|namespace shoal-([a-z0-9]+)-|folder ([a-z0-9-]+)$/.exec(line);
  const name = lab?.[1] ?? lab?.[2] ?? lab?.[3];
  return name !== undefined && name !== LAB;
}

/** Programs of this lab, by their cgroup or command line: a dead one that its new parent has yet to collect is none. */
function processes(): readonly string[] {
  return readdirSync("/proc")
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const belongs = command.includes(LAB) || readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/shoal-lab/${LAB}/`);
        return command !== "" && belongs ? [`process ${pid} ${command}`] : [];
      } catch {
        return []; // It ended while we looked.
      }
    });
}

describe("the try demonstration, interrupted", function () {
  this.timeout(120_000);

  it("has a listing that sees what is there", () => {
    const before = listing();
    execFileSync("ip", ["netns", "add", "planted"]);
    const cgroup = join("/sys/fs/cgroup", existsSync("/sys/fs/cgroup/pids") ? "pids" : "", "planted");
    mkdirSync(cgroup);
    const planted = spawn("sh", ["-c", `: ${LAB}; sleep 60`]);
    try {
      const kinds = listing()
        .filter(line => !before.includes(line))
        .map(line => line.split(" ")[0]);
      for (const kind of ["namespace", "cgroup", "process"]) assert.ok(kinds.includes(kind), `a planted ${kind} is not seen`);
    } finally {
      planted.kill("SIGKILL");
      rmdirSync(cgroup);
      execFileSync("ip", ["netns", "delete", "planted"]);
    }
  });

  it("looks through cgroups that go while it looks", () => {
    const hierarchy = join("/sys/fs/cgroup", existsSync("/sys/fs/cgroup/pids") ? "pids" : "");
    const cgroup = join(hierarchy, "planted");
    mkdirSync(cgroup);
    const seen: string[] = [];
    for (const directory of cgroupDirectories("planted")) {
      seen.push(directory);
      rmdirSync(directory);
    }
    assert.deepEqual(seen, [cgroup]);
  });

  for (const momentMs of MOMENTS_MS) {
    it(`leaves nothing after Ctrl-C at ${momentMs} ms and lab down`, async () => {
      const before = listing();
      const child = spawn(process.execPath, ["dist/try.mjs"], {
        detached: true,
        stdio: "ignore",
        env: { ...process.env, SHOAL_TRY_LAB: LAB },
      });
      const ended = new Promise<void>(resolve => child.on("exit", () => resolve()));
      await new Promise(resolve => setTimeout(resolve, momentMs)); // The moment of the interruption is what is tested.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
      await ended;
      execFileSync(process.execPath, ["bin/lab", "down", "--name", LAB]);
      assert.deepEqual(
        listing().filter(line => !before.includes(line)),
        [],
      );
    });
  }
});
