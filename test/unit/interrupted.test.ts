import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

describe("a run of tests that is interrupted", () => {
  it("finishes the test at hand, begins no other, takes down what the suite put up, and fails", async () => {
    const directory = await mkdtemp(join(tmpdir(), "shoal-interrupted-"));
    const takenDown = join(directory, "taken-down");
    const child = spawn("node_modules/.bin/mocha", ["test/fixtures/suites/two-tests.ts"], {
      detached: true, // Ctrl-C goes to all of a terminal's programs: here to all of its process group.
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, VERBOSE: "", TAKEN_DOWN: takenDown },
    });
    try {
      let output = "";
      for await (const chunk of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
        if (output === "" && child.pid !== undefined) process.kill(-child.pid, "SIGINT");
        output += chunk;
      }
      if (child.exitCode === null) await once(child, "exit");
      assert.equal(output, "begun\nfinished\nstopped before the end\n0 skipped\n1 passed, 1 failed\n");
      assert.equal(child.exitCode, 1);
      assert.equal(await readFile(takenDown, "utf8"), "taken down");
    } finally {
      child.kill("SIGKILL");
      await rm(directory, { recursive: true });
    }
  });
});
