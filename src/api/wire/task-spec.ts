import type { NetworkAttachmentSpec, Placement, RestartSpec, TaskSpec } from "../../model/cluster.ts";
import type { ResourceRequirements } from "../../model/resources.ts";
import type { Codec } from "./codec.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { genericResources } from "./generic-resources.ts";
import { refusing } from "./refusing.ts";
import { adapt, duration, int64, list, optional, text, textMap, texts, uint64, unlessWord, unlessZero, word } from "./scalars.ts";
import { serviceContainer } from "./service-container.ts";

const some = <T>(codec: Codec<T>): Codec<T | undefined> => unlessZero(codec);

const limits = struct<NonNullable<ResourceRequirements["limits"]>>("swarm.Limit", {
  nanoCpus: omitEmpty("NanoCPUs", some(int64)),
  memoryBytes: omitEmpty("MemoryBytes", some(int64)),
  pids: omitEmpty("Pids", some(int64)),
});
const reservations = struct<NonNullable<ResourceRequirements["reservations"]>>("swarm.Resources", {
  nanoCpus: omitEmpty("NanoCPUs", some(int64)),
  memoryBytes: omitEmpty("MemoryBytes", some(int64)),
  generic: omitEmpty("GenericResources", some(genericResources)),
});
const resources = struct<ResourceRequirements>("swarm.ResourceRequirements", {
  limits: omitEmpty("Limits", optional(limits)),
  reservations: omitEmpty("Reservations", optional(reservations)),
  swapBytes: omitEmpty("SwapBytes", optional(int64)),
  memorySwappiness: omitEmpty("MemorySwappiness", optional(int64)),
});

type Condition = RestartSpec["condition"];
/** Not given, it is `any`. */
const condition = adapt(word<Condition | "">("swarm.RestartPolicyCondition"), {
  toModel: (value: Condition | ""): Condition => (value === "" ? "any" : value),
  toWire: (value: Condition): Condition | "" => value,
});
const restart = struct<RestartSpec>("swarm.RestartPolicy", {
  condition: omitEmpty("Condition", condition),
  delayNs: omitEmpty("Delay", optional(duration)),
  maxAttempts: omitEmpty(
    "MaxAttempts",
    adapt(optional(uint64), { toModel: count => count || undefined, toWire: (count = 0) => count }),
  ),
  windowNs: omitEmpty("Window", optional(duration)),
});

type Preference = NonNullable<Placement["preferences"]>[number];
const spread = struct<{ readonly descriptor: string }>("swarm.SpreadOver", { descriptor: field("SpreadDescriptor", text) });
const preference = adapt(
  struct<{ readonly spread: { readonly descriptor: string } }>("swarm.PlacementPreference", { spread: field("Spread", spread) }),
  {
    toModel: ({ spread: { descriptor } }): Preference => ({ spreadDescriptor: descriptor }),
    toWire: ({ spreadDescriptor }: Preference) => ({ spread: { descriptor: spreadDescriptor } }),
  },
);
export const platform = struct<{ readonly architecture: string; readonly os: string }>("swarm.Platform", {
  architecture: omitEmpty("Architecture", text),
  os: omitEmpty("OS", text),
});
const placement = struct<Placement>("swarm.Placement", {
  constraints: omitEmpty("Constraints", some(texts)),
  preferences: omitEmpty("Preferences", some(list(preference))),
  maxReplicas: omitEmpty("MaxReplicas", some(uint64)),
  platforms: omitEmpty("Platforms", some(list(platform))),
});

export const networkAttachment = struct<NetworkAttachmentSpec>("swarm.NetworkAttachmentConfig", {
  target: omitEmpty("Target", text),
  aliases: omitEmpty("Aliases", some(texts)),
  driverOptions: omitEmpty("DriverOpts", some(textMap)),
  addresses: omitEmpty("Addresses", optional(texts)),
});

const logDriver = struct<NonNullable<TaskSpec["logDriver"]>>("swarm.Driver", {
  name: omitEmpty("Name", text),
  options: omitEmpty("Options", textMap),
});

/** @see moby api/types/swarm/task.go, whose order of fields this is. */
export const taskSpec = refusing(
  struct<TaskSpec>("swarm.TaskSpec", {
    container: omitEmpty("ContainerSpec", serviceContainer),
    resources: omitEmpty("Resources", optional(resources)),
    restart: omitEmpty("RestartPolicy", optional(restart)),
    placement: omitEmpty("Placement", optional(placement)),
    networks: omitEmpty("Networks", list(networkAttachment)),
    logDriver: omitEmpty("LogDriver", optional(logDriver)),
    forceUpdate: field("ForceUpdate", uint64),
    runtime: omitEmpty("Runtime", unlessWord("container")),
  }),
  ["PluginSpec", "NetworkAttachmentSpec"],
);
