import assert from "node:assert/strict";
import { OperationError } from "../../../../src/lib/errors.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { SessionUp } from "../../../../src/model/session.ts";
import type { StatusReport } from "../../../../src/manager/dispatcher/leader-calls.ts";
import { DESCRIPTION, HELLO, Manager } from "./a-manager.ts";

describe("what a worker reports", () => {
  const statuses = (message: string): SessionUp => ({
    kind: "statuses",
    statuses: [{ taskId: asId("t1"), status: { state: "running", atMs: 1, message } }],
  });

  it("goes to the leader, for the node of its certificate and with the address it came from", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1", { remoteAddress: "192.0.2.9" });
    worker.up.push(HELLO);
    worker.up.push({ ...HELLO, address: "192.0.2.1" } as SessionUp);
    worker.up.push(statuses("fine"));
    await manager.pass(10);
    assert.deepEqual(
      manager.nodes.map(({ nodeId, address }) => [nodeId, address]),
      [
        ["w1", "192.0.2.9"],
        ["w1", "192.0.2.1"],
      ],
    );
    assert.deepEqual(manager.statuses, [
      {
        nodeId: "w1",
        statuses: statuses("fine").kind === "statuses" ? (statuses("fine") as never as StatusReport).statuses : [],
      },
    ]);
  });

  it("is sent again while there is no leader, every 200 ms, and the worker begins again when that takes long", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(10);
    manager.failure = new OperationError("unavailable", "no leader");
    worker.up.push(statuses("first"));
    await manager.pass(250);
    manager.failure = undefined;
    assert.equal(manager.statuses.length, 0);
    await manager.pass(149);
    assert.equal(manager.statuses.length, 0, "not before the time for the next try");
    await manager.pass(2);
    assert.equal(manager.statuses.length, 1);
    manager.failure = new OperationError("unavailable", "no leader");
    worker.up.push(statuses("second"));
    await manager.pass(3_700);
    assert.equal(worker.end, undefined);
    await manager.pass(200);
    assert.equal(worker.end, "unavailable: the leader could not be told");
    assert.equal(manager.warnings.filter(each => each.includes("did not reach the leader")).length, 1);
  });

  it("ends the session at once when it is wrong", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(10);
    manager.failure = new OperationError("invalid", "no such thing");
    worker.up.push(statuses("wrong"));
    await manager.pass(10);
    assert.equal(worker.end, "unavailable: the leader could not be told");
    manager.failure = undefined;
    const other = manager.open("w2");
    other.up.push({ kind: "hello", description: { ...DESCRIPTION, hostname: "h".repeat(300_000) }, address: "" });
    await manager.pass(10);
    assert.match(String(other.end), /description has more than/);
    assert.equal(manager.nodes.length, 0);
  });

  it("is cut where it is long", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    const status = { state: "failed", atMs: 1, message: "m", error: "e".repeat(8_193) } as const;
    const long = { state: "failed", atMs: 1, message: "m".repeat(8_193) } as const;
    const short = { state: "failed", atMs: 1, message: "m".repeat(8_192), error: "e".repeat(8_192) } as const;
    const report = [status, long, short].map((each, at) => ({ taskId: asId<never>(`t${at}`), status: each }));
    worker.up.push({ kind: "statuses", statuses: report });
    await manager.pass(10);
    const [sent] = manager.statuses;
    assert.deepEqual(
      sent?.statuses.map(each => [each.status.message.length, each.status.error?.length]),
      [
        [1, 8_192],
        [8_192, undefined],
        [8_192, 8_192],
      ],
    );
    assert.equal(sent?.statuses[2]?.status, short);
  });
});

describe("what a node says of itself", () => {
  it("is not brought to the leader when it is in the state already, and is again once something else was said", async () => {
    await using manager = new Manager();
    const { status } = manager.store.view().get("node", asId("w1")) ?? assert.fail();
    manager.putNode("w1", { description: DESCRIPTION, status: { ...status, address: "192.0.2.1" } });
    const worker = manager.open("w1", { remoteAddress: "192.0.2.1" });
    const hello = (hostname: string): SessionUp => ({ kind: "hello", description: { ...DESCRIPTION, hostname }, address: "" });
    const said = (): readonly string[] => manager.nodes.map(({ description, address }) => `${description.hostname} ${address}`);
    worker.up.push(hello(DESCRIPTION.hostname));
    await manager.pass(10);
    assert.deepEqual(said(), []);
    worker.up.push(hello("other"));
    await manager.pass(10);
    // The state has not got "other" yet: what is said now has to come after it.
    worker.up.push(hello(DESCRIPTION.hostname));
    await manager.pass(10);
    assert.deepEqual(said(), ["other 192.0.2.1", `${DESCRIPTION.hostname} 192.0.2.1`]);
    const moved = manager.open("w1", { remoteAddress: "192.0.2.2" });
    moved.up.push(hello(DESCRIPTION.hostname));
    await manager.pass(10);
    assert.equal(said().at(-1), `${DESCRIPTION.hostname} 192.0.2.2`);
  });
});
