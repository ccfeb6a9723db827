import assert from "node:assert/strict";
import { DiskHealth, isDiskFull } from "../../../src/raft/disk-health.ts";

describe("DiskHealth", () => {
  it("advises to offer leadership after 2 s of one write, once in 30 s, and to make way after 5 s", () => {
    const health = new DiskHealth();
    assert.equal(health.advice(0), "nothing");
    health.begin(1_000);
    const advised = [1_000, 2_999, 3_000, 3_100, 5_999, 6_000, 6_100].map(nowMs => health.advice(nowMs));
    assert.deepEqual(advised, ["nothing", "nothing", "offer-leadership", "nothing", "nothing", "make-way", "make-way"]);
    health.end();
    assert.equal(health.advice(7_000), "nothing");
    health.begin(30_000);
    assert.deepEqual(
      [32_999, 33_000].map(nowMs => health.advice(nowMs)),
      ["nothing", "offer-leadership"],
    );
  });

  it("does not blame the disk when the process stood still", () => {
    const health = new DiskHealth();
    health.begin(0);
    health.stalled(10_000);
    assert.deepEqual(
      [health.advice(10_000), health.advice(11_999), health.advice(12_000)],
      ["nothing", "nothing", "offer-leadership"],
    );
    health.end();
    health.stalled(20_000);
    assert.equal(health.advice(90_000), "nothing");
  });
});

describe("isDiskFull", () => {
  const failing = (code: string) => Object.assign(new Error(code), { code });
  for (const [code, isFull] of [
    ["ENOSPC", true],
    ["EDQUOT", true],
    ["EIO", false],
  ] as const) {
    it(`says ${isFull} for ${code}`, () => assert.equal(isDiskFull(failing(code)), isFull));
  }
});
