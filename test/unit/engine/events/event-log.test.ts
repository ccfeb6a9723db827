import assert from "node:assert/strict";
import { EVENTS_KEPT_MAX, EventLog, SUBSCRIBER_QUEUE_MAX } from "../../../../src/engine/events/event-log.ts";
import type { EngineEvent } from "../../../../src/model/container.ts";
import type { Filters } from "../../../../src/model/control.ts";
import { ManualClock } from "../containers/manual-clock.ts";

const never = new AbortController().signal;

describe("events", () => {
  let clock: ManualClock;
  let log: EventLog;
  beforeEach(() => {
    clock = new ManualClock();
    log = new EventLog(clock);
  });

  const publish = (event: Partial<EngineEvent> = {}) =>
    log.publish({ type: "container", action: "start", actorId: "c1", attributes: {}, scope: "local", ...event });

  async function actionsOf(options: {
    readonly sinceNs?: bigint;
    readonly untilNs?: bigint;
    readonly filters?: Filters;
    readonly signal?: AbortSignal;
  }) {
    const actions: string[] = [];
    for await (const { action } of log.follow({ filters: {}, signal: never, ...options })) actions.push(action);
    return actions;
  }

  const nowNs = () => BigInt(clock.nowMs()) * 1_000_000n;

  it("of the past are the last ones, each with a time of its own", async () => {
    for (let number = 0; number < EVENTS_KEPT_MAX + 10; number++) publish({ action: `a${number}` });
    await clock.advance(10);
    const actions = await actionsOf({ sinceNs: 0n, untilNs: nowNs() });
    assert.deepEqual([actions.length, actions[0], actions.at(-1)], [EVENTS_KEPT_MAX, "a10", `a${EVENTS_KEPT_MAX + 9}`]);
  });

  it("are followed from the call on, until the time or the signal", async () => {
    publish({ action: "before" });
    const leave = new AbortController();
    const bySignal = actionsOf({ signal: leave.signal });
    const byTime = actionsOf({ sinceNs: 0n, untilNs: nowNs() + 1_000_000_000n });
    publish({ action: "after" });
    await clock.advance(1000);
    publish({ action: "late" });
    leave.abort();
    assert.deepEqual(await bySignal, ["after", "late"]);
    assert.deepEqual(await byTime, ["before", "after"]);
  });

  it("are not kept for a reader that does not read", async () => {
    const events = log.follow({ filters: {}, signal: never });
    for (let count = 0; count <= SUBSCRIBER_QUEUE_MAX; count++) publish();
    let seen = 0;
    await assert.rejects(
      async () => {
        for await (const _ of events) seen++;
      },
      { kind: "unavailable" },
    );
    assert.equal(seen, SUBSCRIBER_QUEUE_MAX);
  });

  it("are filtered", async () => {
    publish({ action: "exec_create: sh", attributes: { name: "web", image: "nginx:1.27", tier: "front" } });
    publish({ type: "volume", action: "create", actorId: "data" });
    publish({ type: "image", action: "load", actorId: "sha256:1", attributes: { name: "nginx:1.27" } });
    await clock.advance(10);
    const cases: readonly (readonly [Filters, readonly string[]])[] = [
      [{ type: ["volume", "image"] }, ["create", "load"]],
      [{ event: ["exec_create"] }, ["exec_create: sh"]],
      [{ container: ["web"] }, ["exec_create: sh"]],
      [{ container: ["other"] }, []],
      [{ volume: ["data"] }, ["create"]],
      [{ image: ["nginx"] }, ["exec_create: sh", "load"]],
      [{ label: ["tier=front"] }, ["exec_create: sh"]],
      [{ scope: ["swarm"] }, []],
    ];
    for (const [filters, found] of cases) {
      assert.deepEqual(await actionsOf({ sinceNs: 0n, untilNs: nowNs(), filters }), found, JSON.stringify(filters));
    }
    assert.throws(() => log.follow({ filters: { nope: ["1"] }, signal: never }), {
      kind: "invalid",
      message: "invalid filter 'nope'",
    });
  });
});
