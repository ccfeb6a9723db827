import { errorMessage, OperationError } from "../../lib/errors.ts";
import { Gate } from "../../lib/gate.ts";
import { undoAfter } from "../../lib/undo.ts";
import { healthUnwatched } from "../health/state.ts";
import { networksJoinedBefore } from "../networks/ports-error.ts";
import type { ShimContainer, ShimExit } from "../runtime/shim.ts";
import { finishLogging, startLogging } from "./container-logging.ts";
import { type ContainerContext, directoryOf, publish } from "./context.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import type { ExecStore } from "./exec-store.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { abandonRun, makeRun, prepareRun, settledBy } from "./make-run.ts";
import { imagesIn, volumesIn } from "./prepare-mounts.ts";
import {
  type ContainerRecord,
  hasProcess,
  withHealthAtStart,
  withIdleNetworks,
  withJoinedNetworks,
  withRestartCount,
  withState,
} from "./record.ts";
import { removeFolder } from "../runtime/remove-folder.ts";
import { nextRestartDelayMs, shouldRestart, shouldRestartUnhealthy } from "./restart-policy.ts";
import { endUnhealthy, restartsOnUnhealthy } from "./restart-unhealthy.ts";
import { startFailure } from "./start-error.ts";
import { takeDownRun } from "./take-down.ts";
import { forgetVolumesToUndo, noteVolumesToUndo } from "./undo-file.ts";
import { failpoint } from "../../ports/failpoint.ts";
import { publishVolumeUnmounts } from "./volume-events.ts";

/** How long after its end the rest of a container's output is waited for. */
const OUTPUT_REST_MS = 5000;
/** How long its end is not told before all who are attached have that output, as in Docker. */
const OUTPUT_BEFORE_END_MS = 2000;
/** Measured with 50 starts on 2 cores: with fewer the kernel's waits add up, with more they are longer and the first container comes late. */
const STARTS_AT_ONCE_MAX = 8;

/** Starts and ends processes, one step at a time per container: each `…Now` is called from the container's queue. */
export class Lifecycle {
  readonly #context: ContainerContext;
  readonly #starts = new Gate(STARTS_AT_ONCE_MAX);
  /** Called when a container's process is gone, with its execs and anything else that lived in it. */
  readonly #onEnded: (entry: ContainerEntry) => void;
  readonly #execs: Pick<ExecStore, "probe">;

  constructor(
    context: ContainerContext,
    options: { readonly onEnded: (entry: ContainerEntry) => void; readonly execs: Pick<ExecStore, "probe"> },
  ) {
    this.#context = context;
    this.#onEnded = options.onEnded;
    this.#execs = options.execs;
  }

  /** @throws OperationError `not-modified` when it runs already, or will soon by its policy. */
  async start(entry: ContainerEntry): Promise<void> {
    await entry.queue.run(async () => {
      if (entry.pendingRestart !== undefined) throw new OperationError("not-modified", "container is already running");
      this.#cancelRestart(entry);
      entry.restartDelayMs = 0;
      await this.startNow(entry, { restartCount: 0 });
    });
  }

  async startNow(entry: ContainerEntry, { restartCount }: { readonly restartCount: number }): Promise<void> {
    checkStartable(entry);
    this.#context.shim.prepare?.();
    let run: ContainerRun | undefined;
    try {
      await startLogging(this.#context, entry);
      await prepareRun(this.#context, entry);
      run = await this.#starts.run(() => makeRun(this.#context, entry));
      entry.announceRun(run);
      await run.shim.start();
      await this.#recordStart(entry, { shim: run.shim, restartCount });
    } catch (error) {
      await this.#failStart(entry, { run, error });
      throw startFailure(error).error;
    }
    entry.run = run;
    entry.forwarder?.run();
    entry.isRestartCancelled = false;
    entry.isStopAsked = false;
    entry.isEndedAsUnhealthy = false;
    publish(this.#context, entry, { action: "start" });
    this.watch(entry, run);
  }

  async #recordStart(
    entry: ContainerEntry,
    { shim, restartCount }: { readonly shim: ShimContainer; readonly restartCount: number },
  ): Promise<void> {
    const { store, clock, bootId } = this.#context;
    const { pid, pidStartTicks } = shim;
    await store.change(entry, record => {
      const state = { pid, exitCode: 0, isOomKilled: false, error: "", startedAtMs: clock.nowMs() };
      const { container } = withState(withHealthAtStart(record), { status: "running", ...state });
      return { ...record, container: { ...container, restartCount }, pidStartTicks, bootId: bootId(), isStoppedByUser: false };
    });
  }

  /** What has happened is so, also where the disk takes no record of it. */
  async #recordFact(entry: ContainerEntry, change: (record: ContainerRecord) => ContainerRecord): Promise<void> {
    try {
      await this.#context.store.change(entry, change, { isFact: true });
    } catch (error) {
      this.#context.log.error(
        { container: entry.id, error: errorMessage(error) },
        "the state of a container could not be recorded",
      );
    }
  }

  /** From here on the end of the process is noticed, and its health. */
  watch(entry: ContainerEntry, run: ContainerRun): void {
    if (entry.state.status === "running") this.watchHealth(entry, run);
    run.shim.exit.then(
      exit => this.#onExit(entry, { run, exit }),
      (error: unknown) => {
        this.#context.log.error({ container: entry.id, error: errorMessage(error) }, "the end of a container cannot be known");
        return this.#onExit(entry, { run, exit: { exitCode: 255, isOomKilled: false } });
      },
    );
  }

  watchHealth(entry: ContainerEntry, run: ContainerRun): void {
    entry.health?.end();
    const onUnhealthy = () => this.#onUnhealthy(entry, run);
    entry.health = HealthMonitor.begin(this.#context, entry, { run, execs: this.#execs, onUnhealthy });
  }

  unwatchHealth(entry: ContainerEntry): void {
    entry.health?.end();
    entry.health = undefined;
  }

  #onUnhealthy(entry: ContainerEntry, run: ContainerRun): void {
    if (!restartsOnUnhealthy(entry.record.container.config)) return;
    endUnhealthy(this.#context, { entry, run }).catch((error: unknown) => {
      this.#context.log.warn({ container: entry.id, error: errorMessage(error) }, "an unhealthy container could not be ended");
    });
  }

  async #onExit(entry: ContainerEntry, ended: { readonly run: ContainerRun; readonly exit: ShimExit }): Promise<void> {
    try {
      await entry.queue.run(() => this.endNow(entry, ended));
    } catch (error) {
      this.#context.log.error(
        { container: entry.id, error: errorMessage(error) },
        "the end of a container could not be recorded",
      );
    }
  }

  /** Records the end of a run, takes it down, and starts the next one if the policy says so. */
  async endNow(
    entry: ContainerEntry,
    { run, exit }: { readonly run: ContainerRun | undefined; readonly exit: ShimExit },
  ): Promise<void> {
    if (entry.run !== run) return;
    const { clock } = this.#context;
    const ranForMs = run === undefined ? 0 : clock.monotonicMs() - run.startedAtMonotonicMs;
    entry.run = undefined;
    this.unwatchHealth(entry);
    entry.log?.finish();
    this.#onEnded(entry);
    entry.isEndUntold = true;
    const holdsClusterPlace = this.#context.networks.holdsClusterPlace(entry.id);
    entry.teardown = this.#takeDown(entry, run);
    const { container, isStoppedByUser } = entry.record;
    const { restartPolicy } = container.hostConfig;
    const autoRemove = container.hostConfig.autoRemove && !entry.isRemoving && !entry.isHeldForRestart;
    const { restartCount } = container;
    const ended = { exitCode: exit.exitCode, restartCount, isStoppedByUser, isCancelled: entry.isRestartCancelled };
    const restarts =
      !entry.isRemoving &&
      (entry.isEndedAsUnhealthy
        ? !entry.isStopAsked && shouldRestartUnhealthy(restartPolicy, restartCount)
        : shouldRestart(restartPolicy, ended));
    const change = () =>
      this.#recordFact(entry, record =>
        withState(restarts ? withRestartCount(withIdleNetworks(record), restartCount + 1) : withIdleNetworks(record), {
          status: restarts ? "restarting" : "exited",
          pid: 0,
          exitCode: exit.exitCode,
          isOomKilled: exit.isOomKilled,
          finishedAtMs: clock.nowMs(),
          ...healthUnwatched(record.container.state.health),
        }),
      );
    // What is removed at once need not be kept first.
    if (autoRemove && !restarts) {
      entry.record = withState(entry.record, { status: "exited", pid: 0, exitCode: exit.exitCode, finishedAtMs: clock.nowMs() });
    } else await change();
    // Whoever waits for the end may remove its networks next, which managers refuse while they count it among their users.
    if (holdsClusterPlace) await entry.teardown;
    // Whoever is attached and waits for the end has the output first.
    if (entry.outputs.size > 0) await settledBy(Promise.allSettled(entry.outputs), clock.timeout(OUTPUT_BEFORE_END_MS));
    if (exit.isOomKilled) publish(this.#context, entry, { action: "oom" });
    const seconds = String(Math.floor(ranForMs / 1000));
    publish(this.#context, entry, { action: "die", attributes: { exitCode: String(exit.exitCode), execDuration: seconds } });
    entry.announceExit({ exitCode: exit.exitCode });
    if (restarts) this.scheduleRestart(entry, nextRestartDelayMs(entry.restartDelayMs, ranForMs));
    else if (autoRemove) await this.removeNow(entry, { volumes: true });
  }

  async #takeDown(entry: ContainerEntry, run: ContainerRun | undefined): Promise<void> {
    const { hub } = run ?? {};
    if (hub !== undefined) {
      const ended = new Promise<void>(resolve => hub.subscribe(() => {}, resolve));
      void settledBy(ended, this.#context.clock.timeout(OUTPUT_REST_MS)).then(() => hub.end());
    }
    const takenDown = takeDownRun(this.#context, entry, run?.shim); // Which first lets go of its networks.
    publishVolumeUnmounts(this.#context, entry);
    await takenDown;
  }

  /** Starts it again after a while, unless the user intervenes. */
  scheduleRestart(entry: ContainerEntry, delayMs: number): void {
    const controller = new AbortController();
    entry.pendingRestart = controller;
    entry.restartDelayMs = delayMs;
    const restart = async () => {
      await this.#context.clock.sleep(delayMs, { signal: controller.signal });
      await entry.queue.run(async () => {
        if (controller.signal.aborted) return;
        entry.pendingRestart = undefined;
        await this.startNow(entry, { restartCount: entry.record.container.restartCount });
      });
    };
    restart().catch((error: unknown) => {
      if (controller.signal.aborted) return;
      this.#context.log.warn({ container: entry.id, error: errorMessage(error) }, "a container could not be restarted");
    });
  }

  /** The user stops a container that only waits to be restarted. */
  async cancelRestartNow(entry: ContainerEntry): Promise<void> {
    this.#cancelRestart(entry);
    await this.#context.store.change(entry, record => withState({ ...record, isStoppedByUser: true }, { status: "exited" }));
    entry.announceExit({ exitCode: entry.state.exitCode });
  }

  #cancelRestart(entry: ContainerEntry): void {
    entry.pendingRestart?.abort(new OperationError("cancelled", "the container was stopped or started by hand"));
    entry.pendingRestart = undefined;
  }

  async #failStart(
    entry: ContainerEntry,
    { run, error }: { readonly run: ContainerRun | undefined; readonly error: unknown },
  ): Promise<void> {
    const { exitCode, error: failure } = startFailure(error);
    entry.forwarder?.disconnect();
    if (run !== undefined) {
      entry.log?.finish();
      run.hub?.end();
      entry.teardown = abandonRun(this.#context, entry, run.shim);
    }
    entry.announceRun(undefined);
    const { status } = entry.state;
    const wasRestarting = status === "restarting"; // Then what is told of it is how its last run ended.
    await this.#recordFact(entry, record =>
      withState(withJoinedNetworks(withIdleNetworks(record, { hasRun: wasRestarting }), networksJoinedBefore(error)), {
        status: wasRestarting ? "exited" : status,
        pid: 0,
        exitCode: wasRestarting ? entry.state.exitCode : exitCode,
        error: failure.message,
      }),
    );
    entry.announceExit({ exitCode });
    if (entry.record.container.hostConfig.autoRemove) await this.removeNow(entry, { volumes: true });
  }

  /** The record goes first: from then on the container is gone, and start-up takes away what is left. */
  async removeNow(entry: ContainerEntry, { volumes }: { readonly volumes: boolean }): Promise<void> {
    this.#cancelRestart(entry);
    entry.isRemoving = true;
    try {
      await this.#removeRecord(entry, { volumes });
    } catch (error) {
      entry.isRemoving = false; // It is there still, and can be removed again.
      throw error;
    }
    publish(this.#context, entry, { action: "destroy" });
    // Whoever is told that it is gone may remove its volumes next.
    const isRid = volumesIn(entry.record.mounts).length === 0 || (await this.#letGoOfVolumes(entry, { volumes }));
    entry.announceRemoval({ exitCode: entry.state.exitCode });
    await entry.teardown;
    const finished = finishLogging(this.#context, entry); // From here on its files are held until they are sent.
    finished.catch(() => {});
    const { log } = entry;
    if (log?.isPinned !== true) return this.#takeAway(entry, { isRid });
    // A client still reads what it printed: its files are taken away behind the user's back.
    void log.released().then(() => this.#takeAway(entry, { isRid }));
    return undefined;
  }

  async #removeRecord(entry: ContainerEntry, { volumes }: { readonly volumes: boolean }): Promise<void> {
    const { images, store } = this.#context;
    const directory = directoryOf(this.#context, entry.id);
    const rootfsIds = [entry.id, ...imagesIn(entry.record.mounts).map(({ rootfsId }) => rootfsId)];
    const going = volumes ? volumesIn(entry.record.mounts).filter(({ isAnonymous }) => isAnonymous) : [];
    try {
      await noteVolumesToUndo(
        directory,
        going.map(({ name }) => name),
      );
      await store.remove(
        entry,
        rootfsIds.map(id => images.removalOfRootfs(id)),
      );
    } catch (error) {
      if (going.length === 0) throw error;
      // The next removal may be one that is to leave the volumes.
      await undoAfter(error, [() => forgetVolumesToUndo(directory)]);
    }
  }

  /** @returns whether none is left that should go. */
  async #letGoOfVolumes(entry: ContainerEntry, options: { readonly volumes: boolean }): Promise<boolean> {
    const { volumes } = this.#context;
    await entry.teardown;
    let isRid = true;
    for (const { name, isAnonymous } of volumesIn(entry.record.mounts)) {
      volumes.release(name, entry.id);
      if (!options.volumes || !isAnonymous) continue;
      const isGone = await this.#attempt(entry, "anonymous volume", () => ignoreConflict(volumes.remove(name, { force: true })));
      isRid &&= isGone;
    }
    return isRid;
  }

  async #attempt(entry: ContainerEntry, what: string, action: () => Promise<void> | undefined): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      const { log } = this.#context;
      log.warn({ container: entry.id, error: errorMessage(error) }, `${what} of a removed container could not be taken away`);
      return false;
    }
  }

  async #takeAway(entry: ContainerEntry, { isRid }: { readonly isRid: boolean }): Promise<void> {
    const { images } = this.#context;
    const { id } = entry;
    const attempt = (what: string, action: () => Promise<void> | undefined) => this.#attempt(entry, what, action);
    const takeFolder = async (): Promise<void> => {
      await attempt("log", () => entry.log?.[Symbol.asyncDispose]());
      // It says which volumes are to go: at the next start then.
      if (!isRid) return;
      await attempt("folder", () => failpoint("containers/folder.remove", () => removeFolder(directoryOf(this.#context, id))));
    };
    await Promise.all([
      takeFolder(),
      attempt("root file system", () => images.removeRootfs(id)),
      ...imagesIn(entry.record.mounts).map(({ rootfsId }) => attempt("image", () => images.removeRootfs(rootfsId))),
    ]);
  }
}

/** Another container uses it too. */
async function ignoreConflict(removal: Promise<void>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!(error instanceof OperationError) || error.kind !== "conflict") throw error;
  });
}

function checkStartable(entry: ContainerEntry): void {
  if (entry.isRemoving) throw new OperationError("conflict", "container is marked for removal and cannot be started");
  if (entry.state.status === "paused")
    throw new OperationError("conflict", "cannot start a paused container, try unpause instead");
  if (entry.state.status === "dead")
    throw new OperationError("conflict", "container is marked for removal and cannot be started");
  if (hasProcess(entry.state)) throw new OperationError("not-modified", "container is already running");
}
