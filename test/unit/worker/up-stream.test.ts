import assert from "node:assert/strict";
import type { NodeDescription, TaskStatus } from "../../../src/model/cluster.ts";
import { asId, type TaskId } from "../../../src/model/ids.ts";
import { StatusReporter } from "../../../src/worker/status-reporter.ts";
import { UpStream } from "../../../src/worker/up-stream.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";

const TASK: TaskId = asId("task1");
const ENDED: TaskStatus = { state: "complete", atMs: 5, message: "finished" };

describe("what a worker says in a session", () => {
  it("takes nothing from the next session, however late the end of the last one is noticed", async () => {
    const time = new VirtualTime();
    const clock = simulatedClock(time);
    const reporter = new StatusReporter();
    const open = () => {
      const over = new AbortController();
      const hello = { kind: "hello", address: "", description: {} as NodeDescription } as const;
      const stream = new UpStream({ hello, reporter, clock, signal: over.signal });
      return { over, stream, messages: stream.messages() };
    };
    const last = open();
    await last.messages.next();
    last.stream.openStatuses();
    last.stream.applied(1);
    const applied = last.messages.next();
    while (await time.step(100));
    assert.deepEqual((await applied).value, { kind: "applied", sequence: 1 });

    // What was said last is still on its way when the connection breaks.
    last.over.abort();
    const next = open();
    await next.messages.next();
    reporter.set(TASK, ENDED);
    next.stream.openStatuses();
    assert.deepEqual(await last.messages.next(), { value: undefined, done: true });

    const told = next.messages.next();
    while (await time.step(200));
    assert.deepEqual((await told).value, { kind: "statuses", statuses: [{ taskId: TASK, status: ENDED }] });
  });
});
