import assert from "node:assert/strict";
import { ApiClient } from "../../../src/api/client/client.ts";
import { runProgram } from "../../../src/cli/program.ts";

async function outcome(args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const exitCode = await runProgram(args, {
    connect: () => ({
      api: { json: () => Promise.reject(new Error("asked the daemon")) },
      client: new ApiClient({ kind: "unix", path: "/nonexistent/socket" }),
      stdout: text => (stdout += text),
      stderr: text => (stderr += text),
      contextName: "default",
      defaultHost: "unix:///a",
      nowMs: () => 0,
      sleep: () => Promise.resolve(),
    }),
    stdout: text => (stdout += text),
    stderr: text => (stderr += text),
    version: "Shoal version 1",
  });
  return { exitCode, stdout, stderr };
}

describe("runProgram", () => {
  it("says its version", async () =>
    assert.deepEqual(await outcome(["--version"]), { exitCode: 0, stdout: "Shoal version 1\n", stderr: "" }));

  const refused = [
    { args: ["foo"], exitCode: 1, says: "shoal: unknown command: shoal foo\n\nRun 'shoal --help' for more information\n" },
    {
      args: ["volume", "foo"],
      exitCode: 1,
      says: "shoal: unknown command: shoal volume foo\n\nUsage:  shoal volume\n\nRun 'shoal volume --help' for more information\n",
    },
    {
      args: ["--foo"],
      exitCode: 125,
      says: "unknown flag: --foo\n\nUsage:  shoal [OPTIONS] COMMAND [ARG...]\n\nRun 'shoal --help' for more information\n",
    },
    {
      args: ["ps", "--foo"],
      exitCode: 125,
      says: "unknown flag: --foo\n\nUsage:  shoal ps [OPTIONS]\n\nRun 'shoal ps --help' for more information\n",
    },
    {
      args: ["rm"],
      exitCode: 1,
      says: "shoal: 'shoal rm' requires at least 1 argument\n\nUsage:  shoal rm [OPTIONS] CONTAINER [CONTAINER...]\n\nSee 'shoal rm --help' for more information\n",
    },
    {
      args: ["run", "-e", "=x", "busybox"],
      exitCode: 125,
      says: `invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x\n\nUsage:  shoal run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'shoal run --help' for more information\n`,
    },
    {
      args: ["run", "--expose", "x", "busybox"],
      exitCode: 125,
      says: `shoal: invalid range format for --expose: x, error: strconv.ParseUint: parsing "x": invalid syntax\n\nRun 'shoal run --help' for more information\n`,
    },
  ];
  for (const { args, exitCode, says } of refused) {
    it(`refuses ${args.join(" ")} without asking the daemon`, async () =>
      assert.deepEqual(await outcome(args), { exitCode, stdout: "", stderr: says }));
  }

  it("has help for every command, and every command a summary", async () => {
    const { stdout } = await outcome(["--help"]);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}(\S.*)$/gm)].map(([, name = ""]) => name);
    assert.ok(names.includes("container") && names.includes("run"));
    for (const name of names) {
      const { exitCode, stdout: help } = await outcome([name, "--help"]);
      assert.equal(exitCode, 0);
      assert.match(help, new RegExp(`^Usage: {2}shoal ${name}`));
    }
  });
});
