/** What work on containers' files needs of the system. Implemented by `system/archive.ts`: nothing of a tree is touched by this process. */
export interface ContainerArchives {
  /** @throws OperationError `not-found` when there is nothing of that name in the container. */
  statPath(root: RootSource, path: string): Promise<PathStat>;
  /** The archive must be read, or `signal` aborted. */
  readPath(
    root: RootSource,
    options: { readonly path: string; readonly signal: AbortSignal },
  ): Promise<{ readonly stat: PathStat; readonly archive: AsyncIterable<Uint8Array> }>;
  writePath(
    root: RootSource,
    options: { readonly path: string; readonly settings: WriteSettings; readonly archive: AsyncIterable<Uint8Array> },
  ): Promise<void>;
  readTree(root: RootSource, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Lines of JSON: `[path, kind]`, the kind as REST numbers it. */
  listChanges(layers: LayerFolders, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  readChanges(layers: LayerFolders, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export type RootSource =
  | { readonly kind: "process"; readonly pid: number; readonly startTicks: number }
  | { readonly kind: "folder"; readonly path: string; readonly mounts: readonly FolderMount[] };

export interface FolderMount {
  readonly source: string;
  readonly destination: string;
  readonly isWritable: boolean;
}

export interface PathStat {
  readonly name: string;
  readonly sizeBytes: number;
  /** Go's os.FileMode. */
  readonly mode: number;
  /** ns since 1970, in decimal. */
  readonly mtimeNs: string;
  readonly linkTarget: string;
}

export interface WriteSettings {
  /** A folder never replaces a file, nor a file a folder. */
  readonly keepsKinds: boolean;
  /** `USER[:GROUP]` of the container's own; empty: as the archive says. */
  readonly owner: string;
  readonly isRootReadOnly: boolean;
  readonly mounts: readonly Pick<FolderMount, "destination" | "isWritable">[];
}

export interface LayerFolders {
  readonly upper: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  /** Nothing in it is the engine's own. */
  readonly isBare?: boolean;
}
