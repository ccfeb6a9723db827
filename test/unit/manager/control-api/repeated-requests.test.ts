import assert from "node:assert/strict";
import { SECOND_FORMAT_LEVEL } from "../../../../src/codec/format-needs.ts";
import { defined } from "../../../../src/lib/assert.ts";
import type { ControlRequest } from "../../../../src/model/control.ts";
import { asId, type RequestId } from "../../../../src/model/ids.ts";
import { newRequestId } from "../ca/fakes.ts";
import { aSpec } from "../store/objects.ts";
import { aCluster, type TestCluster } from "./cluster.ts";

const CREATE: ControlRequest = { kind: "create-service", spec: aSpec("web") };
const REMOVE: ControlRequest = { kind: "remove-service", idOrName: "web" };
const TAKEN = {
  kind: "conflict",
  message: "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service web already exists",
};

describe("a request of which there may be several tries", () => {
  let cluster: TestCluster;
  let requestId: RequestId;
  beforeEach(async () => {
    cluster = await aCluster();
    requestId = newRequestId();
  });

  const tried = (request: ControlRequest) => cluster.api.call(request, { requestId, mayRepeat: true });
  const theCluster = () => defined([...cluster.store.view().all("cluster")][0], "the cluster");
  const services = () => [...cluster.store.view().all("service")].filter(({ isRemoving }) => !isRemoving).length;

  it("is answered like the first time, also when the first answer was lost", async () => {
    cluster.consensus.answersLost = 1;
    await assert.rejects(tried(CREATE), { kind: "unavailable" });
    const first = await tried(CREATE);
    assert.deepEqual(await tried(CREATE), first);
    assert.equal(services(), 1);
  });

  it("stays refused when it would fit by the time that an earlier try is read", async () => {
    await cluster.call(CREATE);
    await assert.rejects(tried(CREATE), TAKEN);
    await cluster.call(REMOVE);
    await assert.rejects(tried(CREATE), TAKEN);
    await assert.rejects(cluster.call(CREATE, requestId), TAKEN, "whatever that try says of itself");
    assert.equal(services(), 0);
  });

  it("stays refused for what is found out ahead of planning", async () => {
    const { version, spec } = theCluster();
    const rotations = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey: false };
    const other = { ...spec, name: "other" };
    await assert.rejects(tried({ kind: "update-cluster", version, spec: other, ...rotations }), { kind: "invalid" });
    await assert.rejects(tried({ kind: "update-cluster", version, spec, ...rotations }), { kind: "invalid" });
    assert.equal(theCluster().version, version);
  });

  it("costs one entry of the log when it is refused, and none when it is refused again", async () => {
    await cluster.call(CREATE);
    const { index } = cluster.consensus;
    await assert.rejects(tried(CREATE), TAKEN);
    await assert.rejects(tried(CREATE), TAKEN);
    assert.equal(cluster.consensus.index, index + 1);
    await assert.rejects(cluster.call(CREATE), TAKEN);
    assert.equal(cluster.consensus.index, index + 1, "of one that has no other tries");
  });

  it("keeps no more than the beginning of a refusal, which may quote what was asked for", async () => {
    const attach: ControlRequest = {
      ...{ kind: "attach-container", id: asId("attachment1"), nodeId: asId("node1"), network: "n".repeat(1_000_000) },
      ...{ containerId: "c1", containerName: "one", aliases: [], addresses: [] },
    };
    await assert.rejects(tried(attach), { kind: "not-found" });
    const kept = defined(cluster.store.completedRequest(requestId), "the refusal");
    assert.ok(kept.result.length < 1_100, String(kept.result.length));
  });

  it("has been carried out when an earlier try was applied before the refusal", async () => {
    await cluster.call(CREATE);
    const { consensus } = cluster;
    const { propose } = consensus;
    let earlier: unknown;
    consensus.propose = async data => {
      consensus.propose = propose;
      await cluster.call(REMOVE);
      earlier = await tried(CREATE);
      return await propose(data);
    };
    const answer = await tried(CREATE);
    assert.equal(answer.kind, "created");
    assert.deepEqual(answer, earlier);
    assert.equal(services(), 1);
  });

  it("is of unknown outcome when its refusal could not be kept", async () => {
    await cluster.call(CREATE);
    cluster.consensus.answersLost = 1;
    await assert.rejects(tried(CREATE), { kind: "unavailable" });
    await cluster.call(REMOVE);
    await assert.rejects(tried(CREATE), TAKEN, "it had been kept after all");
  });

  it("has its refusals forgotten while a manager could not read them", async () => {
    const { formatLevel, ...first } = theCluster();
    assert.equal(formatLevel, SECOND_FORMAT_LEVEL);
    const { specChangedAfter: _, ...older } = first;
    const { issuer: __, ...rootCa } = older.rootCa;
    const change = { kind: "put", table: "cluster", object: { ...older, rootCa }, basedOn: older.version } as const;
    assert.equal((await cluster.proposals.propose({ changes: [change], reliesOn: [] })).kind, "applied");
    await cluster.call(CREATE);
    const { index } = cluster.consensus;
    await assert.rejects(tried(CREATE), TAKEN);
    assert.equal(cluster.consensus.index, index);
    assert.equal(cluster.store.completedRequest(asId(requestId)), undefined);
  });
});
