import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { errnoCode, OperationError } from "../../lib/errors.ts";
import { undoAfter } from "../../lib/undo.ts";
import { asId, type ContainerId, type Digest } from "../../model/ids.ts";
import type { ImageMounts } from "./effects.ts";
import type { IdMap } from "../../model/id-map.ts";
import { giveToContainers, letContainersPass } from "../files/owned-files.ts";
import { makeBaseFolder } from "./base-folder.ts";
import type { Trash } from "./trash.ts";
import type { RecordChange, RecordCollection } from "../state/database.ts";

const BASE = "b";
/** What a bare one without layers stands on, since the kernel wants something below. */
const NOTHING = "e";

/** Kept beside the record of the container that it belongs to, and written with it: the two are there or not together. */
export interface RootfsRecord {
  readonly id: ContainerId;
  /** Bottom first. */
  readonly diffIds: readonly Digest[];
  /** Without what every container has below its image. */
  readonly isBare?: true;
}

/** Containers' own layers: `containers/ID/{upper,work,merged}` over the image's, and which layers those are. */
export class RootfsStore {
  readonly #root: string;
  readonly #trash: Trash;
  readonly #mounts: ImageMounts;
  readonly #directoryOf: (diffId: Digest) => string;
  readonly #idMap: IdMap | undefined;
  readonly #collection: RecordCollection<RootfsRecord>;
  readonly #records = new Map<ContainerId, RootfsRecord>();
  /** Their work folders are as they were made. */
  readonly #neverMounted = new Set<ContainerId>();
  readonly #mounted = new Set<ContainerId>();
  readonly #changing = new Map<ContainerId, Promise<unknown>>();

  private constructor(root: string, options: RootfsOptions) {
    this.#root = root;
    this.#trash = options.trash;
    this.#mounts = options.mounts;
    this.#directoryOf = options.directoryOf;
    this.#collection = options.records;
    this.#idMap = options.idMap;
  }

  static async create(root: string, options: RootfsOptions): Promise<RootfsStore> {
    const store = new RootfsStore(root, options);
    const { idMap } = options;
    await mkdir(`${root}/containers`, { recursive: true, mode: idMap === undefined ? 0o700 : 0o710 });
    await letContainersPass(idMap, `${root}/containers`);
    await makeBaseFolder(`${root}/${BASE}`, idMap);
    await mkdir(`${root}/${NOTHING}`, { recursive: true });
    await chmod(`${root}/${NOTHING}`, 0o755);
    await giveToContainers(idMap, [`${root}/${NOTHING}`]);
    for (const record of await options.records.all()) store.#records.set(record.id, record);
    // Folders are not synced when they are made: a power loss may have taken those of a container that is recorded.
    await Promise.all([...store.#records.keys()].map(id => store.#makeFolders(id)));
    const names = await readdir(`${root}/containers`);
    const unrecorded = names.filter(name => !store.#records.has(asId<ContainerId>(name)));
    for (const point of await options.mounts.mountedUnder(`${root}/containers`)) {
      const id = asId<ContainerId>(point.split("/").at(-2) ?? "");
      if (store.#records.has(id)) store.#mounted.add(id);
      else await options.mounts.unmount(point);
    }
    await options.trash.throwAway(unrecorded.map(name => `${root}/containers/${name}`));
    return store;
  }

  /** Layers that a container stands on, whatever became of its image. */
  usedDiffIds(): ReadonlySet<Digest> {
    return new Set([...this.#records.values()].flatMap(({ diffIds }) => diffIds));
  }

  /** Unmounts what does not run and removes what belongs to nobody. */
  async restore(users: RootfsUsers): Promise<void> {
    const [known, running] = [new Set(users.known), new Set(users.running)];
    for (const id of [...this.#records.keys()]) {
      if (!known.has(id)) await this.#forget(id);
      else if (!running.has(id)) await this.unmountRootfs(id);
    }
  }

  /** From now on the layers are in use. @throws OperationError `conflict` when the container has a file system. */
  claim({ id, diffIds, isBare }: RootfsRecord): void {
    if (this.#records.has(id)) throw new OperationError("conflict", `the container ${id} has a file system already`);
    this.#records.set(id, { id, diffIds, ...(isBare && { isBare }) });
  }

  /**
   * For a container that has claimed its layers; what fails gives them up.
   * @returns what is to be written with the container's record.
   */
  createRootfs(id: ContainerId): Promise<RecordChange> {
    return this.#alone(id, async () => {
      try {
        await this.#makeFolders(id);
        this.#neverMounted.add(id);
        return this.#collection.put(id, this.#recordOf(id));
      } catch (error) {
        return undoAfter(error, [() => this.#records.delete(id), () => this.#trash.throwAway([this.#path(id)])]);
      }
    });
  }

  /** To be written when the container's record goes. */
  removalOf(id: ContainerId): RecordChange {
    return this.#collection.delete(id);
  }

  /** Of a container that is not recorded. */
  async #forget(id: ContainerId): Promise<void> {
    await this.removeRootfs(id);
    await this.#collection.remove([id]);
  }

  mountRootfs(id: ContainerId, { isVolatile }: { readonly isVolatile: boolean }): Promise<string> {
    return this.#alone(id, async () => {
      const target = this.mountPath(id);
      if (this.#mounted.has(id)) return target;
      if (!this.#neverMounted.delete(id)) await this.#renewWorkFolder(id);
      await this.#mounts.mount({
        directory: this.#root,
        lower: this.#lower(id),
        upper: `containers/${id}/upper`,
        work: `containers/${id}/work`,
        target,
        isVolatile,
      });
      this.#mounted.add(id);
      return target;
    });
  }

  unmountRootfs(id: ContainerId): Promise<void> {
    return this.#alone(id, () => this.#unmount(id));
  }

  removeRootfs(id: ContainerId): Promise<void> {
    return this.#alone(id, async () => {
      if (!this.#records.has(id)) return;
      await this.#unmount(id);
      await this.#trash.throwAway([this.#path(id)]);
      this.#records.delete(id);
      this.#neverMounted.delete(id);
    });
  }

  mountPath(id: ContainerId): string {
    return `${this.#path(id)}/merged`;
  }

  upperPath(id: ContainerId): string {
    this.#recordOf(id);
    return `${this.#path(id)}/upper`;
  }

  layerFolders(id: ContainerId): { readonly upper: string; readonly lower: readonly string[]; readonly isBare: boolean } {
    const lower = this.#lower(id).map(folder => `${this.#root}/${folder}`);
    return { upper: this.upperPath(id), lower, isBare: this.#recordOf(id).isBare === true };
  }

  /** Undefined for one that has no file system. */
  rootFolders(id: ContainerId) {
    if (!this.#records.has(id)) return undefined;
    const { upper, lower } = this.layerFolders(id);
    return { upper, lower, work: `${this.#path(id)}/work`, merged: `${this.#path(id)}/merged` };
  }

  /** Below the root, topmost first. */
  #lower(id: ContainerId): readonly string[] {
    const { diffIds, isBare = false } = this.#recordOf(id);
    const layers = diffIds.map(diffId => `l/${this.#directoryOf(diffId)}`).reverse();
    if (!isBare) return [...layers, BASE];
    return layers.length > 0 ? layers : [NOTHING];
  }

  async #makeFolders(id: ContainerId): Promise<void> {
    await makeFolder(this.#path(id), 0o710);
    await letContainersPass(this.#idMap, this.#path(id));
    const upper = `${this.#path(id)}/upper`;
    await Promise.all([
      // It is what the container sees as `/`, whatever this process's umask is.
      makeFolder(upper, 0o755).then(async isNew => {
        if (!isNew) return;
        await chmod(upper, 0o755);
        await giveToContainers(this.#idMap, [upper]);
      }),
      makeFolder(`${this.#path(id)}/merged`, 0o755),
      makeFolder(`${this.#path(id)}/work`, 0o700),
    ]);
  }

  /** The kernel refuses the work folder of a volatile mount that was: it may have lost writes in a crash. This one did not have to keep them. */
  async #renewWorkFolder(id: ContainerId): Promise<void> {
    await rm(`${this.#path(id)}/work`, { recursive: true, force: true });
    await mkdir(`${this.#path(id)}/work`, { mode: 0o700 });
  }

  async #unmount(id: ContainerId): Promise<void> {
    if (!this.#mounted.has(id)) return;
    await this.#mounts.unmount(this.mountPath(id));
    this.#mounted.delete(id);
  }

  /** Changes of one container's file system go one after the other. */
  async #alone<T>(id: ContainerId, action: () => Promise<T>): Promise<T> {
    const before = this.#changing.get(id) ?? Promise.resolve();
    const result = before.catch(() => undefined).then(action);
    this.#changing.set(id, result);
    try {
      return await result;
    } finally {
      if (this.#changing.get(id) === result) this.#changing.delete(id);
    }
  }

  #recordOf(id: ContainerId): RootfsRecord {
    const record = this.#records.get(id);
    if (record === undefined) throw new OperationError("not-found", `the container ${id} has no file system`);
    return record;
  }

  #path(id: ContainerId): string {
    return `${this.#root}/containers/${id}`;
  }
}

/** @returns whether it was not there. */
async function makeFolder(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (errnoCode(error) === "EEXIST") return false;
    throw error;
  }
}

export interface RootfsUsers {
  readonly known: Iterable<ContainerId>;
  readonly running: Iterable<ContainerId>;
}

export interface RootfsOptions {
  readonly records: RecordCollection<RootfsRecord>;
  readonly trash: Trash;
  readonly mounts: ImageMounts;
  readonly directoryOf: (diffId: Digest) => string;
  readonly idMap: IdMap | undefined;
}
