import assert from "node:assert/strict";
import { entryBytes, FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId } from "../../../../src/model/ids.ts";
import type { Cluster, Node } from "../../../../src/model/cluster.ts";
import { LeaderDuties } from "../../../../src/manager/dispatcher/leader-duties.ts";
import type { ApplyResult, Entry } from "../../../../src/manager/store/change.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { settle, simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";
import { aNode } from "../../scheduler/fixtures.ts";

const STALE = { kind: "refused", reason: "stale", message: "update out of sequence" } as const;
const DESCRIPTION = aNode().description ?? assert.fail();
const NODE = asId<NodeId>("w1");

function aCluster(formatLevel?: number): Cluster {
  const spec = { name: "default", labels: {}, taskHistoryLimit: 5, heartbeatPeriodNs: 1e9, nodeCertExpiryNs: 0, forceRotate: 0 };
  const raft = { autoLockManagers: false, snapshotInterval: 1, logEntriesForSlowFollowers: 1 };
  const rootCa = { certificatePem: "", keyPem: "", joinTokenWorker: "", joinTokenManager: "" };
  const meta = { id: asId<never>("cluster"), version: 0, createdAtMs: 0, updatedAtMs: 0 };
  const known = { ...meta, spec: { ...spec, ...raft }, rootCa, defaultAddressPool: [], subnetSize: 24, dataPathPort: 4789 };
  return { ...known, ...(formatLevel !== undefined && { formatLevel }) };
}

class Leader {
  readonly store = new Store();
  readonly time = new VirtualTime();
  readonly stop = new AbortController();
  readonly proposed: Omit<Entry, "atMs">[] = [];
  readonly warnings: string[] = [];
  /** Which nodes answer when they are asked. */
  readonly heardAtMs = new Map<string, number>();
  readonly reachable = new Set<string>();
  refusals = 0;
  onPropose: () => void = () => {};
  failure: Error | undefined;
  catchUp: () => void = () => {};
  readonly duties: LeaderDuties;
  ended: Promise<unknown> | undefined;

  constructor() {
    this.duties = new LeaderDuties({
      view: () => this.store.view(),
      clock: simulatedClock(this.time),
      log: { debug: () => {}, info: () => {}, warn: (_, message) => void this.warnings.push(message), error: () => {} },
      beatPeriodMs: 1_000,
      readBarrier: async () => this.catchUp(),
      reaches: async ({ nodeId }) => this.reachable.has(nodeId),
      propose: async entry => {
        this.onPropose();
        if (this.failure !== undefined) throw this.failure;
        this.proposed.push(entry);
        return this.refusals-- > 0 ? STALE : this.apply(entry);
      },
    });
  }

  apply(entry: Omit<Entry, "atMs">): ApplyResult {
    const data = entryBytes.encode({ ...entry, atMs: 1 });
    return this.store.apply({ index: this.store.view().index + 1, term: 1, data });
  }

  put(object: Node): void {
    this.apply({ changes: [{ kind: "put", table: "node", object: { ...object, version: 0 }, basedOn: 0 }], reliesOn: [] });
  }

  get node(): Node {
    return this.store.view().get("node", NODE) ?? assert.fail();
  }

  lead(): void {
    this.ended = this.duties.run({ signal: this.stop.signal }).catch((error: unknown) => error);
  }

  /** One manager has all sessions, and tells of all of them when it hears of one. */
  beat(nodeId: string = NODE): void {
    const { nowMs } = this.time;
    this.heardAtMs.set(nodeId, nowMs);
    const sessions = [...this.heardAtMs].map(([id, atMs]) => ({
      ...{ nodeId: asId<NodeId>(id), sessionId: asId<never>(`${id}-session`) },
      ...{ ageMs: 0, silenceMs: nowMs - atMs },
    }));
    void this.duties.reportSessions({ managerId: asId("m1"), sessions });
  }

  async pass(ms: number): Promise<void> {
    await settle();
    await this.time.runUntil(this.time.nowMs + ms);
  }

  describe(
    more: { readonly address?: string; readonly hostname?: string; readonly dataPathAddress?: string } = {},
  ): Promise<void> {
    const { address = "192.0.2.7", ...rest } = more;
    return this.duties.describeNode({ nodeId: NODE, description: { ...DESCRIPTION, ...rest }, address });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort(new Error("it leads no more"));
    await this.pass(1);
    await this.ended;
  }
}

describe("what a node says of itself", () => {
  it("is written down, and not again while it is the same", async () => {
    await using leader = new Leader();
    leader.put({ ...aNode({ id: NODE }), status: { state: "ready", message: "", address: "" } });
    leader.lead();
    await leader.describe({ hostname: "first" });
    assert.deepEqual([leader.node.description?.hostname, leader.node.status.address], ["first", "192.0.2.7"]);
    await leader.describe({ hostname: "first" });
    assert.equal(leader.proposed.length, 1);
    await leader.describe({ hostname: "second" });
    await leader.describe({ hostname: "second", address: "192.0.2.8" });
    await leader.describe({ hostname: "second", address: "" });
    assert.deepEqual(
      [leader.node.description?.hostname, leader.node.status.address, leader.proposed.length],
      ["second", "192.0.2.8", 3],
    );
    assert.equal(leader.node.status.state, "ready");
  });

  for (const [formatLevel, kept] of [
    [undefined, undefined],
    [FORMAT_LEVEL, "192.0.2.9"],
  ] as const)
    it(`is written ${kept === undefined ? "without what" : "whole when"} all managers read${kept === undefined ? " not" : " it"}`, async () => {
      await using leader = new Leader();
      leader.apply({ changes: [{ kind: "put", table: "cluster", object: aCluster(formatLevel), basedOn: 0 }], reliesOn: [] });
      leader.put(aNode({ id: NODE }));
      leader.lead();
      await leader.describe({ dataPathAddress: "192.0.2.9" });
      assert.equal(leader.node.description?.dataPathAddress, kept);
    });

  it("is written on what is there then, when it was overtaken, and given up in the end", async () => {
    await using leader = new Leader();
    leader.put(aNode({ id: NODE }));
    leader.lead();
    leader.refusals = 19;
    await leader.describe();
    assert.equal(leader.node.status.address, "192.0.2.7");
    leader.refusals = 20;
    await assert.rejects(leader.describe({ address: "192.0.2.8" }), { kind: "unavailable" });
  });

  it("waits for a node that this manager has yet to hear of", async () => {
    await using leader = new Leader();
    leader.lead();
    await assert.rejects(leader.describe(), { kind: "not-found", message: "node w1 not found" });
    leader.catchUp = () => leader.put(aNode({ id: NODE }));
    await leader.describe();
    assert.equal(leader.node.status.address, "192.0.2.7");
  });

  it("is for the leader alone, as is what else workers report", async () => {
    await using leader = new Leader();
    leader.put(aNode({ id: NODE }));
    const refused = { kind: "unavailable", message: "this manager is not the leader" };
    const all = (): readonly Promise<unknown>[] => [
      leader.describe(),
      leader.duties.writeStatuses({ nodeId: NODE, statuses: [] }),
      leader.duties.reportSessions({ managerId: asId("m1"), sessions: [] }),
    ];
    for (const call of all()) await assert.rejects(call, refused);
    leader.lead();
    for (const call of all()) await call;
    leader.stop.abort(new Error("it leads no more"));
    await leader.pass(1);
    for (const call of all()) await assert.rejects(call, refused);
  });
});

describe("which nodes are up", () => {
  it("is written down when one is heard and when one is not, and only then", async () => {
    await using leader = new Leader();
    for (const id of [NODE, "w2", "w3"]) leader.put(aNode({ id, state: "unknown" }));
    leader.lead();
    for (const id of [NODE, "w2", "w3"]) leader.beat(id);
    await leader.pass(249);
    assert.equal(leader.node.status.state, "unknown");
    await leader.pass(2);
    assert.deepEqual([leader.node.status.state, leader.node.status.message, leader.proposed.length], ["ready", "", 1]);
    for (let second = 0; second < 5; second++) {
      for (const id of ["w2", "w3"]) leader.beat(id);
      await leader.pass(1_000);
    }
    assert.deepEqual([leader.node.status.state, leader.proposed.length], ["down", 2]);
    assert.equal(leader.node.status.message, "heartbeat failure");
    leader.beat();
    await leader.pass(300);
    assert.deepEqual([leader.node.status.state, leader.proposed.length], ["ready", 3]);
  });

  it("counts a node that has not said what it is as none", async () => {
    await using leader = new Leader();
    const { description: _, ...unknown } = aNode({ id: NODE, state: "unknown" });
    leader.put(unknown);
    leader.lead();
    leader.beat();
    await leader.pass(1_000);
    assert.deepEqual([leader.node.status.state, leader.proposed.length], ["unknown", 0]);
  });

  it("gives a node that answers by itself a little longer", async () => {
    await using leader = new Leader();
    for (const id of [NODE, "w2", "w3"]) leader.put(aNode({ id }));
    leader.lead();
    leader.reachable.add(NODE);
    const downAtMs = async (id: string): Promise<number> => {
      while (leader.store.view().get("node", asId(id))?.status.state !== "down") {
        for (const other of ["w2", "w3"]) if (other !== id) leader.beat(other);
        await leader.pass(250);
        assert.ok(leader.time.nowMs < 60_000);
      }
      return leader.time.nowMs;
    };
    leader.beat();
    assert.equal(await downAtMs(NODE), 8_250);
  });

  it("is written down before a goodbye is answered, also when it was overtaken, and nothing of a node that is gone", async () => {
    await using leader = new Leader();
    leader.put(aNode({ id: NODE }));
    await assert.rejects(leader.duties.nodeLeft(NODE), { kind: "unavailable", message: "this manager is not the leader" });
    leader.lead();
    leader.refusals = 19;
    await leader.duties.nodeLeft(NODE);
    assert.deepEqual([leader.node.status.state, leader.node.status.message], ["down", "the node left the swarm"]);
    const proposed = leader.proposed.length;
    await leader.duties.nodeLeft(NODE);
    await leader.duties.nodeLeft(asId("w9"));
    leader.beat();
    await leader.pass(1_000);
    assert.deepEqual([leader.proposed.length, leader.node.status.state], [proposed, "down"]);
  });

  it("is written down later when it could not be as the goodbye came", async () => {
    await using leader = new Leader();
    leader.put(aNode({ id: NODE }));
    leader.lead();
    leader.failure = new Error("no majority");
    await assert.rejects(leader.duties.nodeLeft(NODE), /no majority/);
    leader.failure = undefined;
    await leader.pass(300);
    assert.deepEqual([leader.node.status.state, leader.node.status.message], ["down", "the node left the swarm"]);
  });

  it("is looked at again when it could not be written down", async () => {
    await using leader = new Leader();
    leader.put(aNode({ id: NODE, state: "unknown" }));
    leader.lead();
    leader.beat();
    leader.failure = new Error("no majority");
    await leader.pass(600);
    assert.deepEqual([leader.node.status.state, leader.warnings.length], ["unknown", 2]);
    leader.failure = undefined;
    leader.refusals = 1;
    await leader.pass(250);
    assert.equal(leader.node.status.state, "unknown");
    await leader.pass(250);
    assert.equal(leader.node.status.state, "ready");
  });

  it("is nothing to complain of when leadership ends meanwhile, nor is anything else written then", async () => {
    for (const failure of [new Error("too late"), undefined]) {
      await using leader = new Leader();
      leader.put(aNode({ id: NODE, state: "unknown" }));
      leader.put({ ...aNode({ id: "m1", role: "manager" }), manager: { raftId: 1, address: "m1:2377" } });
      const cluster = aCluster();
      leader.apply({ changes: [{ kind: "put", table: "cluster", object: cluster, basedOn: 0 }], reliesOn: [] });
      leader.lead();
      leader.beat();
      void leader.duties.reportSessions({ managerId: asId("m1"), formatLevel: FORMAT_LEVEL, sessions: [] });
      leader.failure = failure;
      leader.onPropose = () => leader.stop.abort(new Error("it leads no more"));
      await leader.pass(1_000);
      assert.deepEqual([leader.warnings, leader.proposed.length], [[], failure === undefined ? 1 : 0]);
    }
  });

  it("is judged no more when leadership ends", async () => {
    await using leader = new Leader();
    leader.put(aNode({ id: NODE, state: "unknown" }));
    leader.lead();
    leader.beat();
    leader.stop.abort(new Error("it leads no more"));
    await leader.pass(1_000);
    assert.equal(leader.proposed.length, 0);
    assert.match(String(await leader.ended), /no more/);
  });
});
