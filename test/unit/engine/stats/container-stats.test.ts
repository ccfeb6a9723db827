import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { Container } from "../../../../src/model/container.ts";
import type { ContainerStats } from "../../../../src/model/stats.ts";
import { ContainerStatistics } from "../../../../src/engine/stats/container-stats.ts";
import { systemClock } from "../../../../src/system/clock.ts";
import { statsJson } from "../../../../src/api/wire/stats.ts";

/** A container whose process is one of the test's own. */
class OneContainer {
  status = "running";
  pid = process.pid;
  isThere = true;
  view(): Container {
    if (!this.isThere) throw new OperationError("not-found", "No such container: box");
    const state = { status: this.status, pid: this.pid };
    return { id: "c".repeat(64), name: "box", state, hostConfig: { networkMode: "bridge" } } as unknown as Container;
  }
}

/** Time passes as fast as it is asked for. */
const fastClock = { ...systemClock, sleep: () => new Promise<void>(resolve => setImmediate(resolve)) };

async function take(stream: AsyncIterable<ContainerStats>, count: number): Promise<readonly ContainerStats[]> {
  const taken: ContainerStats[] = [];
  for await (const one of stream) if (taken.push(one) === count) break;
  return taken;
}

describe("ContainerStatistics", () => {
  let containers: OneContainer;
  let statistics: ContainerStatistics;
  const controller = new AbortController();
  const { signal } = controller;
  beforeEach(() => {
    containers = new OneContainer();
    statistics = new ContainerStatistics({ containers, clock: fastClock });
  });

  it("compares each sample of a stream with the one before", async () => {
    const [first, second, third] = await take(await statistics.stats("box", { isStream: true, isOneShot: false, signal }), 3);
    assert.equal(first?.previous, undefined);
    assert.equal(second?.previous, first?.usage);
    assert.equal(third?.previous, second?.usage);
    assert.ok((first?.usage?.memory.usageBytes ?? 0) > 0);
  });

  it("answers once with something to compare, or at once without", async () => {
    const [compared, ...more] = await take(await statistics.stats("box", { isStream: false, isOneShot: false, signal }), 5);
    assert.deepEqual([more.length, compared?.previous === undefined], [0, false]);
    const [single] = await take(await statistics.stats("box", { isStream: false, isOneShot: true, signal }), 5);
    assert.deepEqual([single?.previous, single?.usage === undefined], [undefined, false]);
  });

  it("answers at once, with nothing but names, for a container that does not run", async () => {
    containers.status = "exited";
    const all = await take(await statistics.stats("box", { isStream: false, isOneShot: false, signal }), 5);
    assert.deepEqual(all, [{ id: "c".repeat(64), name: "box" }]);
    assert.equal(statsJson(all[0] as ContainerStats)["read"], "0001-01-01T00:00:00Z");
  });

  it("goes on while the container is stopped and ends when it is removed", async () => {
    const seen: string[] = [];
    for await (const { usage } of await statistics.stats("box", { isStream: true, isOneShot: false, signal })) {
      seen.push(usage === undefined ? "idle" : "running");
      if (seen.length === 2) containers.status = "exited";
      if (seen.length === 4) containers.isThere = false;
    }
    assert.deepEqual(seen.slice(0, 2), ["running", "running"]);
    assert.equal(seen.at(-1), "idle");
  });

  it("follows a container to its next process", async () => {
    const child = spawn("sleep", ["60"]);
    try {
      const pids: boolean[] = [];
      for await (const { usage } of await statistics.stats("box", { isStream: true, isOneShot: false, signal })) {
        pids.push(usage !== undefined);
        containers.pid = child.pid ?? 0;
        if (pids.length === 4) break;
      }
      assert.deepEqual(pids, [true, true, true, true]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("refuses a stream of one", async () => {
    await assert.rejects(statistics.stats("box", { isStream: true, isOneShot: true, signal }), {
      kind: "invalid",
      message: "cannot have stream=true and one-shot=true",
    });
  });
});
