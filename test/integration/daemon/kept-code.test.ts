import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { MANAGER_NODE_FLAGS } from "../../../src/daemon/manager/options.ts";

function node(args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

describe("the code that V8 made of a program when it was built", () => {
  for (const { name, flags } of [
    { name: "shoald", flags: [] },
    { name: "manager", flags: MANAGER_NODE_FLAGS },
  ]) {
    it(`is taken back when ${name} starts`, () => {
      const script = `console.log(require("./bin/program.cjs").compile("${name}").cachedDataRejected)`;
      assert.equal(node([...flags, "--eval", script]), "false");
    });

    it(`is none that ${name} needs: V8 refuses it under other flags`, () => {
      const others = ["--max-semi-space-size=3"];
      const script = `console.log(require("./bin/program.cjs").compile("${name}").cachedDataRejected)`;
      assert.equal(node([...others, "--eval", script]), "true");
      assert.match(node([...others, `bin/${name}`, "--version"]), /version \d/);
    });
  }
});
