import assert from "node:assert/strict";
import { Session } from "../../../../src/manager/dispatcher/session.ts";
import { SessionTable } from "../../../../src/manager/dispatcher/session-table.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId } from "../../../../src/model/ids.ts";
import { aNetwork, aSecret, aSpec, aTask } from "../store/objects.ts";

const NODE = asId<NodeId>("n1");
const NET = aNetwork("net").id;
const task = aTask("t1", {
  nodeId: NODE,
  status: { state: "running", atMs: 0, message: "" },
  networks: [{ networkId: NET, addresses: ["10.0.0.2/24"], aliases: [] }],
});
const SECRET = aSecret("password").id;
const revision = {
  ...{ id: task.revisionId, version: 0, createdAtMs: 0, updatedAtMs: 0, serviceId: task.serviceId },
  ...{ task: aSpec("web", { secrets: ["password"] }).task, endpoint: { mode: "vip", ports: [] } as const },
};
const VIEW = new Store().view().with([
  { kind: "put", table: "task", object: task, basedOn: 0 },
  { kind: "put", table: "revision", object: revision, basedOn: 0 },
]);

function aSession(id: string): Session {
  const session = new Session({ id: asId(id), nodeId: NODE, nowMs: 0 });
  session.next(VIEW);
  return session;
}

describe("the table of sessions", () => {
  const key = { kind: "network", id: NET } as const;

  it("tells a session that was closed nothing, though it looks once more", () => {
    const table = new SessionTable();
    const session = aSession("s1");
    const seat = table.open(session);
    table.onNetworks([NET], key);
    assert.equal(session.hasNews, true);
    session.next(VIEW);
    table.close(session, "enough");
    seat.reindex();
    for (const tell of [
      () => table.onNetworks([NET], key),
      () => table.all(key),
      () => table.node(NODE, key),
      () => table.needs(NODE),
      () => table.noteAll(),
      () => table.noteAllStanding(),
    ])
      tell();
    assert.deepEqual([session.hasNews, table.list(), seat.closed.aborted, seat.reason], [false, [], true, "enough"]);
  });

  it("closes a session once, for the first reason, and never the one in its place", () => {
    const table = new SessionTable();
    const [older, newer] = [aSession("s1"), aSession("s2")];
    const seat = table.open(older);
    const next = table.open(newer);
    seat.close("too late");
    table.close(older, "too late");
    table.closeId(asId("s1"), "too late");
    assert.deepEqual([seat.reason, next.closed.aborted, table.list()], ["the node has a newer session", false, [newer]]);
    table.closeId(asId("s2"), "fenced");
    assert.deepEqual([next.reason, table.list()], ["fenced", []]);
  });

  it("wakes who waits for news when it is closed, and waits for none that is there", async () => {
    const table = new SessionTable();
    const session = aSession("s1");
    const seat = table.open(session);
    const waiting = seat.news(seat.closed);
    table.closeNode(NODE, "the node was removed");
    await assert.rejects(waiting, { name: "AbortError" });
    await assert.rejects(seat.news(seat.closed), { name: "AbortError" });
    session.noteAll();
    await seat.news(new AbortController().signal);
  });

  for (const [what, tell] of [
    ["its own", (table: SessionTable) => table.node(NODE, key)],
    ["of its needs", (table: SessionTable) => table.needs(NODE)],
    ["on its networks", (table: SessionTable) => table.onNetworks([NET], key)],
    ["of a peer", (table: SessionTable) => table.peer(asId("n2"), [NET])],
    ["of files that its tasks have", (table: SessionTable) => table.holders({ kind: "secret", id: SECRET })],
    ["for all", (table: SessionTable) => table.all(key)],
    ["of everything", (table: SessionTable) => table.noteAll()],
    ["of its standing", (table: SessionTable) => table.noteStanding(NODE)],
    ["of everybody's standing", (table: SessionTable) => table.noteAllStanding()],
  ] as const)
    it(`wakes who waits for news ${what}`, async () => {
      const table = new SessionTable();
      const session = aSession("s1");
      const waiting = table.open(session).news(new AbortController().signal);
      tell(table);
      await waiting;
      assert.equal(session.hasNews, true);
    });
});
