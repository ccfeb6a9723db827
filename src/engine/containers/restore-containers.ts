import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode, errorMessage, isShortage } from "../../lib/errors.ts";
import { failuresOf } from "../../lib/undo.ts";
import { asId, type ContainerId } from "../../model/ids.ts";
import type { ShimContainer } from "../runtime/shim.ts";
import { openLog, resumeLogging } from "./container-logging.ts";
import { removeBundle } from "./bundle-mounts.ts";
import { bundleOf, type ContainerContext, directoryOf } from "./context.ts";
import { ContainerEntry } from "./entry.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { holdVolumes, imagesIn, volumesIn } from "./prepare-mounts.ts";
import { type ContainerRecord, hasProcess, withState } from "./record.ts";
import { shouldStartWithDaemon } from "./restart-policy.ts";
import { forgetVolumesToUndo, volumesToUndo } from "./undo-file.ts";

/** What is recorded of a process whose end nobody saw. */
const EXIT_UNKNOWN = 255;
/** Containers started at once when the daemon starts. */
const STARTS_AT_ONCE = 4;
/** How often, and how soon again, a running container is taken up while this host lacks something. */
const RESTORE_TRIES = 5;
const RESTORE_AGAIN_MS = 500;

/** Takes up what an earlier daemon left: running containers go on, ended ones are recorded, half-made and half-removed ones are taken away. */
export async function restoreContainers(context: ContainerContext, lifecycle: Lifecycle): Promise<readonly ContainerEntry[]> {
  const records = await context.store.load();
  const entries = await Promise.all(records.map(record => adopt(context, record)));
  await takeAwayStrays(context);
  const bootId = context.bootId();
  const ran = entries.filter(entry => hasProcess(entry.state));
  const taken = new Map<ContainerId, ShimContainer>();
  await Promise.all(
    ran
      .filter(entry => entry.record.bootId === bootId)
      .map(async entry => {
        const shim = await restoreShim(context, entry);
        if (shim !== undefined) taken.set(entry.id, shim);
      }),
  );
  const running = ran.filter(entry => taken.has(entry.id)).map(entry => entry.record.container);
  for (const [id, networks] of await context.networks.restore(running)) {
    const entry = context.store.get(id);
    if (entry !== undefined)
      await context.store.change(entry, record => ({ ...record, container: { ...record.container, networks } }));
  }
  await takeAwayRuns(
    context,
    entries.filter(entry => !taken.has(entry.id)),
  );
  for (const entry of ran) await takeUp(context, lifecycle, { entry, shim: taken.get(entry.id) });
  await Promise.all(entries.map(entry => resumeLogging(context, entry)));
  await context.volumes.unmountUnused();
  return entries;
}

async function adopt(context: ContainerContext, record: ContainerRecord): Promise<ContainerEntry> {
  const { id, hostConfig } = record.container;
  const log = await openLog(context, { id, hostConfig });
  const entry = new ContainerEntry(record, log);
  context.store.adopt(entry);
  holdVolumes(context, { plans: record.mounts, id });
  await forgetVolumesToUndo(directoryOf(context, id));
  return entry;
}

/**
 * `undefined`: neither it nor a record of its end is there, or it can be known no more. While this host lacks something that is not
 * found out: what runs goes on, rather than be taken for gone.
 * @throws Error when that does not pass; the daemon does not start then, and ends nothing.
 */
async function restoreShim(context: ContainerContext, { id, record, log }: ContainerEntry): Promise<ShimContainer | undefined> {
  const { config, hostConfig, state } = record.container;
  await takeAwayExecs(context, id);
  for (let tries = 1; ; tries++) {
    try {
      return await context.shim.restore({
        id,
        bundlePath: bundleOf(context, id),
        logPath: log?.path,
        isTty: config.tty,
        runtime: hostConfig.runtime,
        pid: state.pid,
        pidStartTicks: record.pidStartTicks,
      });
    } catch (error) {
      context.log.error({ container: id, tries, error: errorMessage(error) }, "a running container could not be taken up");
      if (!isShortage(error)) return undefined;
      if (tries === RESTORE_TRIES) throw error;
    }
    await context.clock.sleep(RESTORE_AGAIN_MS);
  }
}

/** Of execs that an earlier daemon started: who waited for them is gone, and what still runs needs no files. */
async function takeAwayExecs(context: ContainerContext, id: ContainerId): Promise<void> {
  const bundlePath = bundleOf(context, id);
  try {
    const names = (await namesIn(bundlePath)).filter(name => name.startsWith("exec-"));
    await Promise.all(names.map(name => rm(join(bundlePath, name), { recursive: true, force: true })));
  } catch (error) {
    context.log.warn(
      { container: id, error: errorMessage(error) },
      "files of a container's earlier execs could not be taken away",
    );
  }
}

/** Goes on with a container that ran, whether or not it still does. */
async function takeUp(
  context: ContainerContext,
  lifecycle: Lifecycle,
  { entry, shim }: { readonly entry: ContainerEntry; readonly shim: ShimContainer | undefined },
): Promise<void> {
  if (shim === undefined) {
    await lifecycle.endNow(entry, { run: undefined, exit: { exitCode: EXIT_UNKNOWN, isOomKilled: false } });
    return;
  }
  entry.log?.begin();
  const { autoRemove } = entry.record.container.hostConfig;
  const rootfsPath = await context.images.mountRootfs(entry.id, { isVolatile: autoRemove }); // Mounted still: twice is safe.
  for (const { name } of volumesIn(entry.record.mounts)) await context.volumes.mount(name, entry.id); // So are its volumes.
  const ranForMs = Math.max(0, context.clock.nowMs() - (entry.state.startedAtMs ?? 0));
  const startedAtMonotonicMs = context.clock.monotonicMs() - ranForMs;
  const run = { shim, rootfsPath, hub: undefined, runLog: undefined, startedAtMonotonicMs };
  entry.run = run;
  await settlePause(context, entry, shim);
  lifecycle.watch(entry, run);
}

/** A pause that nobody was told of, and one that was for the last daemon alone, are over; a container that goes on is not paused. */
async function settlePause(context: ContainerContext, entry: ContainerEntry, shim: ShimContainer): Promise<void> {
  const isWanted = entry.state.status === "paused" && entry.record.isPausedForNow !== true;
  const isPaused = await shim.isPaused();
  if (isPaused && !isWanted) await shim.resume();
  const status = isPaused && isWanted ? "paused" : "running";
  if (entry.state.status !== status) await context.store.change(entry, record => withState(record, { status }));
}

/** Starts by policy what does not run, a few at a time. Not waited for when the daemon starts. */
export async function startByPolicy(
  context: ContainerContext,
  lifecycle: Lifecycle,
  entries: readonly ContainerEntry[],
): Promise<void> {
  const toStart = entries.filter(isToStart);
  const next = toStart[Symbol.iterator]();
  const work = async () => {
    for (const entry of next) {
      try {
        await entry.queue.run(async () => {
          if (isToStart(entry)) await lifecycle.startNow(entry, { restartCount: 0 });
        });
      } catch (error) {
        context.log.warn({ container: entry.id, error: errorMessage(error) }, "a container could not be started with the daemon");
        await context.store.change(entry, record =>
          record.container.state.status === "restarting" ? withState(record, { status: "exited" }) : record,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, work));
  for (const entry of entries) {
    const { hostConfig, state } = entry.record.container;
    const isLeftOver = hostConfig.autoRemove && !hasProcess(state) && state.startedAtMs !== undefined;
    if (isLeftOver && context.store.has(entry.id)) await entry.queue.run(() => lifecycle.removeNow(entry, { volumes: true }));
  }
}

function isToStart(entry: ContainerEntry): boolean {
  const { hostConfig, state, restartCount } = entry.record.container;
  if (entry.run !== undefined || entry.isRemoving || entry.pendingRestart !== undefined || state.startedAtMs === undefined)
    return false;
  if (state.status === "restarting") return true;
  const { isStoppedByUser } = entry.record;
  return shouldStartWithDaemon(hostConfig.restartPolicy, { exitCode: state.exitCode, restartCount, isStoppedByUser });
}

/** Processes, bundles and mounts of containers that do not count as running: starts that were cut short, ends that were not finished. */
async function takeAwayRuns(context: ContainerContext, entries: readonly ContainerEntry[]): Promise<void> {
  const bundles = new Set(await namesIn(join(context.execRoot, "containers")));
  await Promise.all(
    entries.map(async ({ id, record }) => {
      if (bundles.has(id)) await discard(context, id, record.container.hostConfig.runtime);
      const rootfsIds = [id, ...imagesIn(record.mounts).map(({ rootfsId }) => rootfsId)];
      for (const error of await failuresOf(rootfsIds.map(rootfsId => () => context.images.unmountRootfs(rootfsId))))
        context.log.warn({ container: id, error: errorMessage(error) }, "what a container had mounted could not be unmounted");
    }),
  );
}

/** Folders that no record names: creations and removals that were cut short. */
async function takeAwayStrays(context: ContainerContext): Promise<void> {
  for (const name of await namesIn(join(context.execRoot, "containers"))) {
    if (!context.store.has(name)) await discard(context, asId<ContainerId>(name), undefined);
  }
  for (const name of await namesIn(join(context.dataRoot, "containers"))) {
    if (context.store.has(name)) continue;
    const id = asId<ContainerId>(name);
    try {
      await context.images.removeRootfs(id);
      for (const volume of await volumesToUndo(directoryOf(context, id))) {
        await context.volumes.remove(volume, { force: true });
      }
      await rm(directoryOf(context, id), { recursive: true, force: true });
    } catch (error) {
      context.log.warn(
        { container: id, error: errorMessage(error) },
        "what an unfinished operation left could not be taken away",
      );
    }
  }
}

async function discard(context: ContainerContext, id: ContainerId, runtime: string | undefined): Promise<void> {
  const bundlePath = bundleOf(context, id);
  try {
    await context.shim.discard?.({ id, bundlePath, ...(runtime !== undefined && { runtime }) });
    await removeBundle(context, id);
  } catch (error) {
    context.log.warn({ container: id, error: errorMessage(error) }, "what an unfinished start left could not be taken away");
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}
