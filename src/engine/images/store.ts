import { mkdir, readFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { defined } from "../../lib/assert.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Labels } from "../../model/cluster.ts";
import { asId, type ContainerId, type Digest, type ImageId } from "../../model/ids.ts";
import type { IdMap } from "../../model/id-map.ts";
import type { Image } from "../../model/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ImageArchives, ImageMounts } from "./effects.ts";
import { type ImageDescription, parseImageConfig } from "./image-config.ts";
import { type CommitRequest, prepareCommit } from "./commit.ts";
import { ImageIndex } from "./image-index.ts";
import { EMPTY_CONFIG } from "./empty-config.ts";
import { applyChanges } from "./import-changes.ts";
import { LayerStore } from "./layer-store.ts";
import { type PreparedImage, prepareArchive } from "./load.ts";
import { Mutex } from "./mutex.ts";
import { letContainersPass } from "../files/owned-files.ts";
import { parsePlatform, platformOfHost } from "./platform.ts";
import { type ProgressMessage, reporting } from "./progress.ts";
import { type RemovalContext, removeImage, type Removed } from "./remove.ts";
import type { ImageUser } from "./removal.ts";
import { selectImages, selectPrunable } from "./filters.ts";
import { saveImages } from "./save.ts";
import { selectSaved } from "./save-selection.ts";
import type { RecordChange, RecordCollection } from "../state/database.ts";
import type { Filters } from "../../model/control.ts";
import { familiarReference, parseReference, targetReference, withDefaultTag } from "./reference.ts";
import { recordImages } from "./record-images.ts";
import { type RootfsRecord, RootfsStore, type RootfsUsers } from "./rootfs-store.ts";
import { SCRATCH } from "./scratch.ts";
import { Trash } from "./trash.ts";
import { Staging, type StagingLimits } from "./staging.ts";

export interface ImageStoreOptions {
  /** Images live in `images` below it. */
  readonly dataRoot: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly archives: ImageArchives;
  readonly mounts: ImageMounts;
  /** Whose ids containers' are on the host; missing: their own. */
  readonly idMap?: IdMap;
  /** Of containers' file systems. */
  readonly rootfsRecords: RecordCollection<RootfsRecord>;
  readonly limits?: Partial<StagingLimits>;
  /** Who uses an image. Called when one is to be removed or listed; may be given later by `setUsers`. */
  readonly usedBy?: ImageUsers;
  readonly onEvent?: (event: ImageEvent) => void;
}

export type ImageUsers = (id: ImageId) => readonly ImageUser[];

export interface ImageEvent {
  readonly action: "create" | "load" | "import" | "tag" | "untag" | "delete" | "pull" | "save" | "prune";
  /** "" where it is about no image alone. */
  readonly imageId: string;
  readonly attributes: Labels;
}

const GIB = 1024 ** 3;
const DEFAULT_LIMITS: StagingLimits = { archiveBytesMax: 1024 * GIB, layerBytesMax: 256 * GIB, layerEntriesMax: 5_000_000 };

/** The images of this host and the file systems of containers made of them. */
export class ImageStore implements AsyncDisposable {
  readonly #options: ImageStoreOptions;
  readonly #root: string;
  readonly #layers: LayerStore;
  readonly #index: ImageIndex;
  readonly #rootfs: RootfsStore;
  readonly #trash: Trash;
  readonly #limits: StagingLimits;
  readonly #mutex = new Mutex();
  readonly rootFolders = (containerId: ContainerId) => this.#rootfs.rootFolders(containerId);
  readonly upperPath = (containerId: ContainerId) => this.#rootfs.upperPath(containerId);
  readonly mountRootfs = (containerId: ContainerId, options: { readonly isVolatile: boolean }) =>
    this.#rootfs.mountRootfs(containerId, options);
  readonly unmountRootfs = (containerId: ContainerId) => this.#rootfs.unmountRootfs(containerId);
  readonly removeRootfs = (containerId: ContainerId) => this.#rootfs.removeRootfs(containerId);
  readonly removalOfRootfs = (containerId: ContainerId): RecordChange => this.#rootfs.removalOf(containerId);
  readonly imageFolders = ({ diffIds }: Image) => this.#layers.folders(diffIds);
  /** Bytes of each layer, by its diff id. */
  readonly layerSizes = (): Promise<ReadonlyMap<string, number>> => Promise.resolve(this.#layers.sizes());
  #usedBy: ImageUsers;
  #isHeld: (id: ImageId) => boolean = () => false;

  private constructor(
    options: ImageStoreOptions,
    parts: {
      readonly root: string;
      readonly layers: LayerStore;
      readonly index: ImageIndex;
      readonly rootfs: RootfsStore;
      readonly trash: Trash;
    },
  ) {
    this.#options = options;
    this.#root = parts.root;
    this.#layers = parts.layers;
    this.#index = parts.index;
    this.#rootfs = parts.rootfs;
    this.#trash = parts.trash;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#usedBy = options.usedBy ?? (() => []);
  }

  /** Takes up what was recorded and removes what was not. */
  static async create(options: ImageStoreOptions): Promise<ImageStore> {
    const { archives, mounts, dataRoot, log, idMap } = options;
    const root = `${dataRoot}/images`;
    await mkdir(root, { recursive: true, mode: idMap === undefined ? 0o700 : 0o710 });
    await letContainersPass(idMap, root);
    await archives.remove([`${root}/staging`]);
    await mkdir(`${root}/staging`, { mode: 0o700 });
    const trash = new Trash(`${root}/staging`, { archives, log });
    const layers = await LayerStore.create(root, trash);
    const read = async (id: ImageId): Promise<ImageDescription> => {
      const description = parseImageConfig(await readFile(layers.blobPath(id)));
      for (const diffId of description.diffIds)
        if (layers.get(diffId) === undefined) throw new Error(`layer ${diffId} is missing`);
      return description;
    };
    const index = await ImageIndex.create(root, { read, log });
    const directoryOf = (diffId: Digest): string => defined(layers.get(diffId), `layer ${diffId}`).directory;
    const rootfs = await RootfsStore.create(root, { trash, mounts, directoryOf, records: options.rootfsRecords, idMap });
    const store = new ImageStore(options, { root, layers, index, rootfs, trash });
    await store.#collect();
    return store;
  }

  /** Waits for removals in the background. Mounts stay: containers outlive the daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trash.settle();
  }

  setUsers(usedBy: ImageUsers): void {
    this.#usedBy = usedBy;
  }

  /** @param isHeld - Whether somebody is about to go on from an image: it is then not removed. */
  setHolder(isHeld: (id: ImageId) => boolean): void {
    this.#isHeld = isHeld;
  }

  get(reference: string): Image {
    return this.#index.require(reference);
  }

  inspect(reference: string): Promise<Image> {
    return Promise.resolve().then(() => this.get(reference));
  }

  /** @returns what is to be written with the container's record. */
  async createRootfs(
    containerId: ContainerId,
    imageId: ImageId | "",
    { isBare }: { readonly isBare?: true } = {},
  ): Promise<RecordChange> {
    // Only the claim is made alone, so that the layers are not collected before the container counts as their user: the disk is not waited for.
    await this.#mutex.run(async () => {
      const { diffIds } = imageId === "" ? SCRATCH : this.get(imageId);
      this.#rootfs.claim({ id: containerId, diffIds, ...(isBare && { isBare }) });
    });
    return this.#rootfs.createRootfs(containerId);
  }

  rootfsPath = (containerId: ContainerId): string => this.#rootfs.mountPath(containerId);

  /** A container's own layer and those it stands on, topmost first. */
  layerFolders(containerId: ContainerId): ReturnType<RootfsStore["layerFolders"]> {
    return this.#rootfs.layerFolders(containerId);
  }

  /** After a start: unmounts what does not run and removes the file systems of containers that no longer exist. */
  async restoreRootfs(options: RootfsUsers): Promise<void> {
    await this.#rootfs.restore(options);
    await this.#mutex.run(() => this.#collect());
  }

  load(archive: AsyncIterable<Uint8Array>, { quiet }: { readonly quiet: boolean }): AsyncIterable<ProgressMessage> {
    return reporting(report =>
      this.#withStaging(async (staging, lease) => {
        const images = await prepareArchive(this.#options.archives.decompress(archive), {
          staging,
          lease,
          layers: this.#layers,
          platform: platformOfHost(),
          onLayer: ({ diffId, sizeBytes }) => {
            if (quiet) return;
            const id = diffId.slice("sha256:".length, "sha256:".length + 12);
            report({ status: "Loading layer", progressDetail: { current: sizeBytes, total: sizeBytes }, id });
          },
        });
        const replaced = images.flatMap(({ id, tags }) => tags.map(tag => ({ tag, id, old: this.#index.idOf(tag) })));
        await this.#record(images);
        for (const { tag, id, old } of replaced) {
          if (old === undefined || old === id) continue;
          const name = familiarReference(tag);
          report({ stream: `The image ${name} already exists, renaming the old one with ID ${old} to empty string\n` });
        }
        for (const image of images) {
          for (const tag of image.tags) report({ stream: `Loaded image: ${familiarReference(tag)}\n` });
          if (image.tags.length === 0) report({ stream: `Loaded image ID: ${image.id}\n` });
          this.#announce("load", image.id, image.tags[0] === undefined ? image.id : familiarReference(image.tags[0]));
        }
      }),
    );
  }

  importArchive(
    archive: AsyncIterable<Uint8Array>,
    options: {
      readonly repository: string;
      readonly tag: string;
      readonly message: string;
      readonly changes: readonly string[];
      readonly platform: string;
    },
  ): AsyncIterable<ProgressMessage> {
    return reporting(async report => {
      const config = applyChanges(EMPTY_CONFIG, options.changes);
      const tags = options.repository === "" ? [] : [targetReference(options.repository, options.tag)];
      const base = { ...SCRATCH, ...parsePlatform(options.platform) };
      const request = { base, config, author: "", comment: options.message, createdBy: "", tags, isWhole: true } as const;
      const id = await this.#commit(archive, request);
      report({ status: id });
      this.#announce("import", id, tags[0] === undefined ? id : familiarReference(tags[0]));
    });
  }

  /** An image of another's layers with one more on top. @param archive - What that one changes; an empty one adds none. */
  async commit(
    archive: AsyncIterable<Uint8Array>,
    request: Omit<CommitRequest, "base" | "tags"> & {
      readonly baseId: ImageId;
      readonly repository: string;
      readonly tag: string;
    },
  ): Promise<{ readonly id: ImageId; readonly name: string }> {
    const { baseId, repository, tag, ...rest } = request;
    const tags = repository === "" ? [] : [targetReference(repository, tag)];
    const id = await this.#commit(archive, { ...rest, base: this.get(baseId), tags });
    this.#announce("create", id, id);
    for (const one of tags) this.#announce("tag", id, familiarReference(one));
    return { id, name: tags[0] === undefined ? "" : familiarReference(tags[0]) };
  }

  /**
   * What a build's step makes of an image, or of nothing.
   * @param archive - Missing: it changes settings alone.
   * @param request.isTold - Docker tells of steps that are made in a container.
   */
  async commitStep(
    archive: AsyncIterable<Uint8Array> | undefined,
    request: Omit<CommitRequest, "base" | "tags"> & { readonly baseId: ImageId | ""; readonly isTold: boolean },
  ): Promise<ImageId> {
    const { baseId, isTold, ...rest } = request;
    const id = await this.#commit(archive, { ...rest, base: baseId === "" ? SCRATCH : this.get(baseId), tags: [] });
    if (isTold) this.#announce("create", id, id);
    return id;
  }

  findStep(parent: ImageId | "", stepKey: string): Image | undefined {
    return this.#index.findStep(parent, stepKey);
  }

  /** An image that is here and came from elsewhere is from now on what a step made of another. */
  setParent(id: ImageId, parent: ImageId): Promise<void> {
    return this.#mutex.run(() => this.#index.setParent(id, parent));
  }

  async #commit(archive: AsyncIterable<Uint8Array> | undefined, request: CommitRequest): Promise<ImageId> {
    const whole = { createdAtMs: this.#options.clock.nowMs(), ...request };
    return this.#withStaging(async (staging, lease) => {
      const image = await prepareCommit(archive, whole, { staging, lease, layers: this.#layers });
      await this.#record([image]);
      return image.id;
    });
  }

  async tag(reference: string, repository: string, tag: string): Promise<void> {
    await this.#mutex.run(async () => {
      const target = targetReference(repository, tag);
      const id = this.#index.resolve(reference);
      await this.#index.rename({ set: [[target, id]], remove: [] });
      await this.#index.markTagged(id, this.#options.clock.nowMs());
      this.#announce("tag", id, familiarReference(target));
    });
  }

  async list({
    all,
    filters,
  }: {
    readonly all: boolean;
    readonly filters: Filters;
  }): Promise<readonly (Image & { readonly containers: number })[]> {
    const images = selectImages(this.#index.all(), { all, filters, context: this.#filterContext() });
    return images.map(image => ({ ...image, containers: this.#usedBy(image.id).length }));
  }

  /** There is no registry client: an image comes by `load` or `import`. @throws OperationError `internal`, at the first read. */
  pull(reference: string): AsyncIterable<ProgressMessage> {
    return reporting(async () => {
      const { domain } = withDefaultTag(parseReference(reference));
      const host = domain === "docker.io" ? "registry-1.docker.io" : domain;
      const reason = "this engine cannot reach registries; use docker load or docker import";
      throw new OperationError("internal", `Get "https://${host}/v2/": ${reason}`);
    });
  }

  async *save(
    references: readonly string[],
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array, void, void> {
    const images = selectSaved(this.#index, references);
    const releases = images.flatMap(({ image }) => image.diffIds.map(diffId => this.#layers.lease(diffId)));
    try {
      yield* saveImages(images, { layers: this.#layers, signal });
      for (const { image } of images) this.#announce("save", image.id, image.id);
    } finally {
      for (const release of releases) release();
    }
  }

  /** @throws OperationError `conflict` when it is in use, in Docker's words. */
  remove(reference: string, options: { readonly force: boolean; readonly prune: boolean }): Promise<readonly Removed[]> {
    return this.#mutex.run(async () => {
      const { removed } = await removeImage(reference, options, this.#removal());
      return removed;
    });
  }

  prune(filters: Filters): Promise<{ readonly deleted: readonly Removed[]; readonly reclaimedBytes: number }> {
    return this.#mutex.run(async () => {
      const deleted: Removed[] = [];
      let reclaimedBytes = 0;
      for (const { id } of selectPrunable(this.#index.all(), { filters, context: this.#filterContext() })) {
        if (this.#usedBy(id).length > 0 || this.#isHeld(id)) continue;
        try {
          const result = await removeImage(id, { force: true, prune: true }, this.#removal());
          deleted.push(...result.removed);
          reclaimedBytes += result.reclaimedBytes;
        } catch (error) {
          this.#options.log.warn({ image: id, error: errorMessage(error) }, "an image could not be pruned");
        }
      }
      this.#options.onEvent?.({ action: "prune", imageId: "", attributes: { reclaimed: String(reclaimedBytes) } });
      return { deleted, reclaimedBytes };
    });
  }

  #removal(): RemovalContext {
    return {
      index: this.#index,
      layers: this.#layers,
      usedBy: this.#usedBy,
      isHeld: this.#isHeld,
      collect: () => this.#collect(),
      announce: (action, id) => this.#announce(action, id, id),
    };
  }

  #filterContext(): { readonly nowMs: number; readonly get: (reference: string) => Image } {
    return { nowMs: this.#options.clock.nowMs(), get: reference => this.get(reference) };
  }

  async #withStaging<T>(action: (staging: Staging, lease: (diffId: Digest) => void) => Promise<T>): Promise<T> {
    const releases: (() => void)[] = [];
    const path = `${this.#root}/staging/${randomBytes(8).toString("hex")}`;
    await using staging = await Staging.create(path, { archives: this.#options.archives, limits: this.#limits });
    try {
      return await action(staging, diffId => releases.push(this.#layers.lease(diffId)));
    } finally {
      for (const release of releases) release();
    }
  }

  async #record(images: readonly PreparedImage[]): Promise<void> {
    const { archives, clock } = this.#options;
    const parts = { root: this.#root, index: this.#index, layers: this.#layers, mutex: this.#mutex, archives, clock };
    await recordImages(images, { ...parts, collect: () => this.#collect() });
  }

  /** Removes what neither an image nor a container needs. Inside the mutex only. */
  async #collect(): Promise<number> {
    const images = this.#index.all();
    const diffIds = new Set([...images.flatMap(image => image.diffIds), ...this.#rootfs.usedDiffIds()]);
    return this.#layers.collect({ diffIds, blobs: new Set(images.map(({ id }) => id)) });
  }

  #announce(action: ImageEvent["action"], imageId: string, name: string): void {
    const labels = this.#index.get(asId<ImageId>(imageId))?.config.labels ?? {};
    this.#options.onEvent?.({ action, imageId, attributes: { ...labels, name } });
  }
}
