import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";

/** One clock under test; `pass` lets its time go by while the work waits for it. */
interface Subject {
  readonly clock: Clock;
  readonly pass: <T>(work: Promise<T>) => Promise<T>;
}

const subjects: readonly { readonly name: string; readonly make: () => Subject }[] = [
  { name: "the system's clock", make: () => ({ clock: systemClock, pass: work => work }) },
  {
    name: "the simulated clock",
    make: () => {
      const time = new VirtualTime();
      const pass = async <T>(work: Promise<T>) => {
        work.catch(() => undefined);
        await time.runUntil(10_000);
        return await work;
      };
      return { clock: simulatedClock(time), pass };
    },
  },
];

for (const { name, make } of subjects) {
  describe(`Clock: ${name}`, () => {
    it("sleeps at least as long as asked, by the monotonic clock", async () => {
      const { clock, pass } = make();
      const beforeMs = clock.monotonicMs();
      await pass(clock.sleep(20));
      assert.ok(clock.monotonicMs() - beforeMs >= 19);
    });

    it("wakes sleepers in the order of their times", async () => {
      const { clock, pass } = make();
      const woken: number[] = [];
      await pass(Promise.all([40, 5, 20].map(ms => clock.sleep(ms).then(() => woken.push(ms)))));
      assert.deepEqual(woken, [5, 20, 40]);
    });

    it("lets go what is due in a sleep of 0, which a signal ends as any other", async () => {
      const { clock, pass } = make();
      const order: string[] = [];
      setImmediate(() => order.push("due"));
      await pass(clock.sleep(0).then(() => order.push("slept")));
      assert.deepEqual(order, ["due", "slept"]);
      const controller = new AbortController();
      const sleep = clock.sleep(0, { signal: controller.signal });
      controller.abort(new Error("enough"));
      await assert.rejects(pass(sleep), /enough/);
    });

    it("ends a sleep with the signal's reason", async () => {
      const { clock, pass } = make();
      const controller = new AbortController();
      const sleep = clock.sleep(60_000, { signal: controller.signal });
      controller.abort(new Error("enough"));
      await assert.rejects(pass(sleep), /enough/);
      await assert.rejects(clock.sleep(1, { signal: controller.signal }), /enough/);
    });

    it("aborts a deadline's signal as unavailable", async () => {
      const { clock, pass } = make();
      const signal = clock.timeout(10);
      assert.equal(signal.aborted, false);
      await pass(clock.sleep(40));
      assert.equal(signal.aborted, true);
      assert.ok(signal.reason instanceof OperationError && signal.reason.kind === "unavailable");
      await assert.rejects(clock.sleep(1, { signal }), { kind: "unavailable" });
    });

    it("tells a time of day after 2020", () => {
      assert.ok(make().clock.nowMs() > Date.UTC(2020));
    });
  });
}

describe("The system's clock", () => {
  it("has one of those that yielded go on in each turn of the event loop, in their order", async () => {
    let turn = 0;
    const count = (): void => {
      turn++;
      if (turn < 20) setImmediate(count);
    };
    setImmediate(count);
    const wentOn: (readonly [who: string, turn: number])[] = [];
    const yielded = async (who: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> => {
      await systemClock.sleep(0, options);
      wentOn.push([who, turn]);
    };
    const controller = new AbortController();
    const calledOff = assert.rejects(yielded("b", { signal: controller.signal }));
    const others = ["a", "c", "d"].map(who => yielded(who));
    controller.abort();
    await Promise.all([calledOff, ...others]);
    assert.deepEqual(
      wentOn.map(([who]) => who),
      ["a", "c", "d"],
    );
    const turns = wentOn.map(([, at]) => at);
    assert.deepEqual(turns, [...new Set(turns)], "each in a turn of its own");
  });
});
