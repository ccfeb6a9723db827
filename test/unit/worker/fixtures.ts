import type { ServiceContainerSpec, Task, TaskSpec } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import type { AssignedTask } from "../../../src/model/session.ts";

const META = { version: 1, createdAtMs: 0, updatedAtMs: 0 };

export function anAssignedTask(
  options: {
    readonly container?: Partial<ServiceContainerSpec>;
    readonly template?: Partial<TaskSpec>;
    readonly task?: Partial<Task>;
  } = {},
): AssignedTask {
  const container: ServiceContainerSpec = { image: "app:1", labels: {}, ...options.container };
  return {
    serviceName: "web",
    serviceLabels: { tier: "front" },
    revision: {
      ...META,
      id: asId("revision1"),
      serviceId: asId("service1"),
      endpoint: { mode: "vip", ports: [] },
      task: { container, networks: [], forceUpdate: 0, ...options.template },
    },
    task: {
      ...META,
      id: asId("task1"),
      serviceId: asId("service1"),
      revisionId: asId("revision1"),
      slot: 3,
      nodeId: asId("node1"),
      desiredState: "running",
      status: { state: "assigned", atMs: 0, message: "" },
      networks: [],
      hostPorts: [],
      ...options.task,
    },
  };
}
