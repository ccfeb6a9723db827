import assert from "node:assert/strict";
import fc from "fast-check";
import type { Placement } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import type { ServiceId } from "../../../src/model/ids.ts";
import type { GenericResource } from "../../../src/model/resources.ts";
import type { NodeView } from "../../../src/scheduler/node-view.ts";
import { place } from "../../../src/scheduler/place.ts";
import type { PlacementRequest, PlacementResult } from "../../../src/scheduler/place.ts";
import { aRequest, aView } from "./fixtures.ts";

const GIGA = 1e9;
const LABELS = "node.labels.";

const anyGpus = fc.constantFrom<readonly GenericResource[]>(
  [],
  [{ kind: "gpu", value: 3 }],
  ["g0", "g1"].map(value => ({ kind: "gpu", value })),
);
const anyNode = fc.record({
  zone: fc.constantFrom("east", "west"),
  architecture: fc.constantFrom("x86_64", "x86_64", "aarch64"),
  cpus: fc.integer({ min: 0, max: 4 }),
  memory: fc.integer({ min: 0, max: 8 }),
  gpus: anyGpus,
  /** Tasks of others, and of the first service. */
  others: fc.integer({ min: 0, max: 3 }),
  ofFirst: fc.integer({ min: 0, max: 2 }),
  state: fc.constantFrom("ready", "ready", "ready", "down"),
  availability: fc.constantFrom("active", "active", "active", "pause", "drain"),
  hasPort: fc.boolean(),
});
const anyService = fc.record({
  count: fc.integer({ min: 0, max: 12 }),
  cpus: fc.constantFrom(0, 0, 1, 2),
  memory: fc.constantFrom(0, 0, 1, 3),
  gpus: fc.constantFrom(0, 0, 1, 2),
  zone: fc.constantFrom(undefined, undefined, "east", "west"),
  architecture: fc.constantFrom(undefined, undefined, "amd64", "arm64"),
  maxReplicas: fc.constantFrom(0, 0, 1, 2),
  port: fc.constantFrom(undefined, undefined, undefined, "tcp/80"),
  spreads: fc.boolean(),
  isGlobal: fc.constantFrom(false, false, false, true),
});
/** Often some of a kind, between which nothing but their names decides. */
const anyNodes = fc
  .tuple(fc.array(anyNode, { maxLength: 8 }), fc.boolean())
  .map(([nodes, areTwins]) => (areTwins ? [...nodes.slice(0, 4), ...nodes.slice(0, 4)] : nodes));
const anyWorld = fc.record({
  nodes: anyNodes,
  services: fc.array(anyService, { minLength: 1, maxLength: 5 }),
});
type World = typeof anyWorld extends fc.Arbitrary<infer Value> ? Value : never;

const FIRST = asId<ServiceId>("s0");

function viewsOf({ nodes }: World): readonly NodeView[] {
  return nodes.map(({ zone, architecture, cpus, memory, gpus, others, ofFirst, state, availability, hasPort }, index) =>
    aView({
      id: `n${index}`,
      labels: { zone },
      platform: { architecture, os: "linux" },
      state: state as "ready" | "down",
      availability: availability as "active" | "pause" | "drain",
      resources: { nanoCpus: 4 * GIGA, memoryBytes: 8 * GIGA, generic: gpus },
      available: { nanoCpus: cpus * GIGA, memoryBytes: memory * GIGA, generic: gpus },
      taskCount: others + ofFirst,
      tasksByService: new Map([[FIRST, ofFirst]]),
      hostPorts: new Set(hasPort ? ["tcp/80"] : []),
    }),
  );
}

function requestsOf({ nodes, services }: World): readonly PlacementRequest[] {
  return services.flatMap(({ count, cpus, memory, gpus, zone, architecture, maxReplicas, port, spreads, isGlobal }, index) => {
    const placement: Placement = {
      constraints: zone === undefined ? [] : [`${LABELS}zone == ${zone}`],
      platforms: architecture === undefined ? [] : [{ architecture, os: "linux" }],
      preferences: spreads ? [{ spreadDescriptor: `${LABELS}zone` }] : [],
      maxReplicas,
    };
    return Array.from({ length: isGlobal ? nodes.length : count }, (_, at) =>
      aRequest({
        taskId: `s${index}-${at}`,
        serviceId: `s${index}`,
        ...(isGlobal && { nodeId: `n${at}` }),
        reservations: {
          nanoCpus: cpus * GIGA,
          memoryBytes: memory * GIGA,
          ...(gpus > 0 && { generic: [{ kind: "gpu", value: gpus }] }),
        },
        hostPorts: port === undefined ? [] : [port],
        placement,
      }),
    );
  });
}

/** What a node holds when all is placed, counted here once more. */
class Holding {
  readonly view: NodeView;
  readonly placed: readonly PlacementRequest[];

  constructor(view: NodeView, tasks: readonly PlacementRequest[], { assigned }: PlacementResult) {
    this.view = view;
    this.placed = tasks.filter(({ taskId }) => assigned.get(taskId) === view.node.id);
  }

  get zone(): string | undefined {
    return this.view.node.spec.labels["zone"];
  }

  countOf(serviceId: ServiceId): number {
    const before = this.view.tasksByService.get(serviceId) ?? 0;
    return before + this.placed.filter(task => task.serviceId === serviceId).length;
  }

  left(resource: "nanoCpus" | "memoryBytes"): number {
    return this.placed.reduce((left, { reservations }) => left - reservations[resource], this.view.available[resource]);
  }

  get gpusLeft(): number {
    return this.placed.reduce((left, task) => left - gpusOf(task), amountOf(this.view.available.generic ?? []));
  }

  /** All that concerns no other task. */
  suits({ nodeId, placement }: PlacementRequest): boolean {
    const { node } = this.view;
    const { constraints = [], platforms = [] } = placement;
    const architecture = node.description?.platform.architecture === "aarch64" ? "arm64" : "amd64";
    return (
      (nodeId === undefined || nodeId === node.id) &&
      node.status.state === "ready" &&
      node.spec.availability === "active" &&
      constraints.every(constraint => constraint === `${LABELS}zone == ${this.zone}`) &&
      (platforms.length === 0 || platforms.some(platform => platform.architecture === architecture))
    );
  }

  hasRoomFor(task: PlacementRequest): boolean {
    const { maxReplicas = 0 } = task.placement;
    const taken = [...this.view.hostPorts, ...this.placed.flatMap(({ hostPorts }) => hostPorts)];
    return (
      task.reservations.nanoCpus <= Math.max(0, this.left("nanoCpus")) &&
      task.reservations.memoryBytes <= Math.max(0, this.left("memoryBytes")) &&
      gpusOf(task) <= this.gpusLeft &&
      !task.hostPorts.some(port => taken.includes(port)) &&
      (maxReplicas === 0 || this.countOf(task.serviceId) < maxReplicas)
    );
  }
}

function gpusOf({ reservations: { generic = [] } }: PlacementRequest): number {
  return amountOf(generic);
}

function amountOf(resources: readonly GenericResource[]): number {
  return resources.reduce((sum, { value }) => sum + (typeof value === "number" ? value : 1), 0);
}

interface Outcome {
  readonly tasks: readonly PlacementRequest[];
  readonly views: readonly NodeView[];
  readonly result: PlacementResult;
  readonly holdings: readonly Holding[];
}

function always(claim: (outcome: Outcome) => void): void {
  const property = fc.property(anyWorld, world => {
    const [views, tasks] = [viewsOf(world), requestsOf(world)];
    const result = place(tasks, views);
    claim({ views, tasks, result, holdings: views.map(view => new Holding(view, tasks, result)) });
  });
  fc.assert(property, { numRuns: 400 });
}

/** @returns by service: one of its tasks, for all are alike. */
function services(tasks: readonly PlacementRequest[]): readonly PlacementRequest[] {
  return [...new Map(tasks.map(task => [task.serviceId, task])).values()];
}

describe("placing, whatever there is to place", () => {
  it("gives each task a node or a reason, and no node more than it has", () => {
    always(({ tasks, result: { assigned, reasons, claimed }, holdings }) => {
      assert.deepEqual(new Set([...assigned.keys(), ...reasons.keys()]), new Set(tasks.map(({ taskId }) => taskId)));
      assert.equal(assigned.size + reasons.size, tasks.length);
      for (const holding of holdings) {
        assert.ok(holding.left("nanoCpus") >= 0, "processors");
        assert.ok(holding.left("memoryBytes") >= 0, "memory");
        const gpus = holding.placed.flatMap(({ taskId }) => claimed.get(taskId) ?? []);
        assert.ok(amountOf(gpus) <= amountOf(holding.view.available.generic ?? []), "generic resources");
        const names = gpus.map(({ value }) => value).filter(value => typeof value === "string");
        assert.equal(new Set(names).size, names.length, "a name that two tasks have");
      }
      for (const task of tasks) {
        const expected = assigned.has(task.taskId) ? gpusOf(task) : 0;
        assert.equal(amountOf(claimed.get(task.taskId) ?? []), expected, "as many as it asked for");
      }
    });
  });

  it("breaks nothing that a task insists on", () => {
    always(({ holdings }) => {
      for (const { view, placed } of holdings) {
        const ports = [...view.hostPorts, ...placed.flatMap(({ hostPorts }) => hostPorts)];
        assert.equal(new Set(ports).size, ports.length, "a port that two have");
      }
      for (const holding of holdings)
        for (const task of holding.placed) {
          assert.ok(holding.suits(task), `${task.taskId} on ${holding.view.node.id}`);
          const { maxReplicas = 0 } = task.placement;
          assert.ok(maxReplicas === 0 || holding.countOf(task.serviceId) <= maxReplicas, "replicas of a node");
        }
    });
  });

  it("leaves no task without a node while one would take it", () => {
    always(({ tasks, result: { reasons }, holdings }) => {
      for (const task of tasks.filter(({ taskId }) => reasons.has(taskId)))
        assert.ok(!holdings.some(holding => holding.suits(task) && holding.hasRoomFor(task)), `${task.taskId} has a place`);
    });
  });

  it("spreads a service within one task, first over the values of what it prefers and then over nodes, as far as there is room", () => {
    always(({ tasks, holdings }) => {
      for (const task of services(tasks).filter(({ nodeId }) => nodeId === undefined)) {
        const { serviceId } = task;
        const got = holdings.filter(({ placed }) => placed.some(each => each.serviceId === serviceId));
        const open = holdings.filter(holding => holding.suits(task) && holding.hasRoomFor(task));
        const prefers = (task.placement.preferences ?? []).length > 0;
        const countIn = (zone: string | undefined): number =>
          holdings.reduce((sum, holding) => sum + (holding.zone === zone ? holding.countOf(serviceId) : 0), 0);
        for (const full of got)
          for (const other of open) {
            const isBeside = !prefers || full.zone === other.zone;
            const [more, less] = isBeside
              ? [full.countOf(serviceId), other.countOf(serviceId)]
              : [countIn(full.zone), countIn(other.zone)];
            assert.ok(more <= less + 1, `${serviceId}: ${more} at ${full.view.node.id}, ${less} at ${other.view.node.id}`);
          }
      }
    });
  });

  it("gives the same for the same, in whatever order the nodes come", () => {
    always(({ tasks, views, result }) => {
      assert.deepEqual(place(structuredClone(tasks), structuredClone(views)), result);
      assert.deepEqual(place(tasks, views.toReversed()), result);
    });
  });
});
