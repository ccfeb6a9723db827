import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { skip } from "../../skip.ts";
import { importBusybox, TestLab } from "../lab/lab.ts";
import { environment, hasDocker, PATHS, run } from "./programs.ts";

const execute = promisify(execFile);

/** What `copy.sh` told, with the container's name taken out. */
async function copies(program: "docker" | "shoal", socket: string): Promise<readonly string[]> {
  const container = `by-${program}`;
  const made = await run("docker", socket, ["run", "-d", "--name", container, "busybox", "sleep", "1000"]);
  assert.equal(made.exitCode, 0, made.stderr);
  const script = ["test/integration/cli/copy.sh", PATHS[program], container];
  const { stdout } = await execute("bash", script, { env: environment(socket) });
  return stdout.replaceAll(container, "CONTAINER").split("\n");
}

describe("shoal cp beside the docker CLI's", function () {
  this.timeout(120_000);

  it("does and says the same in each of its forms", async function () {
    if (!hasDocker()) return skip(this, "there is no docker CLI on PATH to compare with");
    await using lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    const host = lab.host("m1");
    await importBusybox([host]);
    const [theirs, ours] = await Promise.all([copies("docker", host.socket), copies("shoal", host.socket)]);
    assert.ok(theirs.length > 100, theirs.join("\n"));
    assert.deepEqual(ours, theirs);
  });
});
