/**
 * How the daemon speaks with its archive helper. Frames go in on stdin: a length (4 bytes, little endian) and that many bytes.
 * The first frame of a job is JSON; data frames follow where the job has a stream, and an empty frame ends it.
 * One line of JSON comes out on stdout for each job. After a failed job the helper exits, so nothing has to be put right.
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
    }
  /** Makes everything written to the file system of `path` durable. */
  | { readonly kind: "sync"; readonly path: string }
  /** For an option string of more than a page: `directory` is entered first, so that its folders can be named in short. */
  | { readonly kind: "mount-overlay"; readonly directory: string; readonly target: string; readonly options: string }
  | { readonly kind: "remove"; readonly paths: readonly string[] };

export type ArchiveReply =
  | { readonly kind: "unpacked"; readonly sha256: string; readonly sizeBytes: number; readonly entries: number }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly errorKind: "invalid" | "internal"; readonly message: string };

export const FRAME_BYTES_MAX = 1024 * 1024;
