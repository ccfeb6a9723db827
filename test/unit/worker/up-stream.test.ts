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
    reporter.set(TASK, ENDED);
    const late = last.messages.next();
    await time.runUntil(10);
    // It is about to be said when the connection breaks.
    last.over.abort();
    const next = open();
    await next.messages.next();
    next.stream.openStatuses();
    assert.deepEqual(await late, { value: undefined, done: true });

    const told = next.messages.next();
    while (await time.step(200));
    assert.deepEqual((await told).value, { kind: "statuses", statuses: [{ taskId: TASK, status: ENDED }] });
  });

  /** @returns what is said within `ms`, with when. */
  async function said(ms: number, tell: (reporter: StatusReporter, time: VirtualTime) => void) {
    const time = new VirtualTime();
    const reporter = new StatusReporter();
    const over = new AbortController();
    const hello = { kind: "hello", address: "", description: {} as NodeDescription } as const;
    const stream = new UpStream({ hello, reporter, clock: simulatedClock(time), signal: over.signal });
    const told: (readonly [atMs: number, states: string])[] = [];
    const beats: number[] = [];
    const reading = (async () => {
      for await (const message of stream.messages()) {
        if (message.kind === "beat") beats.push(time.nowMs);
        if (message.kind === "statuses") told.push([time.nowMs, message.statuses.map(({ status }) => status.state).join()]);
      }
    })();
    stream.openStatuses();
    await time.runUntil(0);
    tell(reporter, time);
    await time.runUntil(ms);
    over.abort();
    await reading;
    return { told, beats };
  }

  const status = (state: TaskStatus["state"]): TaskStatus => ({ state, atMs: 0, message: "" });

  it("tells what a task comes to on its way with what it comes to in the end, or half a second late", async () => {
    const { told } = await said(2_000, (reporter, time) => {
      reporter.set(TASK, status("preparing"), { isOnTheWay: true });
      time.after(300, () => reporter.set(TASK, status("running")));
      time.after(1_000, () => reporter.set(TASK, status("starting"), { isOnTheWay: true }));
    });
    assert.deepEqual(told, [
      [350, "running"],
      [1_500, "starting"],
    ]);
  });

  it("makes nothing wait that is urgent for a later status on the way, or for a task beside it", async () => {
    const { told } = await said(2_000, (reporter, time) => {
      reporter.set(TASK, status("ready"));
      time.after(10, () => reporter.set(TASK, status("starting"), { isOnTheWay: true }));
      time.after(20, () => reporter.set(asId("task2"), status("preparing"), { isOnTheWay: true }));
    });
    assert.deepEqual(told, [[50, "starting,preparing"]]);
  });

  it("tells a new session at once of what the last one was not told", async () => {
    const { told } = await said(400, reporter => {
      reporter.set(TASK, status("preparing"), { isOnTheWay: true });
      reporter.resend(() => false);
    });
    assert.deepEqual(told, [[50, "preparing"]]);
  });

  it("sends a beat when nothing else has been said for a beat's period", async () => {
    const { told, beats } = await said(5_000, (reporter, time) => {
      time.after(1_650, () => reporter.set(TASK, status("running")));
      time.after(2_450, () => reporter.set(TASK, status("complete")));
    });
    assert.deepEqual(told, [
      [1_700, "running"],
      [2_500, "complete"],
    ]);
    assert.deepEqual(beats, [1_000, 3_500, 4_500]);
  });
});
