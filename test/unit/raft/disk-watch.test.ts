import assert from "node:assert/strict";
import type { Log } from "../../../src/ports/log.ts";
import type { RaftCore } from "../../../src/raft/core.ts";
import { DiskWatch } from "../../../src/raft/disk-watch.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";
import { aCore, aLeader, drain } from "./cores.ts";

/** What is said while a write that never ends is under way, for 20 s. */
function saidWhileStuck(core: RaftCore): readonly string[] {
  const said: string[] = [];
  const say = (_fields: object, message: string) => void said.push(message);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  const { signal } = new AbortController();
  const clock = simulatedClock(new VirtualTime());
  const watch = new DiskWatch({ core, clock, log, signal, onStepBack: () => void said.push("what waits is refused") });
  void watch.write(() => new Promise<void>(() => undefined));
  for (let nowMs = 0; nowMs <= 20_000; nowMs += 100) watch.tick(nowMs);
  return said;
}

describe("DiskWatch", () => {
  it("takes a leader whose disk is stuck out of office once, and says so once", () => {
    const core = aLeader();
    drain(core);
    assert.deepEqual(saidWhileStuck(core), [
      "the disk of the raft log is slow",
      "the disk of the raft log is stuck: this manager steps back",
      "what waits is refused",
    ]);
    assert.equal(core.role, "follower");
  });

  it("leaves a manager in office that nobody can take over from, however long its disk takes", () => {
    const core = aCore({ voters: [1] });
    core.campaignIfAlone();
    drain(core);
    assert.deepEqual(saidWhileStuck(core), []);
    assert.equal(core.role, "leader");
  });
});
