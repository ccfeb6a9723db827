import assert from "node:assert/strict";
import { Gate } from "../../../src/lib/gate.ts";

describe("Gate", () => {
  it("lets as many through as it may, then the others in their order, also after one failed", async () => {
    const gate = new Gate(2);
    const began: number[] = [];
    const ends: (() => void)[] = [];
    const all = [0, 1, 2, 3].map(number =>
      gate.run(async () => {
        began.push(number);
        await new Promise<void>(resolve => ends.push(resolve));
        if (number === 0) throw new Error("failed");
      }),
    );
    const settled = Promise.allSettled(all);
    await Promise.resolve();
    assert.deepEqual(began, [0, 1]);
    ends[0]?.();
    await assert.rejects(all[0] ?? Promise.resolve(), /failed/);
    assert.deepEqual(began, [0, 1, 2]);
    ends[1]?.();
    await all[1];
    assert.deepEqual(began, [0, 1, 2, 3]);
    for (const end of ends) end();
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ["rejected", "fulfilled", "fulfilled", "fulfilled"],
    );
    await gate.run(async () => assert.ok(true, "free again"));
  });
});
