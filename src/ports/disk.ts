/** Durable files, as an effect: `node:fs` in `system/disk.ts`, a disk that loses unsynced data in `test/sim`. Paths are absolute or relative to the disk's root. */
export interface Disk {
  /** Creates the folder and its parents; no error when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Names (not paths) in a folder, sorted; empty when the folder is missing. */
  list(path: string): Promise<readonly string[]>;
  /** The whole file; `undefined` when it is missing. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Opens for appending, made when missing. */
  openAppend(path: string): Promise<DiskFile>;
  /** Writes a temporary file, syncs it, renames it over `path`, syncs the folder: after a crash the old or the new content is there, whole. */
  replace(path: string, content: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** No error when it is missing. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface DiskFile extends AsyncDisposable {
  /** Appends all of it. @returns the file's size afterwards, in bytes. */
  append(content: Uint8Array): Promise<number>;
  /** Makes what was appended durable (fdatasync). */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
}
