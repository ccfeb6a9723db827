import assert from "node:assert/strict";
import { Disposal } from "../../../src/lib/disposal.ts";
import { errorKind, errorMessage, OperationError } from "../../../src/lib/errors.ts";
import { thenUndo, undoAfter, undoAll } from "../../../src/lib/undo.ts";

const conflict = new OperationError("conflict", "it is in use");
const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

function fail(error: Error): never {
  throw error;
}

describe("steps that take back", () => {
  let taken: string[];
  beforeEach(() => void (taken = []));
  const step = (name: string) => () => void taken.push(name);

  it("are all taken, in order, whatever fails before", async () => {
    const steps = [step("a"), () => fail(conflict), step("b"), async () => fail(full), step("c")];
    await assert.rejects(undoAll(steps), { kind: "conflict", message: "it is in use; write: no space left on device" });
    assert.deepEqual(taken, ["a", "b", "c"]);
  });

  it("follow an action that has failed, whose failure comes first and gives the kind", async () => {
    const steps = [step("a"), () => fail(full), step("b")];
    await assert.rejects(
      thenUndo(async () => fail(conflict), steps),
      (error: unknown) => {
        assert.ok(error instanceof OperationError && error.cause instanceof AggregateError);
        assert.deepEqual([error.kind, error.cause.errors], ["conflict", [conflict, full]]);
        return true;
      },
    );
    await assert.rejects(undoAfter(full, [() => fail(conflict), step("c")]), { code: "ENOSPC" });
    assert.deepEqual(taken, ["a", "b", "c"]);
  });

  it("leave a result, and a failure that is the only one, as they are", async () => {
    assert.equal(await thenUndo(async () => 7, [step("a")]), 7);
    await assert.rejects(
      thenUndo(async () => fail(full), [step("b")]),
      error => error === full,
    );
    await assert.rejects(
      thenUndo(async () => 7, [() => fail(conflict), step("c")]),
      error => error === conflict,
    );
    assert.deepEqual(taken, ["a", "b", "c"]);
  });

  it("are those of what was opened last first, also of what is opened meanwhile", async () => {
    const disposal = new Disposal();
    disposal.defer(step("first"));
    disposal.defer(() => fail(full));
    disposal.defer(() => {
      disposal.defer(step("late"));
      throw conflict;
    });
    await assert.rejects(disposal[Symbol.asyncDispose](), { kind: "conflict", message: /in use; write/ });
    assert.deepEqual(taken, ["late", "first"]);
    await disposal[Symbol.asyncDispose]();
  });

  it("of a using that fail hide nothing of what has failed before", async () => {
    const error = await (async () => {
      await using _held = { [Symbol.asyncDispose]: async () => fail(full) };
      throw conflict;
    })().catch((cause: unknown) => cause);
    assert.deepEqual([errorKind(error), errorMessage(error)], ["conflict", "it is in use; write: no space left on device"]);
  });
});
