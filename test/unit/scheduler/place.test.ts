import assert from "node:assert/strict";
import { asId } from "../../../src/model/ids.ts";
import type { ServiceId } from "../../../src/model/ids.ts";
import type { NodeView } from "../../../src/scheduler/node-view.ts";
import { place } from "../../../src/scheduler/place.ts";
import type { PlacementRequest } from "../../../src/scheduler/place.ts";
import { aRequest, aView } from "./fixtures.ts";

function reasonFor(request: PlacementRequest, nodes: readonly NodeView[]): string | undefined {
  return place([request], nodes).reasons.get(request.taskId);
}

function requests(count: number, options: Parameters<typeof aRequest>[0] = {}): readonly PlacementRequest[] {
  return Array.from({ length: count }, (_, index) => aRequest({ ...options, taskId: `${options.serviceId ?? "s1"}-${index}` }));
}

function countByNode(tasks: readonly PlacementRequest[], nodes: readonly NodeView[]): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(nodes.map(({ node }) => [node.id, 0]));
  for (const nodeId of place(tasks, nodes).assigned.values()) counts[nodeId] = (counts[nodeId] ?? 0) + 1;
  return counts;
}

describe("a task that fits nowhere", () => {
  const busy = { nanoCpus: 1e9, memoryBytes: 1e9 };
  const cases: readonly { readonly reason: string; readonly request: PlacementRequest; readonly nodes: readonly NodeView[] }[] = [
    { reason: "no suitable node", request: aRequest(), nodes: [] },
    {
      reason: "no suitable node (1 node not available for new tasks)",
      request: aRequest(),
      nodes: [aView({ availability: "drain" })],
    },
    {
      reason: "no suitable node (3 nodes not available for new tasks)",
      request: aRequest(),
      nodes: [aView({ id: "a", state: "down" }), aView({ id: "b", availability: "pause" }), aView({ id: "c", state: "unknown" })],
    },
    {
      reason: "no suitable node (insufficient resources on 2 nodes; scheduling constraints not satisfied on 1 node)",
      request: aRequest({ reservations: { nanoCpus: 2e9, memoryBytes: 0 }, placement: { constraints: ["node.id != c"] } }),
      nodes: [aView({ id: "a", available: busy }), aView({ id: "b", available: busy }), aView({ id: "c" })],
    },
    {
      reason: "no suitable node (unsupported platform on 1 node)",
      request: aRequest({ placement: { platforms: [{ os: "linux", architecture: "arm64" }] } }),
      nodes: [aView()],
    },
    {
      reason: "no suitable node (host-mode port already in use on 1 node)",
      request: aRequest({ hostPorts: ["tcp/80"] }),
      nodes: [aView({ hostPorts: new Set(["tcp/80"]) })],
    },
    {
      reason: "no suitable node (max replicas per node limit exceed)",
      request: aRequest({ placement: { maxReplicas: 1 } }),
      nodes: [aView({ tasksByService: new Map([[asId<ServiceId>("s1"), 1]]) })],
    },
    {
      reason: "no suitable node (scheduling constraints not satisfied on 1 node)",
      request: aRequest({ nodeId: "a", placement: { constraints: ["node.id == b"] } }),
      nodes: [aView({ id: "a" }), aView({ id: "b" })],
    },
  ];
  for (const { os, architecture, accepted } of [
    { os: "linux", architecture: "amd64", accepted: true },
    { os: "Linux", architecture: "x86_64", accepted: true },
    { os: "", architecture: "", accepted: true },
    { os: "linux", architecture: "arm64", accepted: false },
    { os: "windows", architecture: "amd64", accepted: false },
  ])
    it(`${accepted ? "is not" : "is"} one for ${os}/${architecture} beside a node of linux/x86_64`, () => {
      const reason = reasonFor(aRequest({ placement: { platforms: [{ os, architecture }] } }), [aView()]);
      assert.equal(reason === undefined, accepted);
    });

  it("is one for a platform where nobody knows what the node is", () => {
    const { description: _, ...node } = aView().node;
    const request = aRequest({ placement: { platforms: [{ os: "linux", architecture: "" }] } });
    assert.equal(reasonFor(request, [{ ...aView(), node }]), "no suitable node (unsupported platform on 1 node)");
  });

  it("is one where either processors or memory are missing, not where they just suffice", () => {
    const nodes = [aView({ available: { nanoCpus: 1e9, memoryBytes: 1e9 } })];
    const fits = (nanoCpus: number, memoryBytes: number): boolean =>
      reasonFor(aRequest({ reservations: { nanoCpus, memoryBytes } }), nodes) === undefined;
    assert.deepEqual([fits(1e9, 1e9), fits(1e9 + 1, 0), fits(0, 1e9 + 1)], [true, false, false]);
  });

  for (const { reason, request, nodes } of cases) it(`says: ${reason}`, () => assert.equal(reasonFor(request, nodes), reason));

  it("counts the nodes that the tasks before it have filled", () => {
    const nodes = [aView({ id: "a" }), aView({ id: "b", state: "down" })];
    const tasks = requests(3, { reservations: { nanoCpus: 2e9, memoryBytes: 0 } });
    const { assigned, reasons } = place(tasks, nodes);
    assert.equal(assigned.size, 2);
    assert.deepEqual(
      [...reasons.values()],
      ["no suitable node (1 node not available for new tasks; insufficient resources on 1 node)"],
    );
  });
});

describe("spreading", () => {
  it("gives each node the same number", () => {
    const nodes = ["a", "b", "c"].map(id => aView({ id }));
    assert.deepEqual(countByNode(requests(7), nodes), { a: 3, b: 2, c: 2 });
  });

  it("looks at the service's own tasks before all tasks", () => {
    const nodes = [
      aView({ id: "a", taskCount: 9 }),
      aView({ id: "b", taskCount: 1, tasksByService: new Map([[asId<ServiceId>("s1"), 1]]) }),
    ];
    assert.deepEqual(countByNode(requests(1), nodes), { a: 1, b: 0 });
    // And those that it is given: the second one meets as many of its service on both.
    assert.deepEqual(countByNode(requests(3), nodes), { a: 2, b: 1 });
  });

  it("takes the node with the least reserved when the rest is equal", () => {
    const nodes = [aView({ id: "a", available: { nanoCpus: 1e9, memoryBytes: 8e9 } }), aView({ id: "b" })];
    assert.deepEqual(countByNode(requests(1), nodes), { a: 0, b: 1 });
  });

  it("takes the node with the least reserved also when that changes as tasks are placed", () => {
    const half = { nanoCpus: 2e9, memoryBytes: 4e9 };
    const nodes = [
      aView({ id: "a" }),
      aView({ id: "b", available: { nanoCpus: 3e9, memoryBytes: 6e9 } }),
      aView({ id: "c", available: { nanoCpus: 3e9, memoryBytes: 8e9 }, taskCount: 1 }),
    ];
    const groups = [requests(1, { serviceId: "s1", reservations: half }), requests(1, { serviceId: "s2" })].flat();
    // The first makes `a` the one with more tasks; the second goes where nothing runs yet.
    assert.deepEqual(countByNode(groups, nodes), { a: 1, b: 1, c: 0 });
    const more = [...groups, ...requests(1, { serviceId: "s3" })];
    // Each has one task now: `c` has the least reserved.
    assert.deepEqual(countByNode(more, nodes), { a: 1, b: 1, c: 1 });
  });

  it("fits tasks of several services to what is left of each resource", () => {
    const nodes = [aView({ id: "a", available: { nanoCpus: 2e9, memoryBytes: 2e9 } })];
    const cpus = ["s1", "s2", "s3"].flatMap(serviceId =>
      requests(1, { serviceId, reservations: { nanoCpus: 1e9, memoryBytes: 0 } }),
    );
    assert.deepEqual(countByNode(cpus, nodes), { a: 2 });
    const bytes = ["s1", "s2", "s3"].flatMap(serviceId =>
      requests(1, { serviceId, reservations: { nanoCpus: 0, memoryBytes: 1e9 } }),
    );
    assert.deepEqual(countByNode(bytes, nodes), { a: 2 });
  });

  it("gives tasks of several services to one node only as far as its ports go", () => {
    const ports = ["s1", "s2"].flatMap(serviceId => requests(1, { serviceId, hostPorts: ["tcp/80"] }));
    assert.deepEqual(countByNode(ports, [aView({ id: "a" })]), { a: 1 });
  });

  it("evens out over an engine's label, over labels that are missing and over nested ones", () => {
    const over = (...spreadDescriptors: readonly string[]) => ({
      preferences: spreadDescriptors.map(spreadDescriptor => ({ spreadDescriptor })),
    });
    const engines = [
      aView({ id: "a", engineLabels: { disk: "ssd" } }),
      aView({ id: "b", engineLabels: { disk: "ssd" } }),
      aView({ id: "c" }),
    ];
    assert.deepEqual(countByNode(requests(4, { placement: over("engine.labels.disk") }), engines), { a: 1, b: 1, c: 2 });
    const racks = [
      aView({ id: "a", labels: { zone: "east", rack: "1" } }),
      aView({ id: "b", labels: { zone: "east", rack: "1" } }),
      aView({ id: "c", labels: { zone: "east", rack: "2" } }),
      aView({ id: "d", labels: { zone: "west", rack: "1" } }),
    ];
    const nested = over("node.labels.zone", "node.labels.rack");
    assert.deepEqual(countByNode(requests(8, { placement: nested }), racks), { a: 1, b: 1, c: 2, d: 4 });
    assert.deepEqual(countByNode(requests(4, { placement: over("something.else") }), racks), { a: 1, b: 1, c: 1, d: 1 });
  });

  it("counts the tasks in a branch that no node there can take more of", () => {
    const placement = { preferences: [{ spreadDescriptor: "node.labels.zone" }] };
    const one = new Map([[asId<ServiceId>("s1"), 2]]);
    const nodes = [
      aView({ id: "a", labels: { zone: "east" }, tasksByService: one, availability: "pause" }),
      aView({ id: "b", labels: { zone: "east" } }),
      aView({ id: "c", labels: { zone: "west" } }),
    ];
    assert.deepEqual(countByNode(requests(2, { placement }), nodes), { a: 0, b: 0, c: 2 });
  });

  it("goes by the label's value and then by the node's id when nothing else differs", () => {
    const placement = { preferences: [{ spreadDescriptor: "node.labels.zone" }] };
    const nodes = [
      aView({ id: "b", labels: { zone: "west" } }),
      aView({ id: "c", labels: { zone: "east" } }),
      aView({ id: "d", labels: { zone: "east" } }),
    ];
    assert.deepEqual(countByNode(requests(1, { placement }), nodes), { b: 0, c: 1, d: 0 });
  });

  it("evens out over the values of a preferred label first", () => {
    const placement = { preferences: [{ spreadDescriptor: "node.labels.zone" }] };
    const nodes = [
      ...["a", "b", "c"].map(id => aView({ id, labels: { zone: "east" } })),
      aView({ id: "d", labels: { zone: "west" } }),
    ];
    assert.deepEqual(countByNode(requests(6, { placement }), nodes), { a: 1, b: 1, c: 1, d: 3 });
  });

  it("passes over a branch that is full", () => {
    const placement = { preferences: [{ spreadDescriptor: "node.labels.zone" }], maxReplicas: 2 };
    const nodes = [
      ...["a", "b"].map(id => aView({ id, labels: { zone: "east" } })),
      aView({ id: "c", labels: { zone: "west" } }),
    ];
    assert.deepEqual(countByNode(requests(6, { placement }), nodes), { a: 2, b: 2, c: 2 });
  });

  it("gives a node tasks of global services as far as it goes", () => {
    const nodes = [aView({ id: "a", available: { nanoCpus: 1e9, memoryBytes: 0 } }), aView({ id: "b" })];
    const tasks = ["s1", "s2"].map(serviceId =>
      aRequest({ taskId: serviceId, serviceId, nodeId: "a", reservations: { nanoCpus: 1e9, memoryBytes: 0 } }),
    );
    const { assigned, reasons } = place(tasks, nodes);
    assert.deepEqual([...assigned], [["s1", "a"]]);
    assert.deepEqual([...reasons], [["s2", "no suitable node (insufficient resources on 1 node)"]]);
    assert.equal(reasonFor(aRequest({ nodeId: "gone" }), nodes), "no suitable node");
  });

  it("keeps a global service's task on its node", () => {
    const nodes = ["a", "b"].map(id => aView({ id }));
    assert.deepEqual(place([aRequest({ nodeId: "b" })], nodes).assigned, new Map([["t1", "b"]]));
  });
});

describe("placing", () => {
  it("takes well under a second for 10,000 tasks on 1,000 nodes", () => {
    const nodes = Array.from({ length: 1_000 }, (_, index) =>
      aView({ id: `n${index}`, resources: { nanoCpus: 64e9, memoryBytes: 64e9 } }),
    );
    const tasks = requests(10_000, { reservations: { nanoCpus: 1e9, memoryBytes: 1e9 } });
    const startMs = performance.now();
    const counts = Object.values(countByNode(tasks, nodes));
    const tookMs = performance.now() - startMs;
    assert.ok(counts.every(count => count === 10));
    assert.ok(tookMs < 1_000, `took ${tookMs} ms`);
  });
});
