import type { Network, Secret, Service, ServiceSpec, Task } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";

const meta = { version: 0, createdAtMs: 0, updatedAtMs: 0 };

export function aSpec(
  name: string,
  { secrets = [], networks = [] }: { readonly secrets?: readonly string[]; readonly networks?: readonly string[] } = {},
): ServiceSpec {
  return {
    name,
    labels: {},
    mode: { kind: "replicated", replicas: 1 },
    task: {
      container: {
        image: "busybox",
        labels: {},
        secrets: secrets.map(secret => ({
          id: aSecret(secret).id,
          name: secret,
          file: { name: secret, uid: "0", gid: "0", mode: 0o444 },
        })),
      },
      networks: networks.map(network => ({ target: aNetwork(network).id })),
      forceUpdate: 0,
    },
  };
}

export function aService(name: string, more: Partial<Service> = {}, references: Parameters<typeof aSpec>[1] = {}): Service {
  return {
    ...meta,
    id: asId(`${name}-id`),
    spec: aSpec(name, references),
    revisionId: asId(`${name}-rev`),
    endpoint: { ports: [], virtualIps: [] },
    isRemoving: false,
    isRollingBack: false,
    ...more,
  };
}

export function aTask(id: string, more: Partial<Task> = {}): Task {
  return {
    ...meta,
    id: asId(id),
    serviceId: asId("s"),
    revisionId: asId("rev"),
    slot: 0,
    desiredState: "running",
    status: { state: "new", atMs: 0, message: "created" },
    networks: [],
    hostPorts: [],
    ...more,
  };
}

export function aNetwork(name: string): Network {
  return {
    ...meta,
    id: asId(`${name}-id`),
    spec: {
      name,
      labels: {},
      driver: "overlay",
      driverOptions: {},
      isInternal: false,
      isAttachable: false,
      isIngress: false,
      isIpv6: false,
      ipam: [],
      scope: "swarm",
    },
    ipam: [],
  };
}

export function aSecret(name: string, bytes = 1): Secret {
  return { ...meta, id: asId(`${name}-id`), spec: { name, labels: {}, data: new Uint8Array(bytes) } };
}
