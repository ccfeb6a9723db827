/**
 * Places at which the engine changes something that outlives it: a sync, a rename, a program started, a mount, a rule. At each a test can
 * end the daemon, or make the step fail, before it is taken or after. Named by place and operation; the list is what a fault run must have hit.
 */
export const FAILPOINTS = [
  "archive/decompress.spawn",
  "archive/helper.spawn",
  "build/containers.sync",
  "containers/bundle.write",
  "containers/files.write",
  "containers/folder.remove",
  "containers/shared-memory-end.spawn",
  "containers/shared-memory.spawn",
  "containers/undo.write",
  "containers/volume-copy.spawn",
  "images/archive.unpack",
  "images/blob.rename",
  "images/blobs.sync",
  "images/config.rename",
  "images/config.sync",
  "images/config.sync-folder",
  "images/files.sync",
  "images/image-record.rename",
  "images/image-record.sync",
  "images/image-record.sync-folder",
  "images/image-removal.sync",
  "images/layer-record.rename",
  "images/layer-record.sync",
  "images/layer-record.sync-folder",
  "images/layer-removal.sync",
  "images/layer.rename",
  "images/layers.sync",
  "images/repositories.rename",
  "images/repositories.sync",
  "images/repositories.sync-folder",
  "images/rootfs.mount",
  "images/rootfs.unmount",
  "images/trash.rename",
  "logs/compressed.rename",
  "logs/cursor.rename",
  "logs/rotate.rename",
  "networks/bridge.raise",
  "networks/bridge.remove",
  "networks/firewall.apply",
  "networks/firewall.load",
  "networks/ip.spawn",
  "networks/link.lower",
  "networks/link.raise",
  "networks/loopback.raise",
  "networks/namespace.create",
  "networks/namespace.delete",
  "networks/nftables.apply",
  "networks/route.apply",
  "networks/sandbox-record.rename",
  "runtime/conmon.spawn",
  "runtime/delete.spawn",
  "runtime/exec-conmon.spawn",
  "runtime/exec-terminal.spawn",
  "runtime/exec.spawn",
  "runtime/note.rename",
  "runtime/pause.spawn",
  "runtime/probe-end.spawn",
  "runtime/probe.spawn",
  "runtime/resume.spawn",
  "runtime/start.spawn",
  "runtime/update.spawn",
  "state/container.sync",
  "state/format.rename",
  "state/format.sync",
  "state/format.sync-folder",
  "state/network.sync",
  "state/volume.sync",
  "volumes/folder.remove",
  "volumes/mount.spawn",
  "volumes/part.mount",
  "volumes/part.unmount",
  "volumes/removal-mark.write",
  "volumes/umount.spawn",
] as const;

export type FailpointName = (typeof FAILPOINTS)[number];

/** Told before each step and after it; what it throws is the step's failure, and a step that can wait waits for what it returns. */
export type FailpointListener = (name: FailpointName, moment: "before" | "after") => Promise<void> | undefined;

let listener: FailpointListener | undefined;

/** For tests: `undefined` switches all off again. */
export function listenAtFailpoints(next: FailpointListener | undefined): void {
  listener = next;
}

/** Takes a step that is a failpoint. Costs one comparison when nobody listens. */
export function failpoint<T>(name: FailpointName, step: () => Promise<T>): Promise<T> {
  return listener === undefined ? step() : observed(listener, name, step);
}

/** As `failpoint`, for a step that is over when it returns. */
export function failpointNow<T>(name: FailpointName, step: () => T): T {
  if (listener === undefined) return step();
  tellNow(listener, name, "before");
  const result = step();
  tellNow(listener, name, "after");
  return result;
}

async function observed<T>(listen: FailpointListener, ...[name, step]: [FailpointName, () => Promise<T>]): Promise<T> {
  await listen(name, "before");
  const result = await step();
  await listen(name, "after");
  return result;
}

function tellNow(listen: FailpointListener, ...told: Parameters<FailpointListener>): void {
  if (listen(...told) !== undefined) throw new Error(`${told[0]} cannot wait`);
}
