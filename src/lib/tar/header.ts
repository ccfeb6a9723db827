import { OperationError } from "../errors.ts";
import type { TarEntryType } from "./entry.ts";
import { parseNumber } from "./number.ts";

/** The 512 bytes as they stand, before any extension is applied. */
export interface RawHeader {
  readonly typeFlag: string;
  readonly path: Buffer;
  readonly linkPath: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow in the archive. */
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly userName: string;
  readonly groupName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const ENTRY_TYPES: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hard-link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every(byte => byte === 0);
}

/** Sum of the header with its checksum field taken as blanks. Some old writers summed signed bytes. */
export function checksums(block: Uint8Array): readonly [unsigned: number, signed: number] {
  let unsigned = 0;
  let signed = 0;
  for (const [index, byte] of block.entries()) {
    const value = index >= 148 && index < 156 ? 0x20 : byte;
    unsigned += value;
    signed += value > 127 ? value - 256 : value;
  }
  return [unsigned, signed];
}

/** @throws OperationError `invalid` for a wrong checksum or a field that is no number. */
export function parseRawHeader(block: Buffer): RawHeader {
  const sum = parseNumber(block.subarray(148, 156), "checksum");
  if (!checksums(block).includes(sum)) throw new OperationError("invalid", "invalid tar header: wrong checksum");
  const magic = block.toString("latin1", 257, 263);
  const isUstar = magic === "ustar\0";
  const hasNames = isUstar || magic === "ustar ";
  const prefix = isUstar ? text(block, 345, 155) : Buffer.alloc(0);
  const name = text(block, 0, 100);
  const sizeBytes = parseNumber(block.subarray(124, 136), "size");
  if (sizeBytes < 0) throw new OperationError("invalid", "invalid tar header: negative size");
  return {
    typeFlag: String.fromCharCode(block[156] ?? 0),
    path: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : name,
    linkPath: text(block, 157, 100),
    mode: parseNumber(block.subarray(100, 108), "mode") & 0o7777,
    uid: parseNumber(block.subarray(108, 116), "uid"),
    gid: parseNumber(block.subarray(116, 124), "gid"),
    sizeBytes,
    mtimeSeconds: parseNumber(block.subarray(136, 148), "mtime"),
    userName: hasNames ? text(block, 265, 32).toString("utf8") : "",
    groupName: hasNames ? text(block, 297, 32).toString("utf8") : "",
    deviceMajor: hasNames ? parseNumber(block.subarray(329, 337), "device number") : 0,
    deviceMinor: hasNames ? parseNumber(block.subarray(337, 345), "device number") : 0,
  };
}

/** Old archives have no type for a folder but a name that ends in a slash. */
export function entryTypeOf(typeFlag: string, path: Buffer): TarEntryType {
  const type = ENTRY_TYPES[typeFlag];
  if (type === undefined) throw new OperationError("invalid", `unhandled tar header type ${typeFlag.charCodeAt(0)}`);
  return type === "file" && typeFlag !== "S" && path.at(-1) === 0x2f ? "directory" : type;
}

function text(block: Buffer, start: number, length: number): Buffer {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end));
}
