import assert from "node:assert/strict";
import { StallProbe } from "../../bench/scale/stalls.ts";
import { ThreadTime } from "../../bench/scale/thread-time.ts";

const STALL_MS = 150;

/** Stands still without a processor, as in a call that waits for the disk. */
function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
}

/** So long on a processor, however long the machine makes it wait for one. */
function work(): void {
  const time = new ThreadTime();
  for (const endMs = time.ranMs + STALL_MS; time.ranMs < endMs; );
}

describe("the probe for stalls of the event loop", () => {
  for (const [what, stall, runningMs] of [
    ["slept", sleep, 0],
    ["worked", work, 0.8 * STALL_MS],
  ] as const)
    it(`notices a loop that ${what}`, () => {
      const others = ThreadTime.others();
      const waitsMs = () => others.map(({ waitedMs }) => waitedMs);
      const before = waitsMs();
      const probe = new StallProbe();
      probe.start();
      stall();
      const { worstMs, worstWallMs, worstRanMs } = probe.worst;
      probe.pause();
      // On a busy machine the collector's helpers wait for a processor meanwhile: that is taken off where nothing ran.
      const helpersMs = Math.max(0, ...waitsMs().map((ms, at) => ms - (before[at] ?? ms)));
      assert.ok(worstWallMs >= 0.8 * STALL_MS, `${worstWallMs} ms`);
      assert.ok(
        worstMs >= 0.8 * STALL_MS - helpersMs,
        `${worstMs} of ${worstWallMs} ms, ${helpersMs} ms waited by another thread`,
      );
      assert.ok(worstRanMs >= runningMs, `${worstRanMs} ms`);
    });

  it("looks at nothing while it pauses", () => {
    const probe = new StallProbe();
    probe.start();
    probe.pause();
    probe.beginAnew();
    sleep();
    probe.resume();
    const { worstWallMs } = probe.worst;
    probe.pause();
    assert.ok(worstWallMs < STALL_MS / 2, `${worstWallMs} ms`);
  });
});
