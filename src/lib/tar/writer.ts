import { assert } from "../assert.ts";
import { paddingBytes, TAR_BLOCK_BYTES, type TarEntry, type TarEntryType } from "./entry.ts";
import { checksums } from "./header.ts";
import { formatNumber } from "./number.ts";
import { formatPaxRecord } from "./pax.ts";

const TYPE_FLAGS: Record<TarEntryType, string> = {
  file: "0",
  "hard-link": "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};
const OCTAL_ID_MAX = 0o7777777;
const OCTAL_SIZE_MAX = 0o77777777777;

/** What must be said of a member; the rest has defaults: root, time 0, no attributes. */
export type TarEntryInit = Pick<TarEntry, "type"> & {
  readonly path: string | Buffer;
  readonly linkPath?: string | Buffer;
} & Partial<Omit<TarEntry, "type" | "path" | "linkPath">>;

/** Closes an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK_BYTES);

/** Fills an init up to a whole entry. */
export function tarEntry(init: TarEntryInit): TarEntry {
  const { type, path, linkPath = "" } = init;
  return {
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    userName: "",
    groupName: "",
    sizeBytes: 0,
    mtimeSeconds: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
    ...init,
    path: toBytes(path),
    linkPath: toBytes(linkPath),
  };
}

/** The header blocks of a member: ustar, with a PAX header before it for what ustar cannot say. The data, padded to a block, follows. */
export function encodeHeader(init: TarEntryInit): Buffer {
  const entry = tarEntry(init);
  assert(entry.sizeBytes === 0 || entry.type === "file", "only a file has data");
  const records = paxRecordsOf(entry);
  const header = ustarHeader(entry);
  if (records.length === 0) return header;
  const pax = Buffer.concat(records);
  const extension = tarEntry({
    type: "file",
    path: "PaxHeaders.0/entry",
    sizeBytes: pax.length,
    mtimeSeconds: entry.mtimeSeconds,
  });
  return Buffer.concat([ustarHeader(extension, "x"), pax, Buffer.alloc(paddingBytes(pax.length)), header]);
}

/** A whole member in memory. */
export function encodeMember(init: TarEntryInit, content: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([
    encodeHeader({ ...init, sizeBytes: content.length }),
    content,
    Buffer.alloc(paddingBytes(content.length)),
  ]);
}

function paxRecordsOf(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (keyword: string, value: string | Uint8Array): void => {
    records.push(formatPaxRecord(keyword, typeof value === "string" ? Buffer.from(value, "utf8") : value));
  };
  if (splitPath(entry.path) === undefined) add("path", entry.path);
  if (entry.linkPath.length > 100) add("linkpath", entry.linkPath);
  if (entry.uid > OCTAL_ID_MAX) add("uid", String(entry.uid));
  if (entry.gid > OCTAL_ID_MAX) add("gid", String(entry.gid));
  if (entry.sizeBytes > OCTAL_SIZE_MAX) add("size", String(entry.sizeBytes));
  if (!Number.isInteger(entry.mtimeSeconds) || entry.mtimeSeconds < 0) add("mtime", decimalSeconds(entry.mtimeSeconds));
  for (const [name, value] of entry.xattrs) add(`SCHILY.xattr.${name}`, value);
  return records;
}

function ustarHeader(entry: TarEntry, typeFlag = TYPE_FLAGS[entry.type]): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  const { prefix, name } = splitPath(entry.path) ?? { prefix: Buffer.alloc(0), name: entry.path.subarray(0, 100) };
  name.copy(block, 0);
  formatNumber(entry.mode & 0o7777, 8).copy(block, 100);
  formatNumber(entry.uid, 8).copy(block, 108);
  formatNumber(entry.gid, 8).copy(block, 116);
  formatNumber(entry.sizeBytes, 12).copy(block, 124);
  formatNumber(Math.max(0, Math.floor(entry.mtimeSeconds)), 12).copy(block, 136);
  block.write(typeFlag, 156, "latin1");
  entry.linkPath.copy(block, 157, 0, 100);
  block.write("ustar\x0000", 257, "latin1");
  block.write(entry.userName, 265, 31, "utf8");
  block.write(entry.groupName, 297, 31, "utf8");
  formatNumber(entry.deviceMajor, 8).copy(block, 329);
  formatNumber(entry.deviceMinor, 8).copy(block, 337);
  prefix.copy(block, 345);
  const [sum] = checksums(block);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A path of up to 255 bytes is cut at a slash; `undefined` when no slash is at the right place. */
function splitPath(path: Buffer): { readonly prefix: Buffer; readonly name: Buffer } | undefined {
  if (path.length <= 100) return { prefix: Buffer.alloc(0), name: path };
  for (let at = path.indexOf(0x2f, Math.max(1, path.length - 101)); at > 0 && at <= 155; at = path.indexOf(0x2f, at + 1)) {
    if (at < path.length - 1) return { prefix: path.subarray(0, at), name: path.subarray(at + 1) };
  }
  return undefined;
}

function decimalSeconds(seconds: number): string {
  return Number.isInteger(seconds) ? String(seconds) : seconds.toFixed(9).replace(/0+$/, "");
}

function toBytes(text: string | Buffer): Buffer {
  return typeof text === "string" ? Buffer.from(text, "utf8") : text;
}
