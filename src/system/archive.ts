import { OperationError } from "../lib/errors.ts";
import type { IdMap } from "../model/id-map.ts";
import { decompress } from "./archive/decompress.ts";
import { HelperProcess } from "./archive/helper-process.ts";
import type {
  ArchiveJob,
  ArchiveReply,
  FoundSource,
  LayerFolders,
  PathStat,
  RootSource,
  SourceCopy,
  SourceQuery,
  WriteSettings,
} from "./archive/protocol.ts";
import { Slots } from "./archive/slots.ts";

export type {
  ChangeKind,
  FolderMount,
  FoundSource,
  LayerFolders,
  PathStat,
  RootSource,
  SourceCopy,
  SourceQuery,
  WriteSettings,
} from "./archive/protocol.ts";

export interface UnpackOptions {
  readonly target: string;
  readonly isLayer: boolean;
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** A new file, for the sums of the archive's members. */
  readonly sumsPath?: string;
}

export interface Unpacked {
  /** Of the archive as it was unpacked, not compressed: a layer's diff id without its prefix. */
  readonly sha256: string;
  /** All files' lengths together. */
  readonly sizeBytes: number;
  readonly entries: number;
}

export interface ArchivesOptions {
  readonly helpersMax?: number;
  /** Files of all trees are owned so, and archives tell of their owners as containers see them. */
  readonly idMap?: IdMap;
}

/** Clients of these may be slow, so they have slots of their own. */
const CONTAINER_JOBS_MAX = 16;

/**
 * Work on trees and archives, in helper programs: one is kept warm, more run while there is work for them.
 * Nothing here blocks the event loop: the helpers write, hash and parse; decompression runs in the libuv pool or a program of the host.
 */
export class Archives implements AsyncDisposable {
  readonly #slots: Slots;
  readonly #containerSlots = new Slots(CONTAINER_JOBS_MAX);
  readonly #idle: HelperProcess[] = [];
  readonly #running = new Set<HelperProcess>();
  readonly #idMap: IdMap | undefined;
  #isClosed = false;

  private constructor({ helpersMax = 2, idMap }: ArchivesOptions) {
    this.#slots = new Slots(helpersMax);
    this.#idMap = idMap;
  }

  static create(options: ArchivesOptions = {}): Archives {
    const archives = new Archives(options);
    archives.#keepWarm();
    return archives;
  }

  /**
   * Unpacks an archive into an existing, empty folder. Nothing is ever written outside of it.
   * @param source - The path of a plain tar, or a stream that is decompressed where it has to be.
   * @throws OperationError `invalid` for a malformed archive, one that climbs out, or one over a limit. The folder's content is then undefined.
   */
  async unpack(source: string | AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<Unpacked> {
    const isPath = typeof source === "string";
    const job: ArchiveJob = { kind: "unpack", ...options, ...(isPath ? { source } : {}) };
    const reply = await this.#run(job, isPath ? {} : { stream: source });
    if (reply.kind !== "unpacked") throw new OperationError("internal", "archive helper: unexpected reply");
    return { sha256: reply.sha256, sizeBytes: reply.sizeBytes, entries: reply.entries };
  }

  /** Gzip, zstd, xz and bzip2 are recognised by their first bytes; everything else passes as it is. */
  decompress(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return decompress(source);
  }

  /** Makes all that was written to the file system of `path` durable. */
  async syncFileSystem(path: string): Promise<void> {
    await this.#run({ kind: "sync", path });
  }

  /** Removes trees of any size. */
  async remove(paths: readonly string[]): Promise<void> {
    if (paths.length > 0) await this.#run({ kind: "remove", paths });
  }

  /** An overlay whose options are longer than the kernel takes, unless folders are named relative to `directory`. */
  async mountOverlay(options: { readonly directory: string; readonly target: string; readonly options: string }): Promise<void> {
    await this.#run({ kind: "mount-overlay", ...options });
  }

  /** @throws OperationError `not-found` when there is nothing of that name in the container. */
  async statPath(root: RootSource, path: string): Promise<PathStat> {
    const reply = await this.#run({ kind: "stat-path", root, path }, { isContainer: true });
    if (reply.kind !== "stat") throw new OperationError("internal", "archive helper: unexpected reply");
    return reply.stat;
  }

  /** What is at a path of a container as an archive. The stream must be read, or `signal` aborted: until then a helper is held. */
  async readPath(
    root: RootSource,
    { path, signal }: { readonly path: string; readonly signal: AbortSignal },
  ): Promise<{ readonly stat: PathStat; readonly archive: AsyncIterable<Uint8Array> }> {
    const { first, data } = await this.#open({ kind: "read-path", root, path }, { hasFirstReply: true, signal });
    if (first?.kind !== "stat") throw new OperationError("internal", "archive helper: unexpected reply");
    return { stat: first.stat, archive: data };
  }

  /** Unpacks an archive, compressed or not, at a folder of a container. */
  async writePath(
    root: RootSource,
    {
      path,
      settings,
      archive,
    }: { readonly path: string; readonly settings: WriteSettings; readonly archive: AsyncIterable<Uint8Array> },
  ): Promise<void> {
    await this.#run({ kind: "write-path", root, path, ...settings }, { isContainer: true, stream: decompress(archive) });
  }

  /** A whole tree as an archive. Read it, or abort `signal`. */
  async readTree(root: RootSource, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#open({ kind: "read-tree", root }, { hasFirstReply: false, signal })).data;
  }

  /** What a container's own layer changes, as lines of JSON: `[path, kind]`, the kind an index of `CHANGE_KINDS`. */
  async listChanges(layers: LayerFolders, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#open({ kind: "list-changes", layers }, { hasFirstReply: false, signal })).data;
  }

  /** The changes as a layer's archive. */
  async readChanges(layers: LayerFolders, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#open({ kind: "read-changes", layers }, { hasFirstReply: false, signal })).data;
  }

  /** What a build's instruction means by its sources. @throws OperationError `not-found`, in Docker's words. */
  async findSources(root: RootSource, query: SourceQuery): Promise<readonly FoundSource[]> {
    const reply = await this.#run({ kind: "find-sources", root, ...query }, { isContainer: true });
    if (reply.kind !== "sources") throw new OperationError("internal", "archive helper: unexpected reply");
    return reply.sources;
  }

  /** Where a path leads inside a tree: in latin1, a character a byte, without a slash in front. */
  async resolvePath(root: RootSource, path: string): Promise<Pick<Extract<ArchiveReply, { kind: "resolved" }>, "path" | "type">> {
    const reply = await this.#run({ kind: "resolve-path", root, path }, { isContainer: true });
    if (reply.kind !== "resolved") throw new OperationError("internal", "archive helper: unexpected reply");
    return reply;
  }

  async copySources(root: RootSource, copy: SourceCopy): Promise<void> {
    await this.#run({ kind: "copy-sources", root, ...copy }, { isContainer: true });
  }

  /** Copies what a tree has at a path into an empty folder in which others may be writing. */
  async fillFolder(folder: string, { tree, path }: { readonly tree: string; readonly path: string }): Promise<void> {
    const [root, from] = [folder, tree].map(place => ({ kind: "folder", path: place, mounts: [] }) as const);
    if (root !== undefined && from !== undefined)
      await this.#run({ kind: "fill-folder", root, from, path }, { isContainer: true });
  }

  /** With all above it. @throws OperationError `invalid` where a file is in its place. */
  async makeFolder(root: RootSource, path: string): Promise<void> {
    await this.#run({ kind: "make-folder", root, path }, { isContainer: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#idle.splice(0), ...this.#running].map(helper => helper.stop()));
  }

  async #run(
    job: ArchiveJob,
    {
      stream,
      isContainer = false,
    }: { readonly stream?: AsyncIterable<Uint8Array> | undefined; readonly isContainer?: boolean } = {},
  ): Promise<ArchiveReply> {
    const release = await (isContainer ? this.#containerSlots : this.#slots).take();
    try {
      const helper = this.#take();
      try {
        return await helper.run(job, stream);
      } finally {
        await this.#putBack(helper, job);
      }
    } finally {
      release();
    }
  }

  async #open(
    job: ArchiveJob,
    { hasFirstReply, signal }: { readonly hasFirstReply: boolean; readonly signal: AbortSignal },
  ): Promise<{ readonly first: ArchiveReply | undefined; readonly data: AsyncIterable<Uint8Array> }> {
    const release = await this.#containerSlots.take();
    let helper: HelperProcess | undefined;
    let hasFailed = false;
    const giveBack = async (isWhole: boolean): Promise<void> => {
      signal.removeEventListener("abort", onAbort);
      if (!isWhole && !hasFailed) await helper?.stop();
      if (helper !== undefined) await this.#putBack(helper, job);
      helper = undefined;
      release();
    };
    const onAbort = (): void => void giveBack(false);
    try {
      signal.throwIfAborted();
      signal.addEventListener("abort", onAbort, { once: true });
      helper = this.#take();
      const { first, data } = await helper.open(job, { hasFirstReply });
      return { first, data: thenDo(data, giveBack) };
    } catch (error) {
      hasFailed = true; // It has ended itself where it could not go on.
      await giveBack(false);
      throw error;
    }
  }

  #take(): HelperProcess {
    if (this.#isClosed) throw new OperationError("unavailable", "the daemon is shutting down");
    let helper = this.#idle.pop();
    while (helper?.isOver === true) helper = this.#idle.pop();
    helper ??= HelperProcess.start(this.#idMap);
    this.#running.add(helper);
    return helper;
  }

  /** One stays warm. One that has mounts of its own has done all it can. */
  async #putBack(helper: HelperProcess, job: ArchiveJob): Promise<void> {
    this.#running.delete(helper);
    const isSpent = "root" in job && job.root.kind === "folder" && job.root.mounts.length > 0;
    if (this.#isClosed || helper.isOver || isSpent || this.#idle.length > 0) {
      await helper.stop();
      this.#keepWarm();
    } else this.#idle.push(helper);
  }

  #keepWarm(): void {
    if (!this.#isClosed && this.#idle.length === 0) this.#idle.push(HelperProcess.start(this.#idMap));
  }
}

/** @param action - Told whether all of it was read. */
async function* thenDo(
  source: AsyncIterable<Uint8Array>,
  action: (isWhole: boolean) => Promise<void>,
): AsyncGenerator<Uint8Array, void, void> {
  let isWhole = false;
  try {
    yield* source;
    isWhole = true;
  } finally {
    await action(isWhole);
  }
}
