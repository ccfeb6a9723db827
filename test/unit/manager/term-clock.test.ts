import assert from "node:assert/strict";
import { TermClock } from "../../../src/manager/term-clock.ts";
import { SimulatedProcess } from "../../sim/process.ts";
import { VirtualTime } from "../../sim/virtual-time.ts";

const HOUR_MS = 3_600_000;

describe("the leader's clock", () => {
  function setUp() {
    const time = new VirtualTime();
    const machine = new SimulatedProcess(time);
    const clock = new TermClock(machine.clock);
    const startMs = clock.nowMs();
    const passedAfter = (ms: number) => {
      time.nowMs += ms;
      return clock.nowMs() - startMs;
    };
    return { machine, clock, startMs, passedAfter };
  }

  for (const skewMs of [HOUR_MS, -HOUR_MS]) {
    it(`goes on evenly when the machine's is set ${skewMs > 0 ? "forward" : "back"}, and follows it slowly`, () => {
      const { machine, passedAfter } = setUp();
      machine.wallSkewMs = skewMs;
      assert.equal(passedAfter(0), 0);
      assert.equal(passedAfter(10_000), 10_000 + Math.sign(skewMs) * 100);
      assert.equal(passedAfter(90_000), 100_000 + Math.sign(skewMs) * 1_000);
      assert.equal(passedAfter(200 * HOUR_MS), 200 * HOUR_MS + 100_000 + skewMs, "and no further than that");
    });
  }

  it("is the machine's when a term begins", () => {
    const { machine, clock, passedAfter } = setUp();
    machine.wallSkewMs = HOUR_MS;
    clock.beginTerm();
    assert.equal(passedAfter(10_000), HOUR_MS + 10_000);
  });

  it("follows a clock that had yet to be set", () => {
    const { machine, passedAfter } = setUp();
    machine.wallSkewMs = 1_000 * HOUR_MS;
    assert.equal(passedAfter(10_000), 1_000 * HOUR_MS + 10_000);
  });
});
