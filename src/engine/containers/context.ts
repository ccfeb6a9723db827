import { join } from "node:path";
import type { EngineEvent } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { ContainerStore } from "./container-store.ts";
import type { ContainerDependencies } from "./dependencies.ts";
import type { ContainerEntry } from "./entry.ts";

/** What every operation on containers is given. */
export interface ContainerContext extends ContainerDependencies {
  readonly store: ContainerStore;
}

/** Files of a container that outlive its process. */
export function directoryOf({ dataRoot }: Pick<ContainerDependencies, "dataRoot">, id: ContainerId): string {
  return join(dataRoot, "containers", id);
}

/** Files of its process: the OCI bundle and what the shim keeps there. */
export function bundleOf({ execRoot }: Pick<ContainerDependencies, "execRoot">, id: ContainerId): string {
  return join(execRoot, "containers", id);
}

/** Says what happened to a container, with its labels, image and name, as Docker does. */
export function publish(
  { events }: Pick<ContainerDependencies, "events">,
  entry: ContainerEntry,
  event: { readonly action: string; readonly attributes?: EngineEvent["attributes"] },
): void {
  const { config, name } = entry.record.container;
  events.publish({
    type: "container",
    action: event.action,
    actorId: entry.id,
    attributes: { ...config.labels, image: config.image, name, ...event.attributes },
    scope: "local",
  });
}

/** A command as events show it: the program, a space, its arguments. */
export function viewOfExecCommand({ cmd: [program = "", ...args] }: { readonly cmd: readonly string[] }): string {
  return `${program} ${args.join(" ")}`;
}
