import assert from "node:assert/strict";
import { FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import { asId } from "../../../../src/model/ids.ts";
import { Manager } from "./a-manager.ts";

describe("what a manager tells the leader of its sessions", () => {
  it("is their age and silence, every half second, and sooner when one was opened", async () => {
    await using manager = new Manager();
    await manager.pass(500);
    const worker = manager.open("w1");
    await manager.pass(60);
    worker.up.push({ kind: "beat" });
    await manager.pass(1_050);
    assert.deepEqual(
      manager.sessions.map(({ atMs, sessions }) => [
        atMs,
        ...sessions.map(({ nodeId, sessionId, ageMs, silenceMs }) => [nodeId, sessionId, ageMs, silenceMs]),
      ]),
      [[500], [550, ["w1", "session1", 50, 50]], [1_050, ["w1", "session1", 550, 490]], [1_550, ["w1", "session1", 1_050, 990]]],
    );
    assert.ok(manager.sessions.every(({ managerId, formatLevel }) => managerId === "m1" && formatLevel === FORMAT_LEVEL));
  });

  it("ends them all when no leader hears it for 4 s, and lets none begin until one does", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(1_040);
    const heardAtMs = manager.sessions.at(-1)?.atMs ?? assert.fail();
    manager.hasLeader = false;
    await manager.pass(heardAtMs + 4_000 - manager.time.nowMs);
    assert.equal(worker.end, undefined);
    const last = manager.open("w2");
    await manager.pass(1);
    assert.equal(last.end, undefined);
    await manager.pass(600);
    assert.deepEqual([worker.end, last.end], ["unavailable: this manager has no leader", undefined]);
    await manager.pass(2_000);
    assert.equal(last.end, "unavailable: this manager has no leader");
    const late = manager.open("w1");
    await manager.pass(2_450);
    assert.deepEqual([late.end, late.down], [undefined, []]);
    await manager.pass(100);
    assert.equal(late.end, "unavailable: this manager has no leader");
    manager.hasLeader = true;
    await manager.pass(600);
    const back = manager.open("w1");
    await manager.pass(100);
    assert.equal(back.end, undefined);
  });

  it("sends workers away a few at a time, and no more once a leader hears it", async () => {
    await using manager = new Manager();
    const workers = Array.from({ length: 600 }, (_, at) => {
      manager.putNode(`n${at}`);
      return manager.open(`n${at}`);
    });
    await manager.pass(1_040);
    const heardAtMs = manager.sessions.at(-1)?.atMs ?? assert.fail();
    manager.hasLeader = false;
    await manager.pass(heardAtMs + 4_001 - manager.time.nowMs);
    const sentAway = (): number => workers.filter(({ end }) => end !== undefined).length;
    while (sentAway() === 0) await manager.pass(10);
    assert.equal(sentAway(), 32);
    await manager.pass(50);
    assert.equal(sentAway(), 64);
    manager.hasLeader = true;
    await manager.pass(3_000);
    assert.ok(sentAway() >= 64 && sentAway() <= 64 + 32 * 11, `${sentAway()} were sent away`); // The next report is 500 ms away at most.
  });
});

describe("workers that come while there is no leader", () => {
  it("wait, and begin as soon as there is one, for which one asks for all", async () => {
    await using manager = new Manager();
    await manager.pass(600);
    manager.hasLeader = false;
    const workers = Array.from({ length: 50 }, (_, at) => {
      manager.putNode(`n${at}`);
      return manager.open(`n${at}`);
    });
    await manager.pass(1);
    assert.equal(manager.barriers, 50, "each has asked once");
    await manager.pass(1_500);
    assert.ok(manager.barriers <= 50 + 15, `${manager.barriers} questions`);
    assert.ok(workers.every(({ down, end }) => down.length === 0 && end === undefined));
    manager.hasLeader = true;
    await manager.pass(110);
    assert.ok(workers.every(({ down }) => down[0]?.kind === "welcome"));
  });

  it("ask nothing more when they are gone", async () => {
    await using manager = new Manager();
    await manager.pass(600);
    manager.hasLeader = false;
    const worker = manager.open("w1");
    await manager.pass(200);
    worker.stop.abort(new Error("gone"));
    await manager.pass(100);
    assert.match(worker.end ?? "", /gone/);
    const { barriers } = manager;
    await manager.pass(1_000);
    assert.equal(manager.barriers, barriers);
  });

  it("are turned away when the node was removed meanwhile", async () => {
    await using manager = new Manager();
    await manager.pass(600);
    manager.hasLeader = false;
    const worker = manager.open("w1");
    await manager.pass(200);
    manager.apply([
      { kind: "remove", table: "node", id: asId("w1"), basedOn: manager.store.view().get("node", asId("w1"))?.version ?? 0 },
    ]);
    manager.hasLeader = true;
    await manager.pass(200);
    assert.equal(worker.end, "not-found: node w1 not found");
  });
});
