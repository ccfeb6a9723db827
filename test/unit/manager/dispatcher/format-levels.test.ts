import assert from "node:assert/strict";
import { UnknownWireValue } from "../../../../src/codec/combinators.ts";
import { entryBytes, FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import { FormatLevels } from "../../../../src/manager/dispatcher/format-levels.ts";
import type { ApplyResult, Change, Entry } from "../../../../src/manager/store/change.ts";
import { Proposals } from "../../../../src/manager/store/proposals.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import type { Cluster, Node } from "../../../../src/model/cluster.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";
import type { Consensus } from "../../../../src/ports/consensus.ts";
import { simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";

const NEW = { version: 0, createdAtMs: 0, updatedAtMs: 0 };

function aCluster(): Cluster {
  return {
    ...{ ...NEW, id: asId("cluster"), defaultAddressPool: [], subnetSize: 24, dataPathPort: 4789 },
    spec: {
      ...{ name: "default", labels: {}, taskHistoryLimit: 5, heartbeatPeriodNs: 1e9, nodeCertExpiryNs: 0, forceRotate: 0 },
      ...{ autoLockManagers: false, snapshotInterval: 1, logEntriesForSlowFollowers: 1 },
    },
    rootCa: { certificatePem: "", keyPem: "", joinTokenWorker: "", joinTokenManager: "" },
  };
}

function aManager(name: string, raftId: number): Node {
  return {
    ...{ ...NEW, id: asId<NodeId>(name), role: "manager", manager: { raftId, address: `${name}:2377` } },
    spec: { labels: {}, role: "manager", availability: "active" },
    status: { state: "ready", message: "", address: "" },
  };
}

/** Managers whose entries go to each of their stores. */
class Managers {
  readonly stores: readonly Store[];
  readonly proposals: Proposals;
  #index = 0;

  constructor(levels: readonly number[]) {
    this.stores = levels.map(formatLevel => new Store({ formatLevel }));
    const consensus = { propose: async (data: Uint8Array) => this.#apply(data) } as unknown as Consensus;
    this.proposals = new Proposals({ consensus, clock: simulatedClock(new VirtualTime()), level: () => this.view.formatLevel });
  }

  get view() {
    const [first] = this.stores;
    assert.ok(first !== undefined);
    return first.view();
  }

  #apply(data: Uint8Array): ApplyResult | undefined {
    const entry = { index: ++this.#index, term: 1, data };
    return this.stores.map(store => store.apply(entry))[0];
  }

  async found(): Promise<void> {
    const objects = [aManager("m1", 1), aManager("m2", 2)];
    const changes: Change[] = objects.map(object => ({ kind: "put", table: "node", object, basedOn: 0 }));
    changes.push({ kind: "put", table: "cluster", object: aCluster(), basedOn: 0 });
    await this.proposals.propose({ changes, reliesOn: [] });
  }
}

describe("the format of the log's entries", () => {
  const reports = (levels: FormatLevels, ...said: readonly (readonly [string, number | undefined])[]) => {
    for (const [id, formatLevel] of said)
      levels.report({ managerId: asId<NodeId>(id), ...(formatLevel !== undefined && { formatLevel }) });
  };

  it("is raised when every manager has said that it reads more, and not before", async () => {
    const managers = new Managers([2, 2]);
    await managers.found();
    const levels = new FormatLevels();
    reports(levels, ["m1", 2]);
    assert.equal(levels.raise(managers.view), undefined, "one was not heard");
    reports(levels, ["m2", undefined]);
    assert.equal(levels.raise(managers.view), undefined, "one is older");
    reports(levels, ["m2", 3]);
    const entry = levels.raise(managers.view);
    assert.equal(entry?.level, 2);
    assert.equal((await managers.proposals.propose(entry)).kind, "applied");
    assert.equal(managers.view.formatLevel, 2);
    assert.equal(levels.raise(managers.view), undefined);
  });

  it("is not raised while one that is on its way to be a manager, or was one, does not read it", async () => {
    const managers = new Managers([2]);
    await managers.found();
    const { manager: _, ...worker } = aManager("w1", 3);
    const objects: readonly Node[] = [
      { ...aManager("m3", 3), role: "worker" },
      { ...worker, role: "worker" },
    ];
    const changes = objects.map(object => ({ kind: "put", table: "node", object, basedOn: 0 }) as const);
    await managers.proposals.propose({ changes, reliesOn: [] });
    const levels = new FormatLevels();
    reports(levels, ["m1", 2], ["m2", 2]);
    assert.equal(levels.raise(managers.view), undefined);
    reports(levels, ["m3", 2]);
    assert.deepEqual(
      levels.raise(managers.view)?.reliesOn.map(({ id }) => id),
      ["m1", "m2", "m3"],
    );
  });

  it("is not raised by a plan that some manager's coming or going has overtaken", async () => {
    const managers = new Managers([2, 1]);
    await managers.found();
    const levels = new FormatLevels();
    reports(levels, ["m1", 2], ["m2", 2]);
    const entry = levels.raise(managers.view);
    assert.ok(entry !== undefined);
    const { manager: _, ...gone } = managers.view.get("node", asId<NodeId>("m2")) ?? aManager("m2", 2);
    const change = { kind: "put", table: "node", object: gone, basedOn: gone.version } as const;
    await managers.proposals.propose({ changes: [change], reliesOn: [] });
    // An older manager that reads the log finds nothing in it that it could not read.
    assert.equal((await managers.proposals.propose(entry)).kind, "refused");
  });

  it("is what entries are written at, and nothing beyond it is proposed", async () => {
    const managers = new Managers([2]);
    await managers.found();
    const [cluster] = managers.view.all("cluster");
    assert.ok(cluster !== undefined);
    const raising: Omit<Entry, "atMs"> = {
      changes: [{ kind: "put", table: "cluster", object: { ...cluster, formatLevel: 2 }, basedOn: cluster.version }],
      reliesOn: [],
    };
    await assert.rejects(managers.proposals.propose(raising), { kind: "invalid" });
    await managers.proposals.propose({ ...raising, level: 2 });
    const [raised] = managers.view.all("cluster");
    assert.equal(raised?.formatLevel, 2);
  });

  it("stops a manager whose program does not read it", async () => {
    const old = new Store({ formatLevel: 1 });
    const data = entryBytes.encode({ changes: [], reliesOn: [], atMs: 0, level: FORMAT_LEVEL });
    assert.throws(() => old.apply({ index: 1, term: 1, data }), UnknownWireValue);
    const managers = new Managers([2]);
    await managers.found();
    const levels = new FormatLevels();
    reports(levels, ["m1", 2], ["m2", 2]);
    await managers.proposals.propose(levels.raise(managers.view) ?? { changes: [], reliesOn: [] });
    const snapshot = managers.stores[0]?.snapshot();
    assert.ok(snapshot !== undefined);
    await assert.rejects(old.restore(snapshot), UnknownWireValue);
  });
});
