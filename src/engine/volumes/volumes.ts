import { mkdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoCode, errorMessage, OperationError } from "../../lib/errors.ts";
import { undoAfter } from "../../lib/undo.ts";
import type { Filters } from "../../model/control.ts";
import type { Volume } from "../../model/engine-network.ts";
import type { IdMap } from "../../model/id-map.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Exec } from "../../ports/exec.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { directoryBytes } from "../containers/container-size.ts";
import type { ContainerVolumes } from "../containers/needs.ts";
import type { EventLog } from "../events/event-log.ts";
import type { RecordCollection, StateDatabase } from "../state/database.ts";
import { markRemoval, takeAwayStrays, unmarkRemoval } from "./take-away-strays.ts";
import { giveToContainers, letContainersPass } from "../files/owned-files.ts";
import { compileVolumeFilters } from "./volume-filters.ts";
import { checkVolumeName } from "./volume-name.ts";
import { parseVolumeOptions } from "./volume-options.ts";
import { failpoint } from "../../ports/failpoint.ts";

export const LOCAL_DRIVER = "local";
const ANONYMOUS_BYTES = 32;
const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

export interface VolumesOptions {
  readonly database: StateDatabase;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly exec: Exec;
  readonly log: Log;
  readonly dataRoot: string;
  /** Whose ids containers' are on the host; missing: their own. */
  readonly idMap?: IdMap;
}

export interface CreateVolumeRequest {
  readonly name: string;
  readonly anonymousName?: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export function anonymousVolumeName(random: Random): string {
  return Buffer.from(random.bytes(ANONYMOUS_BYTES)).toString("hex");
}

/** The volumes of this host: folders under the data root, kept until they are removed. */
export class Volumes implements ContainerVolumes {
  readonly #options: VolumesOptions;
  readonly #records: RecordCollection<Volume>;
  readonly #volumes = new Map<string, Volume>();
  /** Containers that have it among their mounts, running or not. */
  readonly #users = new Map<string, Set<ContainerId>>();
  /** Running containers for which it was mounted, where it has a device. */
  readonly #mounted = new Map<string, Set<ContainerId>>();
  /** Being made or removed. */
  readonly #pending = new Map<string, Promise<unknown>>();

  private constructor(options: VolumesOptions) {
    this.#options = options;
    this.#records = options.database.collection("volume");
  }

  static async create(options: VolumesOptions): Promise<Volumes> {
    const volumes = new Volumes(options);
    for (const volume of await volumes.#records.all()) volumes.#volumes.set(volume.name, volume);
    const isKnown = (name: string) => volumes.#volumes.has(name);
    await takeAwayStrays(join(options.dataRoot, "volumes"), { isKnown, log: options.log });
    return volumes;
  }

  /** One that is there already is given back as it is. @throws OperationError in Docker's words. */
  async create(request: CreateVolumeRequest): Promise<Volume> {
    return this.ensure(request);
  }

  async ensure(request: CreateVolumeRequest): Promise<Volume> {
    const name = request.name === "" ? (request.anonymousName ?? anonymousVolumeName(this.#options.random)) : request.name;
    checkVolumeName(name);
    return this.#alone(name, async () => {
      const existing = this.#volumes.get(name);
      if (existing !== undefined) return checkSame(existing, request);
      return this.#make({ ...request, name, isAnonymous: request.name === "" });
    });
  }

  async inspect(name: string): Promise<Volume> {
    return this.#get(name);
  }

  async list(filters: Filters): Promise<readonly Volume[]> {
    const matches = compileVolumeFilters(filters, { isUsed: name => this.#usersOf(name).size > 0 });
    return [...this.#volumes.values()].filter(matches).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What each holds, one after the other, and how many containers have it among their mounts. */
  async usage(): Promise<ReadonlyMap<string, { readonly sizeBytes: number; readonly containers: number }>> {
    const usage = new Map<string, { readonly sizeBytes: number; readonly containers: number }>();
    for (const { name, mountpoint } of [...this.#volumes.values()]) {
      usage.set(name, { sizeBytes: await directoryBytes(mountpoint), containers: this.#usersOf(name).size });
    }
    return usage;
  }

  async remove(name: string, { force }: { readonly force: boolean }): Promise<void> {
    await this.#alone(name, async () => {
      const volume = this.#volumes.get(name);
      if (volume === undefined) {
        if (force) return;
        throw new OperationError("not-found", `get ${name}: no such volume`);
      }
      const users = this.#usersOf(name);
      if (users.size > 0) {
        throw new OperationError("conflict", `remove ${name}: volume is in use - [${[...users].join(", ")}]`);
      }
      await this.#unmountNow(volume);
      await markRemoval(this.#directoryOf(name));
      try {
        await this.#options.database.write([this.#records.delete(name)]);
      } catch (error) {
        return undoAfter(error, [() => unmarkRemoval(this.#directoryOf(name))]);
      }
      this.#volumes.delete(name);
      try {
        await failpoint("volumes/folder.remove", () => rm(this.#directoryOf(name), { recursive: true, force: true }));
      } catch (error) {
        return undoAfter(error, [() => this.#takeBack(volume)]);
      }
      this.#publish("destroy", volume);
    });
  }

  /** As in Docker, it is there with what of it could not be removed, and can be removed again. */
  async #takeBack(volume: Volume): Promise<void> {
    await this.#makeFolders(volume.mountpoint);
    await this.#options.database.write([this.#records.put(volume.name, volume)]);
    this.#volumes.set(volume.name, volume);
    await unmarkRemoval(this.#directoryOf(volume.name));
  }

  async prune(filters: Filters): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }> {
    const { all, ...rest } = filters;
    const takesNamed = all?.some(value => ["1", "true"].includes(value.toLowerCase())) ?? false;
    const unknown = Object.keys(rest).find(key => key !== "label" && key !== "label!");
    if (unknown !== undefined) throw new OperationError("invalid", `invalid filter '${unknown}'`);
    const matches = compileVolumeFilters(rest, { isUsed: name => this.#usersOf(name).size > 0 });
    const deleted: string[] = [];
    let reclaimedBytes = 0;
    for (const volume of [...this.#volumes.values()]) {
      if (this.#usersOf(volume.name).size > 0 || !matches(volume) || (!takesNamed && !volume.isAnonymous)) continue;
      try {
        const bytes = await directoryBytes(volume.mountpoint);
        await this.remove(volume.name, { force: false });
        deleted.push(volume.name);
        reclaimedBytes += bytes;
      } catch (error) {
        if (error instanceof OperationError && error.kind !== "internal") continue; // Used or removed meanwhile.
        this.#options.log.warn({ volume: volume.name, error: errorMessage(error) }, "a volume could not be pruned");
      }
    }
    this.#options.events.publish({
      type: "volume",
      action: "prune",
      actorId: "",
      attributes: { reclaimed: String(reclaimedBytes) },
      scope: "local",
    });
    return { deleted, reclaimedBytes };
  }

  use(name: string, containerId: ContainerId): void {
    const users = this.#users.get(name);
    if (users === undefined) this.#users.set(name, new Set([containerId]));
    else users.add(containerId);
  }

  release(name: string, containerId: ContainerId): void {
    const users = this.#users.get(name);
    users?.delete(containerId);
    if (users?.size === 0) this.#users.delete(name);
  }

  async mount(name: string, containerId: ContainerId): Promise<void> {
    await this.#alone(name, async () => {
      const volume = this.#get(name);
      const mount = parseVolumeOptions(name, volume.options);
      if (mount === undefined) return;
      const holders = this.#mounted.get(name) ?? new Set();
      if (holders.size === 0 && !(await this.#isMounted(volume))) {
        const args = [...(mount.type === "" ? [] : ["-t", mount.type]), ...(mount.options === "" ? [] : ["-o", mount.options])];
        const command = [...args, "--", mount.device, volume.mountpoint];
        await failpoint("volumes/mount.spawn", () => this.#options.exec.run("mount", command)).catch((error: unknown) => {
          const reason = `failed to mount local volume: mount ${mount.device}:${volume.mountpoint}: ${errorMessage(error)}`;
          throw new OperationError("internal", `error while mounting volume '${volume.mountpoint}': ${reason}`, { cause: error });
        });
      }
      this.#mounted.set(name, holders.add(containerId));
    });
  }

  async unmount(name: string, containerId: ContainerId): Promise<void> {
    await this.#alone(name, async () => {
      const holders = this.#mounted.get(name);
      if (holders === undefined || !holders.delete(containerId) || holders.size > 0) return;
      this.#mounted.delete(name);
      const volume = this.#volumes.get(name);
      if (volume !== undefined) await this.#unmountNow(volume);
    });
  }

  async unmountUnused(): Promise<void> {
    for (const volume of this.#volumes.values()) {
      if (this.#mounted.has(volume.name)) continue;
      await this.#unmountNow(volume).catch((error: unknown) => {
        this.#options.log.warn({ volume: volume.name, error: errorMessage(error) }, "an unused volume could not be unmounted");
      });
    }
  }

  async #make(request: CreateVolumeRequest & { readonly isAnonymous: boolean }): Promise<Volume> {
    const { name, options, labels, isAnonymous } = request;
    const driver = request.driver || LOCAL_DRIVER;
    if (driver !== LOCAL_DRIVER) {
      throw new OperationError(
        "not-found",
        `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      );
    }
    parseVolumeOptions(name, options);
    const mountpoint = join(this.#directoryOf(name), "_data");
    const volume: Volume = {
      name,
      driver,
      mountpoint,
      createdAtMs: this.#options.clock.nowMs(),
      labels: isAnonymous ? { [ANONYMOUS_LABEL]: "", ...labels } : labels,
      options,
      scope: "local",
      isAnonymous,
    };
    try {
      await this.#makeFolders(mountpoint);
      await this.#options.database.write([this.#records.put(name, volume)]);
    } catch (error) {
      return undoAfter(error, [() => this.#removeEmpty(name)]);
    }
    this.#volumes.set(name, volume);
    this.#publish("create", volume);
    return volume;
  }

  async #makeFolders(mountpoint: string): Promise<void> {
    await mkdir(dirname(mountpoint), { recursive: true, mode: 0o710 });
    await letContainersPass(this.#options.idMap, dirname(mountpoint));
    const isNew = (await mkdir(mountpoint, { recursive: true, mode: 0o755 })) !== undefined;
    if (isNew) await giveToContainers(this.#options.idMap, [mountpoint]);
  }

  async #isMounted({ mountpoint }: Volume): Promise<boolean> {
    const { exitCode } = await this.#options.exec.run("mountpoint", ["-q", "--", mountpoint], { allowFailure: true });
    return exitCode === 0;
  }

  async #unmountNow(volume: Volume): Promise<void> {
    if (Object.keys(volume.options).length === 0 || !(await this.#isMounted(volume))) return;
    await failpoint("volumes/umount.spawn", () => this.#options.exec.run("umount", ["--", volume.mountpoint]));
  }

  /** One with content belongs to somebody, whatever the records say. */
  async #removeEmpty(name: string): Promise<void> {
    for (const folder of ["_data", ""]) {
      await rmdir(join(this.#directoryOf(name), folder)).catch((error: unknown) => {
        if (errnoCode(error) !== "ENOTEMPTY" && errnoCode(error) !== "ENOENT") throw error;
      });
    }
  }

  #directoryOf(name: string): string {
    return join(this.#options.dataRoot, "volumes", name);
  }

  #get(name: string): Volume {
    const volume = this.#volumes.get(name);
    if (volume === undefined) throw new OperationError("not-found", `get ${name}: no such volume`);
    return volume;
  }

  #usersOf(name: string): ReadonlySet<ContainerId> {
    return this.#users.get(name) ?? new Set();
  }

  #publish(action: string, { name, driver }: Volume): void {
    this.#options.events.publish({ type: "volume", action, actorId: name, attributes: { driver }, scope: "local" });
  }

  /** One thing at a time for each name. */
  async #alone<T>(name: string, action: () => Promise<T>): Promise<T> {
    const before = this.#pending.get(name);
    const result = (before ?? Promise.resolve()).then(action);
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#pending.set(name, settled);
    try {
      return await result;
    } finally {
      if (this.#pending.get(name) === settled) this.#pending.delete(name);
    }
  }
}

/** @throws OperationError `conflict` when the name is taken by one that is made otherwise. */
function checkSame(existing: Volume, { driver, options }: CreateVolumeRequest): Volume {
  if (driver !== "" && driver !== existing.driver) {
    throw new OperationError(
      "conflict",
      `create ${existing.name}: conflict: volume name must be unique: volume already exists with driver ${existing.driver}`,
    );
  }
  const isOther = Object.entries(options).some(([key, value]) => existing.options[key] !== value);
  if (isOther) {
    throw new OperationError("conflict", `create ${existing.name}: conflict: volume name must be unique: options do not match`);
  }
  return existing;
}
