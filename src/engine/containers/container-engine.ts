import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import { undoAfter, undoAll } from "../../lib/undo.ts";
import type { Container, ContainerStatus, CreateContainerRequest, EndpointConfig, HostConfig } from "../../model/container.ts";
import type { ContainerId, ImageId } from "../../model/ids.ts";
import type { PortableBundle } from "../../model/portable-bundle.ts";
import type { Filters } from "../../model/control.ts";
import { healthUnwatched } from "../health/state.ts";
import { type LogOptions, type LogStream, logLines } from "../logs/log-lines.ts";
import { type AttachOptions, attachContainer } from "./attach.ts";
import { detailsOf } from "./container-logging.ts";
import { connectNetwork, disconnectNetwork } from "./connect-network.ts";
import { directoryBytes } from "./container-size.ts";
import { ContainerStore, viewOf } from "./container-store.ts";
import { type ContainerContext, publish } from "./context.ts";
import { createContainer, type OwnContainer } from "./create-container.ts";
import type { ContainerDependencies } from "./dependencies.ts";
import type { ContainerEntry, ExitResult } from "./entry.ts";
import { firstWords } from "./first-words.ts";
import { ExecStore, type TerminalSize } from "./exec-store.ts";
import { type ContainerFileSystem, withFileSystem } from "./file-system.ts";
import { Lifecycle } from "./lifecycle.ts";
import { removeLink, shownLinks } from "./links.ts";
import { listContainers } from "./list-containers.ts";
import { settledBy } from "./make-run.ts";
import { checkContainerName } from "./names.ts";
import { portableBundle } from "./portable-bundle.ts";
import { pruneContainers } from "./prune-containers.ts";
import { hasProcess, isRunning, withState } from "./record.ts";
import { type RemoveOptions, removeContainer } from "./remove-container.ts";
import { restoreContainers, startByPolicy } from "./restore-containers.ts";
import { rotateLogs } from "./rotate-logs.ts";
import type { ShimContainer } from "../runtime/shim.ts";
import { imagesIn } from "./prepare-mounts.ts";
import { killContainer, signalOf, type StopOptions, stopContainer, toldOf } from "./stop-container.ts";
import { type ProcessTable, processTable } from "./top.ts";
import { updateContainer } from "./update-container.ts";

/** How long the engine waits for what one container is in the middle of, when it closes. */
const CLOSE_MS = 10_000;
/** How much later than the runtime the engine may hear that a process has ended. */
const EXIT_NEWS_MS = 1000;

/** The containers of this host. Closing it leaves them running: the next one takes them up. */
export class ContainerEngine implements AsyncDisposable {
  readonly execs: ExecStore;
  readonly #context: ContainerContext;
  readonly #lifecycle: Lifecycle;
  readonly #close = new AbortController();
  #background: Promise<unknown> = Promise.resolve();

  private constructor(dependencies: ContainerDependencies) {
    this.#context = { ...dependencies, store: new ContainerStore(dependencies.database) };
    this.execs = new ExecStore(this.#context);
    this.#lifecycle = new Lifecycle(this.#context, {
      onEnded: entry => this.execs.containerEnded(entry),
      execs: this.execs,
    });
  }

  /** Takes up what is there. Containers that start by policy do so after it has returned. */
  static async create(dependencies: ContainerDependencies): Promise<ContainerEngine> {
    const engine = new ContainerEngine(dependencies);
    const entries = await restoreContainers(engine.#context, engine.#lifecycle);
    engine.#background = Promise.all([
      startByPolicy(engine.#context, engine.#lifecycle, entries),
      rotateLogs(engine.#context, engine.#close.signal),
    ]);
    engine.#background.catch((error: unknown) => dependencies.log.error({ error }, "the engine's work in the background ended"));
    return engine;
  }

  /** @param own - Of one that the engine makes for something of its own. */
  async create(request: CreateContainerRequest, own?: OwnContainer) {
    return createContainer(this.#context, request, own);
  }

  /** What the kernel takes a while for may begin. */
  expectStart(): void {
    this.#context.shim.prepare?.();
  }

  /** A container as it is now, without waiting for anything. */
  view(idOrName: string): Container {
    return viewOf(this.#get(idOrName));
  }

  /** Work on a container's files. One that does not run is held as it is until the work is done. */
  async withFileSystem<T>(idOrName: string, action: (files: ContainerFileSystem) => Promise<T>): Promise<T> {
    return withFileSystem(this.#context, this.#get(idOrName), action);
  }

  /** What an OCI runtime needs to run a container without this engine. */
  async bundle(idOrName: string): Promise<PortableBundle> {
    return portableBundle(this.#context, this.#get(idOrName));
  }

  /** Says what was done to a container, in its events. */
  announce(idOrName: string, event: { readonly action: string; readonly attributes?: Readonly<Record<string, string>> }): void {
    publish(this.#context, this.#get(idOrName), event);
  }

  async inspect(idOrName: string, options: { readonly size?: boolean } = {}): Promise<Container> {
    const container = viewOf(this.#get(idOrName));
    const links = shownLinks(this.#context.store, container);
    return this.#withSize({ ...container, hostConfig: { ...container.hostConfig, links } }, options);
  }

  async list(options: {
    readonly all: boolean;
    readonly limit?: number;
    readonly size?: boolean;
    readonly filters: Filters;
  }): Promise<readonly Container[]> {
    const containers = listContainers(this.#context, options);
    if (options.size !== true) return containers;
    const sized: Container[] = [];
    for (const container of containers) sized.push(await this.#withSize(container, options)); // All at once would fill the thread pool.
    return sized;
  }

  /** Of each container, now. */
  statuses(): readonly ContainerStatus[] {
    return [...this.#context.store.entries()].map(({ state }) => state.status);
  }

  /** Containers made of an image, for whoever wants to remove it. */
  usersOfImage(imageId: ImageId): readonly { readonly id: string; readonly isRunning: boolean }[] {
    return [...this.#context.store.entries()]
      .filter(({ record }) => record.container.imageId === imageId)
      .map(({ id, state }) => ({ id, isRunning: isRunning(state) }));
  }

  async start(idOrName: string, options: { readonly detachKeys?: string } = {}): Promise<void> {
    void options.detachKeys; // Of an attach that the client makes itself.
    await this.#lifecycle.start(this.#get(idOrName));
  }

  /** Because the daemon ends, not because a user asked: restart policies hold when the next one starts. */
  async stopForShutdown(id: string, options: StopOptions): Promise<void> {
    const entry = this.#get(id);
    const { isStoppedByUser } = entry.record;
    await stopContainer(this.#context, this.#lifecycle, { entry, options });
    if (this.#context.store.has(entry.id)) await this.#context.store.change(entry, record => ({ ...record, isStoppedByUser }));
  }

  async stop(idOrName: string, options: StopOptions): Promise<void> {
    const entry = this.#get(idOrName);
    await stopContainer(this.#context, this.#lifecycle, { entry, options }).catch((error: unknown) =>
      Promise.reject(toldOf(error, `cannot stop container: ${idOrName}`)),
    );
  }

  async restart(idOrName: string, options: StopOptions): Promise<void> {
    const entry = this.#get(idOrName);
    const { autoRemove } = entry.record.container.hostConfig;
    entry.isHeldForRestart = autoRemove;
    try {
      if (isRunning(entry.state))
        await stopContainer(this.#context, this.#lifecycle, { entry, options }).catch(ignoreNotModified);
      await this.#lifecycle.start(entry);
    } catch (error) {
      throw toldOf(error, `Cannot restart container ${idOrName}`);
    } finally {
      entry.isHeldForRestart = false;
    }
    publish(this.#context, entry, { action: "restart" });
  }

  async kill(idOrName: string, signal: string): Promise<void> {
    const number = signalOf(signal, idOrName); // A bad one is refused first.
    const entry = this.#context.store.resolve(idOrName, { toDo: `cannot kill container: ${idOrName}` });
    await killContainer(this.#context, this.#lifecycle, { entry, signal: number, idOrName });
  }

  /** @param options.isForNow - The daemon pauses it for something of its own: the next one lets it go on. */
  async pause(idOrName: string, { isForNow = false }: { readonly isForNow?: boolean } = {}): Promise<void> {
    const entry = this.#get(idOrName);
    await entry.queue.run(async () => {
      if (entry.state.status === "paused") throw new OperationError("conflict", `Container ${entry.id} is already paused`);
      if (entry.state.status === "restarting") {
        throw new OperationError("conflict", `Container ${entry.id} is restarting, wait until the container is running`);
      }
      const { shim } = this.#running(entry);
      await this.#pauseShim(entry, shim);
      this.#lifecycle.unwatchHealth(entry);
      try {
        await this.#context.store.change(entry, record => ({
          ...withState(record, { status: "paused", ...healthUnwatched(record.container.state.health) }),
          isPausedForNow: isForNow,
        }));
      } catch (error) {
        return undoAfter(error, [
          () => shim.resume().catch(() => shim.resume()),
          () => this.#lifecycle.watchHealth(entry, this.#running(entry)),
        ]);
      }
      return publish(this.#context, entry, { action: "pause" });
    });
  }

  /** @throws OperationError `conflict` when the runtime could not, since the process has ended: the news of it may come after that. */
  async #pauseShim(entry: ContainerEntry, shim: ShimContainer): Promise<void> {
    try {
      await shim.pause();
    } catch (error) {
      let hasEnded = false;
      const exit = shim.exit.then(() => (hasEnded = true));
      await settledBy(exit, this.#context.clock.timeout(EXIT_NEWS_MS));
      throw hasEnded ? new OperationError("conflict", `container ${entry.id} is not running`, { cause: error }) : error;
    }
  }

  async unpause(idOrName: string): Promise<void> {
    const entry = this.#get(idOrName);
    await entry.queue.run(async () => {
      if (entry.state.status !== "paused") throw new OperationError("conflict", `Container ${entry.id} is not paused`);
      const run = this.#running(entry);
      await run.shim.resume();
      this.#lifecycle.watchHealth(entry, run);
      await this.#context.store.change(entry, record => withState(record, { status: "running" }), { isFact: true });
      publish(this.#context, entry, { action: "unpause" });
    });
  }

  async rename(idOrName: string, name: string): Promise<void> {
    if (name === "") throw new OperationError("invalid", "Neither old nor new names may be empty");
    const entry = this.#get(idOrName);
    const { store } = this.#context;
    await entry.queue.run(async () => {
      const oldName = entry.name;
      if (name.replace(/^\//, "") === oldName) {
        throw new OperationError("invalid", "Renaming a container with the same name as its current name");
      }
      const newName = reserveName(store, { name, id: entry.id });
      try {
        await store.change(entry, record => ({ ...record, container: { ...record.container, name: newName } }));
      } catch (error) {
        store.releaseName(newName, entry.id);
        throw error;
      }
      store.releaseName(oldName, entry.id);
      const networks = await this.#context.networks.takeNewName(entry.record.container);
      if (networks !== undefined)
        await store.change(entry, record => ({ ...record, container: { ...record.container, networks } }));
      publish(this.#context, entry, { action: "rename", attributes: { oldName: `/${oldName}` } });
    });
  }

  async remove(idOrName: string, options: RemoveOptions): Promise<void> {
    if (options.link) await removeLink(this.#context.store, idOrName);
    else await removeContainer(this.#context, this.#lifecycle, { entry: this.#get(idOrName), options });
  }

  /** What is kept of file systems for containers: their own, and those of images that they mount. */
  rootfsIds(): readonly ContainerId[] {
    return [...this.#context.store.entries()].flatMap(entry => [
      entry.id,
      ...imagesIn(entry.record.mounts).map(({ rootfsId }) => rootfsId),
    ]);
  }

  async update(idOrName: string, changes: Partial<HostConfig>): Promise<readonly string[]> {
    const entry = this.#get(idOrName);
    return entry.queue.run(() => updateContainer(this.#context, entry, changes));
  }

  async wait(
    idOrName: string,
    condition: "not-running" | "next-exit" | "removed",
    { signal }: { readonly signal: AbortSignal },
  ): Promise<{ readonly result: Promise<ExitResult> }> {
    const entry = this.#get(idOrName);
    const { state } = entry;
    if (condition === "not-running" && !isRunning(state) && !entry.isEndUntold) {
      return { result: Promise.resolve({ exitCode: state.exitCode, ...(state.error !== "" && { error: state.error }) }) };
    }
    const result = condition === "removed" ? entry.removal(signal) : entry.nextExit(signal);
    result.catch(() => {}); // The client may be gone before anybody waits for it.
    return { result };
  }

  async resize(idOrName: string, size: TerminalSize): Promise<void> {
    const entry = this.#get(idOrName);
    await this.#running(entry).shim.resize(size);
    const attributes = { height: String(size.heightCells), width: String(size.widthCells) };
    publish(this.#context, entry, { action: "resize", attributes });
  }

  async top(idOrName: string, psArgs: string): Promise<ProcessTable> {
    const entry = this.#get(idOrName);
    if (entry.state.status === "restarting") {
      throw new OperationError("conflict", `Container ${entry.id} is restarting, wait until the container is running`);
    }
    const table = await processTable(this.#context.exec, { psArgs, pids: await this.#running(entry).shim.pids() });
    publish(this.#context, entry, { action: "top" });
    return table;
  }

  async attach(idOrName: string, options: AttachOptions): Promise<void> {
    await attachContainer(this.#context, this.#get(idOrName), options);
  }

  async logs(idOrName: string, options: LogOptions): Promise<LogStream> {
    const entry = this.#get(idOrName);
    const { log, record } = entry;
    const { config } = record.container;
    if (log?.isReadable !== true) throw new OperationError("invalid", "configured logging driver does not support reading");
    const details = [detailsOf(this.#context, record.container), options.origin ?? ""];
    const detailText = options.details ? details.filter(text => text !== "").join(",") : undefined;
    if (!options.follow) await firstWords(entry, { clock: this.#context.clock, signal: options.signal });
    return { isTty: config.tty, batches: logLines(log, { ...options, ...(detailText !== undefined && { detailText }) }) };
  }

  async prune(filters: Filters) {
    return pruneContainers(this.#context, this.#lifecycle, filters);
  }

  async connectNetwork(
    network: string,
    idOrName: string,
    endpoint: EndpointConfig,
    options: { readonly force: boolean },
  ): Promise<void> {
    const entry = this.#get(idOrName);
    void options.force; // Means nothing for connect, in Docker either.
    await entry.queue.run(() => connectNetwork(this.#context, entry, { network, endpoint }));
  }

  async disconnectNetwork(network: string, idOrName: string, options: { readonly force: boolean }): Promise<void> {
    const entry = this.#get(idOrName);
    await entry.queue.run(() => disconnectNetwork(this.#context, entry, { network, ...options }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new OperationError("cancelled", "the engine is closing"));
    await this.#background.catch(() => {});
    await undoAll([...this.#context.store.entries()].map(entry => () => this.#letGo(entry)));
  }

  async #letGo(entry: ContainerEntry): Promise<void> {
    await settledBy(
      entry.queue.run(() => entry.teardown),
      this.#context.clock.timeout(CLOSE_MS),
    );
    entry.pendingRestart?.abort(new OperationError("cancelled", "the engine is closing"));
    entry.health?.end();
    entry.run = undefined;
    await undoAll([() => entry.forwarder?.[Symbol.asyncDispose](), () => entry.log?.[Symbol.asyncDispose]()]);
  }

  #get(idOrName: string): ContainerEntry {
    return this.#context.store.resolve(idOrName);
  }

  #running(entry: ContainerEntry) {
    if (entry.run === undefined || !hasProcess(entry.state)) {
      throw new OperationError("conflict", `container ${entry.id} is not running`);
    }
    return entry.run;
  }

  async #withSize(container: Container, { size = false }: { readonly size?: boolean }): Promise<Container> {
    if (!size) return container;
    const sizeWritableBytes = await directoryBytes(this.#context.images.upperPath(container.id));
    return { ...container, sizeWritableBytes, sizeRootFsBytes: sizeWritableBytes + this.#imageBytes(container) };
  }

  #imageBytes({ imageId }: Container): number {
    try {
      return this.#context.images.get(imageId).sizeBytes;
    } catch {
      return 0; // Removed by force.
    }
  }
}

function reserveName(store: ContainerStore, { name, id }: { readonly name: string; readonly id: ContainerId }): string {
  try {
    const newName = checkContainerName(name.startsWith("/") ? name : `/${name}`);
    store.reserveName(newName, id);
    return newName;
  } catch (error) {
    throw new OperationError(errorKind(error), `Error when allocating new name: ${errorMessage(error)}`, { cause: error });
  }
}

function ignoreNotModified(error: unknown): void {
  if (!(error instanceof OperationError) || error.kind !== "not-modified") throw error;
}
