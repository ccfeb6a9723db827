import assert from "node:assert/strict";
import { Turns } from "../../../../src/manager/dispatcher/turns.ts";
import { systemClock } from "../../../../src/system/clock.ts";

const { signal } = new AbortController();

function busyFor(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe("work in turns", () => {
  it("is done in order, and gives all else its turn in between", async () => {
    const turns = new Turns({ clock: systemClock });
    const done: number[] = [];
    let others = 0;
    const all = Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const work = (): number => {
          busyFor(2);
          return done.push(at);
        };
        assert.equal(await turns.run(work, { signal }), at + 1);
      }),
    );
    const other = (): void => {
      others++;
      if (done.length < 20) setImmediate(other);
    };
    setImmediate(other);
    await all;
    assert.deepEqual(
      done,
      Array.from({ length: 20 }, (_, at) => at),
    );
    assert.ok(others >= 5, `${others} turns for others`); // 40 ms of work, 5 ms a turn and the piece that goes over it.
  });

  it("tells its caller what it throws, and goes on", async () => {
    const turns = new Turns({ clock: systemClock });
    const failing = turns.run(() => assert.fail("broken"), { signal });
    const next = turns.run(() => "done", { signal });
    await assert.rejects(failing, /broken/);
    assert.equal(await next, "done");
    assert.equal(await turns.run(() => "again", { signal }), "again");
  });

  it("is not done for a caller who is gone when it would be its turn", async () => {
    const turns = new Turns({ clock: systemClock });
    const controller = new AbortController();
    const first = turns.run(() => "done", { signal });
    const late = turns.run(() => assert.fail("it was done"), controller);
    controller.abort(new Error("gone"));
    await assert.rejects(late, /gone/);
    assert.equal(await first, "done");
  });
});
