import assert from "node:assert/strict";
import { clusterEvents } from "../../../../src/manager/control-api/cluster-events.ts";
import type { Node, Service } from "../../../../src/model/cluster.ts";
import type { ClusterEvent } from "../../../../src/model/cluster-event.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { Change } from "../../../../src/model/entry.ts";
import { aCluster, type TestCluster } from "./cluster.ts";
import { aService, aSpec, aTask } from "../store/objects.ts";

/** What is told of changes, each an entry of its own. */
async function toldOf({ store, proposals }: TestCluster, changes: readonly Change[]): Promise<readonly ClusterEvent[]> {
  const abort = new AbortController();
  const events = clusterEvents(store, abort)[Symbol.asyncIterator]();
  for (const change of changes) await proposals.propose({ changes: [change], reliesOn: [] });
  const told: ClusterEvent[] = [];
  const last = { kind: "put", table: "config", basedOn: 0 } as const;
  const object = {
    version: 0,
    createdAtMs: 0,
    updatedAtMs: 0,
    id: asId<never>("end"),
    spec: { name: "end", labels: {}, data: new Uint8Array(0) },
  };
  await proposals.propose({ changes: [{ ...last, object }], reliesOn: [] });
  for (let next = await events.next(); next.done !== true && next.value.id !== "end"; next = await events.next())
    told.push(next.value);
  abort.abort();
  return told;
}

const put = (object: Service, basedOn: number): Change => ({ kind: "put", table: "service", object, basedOn });
const putNode = (object: Node): Change => ({ kind: "put", table: "node", object, basedOn: object.version });

describe("events of the cluster", () => {
  let cluster: TestCluster;
  let next: number;
  beforeEach(async () => {
    cluster = await aCluster();
    next = cluster.store.view().index + 1;
  });

  it("tell what was made, what of it changed, and that it was removed, once", async () => {
    const web = aService("web");
    const three = { ...web, spec: { ...web.spec, mode: { kind: "replicated", replicas: 3 } } } as const;
    const image = { ...three.spec.task, container: { ...three.spec.task.container, image: "busybox:2" } };
    const updating = {
      ...three,
      spec: { ...three.spec, task: image },
      updateStatus: { state: "updating", message: "" },
    } as const;
    const told = await toldOf(cluster, [
      put(web, 0),
      put(three, next),
      put(updating, next + 1),
      put({ ...updating, updateStatus: { state: "completed", message: "" } }, next + 2),
      put({ ...updating, isRemoving: true }, next + 3),
      { kind: "remove", table: "service", id: web.id, basedOn: next + 4 },
    ]);
    assert.deepEqual(
      told.map(({ action, attributes }) => [action, attributes]),
      [
        ["create", { name: "web" }],
        ["update", { name: "web", "replicas.old": "1", "replicas.new": "3" }],
        ["update", { name: "web", "image.old": "busybox", "image.new": "busybox:2", "updatestate.new": "updating" }],
        ["update", { name: "web", "updatestate.old": "updating", "updatestate.new": "completed" }],
        ["remove", { name: "web" }],
      ],
    );
    assert.deepEqual([...new Set(told.map(({ type, id }) => `${type} ${id}`))], ["service web-id"]);
  });

  it("tell nothing of tasks", async () => {
    assert.deepEqual(await toldOf(cluster, [{ kind: "put", table: "task", object: aTask("t"), basedOn: 0 }]), []);
  });

  it("tell when a node's availability, role or state changes, by its name or else its host's", async () => {
    const node = cluster.store.view().get("node", asId("node1"));
    assert.ok(node !== undefined);
    const drained = { ...node, spec: { ...node.spec, name: "first", availability: "drain" } } as const;
    const down = { ...drained, version: next, role: "worker", status: { ...node.status, state: "down" } } as const;
    const [first, second] = await toldOf(cluster, [putNode(drained), putNode(down)]);
    assert.deepEqual(first?.attributes, { name: "first", "availability.old": "active", "availability.new": "drain" });
    const { state } = node.status;
    assert.deepEqual(second?.attributes, {
      ...{ name: "first", "role.old": "manager", "role.new": "worker" },
      ...{ "state.old": state, "state.new": "down" },
    });
  });

  it("say what each entry did, however late they are read", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `s${index}`);
    const told = await toldOf(
      cluster,
      names.map(name => put({ ...aService(name), spec: aSpec(name) }, 0)),
    );
    assert.deepEqual(
      told.map(({ action, attributes }) => `${action} ${attributes["name"]}`),
      names.map(name => `create ${name}`),
    );
  });
});
