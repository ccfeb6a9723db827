import { isThere } from "../files/is-there.ts";
import { thenUndo } from "../../lib/undo.ts";
import type { Container } from "../../model/container.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import type { MountPlan } from "./mount-plan.ts";
import { imagesIn, volumesIn } from "./prepare-mounts.ts";
import { hasProcess } from "./record.ts";
import { Subpaths } from "./subpaths.ts";

/** A container's file system while somebody works on it. */
export interface ContainerFileSystem {
  readonly container: Container;
  /** Missing: it does not run, and cannot be started before the work is done. */
  readonly process?: { readonly pid: number; readonly startTicks: number };
  /** Where the root is mounted on the host, without what is mounted in it. */
  readonly rootfsPath: string;
  /** What a run has mounted in it; kept in memory alone (tmpfs) left out. */
  readonly mounts: readonly { readonly source: string; readonly destination: string; readonly isWritable: boolean }[];
}

/** A container that does not run is held as it is and mounted for the time of the action. */
export async function withFileSystem<T>(
  context: ContainerContext,
  entry: ContainerEntry,
  action: (files: ContainerFileSystem) => Promise<T>,
): Promise<T> {
  if (hasProcess(entry.state)) return action(await describe(context, entry));
  return entry.queue.run(async () => {
    if (hasProcess(entry.state)) return action(await describe(context, entry)); // It was just being started.
    await entry.teardown;
    const { id } = entry;
    const volumes = volumesIn(entry.record.mounts);
    const images = imagesIn(entry.record.mounts);
    const subpaths = new Subpaths(context);
    const mounted = async (): Promise<T> => {
      for (const { name } of volumes) await context.volumes.mount(name, id);
      const { autoRemove: isVolatile } = entry.record.container.hostConfig;
      for (const { rootfsId } of images) await context.images.mountRootfs(rootfsId, { isVolatile });
      return action(await describe(context, entry, subpaths));
    };
    return thenUndo(mounted, [
      () => subpaths[Symbol.dispose](),
      ...[id, ...images.map(({ rootfsId }) => rootfsId)].map(rootfsId => () => context.images.unmountRootfs(rootfsId)),
      ...volumes.map(
        ({ name }) =>
          () =>
            context.volumes.unmount(name, id),
      ),
    ]);
  });
}

/** @param subpaths - Missing for one that runs: its mounts are there. */
async function describe(context: ContainerContext, entry: ContainerEntry, subpaths?: Subpaths): Promise<ContainerFileSystem> {
  const { container, mounts, pidStartTicks } = entry.record;
  const { autoRemove } = container.hostConfig;
  const rootfsPath = await context.images.mountRootfs(entry.id, { isVolatile: autoRemove });
  const process = hasProcess(entry.state) ? { process: { pid: container.state.pid, startTicks: pidStartTicks } } : {};
  const all = await Promise.all([...etcFiles(container), ...mounts].map(mount => settled(mount, subpaths)));
  return { container, ...process, rootfsPath, mounts: all.flatMap(mount => (mount === undefined ? [] : [mount])) };
}

type Settled = ContainerFileSystem["mounts"][number];

function etcFiles({ resolvConfPath, hostnamePath, hostsPath }: Container): readonly Settled[] {
  return [
    { source: resolvConfPath, destination: "/etc/resolv.conf", isWritable: true },
    { source: hostnamePath, destination: "/etc/hostname", isWritable: true },
    { source: hostsPath, destination: "/etc/hosts", isWritable: true },
  ];
}

/** `undefined` where there is nothing to mount. */
async function settled(plan: MountPlan | Settled, subpaths: Subpaths | undefined): Promise<Settled | undefined> {
  if ("kind" in plan && plan.kind === "tmpfs") return undefined;
  const { source, destination, isWritable } = "kind" in plan && subpaths !== undefined ? subpaths.hold(plan) : plan;
  return (await isThere(source)) ? { source, destination, isWritable } : undefined;
}
