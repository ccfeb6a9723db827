import type {
  EndpointSpec,
  NetworkAttachmentSpec,
  PortConfig,
  ServiceMode,
  ServiceSpec,
  UpdateConfig,
} from "../../model/cluster.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Codec } from "./codec.ts";
import { field, isRecord, omitEmpty, struct } from "./codec.ts";
import { adapt, duration, float, list, map, optional, text, uint32, uint64, unlessZero, word } from "./scalars.ts";
import { networkAttachment, taskSpec } from "./task-spec.ts";

/** A word that has a default when it is not given. */
export function wordOr<Word extends string>(fallback: Word): Codec<Word> {
  return adapt(word<Word | "">("string"), {
    toModel: (value: Word | ""): Word => (value === "" ? fallback : value),
    toWire: (value: Word): Word | "" => value,
  });
}

interface WireMode {
  readonly replicated?: { readonly replicas?: number };
  readonly global?: object;
  readonly replicatedJob?: { readonly maxConcurrent?: number; readonly totalCompletions?: number };
  readonly globalJob?: object;
}

const nothing = (goType: string) => optional(struct<object>(goType, {}));

const wireMode = struct<WireMode>("swarm.ServiceMode", {
  replicated: omitEmpty(
    "Replicated",
    optional(
      struct<{ readonly replicas?: number }>("swarm.ReplicatedService", { replicas: omitEmpty("Replicas", optional(uint64)) }),
    ),
  ),
  global: omitEmpty("Global", nothing("swarm.GlobalService")),
  replicatedJob: omitEmpty(
    "ReplicatedJob",
    optional(
      struct<NonNullable<WireMode["replicatedJob"]>>("swarm.ReplicatedJob", {
        maxConcurrent: omitEmpty("MaxConcurrent", optional(uint64)),
        totalCompletions: omitEmpty("TotalCompletions", optional(uint64)),
      }),
    ),
  ),
  globalJob: omitEmpty("GlobalJob", nothing("swarm.GlobalJob")),
});

function modeToModel(mode: WireMode): ServiceMode {
  if (Object.keys(mode).length > 1) throw new OperationError("invalid", "must specify only one service mode");
  if (mode.global !== undefined) return { kind: "global" };
  if (mode.globalJob !== undefined) return { kind: "global-job" };
  if (mode.replicatedJob === undefined) return { kind: "replicated", replicas: mode.replicated?.replicas ?? 1 };
  const { maxConcurrent = 1, totalCompletions = maxConcurrent } = mode.replicatedJob;
  return { kind: "replicated-job", maxConcurrent, totalCompletions };
}

function modeToWire(mode: ServiceMode): WireMode {
  switch (mode.kind) {
    case "replicated":
      return { replicated: { replicas: mode.replicas } };
    case "global":
      return { global: {} };
    case "replicated-job":
      return { replicatedJob: { maxConcurrent: mode.maxConcurrent, totalCompletions: mode.totalCompletions } };
    case "global-job":
      return { globalJob: {} };
  }
}

const updateConfig = struct<UpdateConfig>("swarm.UpdateConfig", {
  parallelism: field("Parallelism", uint64),
  delayNs: omitEmpty("Delay", duration),
  failureAction: omitEmpty("FailureAction", wordOr<UpdateConfig["failureAction"]>("pause")),
  monitorNs: omitEmpty("Monitor", unlessZero(duration)),
  maxFailureRatio: field("MaxFailureRatio", float),
  order: field("Order", wordOr<UpdateConfig["order"]>("stop-first")),
});

export const portConfig = struct<PortConfig>("swarm.PortConfig", {
  name: omitEmpty("Name", unlessZero(text)),
  protocol: omitEmpty("Protocol", wordOr<PortConfig["protocol"]>("tcp")),
  targetPort: omitEmpty("TargetPort", uint32),
  publishedPort: omitEmpty("PublishedPort", unlessZero(uint32)),
  publishMode: omitEmpty("PublishMode", wordOr<PortConfig["publishMode"]>("ingress")),
});

export const endpointSpec = struct<EndpointSpec>("swarm.EndpointSpec", {
  mode: omitEmpty("Mode", wordOr<EndpointSpec["mode"]>("vip")),
  ports: omitEmpty("Ports", list(portConfig)),
});

/** A spec as it travels: with the networks also where clients before 1.29 put them. */
interface WireSpec extends ServiceSpec {
  readonly networks?: readonly NetworkAttachmentSpec[];
}

const wireSpec = struct<WireSpec>("swarm.ServiceSpec", {
  name: omitEmpty("Name", text),
  labels: field("Labels", map(text)),
  task: field("TaskTemplate", taskSpec),
  mode: field("Mode", adapt(wireMode, { toModel: modeToModel, toWire: modeToWire })),
  update: omitEmpty("UpdateConfig", optional(updateConfig)),
  rollback: omitEmpty("RollbackConfig", optional(updateConfig)),
  networks: omitEmpty("Networks", unlessZero(list(networkAttachment))),
  endpoint: omitEmpty("EndpointSpec", optional(endpointSpec)),
});

function namesContainer(value: unknown): boolean {
  const task = fieldOf(value, "TaskTemplate");
  const runtime = fieldOf(task, "Runtime") ?? "";
  return (runtime !== "" && runtime !== "container") || fieldOf(task, "ContainerSpec") !== undefined;
}

/** In any case, as Go reads it. */
function fieldOf(value: unknown, name: string): unknown {
  if (!isRecord(value)) return undefined;
  const [, found] = Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase()) ?? [];
  return found ?? undefined;
}

/** A service's spec, both ways. */
export const serviceSpec = {
  ...wireSpec,
  /** @throws OperationError `invalid` when nothing is said of the container: tasks run nothing else. */
  read(value: unknown): ServiceSpec {
    const { networks = [], ...spec } = wireSpec.read(value);
    if (!namesContainer(value)) throw new OperationError("invalid", "mismatched Runtime and *Spec fields");
    return spec.task.networks.length > 0 ? spec : { ...spec, task: { ...spec.task, networks } };
  },
  write: (spec: ServiceSpec): Record<string, unknown> => wireSpec.write(spec),
};
