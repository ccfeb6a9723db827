import assert from "node:assert/strict";
import { SecondOpinion } from "../../../../src/manager/dispatcher/second-opinion.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId } from "../../../../src/model/ids.ts";
import { settle, simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";

const places = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ nodeId: asId<NodeId>(`n${at}`), host: "192.0.2.1" }));

describe("a second opinion on silent nodes", () => {
  let time: VirtualTime;
  let asked: { readonly id: string; readonly answer: (isThere: boolean) => void }[];
  let answered: string[];
  let opinion: SecondOpinion;
  let stop: AbortController;

  beforeEach(() => {
    [time, asked, answered, stop] = [new VirtualTime(), [], [], new AbortController()];
    opinion = new SecondOpinion({
      clock: simulatedClock(time),
      reaches: ({ nodeId }, { signal }) =>
        new Promise((answer, reject) => {
          asked.push({ id: nodeId, answer });
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
  });

  function ask(count: number, signal = stop.signal): void {
    opinion.ask(places(count), { onAnswer: id => void answered.push(id), signal });
  }

  it("is asked of so many nodes at once, and of others as those answer", async () => {
    ask(31);
    assert.equal(asked.length, 31);
    ask(2);
    assert.equal(asked.length, 32);
    ask(2);
    assert.equal(asked.length, 32);
    asked[5]?.answer(false);
    await settle();
    ask(2);
    assert.deepEqual([asked.length, asked.at(-1)?.id], [33, "n0"]);
  });

  it("is asked of many without a warning of listeners that leak, round after round", async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.message);
    process.on("warning", note);
    try {
      for (let round = 0; round < 8; round++) {
        ask(16);
        await time.runUntil(time.nowMs + 250);
      }
      await new Promise(resolve => setImmediate(resolve)); // Warnings are told in a turn of their own.
      assert.deepEqual([asked.length >= 64, warnings], [true, []]);
    } finally {
      process.off("warning", note);
    }
  });

  it("is asked of one node a few times at once", async () => {
    for (let round = 0; round < 6; round++) ask(1);
    assert.equal(asked.length, 4);
    asked[0]?.answer(true);
    await settle();
    for (let round = 0; round < 3; round++) ask(1);
    assert.deepEqual([asked.length, answered], [5, ["n0"]]);
  });

  it("is waited for for a second", async () => {
    ask(1);
    await time.runUntil(999);
    for (let round = 0; round < 6; round++) ask(1);
    assert.equal(asked.length, 4);
    await time.runUntil(1_000);
    for (let round = 0; round < 6; round++) ask(1);
    assert.deepEqual([asked.length, answered], [5, []]);
  });

  it("counts only when the node is there, and while somebody leads who asked", async () => {
    const term = new AbortController();
    ask(2, term.signal);
    asked[0]?.answer(false);
    asked[1]?.answer(true);
    term.abort();
    await settle();
    assert.deepEqual(answered, []);
  });
});
