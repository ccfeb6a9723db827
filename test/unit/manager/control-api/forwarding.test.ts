import assert from "node:assert/strict";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { ControlRequest, ControlResponse } from "../../../../src/model/control.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import { ForwardingControl, NO_LEADER_MESSAGE } from "../../../../src/manager/control-api/forwarding.ts";
import { rpcError } from "../../../../src/manager/rpc-error.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { newRequestId, SoloConsensus } from "../ca/fakes.ts";
import { aSpec } from "../store/objects.ts";

/** Sleeping moves time at once, and deadlines fall due on the way. */
class FastClock implements Clock {
  #now = 0;
  readonly #deadlines: { readonly atMs: number; readonly abort: AbortController }[] = [];
  nowMs = () => this.#now;
  monotonicMs = () => this.#now;
  timeout = (ms: number) => {
    const abort = new AbortController();
    this.#deadlines.push({ atMs: this.#now + ms, abort });
    return abort.signal;
  };
  sleep = async (ms: number, { signal }: { readonly signal?: AbortSignal } = {}) => {
    this.#now += ms;
    for (const { atMs, abort } of this.#deadlines)
      if (atMs <= this.#now) abort.abort(new OperationError("unavailable", "deadline"));
    signal?.throwIfAborted();
  };
}

describe("ForwardingControl", () => {
  const write: ControlRequest = { kind: "create-service", spec: aSpec("web") };
  const readRequest: ControlRequest = { kind: "list-services", filters: {} };
  const answer = (id: string): ControlResponse => ({ kind: "created", id, warnings: [] });
  const away = new OperationError("unavailable", "away");

  function setUp(remote: (address: string, attempt: number) => ControlResponse | OperationError) {
    const consensus = new SoloConsensus(new Store());
    consensus.members = [
      { raftId: 1, address: "m1:2377", isLearner: false },
      { raftId: 2, address: "m2:2377", isLearner: false },
    ];
    consensus.role = "follower";
    consensus.leaderId = 2;
    const seen: string[] = [];
    const clock = new FastClock();
    const control = new ForwardingControl({
      consensus,
      clock,
      local: {
        call: async () => {
          seen.push("local");
          return answer("local");
        },
      },
      remote: async (address, _request, { requestId, mayRepeat }) => {
        seen.push(`${address} ${requestId}${mayRepeat === true ? " again" : ""}`);
        const result = remote(address, seen.length);
        if (result instanceof OperationError) throw result;
        return result;
      },
    });
    return { clock, control, consensus, seen };
  }

  it("reads here, writes at the leader, and passes nothing on twice", async () => {
    const { control, seen } = setUp(() => answer("remote"));
    const requestId = newRequestId();
    await control.call(readRequest, { requestId });
    await control.call(write, { requestId });
    await control.call(write, { requestId, isForwarded: true });
    assert.deepEqual(seen, ["local", `m2:2377 ${requestId}`, "local"]);
  });

  it("tries again with the same request id while the leader changes", async () => {
    const requestId = newRequestId();
    const { control, consensus, seen } = setUp((_address, attempt) => {
      if (attempt < 3) return away;
      consensus.leaderId = attempt === 3 ? 1 : 2;
      consensus.role = "leader";
      return away;
    });
    assert.deepEqual(await control.call(write, { requestId }), answer("local"));
    const again = `m2:2377 ${requestId} again`;
    assert.deepEqual(seen, [`m2:2377 ${requestId}`, again, again, "local"], "and says so");
  });

  it("hands a refusal on at once", async () => {
    const { control, seen } = setUp(() => new OperationError("conflict", "taken"));
    await assert.rejects(control.call(write, { requestId: newRequestId() }), { kind: "conflict", message: "taken" });
    assert.equal(seen.length, 1);
  });

  it("hands on that the request is forbidden, and tries again when it is this manager that the leader does not admit", async () => {
    const forbidden = setUp(() => rpcError("PermissionDenied", "network db not manually attachable"));
    await assert.rejects(forbidden.control.call(write, { requestId: newRequestId() }), { kind: "forbidden" });
    assert.equal(forbidden.seen.length, 1);
    const notAdmitted = new OperationError("forbidden", "the manager does not admit this node's certificate");
    const demoted = setUp((_address, attempt) => (attempt < 3 ? notAdmitted : answer("remote")));
    assert.deepEqual(await demoted.control.call(write, { requestId: newRequestId() }), answer("remote"));
    assert.equal(demoted.seen.length, 3);
  });

  it("says after half a second that there is no leader, but not in the first 3 s after its start", async () => {
    const { clock, control, consensus } = setUp(() => away);
    consensus.leaderId = undefined;
    for (const [request, [fromMs, toMs]] of [
      [write, [3_000, 3_300]],
      [readRequest, [500, 800]],
    ] as const) {
      const beganMs = clock.monotonicMs();
      await assert.rejects(control.call(request, { requestId: newRequestId() }), {
        kind: "unavailable",
        message: NO_LEADER_MESSAGE,
      });
      const tookMs = clock.monotonicMs() - beganMs;
      assert.ok(tookMs > fromMs && tookMs < toMs, `after ${tookMs} ms`);
    }
  });

  it("says after 10 s that the leader does not answer", async () => {
    const { clock, control } = setUp(() => away);
    await assert.rejects(control.call(write, { requestId: newRequestId() }), { kind: "unavailable", message: NO_LEADER_MESSAGE });
    assert.ok(clock.monotonicMs() >= 10_000);
  });

  it("stops when its caller does", async () => {
    const { control } = setUp(() => away);
    const signal = AbortSignal.abort(new OperationError("cancelled", "enough"));
    await assert.rejects(control.call(write, { requestId: newRequestId(), signal }), { kind: "cancelled" });
  });
});
