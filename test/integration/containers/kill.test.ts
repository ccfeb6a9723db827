import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { RealWorld, until } from "./world.ts";
import { skip } from "../../skip.ts";

const NEEDED = ["/usr/bin/conmon", "/usr/sbin/runc", "/usr/bin/busybox"];
const KILL_AFTER_MS = [350, 600, 900];

/** Runs the busy daemon for a while, then kills it in the middle of it. @returns the last word on each container. */
async function runAndKill(directory: string, afterMs: number): Promise<ReadonlyMap<string, string>> {
  const script = join(import.meta.dirname, "busy-daemon.ts");
  const child = spawn(process.execPath, ["--import=tsx", script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const last = new Map<string, string>();
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  let isCounting = false;
  lines.on("line", line => {
    const [word = "", id = ""] = line.split(" ");
    last.set(id, word);
    // Counted from its first word about a container: how long it takes to get there is the machine's affair.
    if (word !== "ready" && !isCounting) {
      isCounting = true;
      void delay(afterMs).then(() => child.kill("SIGKILL"));
    }
  });
  await once(lines, "close");
  await exited;
  last.delete("");
  return last;
}

describe("a daemon that is killed in the middle of things", function () {
  this.timeout(60_000);

  before(function () {
    const missing = NEEDED.filter(path => !existsSync(path));
    if (missing.length > 0 || process.getuid?.() !== 0) {
      skip(this, `it needs root and ${missing.join(", ")}`);
    }
  });

  for (const afterMs of KILL_AFTER_MS) {
    it(`has kept what it acknowledged and left nothing else, killed after ${afterMs} ms`, async () => {
      await using world = await RealWorld.create();
      await world.close();
      const last = await runAndKill(world.directory, afterMs);
      assert.ok(last.size > 0, "it was killed too early to show anything");
      await world.open();
      const listed = new Map(
        (await world.engine.list({ all: true, filters: {} })).map(container => [container.id as string, container]),
      );
      for (const [id, word] of last) {
        const status = listed.get(id)?.state.status;
        if (word === "created") assert.ok(status === "created" || status === "running", `${id} was created and is ${status}`);
        if (word === "started") assert.equal(status, "running");
        if (word === "removed") assert.equal(status, undefined);
      }
      const running = [...listed.values()].filter(({ state }) => state.status === "running");
      for (const { state } of running) process.kill(state.pid, 0);
      const namesIn = (path: string) =>
        existsSync(join(world.directory, path)) ? readdirSync(join(world.directory, path)).sort() : [];
      const ids = [...listed.keys()].sort();
      const runningIds = running.map(({ id }) => id as string).sort();
      assert.deepEqual(namesIn("containers"), ids);
      assert.deepEqual(namesIn("roots"), ids);
      await until(() => namesIn("exec/containers").length === runningIds.length, "bundles of what does not run are gone");
      assert.deepEqual(namesIn("exec/containers"), runningIds);
      assert.deepEqual(namesIn("runc"), runningIds);
      assert.equal(namesIn("volumes").length, ids.length);
      for (const id of ids) {
        if (listed.get(id)?.state.status === "created") await world.engine.start(id);
        await world.engine.remove(id, { force: true, volumes: true, link: false });
      }
      assert.deepEqual(namesIn("volumes"), []);
    });
  }
});
