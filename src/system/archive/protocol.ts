/**
 * How the daemon speaks with its archive helper. Frames go in on stdin: a length (4 bytes, little endian) and that many bytes.
 * The first frame of a job is JSON; data frames follow where the job has a stream, and an empty frame ends it.
 * Out come frames with a kind in front (1 byte): replies as JSON, and data. A job ends with its last reply: `done`, what it was asked
 * for, or `failed`. After a failed job on a
 * folder the helper exits, so nothing has to be put right.
 */
export type ArchiveJob =
  | {
      readonly kind: "unpack";
      /** An existing folder, empty. */
      readonly target: string;
      /** Whiteouts become what overlayfs understands. Otherwise they are files like others. */
      readonly isLayer: boolean;
      /** A plain tar. Missing: it comes in frames. */
      readonly source?: string;
      readonly bytesMax: number;
      readonly entriesMax: number;
      /** A new file for the sums of its members, by which a build tells whether they have changed. */
      readonly sumsPath?: string;
    }
  /** Makes everything written to the file system of `path` durable. */
  | { readonly kind: "sync"; readonly path: string }
  /** For an option string of more than a page: `directory` is entered first, so that its folders can be named in short. */
  | { readonly kind: "mount-overlay"; readonly directory: string; readonly target: string; readonly options: string }
  | { readonly kind: "remove"; readonly paths: readonly string[] }
  | { readonly kind: "stat-path"; readonly root: RootSource; readonly path: string }
  /** A `stat` reply, the archive as data, `done`. */
  | { readonly kind: "read-path"; readonly root: RootSource; readonly path: string }
  /** The archive comes in frames. */
  | ({ readonly kind: "write-path"; readonly root: RootSource; readonly path: string } & WriteSettings)
  /** The whole tree below a folder as data, then `done`. */
  | { readonly kind: "read-tree"; readonly root: RootSource }
  /** Data: JSON lists of `[path, kind]`, then `done`. */
  | { readonly kind: "list-changes"; readonly layers: LayerFolders }
  /** What a build copies: a `sources` reply. */
  | ({ readonly kind: "find-sources"; readonly root: RootSource } & SourceQuery)
  | { readonly kind: "resolve-path"; readonly root: RootSource; readonly path: string }
  | ({ readonly kind: "copy-sources"; readonly root: RootSource } & SourceCopy)
  /** Into the empty folder `root`, what the tree `from` has at `path`. */
  | { readonly kind: "fill-folder"; readonly root: RootSource; readonly from: RootSource; readonly path: string }
  /** With all above it. */
  | { readonly kind: "make-folder"; readonly root: RootSource; readonly path: string }
  /** The changes as a layer: data, then `done`. */
  | { readonly kind: "read-changes"; readonly layers: LayerFolders };

export interface WriteSettings {
  /** A folder never replaces a file, nor a file a folder. */
  readonly keepsKinds: boolean;
  /** `USER[:GROUP]` of the container's own: everything becomes theirs. Empty: as the archive says. */
  readonly owner: string;
  readonly isRootReadOnly: boolean;
  /** Places of the container with a mount of its own. */
  readonly mounts: readonly { readonly destination: string; readonly isWritable: boolean }[];
}

/** The tree that is a container's `/`. */
export type RootSource =
  /** As the process sees it. With its start time the pid is this one process. */
  | { readonly kind: "process"; readonly pid: number; readonly startTicks: number }
  /** A folder, with others put into it for this job alone. */
  | { readonly kind: "folder"; readonly path: string; readonly mounts: readonly FolderMount[] };

export interface FolderMount {
  readonly source: string;
  readonly destination: string;
  readonly isWritable: boolean;
}

export interface LayerFolders {
  readonly upper: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  /** Nothing in it is the engine's own: a folder that is empty counts, whatever its name. */
  readonly isBare?: boolean;
}

export interface SourceQuery {
  /** As a Dockerfile names them, with `*`, `?` and `[…]`. */
  readonly patterns: readonly string[];
  /** Where `unpack` wrote the sums of this tree. Missing: the files are read. */
  readonly sumsPath?: string;
}

/** Paths are latin1 here, a character a byte, since names need not be text; without a slash in front. */
export interface FoundSource {
  /** What the file is called where it is copied to is the last part of this. */
  readonly path: string;
  /** With links followed. */
  readonly resolved: string;
  readonly isFolder: boolean;
  /** `file:SUM` or `dir:SUM`. */
  readonly hash: string;
}

export interface SourceCopy {
  readonly from: RootSource;
  readonly sources: readonly Omit<FoundSource, "hash">[];
  /** Absolute. With a slash at its end it is a folder. */
  readonly destination: string;
  /** `USER[:GROUP]` of the tree's own accounts; empty: root's. */
  readonly chown: string;
  readonly keepsOwners: boolean;
}

/** @see moby api/types/container: PathStat. */
export interface PathStat {
  readonly name: string;
  readonly sizeBytes: number;
  /** Go's os.FileMode. */
  readonly mode: number;
  /** ns since 1970, in decimal. */
  readonly mtimeNs: string;
  readonly linkTarget: string;
}

/** As REST numbers them. */
export const CHANGE_KINDS = ["modified", "added", "deleted"] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export type ArchiveReply =
  | { readonly kind: "unpacked"; readonly sha256: string; readonly sizeBytes: number; readonly entries: number }
  | { readonly kind: "stat"; readonly stat: PathStat }
  | { readonly kind: "sources"; readonly sources: readonly FoundSource[] }
  /** In latin1, without a slash in front. */
  | { readonly kind: "resolved"; readonly path: string; readonly type: "file" | "folder" | "other" | "missing" }
  | { readonly kind: "done" }
  | {
      readonly kind: "failed";
      readonly errorKind: "invalid" | "internal" | "not-found";
      readonly message: string;
      /** The helper reads the rest of the job's stream and takes another job. Otherwise it exits. */
      readonly goesOn: boolean;
    };

export const FRAME_BYTES_MAX = 1024 * 1024;
export const OUTPUT_HEADER_BYTES = 5;
export const REPLY_FRAME = 1;
export const DATA_FRAME = 2;
