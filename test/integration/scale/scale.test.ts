// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { buildChildren } from "../../bench/scale/child.ts";
import { Report } from "../../bench/scale/report.ts";
import { measureRunning } from "../../bench/scale/running.ts";

/** The bench's run in small: what holds here need not hold at size, but what fails here does not either. */
describe("a swarm of 30 simulated workers", () => {
  it("runs 300 tasks, and no manager stands still for 200 ms", async function () {
    this.timeout(60_000);
    await buildChildren(["manager", "workers"]);
    const lines: string[] = [];
    const report = new Report({ print: line => lines.push(line) });
    await measureRunning({ workers: 30, tasks: 300, processes: 1, stallMsMax: 200, isShort: true }, report);
    assert.deepEqual(report.missed, [], lines.join("\n"));
  });
});
