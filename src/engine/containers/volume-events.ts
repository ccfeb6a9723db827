import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { volumesIn } from "./prepare-mounts.ts";

/** Says which volumes a container has from now on. */
export function publishVolumeMounts({ events }: Pick<ContainerContext, "events">, { id, record }: ContainerEntry): void {
  for (const { name, driver, destination, isWritable } of volumesIn(record.mounts)) {
    const attributes = { container: id, destination, driver, propagation: "", "read/write": String(isWritable) };
    events.publish({ type: "volume", action: "mount", actorId: name, attributes, scope: "local" });
  }
}

/** Says which volumes a container no longer has. */
export function publishVolumeUnmounts({ events }: Pick<ContainerContext, "events">, { id, record }: ContainerEntry): void {
  for (const { name, driver } of volumesIn(record.mounts)) {
    events.publish({ type: "volume", action: "unmount", actorId: name, attributes: { container: id, driver }, scope: "local" });
  }
}
