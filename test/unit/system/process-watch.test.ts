import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { watchProcess } from "../../../src/system/process-watch.ts";

/** Takes all files that it may have open, and then asks for a watch of its parent. */
const WITHOUT_FILES = `
  import { execFileSync } from "node:child_process";
  import { openSync, readdirSync } from "node:fs";
  import { watchProcess } from "./src/system/process-watch.ts";
  execFileSync("prlimit", ["--pid", String(process.pid), \`--nofile=\${readdirSync("/proc/self/fd").length + 8}:\`]);
  try { for (;;) openSync("/dev/null"); } catch (error) { if (error.code !== "EMFILE") throw error; }
  try { console.log(watchProcess(process.ppid, () => {})); } catch (error) { console.log(error.code); }
`;

describe("the watch of a process", () => {
  it("tells of its end", async () => {
    const child = spawn("sleep", ["1000"]);
    const ended = new Promise<void>(resolve => assert.ok(watchProcess(child.pid ?? 0, resolve)));
    child.kill("SIGKILL");
    await ended;
  });

  for (const pid of [0, -1, 2 ** 22 + 1])
    it(`is none where there is no process ${pid}`, () =>
      assert.equal(
        watchProcess(pid, () => {}),
        undefined,
      ));

  it("that cannot be had is no end: this process may have no file left for it", () => {
    const args = ["--import=tsx", "--input-type=module", "--eval", WITHOUT_FILES];
    assert.equal(execFileSync(process.execPath, args, { encoding: "utf8" }), "EMFILE\n");
  });
});
