export const TAR_BLOCK_BYTES = 512;

export type TarEntryType = "file" | "hard-link" | "symlink" | "character-device" | "block-device" | "directory" | "fifo";

/** One member of an archive. Names are bytes, since a file system knows no encoding. */
export interface TarEntry {
  readonly type: TarEntryType;
  readonly path: Buffer;
  /** Target of a link; empty otherwise. */
  readonly linkPath: Buffer;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** Length of the file once it is written, holes included. */
  readonly sizeBytes: number;
  /** Seconds since 1970, with a fraction where the archive has one. */
  readonly mtimeSeconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Values are raw bytes: a capability set is no text. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** What a parser gives, in order: for each member an entry, its data (none for holes), its end. */
export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  /** Valid until the next chunk is pushed: keep a copy to keep it longer. */
  | { readonly kind: "data"; readonly offsetBytes: number; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

/** Bytes from `sizeBytes` to the next block. */
export function paddingBytes(sizeBytes: number): number {
  const over = sizeBytes % TAR_BLOCK_BYTES;
  return over === 0 ? 0 : TAR_BLOCK_BYTES - over;
}
