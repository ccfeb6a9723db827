import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { LinkedSignal } from "../../../src/lib/linked-signal.ts";

describe("LinkedSignal", () => {
  it("is aborted with the first of its sources, with its reason", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    using linked = new LinkedSignal([one.signal, other.signal]);
    assert.equal(linked.signal.aborted, false);
    other.abort("enough");
    one.abort("too late");
    assert.equal(linked.signal.reason, "enough");
  });

  it("is aborted from the start when a source is", () => {
    using linked = new LinkedSignal([new AbortController().signal, AbortSignal.abort("before")]);
    assert.equal(linked.signal.reason, "before");
  });

  it("leaves nothing behind at its sources, and hears of them no more", () => {
    const source = new AbortController();
    const linked = new LinkedSignal([source.signal]);
    assert.equal(getEventListeners(source.signal, "abort").length, 1);
    linked[Symbol.dispose]();
    linked[Symbol.dispose]();
    assert.equal(getEventListeners(source.signal, "abort").length, 0);
    source.abort();
    assert.equal(linked.signal.aborted, false);
  });
});
