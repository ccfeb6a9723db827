import type { Node, Placement } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import type { NodeView, Resources } from "../../../src/scheduler/node-view.ts";
import { NO_RESOURCES } from "../../../src/scheduler/node-view.ts";
import type { PlacementRequest } from "../../../src/scheduler/place.ts";

export interface NodeOptions {
  readonly id?: string;
  readonly hostname?: string;
  readonly role?: Node["role"];
  readonly state?: Node["status"]["state"];
  readonly availability?: Node["spec"]["availability"];
  readonly labels?: Readonly<Record<string, string>>;
  readonly engineLabels?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string };
  readonly resources?: Resources;
}

export function aNode(options: NodeOptions = {}): Node {
  const { id = "n1", hostname = id, role = "worker", state = "ready", availability = "active", labels = {} } = options;
  const {
    engineLabels = {},
    platform = { architecture: "x86_64", os: "linux" },
    resources = { nanoCpus: 4e9, memoryBytes: 8e9 },
  } = options;
  return {
    id: asId(id),
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
    role,
    spec: { labels, role, availability },
    status: { state, message: "", address: "192.0.2.1" },
    description: { hostname, platform, resources, engine: { version: "1", labels: engineLabels, plugins: [] } },
  };
}

export function aView(options: NodeOptions & Partial<Omit<NodeView, "node">> = {}): NodeView {
  const node = aNode(options);
  return {
    node,
    available: options.available ?? node.description?.resources ?? NO_RESOURCES,
    taskCount: options.taskCount ?? 0,
    tasksByService: options.tasksByService ?? new Map(),
    hostPorts: options.hostPorts ?? new Set(),
  };
}

export function aRequest(
  options: {
    readonly taskId?: string;
    readonly serviceId?: string;
    readonly revisionId?: string;
    readonly nodeId?: string;
    readonly reservations?: Resources;
    readonly placement?: Placement;
    readonly hostPorts?: readonly string[];
  } = {},
): PlacementRequest {
  const { taskId = "t1", serviceId = "s1", revisionId = `${serviceId}-r1`, nodeId } = options;
  return {
    taskId: asId(taskId),
    serviceId: asId(serviceId),
    revisionId: asId(revisionId),
    ...(nodeId !== undefined && { nodeId: asId(nodeId) }),
    reservations: options.reservations ?? NO_RESOURCES,
    placement: options.placement ?? {},
    hostPorts: options.hostPorts ?? [],
  };
}
