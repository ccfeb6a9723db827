import assert from "node:assert/strict";
import { SECOND_FORMAT_LEVEL } from "../../../../src/codec/format-needs.ts";
import { ServiceTasks } from "../../../../src/manager/orchestrator/service-tasks.ts";
import { planService } from "../../../../src/manager/orchestrator/plan-service.ts";
import { defined } from "../../../../src/lib/assert.ts";
import type { Node, Service } from "../../../../src/model/cluster.ts";
import type { Change } from "../../../../src/model/entry.ts";
import { asId, type NodeId, type ServiceId } from "../../../../src/model/ids.ts";
import { aSpec, aTask } from "../store/objects.ts";
import { aCluster, created, specWith, type TestCluster } from "./cluster.ts";

const OUT_OF_SEQUENCE = { message: "rpc error: code = Unknown desc = update out of sequence" };
const DONE = { kind: "done" };

describe("an update that names the version which its client has read", () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await aCluster();
  });

  const service = (id: ServiceId): Service => defined(cluster.store.view().get("service", id), "the service");
  const node = (): Node => defined(cluster.store.view().get("node", asId<NodeId>("node1")), "the node");

  async function write(...changes: readonly Change[]): Promise<void> {
    assert.equal((await cluster.proposals.propose({ changes, reliesOn: [] })).kind, "applied");
  }

  /** As the control loop does when it has given the service an address, or seen its update go on. */
  async function writeState(id: ServiceId): Promise<void> {
    const { version, ...object } = service(id);
    const virtualIps = [{ networkId: asId<never>("ingress1"), address: "10.0.0.5/24" }];
    const endpoint = { ports: [], virtualIps };
    await write({ kind: "put", table: "service", object: { ...object, version, endpoint }, basedOn: version });
  }

  async function writeNodeState(state: Node["status"]["state"]): Promise<void> {
    const object = { ...node(), status: { ...node().status, state } };
    await write({ kind: "put", table: "node", object, basedOn: object.version });
  }

  async function aService(spec = aSpec("web")): Promise<ServiceId> {
    return asId(await created(cluster, { kind: "create-service", spec }));
  }

  const update = (id: ServiceId, version: number, image: string) =>
    cluster.call({
      kind: "update-service",
      ...{ id, version, rollback: false },
      spec: { ...service(id).spec, task: specWith("web", { container: { image } }).task },
    });

  it("is taken where the cluster alone has written the service since, after its create and after an update", async () => {
    const id = await aService();
    const { version: first } = service(id);
    await writeState(id);
    assert.deepEqual(await update(id, first, "one"), DONE);
    const { version: second } = service(id);
    await writeState(id);
    await writeState(id);
    assert.deepEqual(await update(id, second, "two"), DONE);
    assert.deepEqual(service(id).endpoint.virtualIps.length, 1, "what the cluster wrote is kept");
    assert.equal(service(id).previousSpec?.task.container.image, "one");
  });

  it("is refused where another user has changed the spec since, also when the cluster wrote after that", async () => {
    const id = await aService();
    const { version } = service(id);
    await writeState(id);
    await update(id, version, "theirs");
    await assert.rejects(update(id, version, "mine"), OUT_OF_SEQUENCE);
    await writeState(id);
    await assert.rejects(update(id, version, "mine"), OUT_OF_SEQUENCE);
    assert.equal(service(id).spec.task.container.image, "theirs");
  });

  it("is refused where nobody can have read that version with this spec", async () => {
    const id = await aService();
    await writeState(id);
    const { version } = service(id);
    for (const unread of [0, 1, version - 2, version + 1]) await assert.rejects(update(id, unread, "mine"), OUT_OF_SEQUENCE);
  });

  it("is refused where a rollback has put the previous spec back since: by a user, and by the cluster", async () => {
    const id = await aService(specWith("web", { update: { ...PACE, failureAction: "rollback" } }));
    const { version: first } = service(id);
    await update(id, first, "two");
    const { version: second } = service(id);
    await rollBackByFailure(id);
    assert.deepEqual([service(id).spec.task.container.image, service(id).updateStatus?.state], ["busybox", "rollback_started"]);
    for (const version of [first, second]) await assert.rejects(update(id, version, "mine"), OUT_OF_SEQUENCE);

    const { version: third } = service(id);
    await writeState(id);
    await update(id, third, "four");
    const { version: fourth, spec } = service(id);
    await cluster.call({ kind: "update-service", id, version: fourth, spec, rollback: true });
    for (const version of [third, fourth]) await assert.rejects(update(id, version, "mine"), OUT_OF_SEQUENCE);
  });

  it("is taken and refused likewise for a node, whose state its dispatcher writes", async () => {
    const { version, spec } = node();
    await writeNodeState("ready");
    const change = { kind: "update-node", id: node().id, version } as const;
    assert.deepEqual(await cluster.call({ ...change, spec: { ...spec, labels: { a: "b" } } }), DONE);
    await writeNodeState("down");
    await assert.rejects(cluster.call({ ...change, spec }), OUT_OF_SEQUENCE);
    assert.deepEqual([node().spec.labels, node().status.state], [{ a: "b" }, "down"]);
  });

  it("is taken and refused likewise for the cluster, whose root the leader replaces", async () => {
    const theCluster = () => defined([...cluster.store.view().all("cluster")][0], "the cluster");
    const { version, spec } = theCluster();
    await write({ kind: "put", table: "cluster", object: theCluster(), basedOn: version });
    const rotations = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey: false };
    const call = (labels: Record<string, string>) =>
      cluster.call({ kind: "update-cluster", spec: { ...spec, labels }, version, ...rotations });
    assert.deepEqual(await call({ a: "b" }), DONE);
    await assert.rejects(call({ c: "d" }), OUT_OF_SEQUENCE);
  });

  it("has to name the very version where the spec is of the time when some manager did not know better", async () => {
    const id = await aService();
    const { specChangedAfter: _, ...older } = service(id);
    await write({ kind: "put", table: "service", object: older, basedOn: older.version });
    const { version } = service(id);
    await writeState(id);
    await assert.rejects(update(id, version, "mine"), OUT_OF_SEQUENCE);
    await update(id, service(id).version, "mine");
    assert.ok((service(id).specChangedAfter ?? 0) >= version);
  });

  it("leaves no word of that in the state while a manager would lose it", async () => {
    const [{ formatLevel: level, specChangedAfter: _, ...older } = assert.fail("no cluster")] = cluster.store
      .view()
      .all("cluster");
    assert.equal(level, SECOND_FORMAT_LEVEL);
    const { issuer: __, ...rootCa } = older.rootCa;
    await write({ kind: "put", table: "cluster", object: { ...older, rootCa }, basedOn: older.version });
    const id = await aService();
    assert.equal(service(id).specChangedAfter, undefined);
    const { version } = service(id);
    await writeState(id);
    await assert.rejects(update(id, version, "mine"), OUT_OF_SEQUENCE);
    await update(id, service(id).version, "mine");
    assert.equal(service(id).specChangedAfter, undefined);
  });

  const PACE = { parallelism: 1, delayNs: 0, maxFailureRatio: 0, order: "stop-first" } as const;

  /** The control loop's turn that sees the update's first task fail. */
  async function rollBackByFailure(id: ServiceId): Promise<void> {
    const { revisionId, previousRevisionId } = service(id);
    const begun = { ...service(id), updateStatus: { state: "updating", startedAtMs: 0, message: "" } } as const;
    await write({ kind: "put", table: "service", object: begun, basedOn: begun.version });
    const task = (name: string, more: Parameters<typeof aTask>[1]) => {
      const object = aTask(name, { serviceId: id, slot: 1, nodeId: node().id, ...more });
      return { kind: "put", table: "task", object, basedOn: 0 } as const;
    };
    const failed = { state: "failed", atMs: 1, message: "" } as const;
    const nowMs = cluster.clock.nowMs();
    await write(
      task("old", { revisionId: defined(previousRevisionId, "the previous revision"), desiredState: "shutdown", status: failed }),
      task("new", { revisionId, desiredState: "shutdown", status: failed }),
    );
    const view = cluster.store.view();
    const tasks = ServiceTasks.of(view, service(id));
    const { changes } = planService(view, service(id), { nowMs, newTaskId: () => asId("made"), budget: 100, tasks });
    await write(...changes);
  }
});
