/** Durable files, as an effect: `node:fs` in `system/disk.ts`, a disk that loses unsynced data in `test/sim`. Paths are absolute or relative to the disk's root. */
export interface Disk {
  /** Creates the folder and its parents; no error when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Names (not paths) in a folder, sorted; empty when the folder is missing. */
  list(path: string): Promise<readonly string[]>;
  /** The whole file; `undefined` when it is missing. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Opens for appending behind all that is there, made when missing.
   * @param options.aheadBytes - When the file has to grow, it grows by about so many zeros more, which later appends replace: a sync
   * is much cheaper while the size stays. Until `truncate` whoever reads the file finds the rest of them at its end.
   * @param options.syncsAppends - Every append will be followed by a sync: a disk may do both at once, and then `sync` has nothing to do.
   */
  openAppend(path: string, options?: { readonly aheadBytes?: number; readonly syncsAppends?: boolean }): Promise<DiskFile>;
  /** Writes a temporary file, syncs it, renames it over `path`, syncs the folder: after a crash the old or the new content is there, whole. */
  replace(path: string, content: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** No error when it is missing. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface DiskFile extends AsyncDisposable {
  /** Appends all of it. @returns the file's size afterwards, in bytes, without zeros ahead. */
  append(content: Uint8Array): Promise<number>;
  /** Makes what was appended durable (fdatasync). */
  sync(): Promise<void>;
  /** Zeros ahead go too. */
  truncate(sizeBytes: number): Promise<void>;
}
