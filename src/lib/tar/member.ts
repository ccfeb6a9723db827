import { OperationError } from "../errors.ts";
import type { TarEntry } from "./entry.ts";
import { entryTypeOf, type RawHeader } from "./header.ts";
import type { PaxRecord } from "./pax.ts";
import { checkSparseMap, sparseMapOf, type SparseSegment } from "./sparse.ts";

/** What stood in front of a header and belongs to it. */
export interface Extensions {
  readonly records: readonly PaxRecord[];
  readonly longPath?: Buffer;
  readonly longLinkPath?: Buffer;
}

/** An entry with the layout of its data in the archive. */
export interface Member {
  readonly entry: TarEntry;
  readonly dataBytes: number;
  readonly segments: readonly SparseSegment[];
}

/** A sparse map found outside the PAX records, with what is known from there. */
export interface FoundMap {
  readonly segments: readonly SparseSegment[];
  readonly fileBytes?: number;
  /** Length of a map that stands in the data itself. */
  readonly mapBytes?: number;
}

const XATTR_PREFIX = "SCHILY.xattr.";

/** Joins a header with its extensions; PAX wins over GNU names, both over the header. Pure. */
export function buildMember(header: RawHeader, extensions: Extensions, found?: FoundMap): Member {
  const pax = new Map(extensions.records);
  const text = (keyword: string): string | undefined => nonEmpty(pax.get(keyword))?.toString("utf8");
  const path = nonEmpty(pax.get("GNU.sparse.name")) ?? nonEmpty(pax.get("path")) ?? extensions.longPath ?? header.path;
  const type = entryTypeOf(header.typeFlag, path);
  const archivedBytes = type === "file" ? (integer(text("size"), "size") ?? header.sizeBytes) : 0;
  const dataBytes = archivedBytes - (found?.mapBytes ?? 0);
  const map = found?.segments ?? sparseMapOf(extensions.records);
  const fileBytes =
    map === undefined
      ? dataBytes
      : (found?.fileBytes ?? integer(text("GNU.sparse.realsize") ?? text("GNU.sparse.size"), "sparse size") ?? dataBytes);
  const linkPath = nonEmpty(pax.get("linkpath")) ?? extensions.longLinkPath ?? header.linkPath;
  if (path.includes(0) || linkPath.includes(0)) throw new OperationError("invalid", "invalid tar header: name holds a zero byte");
  if (map !== undefined) checkSparseMap(map, { fileBytes, dataBytes });
  return {
    dataBytes,
    segments: map ?? [{ offsetBytes: 0, lengthBytes: dataBytes }],
    entry: {
      type,
      path,
      linkPath: type === "symlink" || type === "hard-link" ? linkPath : Buffer.alloc(0),
      mode: header.mode,
      uid: integer(text("uid"), "uid") ?? header.uid,
      gid: integer(text("gid"), "gid") ?? header.gid,
      userName: text("uname") ?? header.userName,
      groupName: text("gname") ?? header.groupName,
      sizeBytes: fileBytes,
      mtimeSeconds: seconds(text("mtime")) ?? header.mtimeSeconds,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: xattrsOf(extensions.records),
    },
  };
}

function xattrsOf(records: readonly PaxRecord[]): ReadonlyMap<string, Buffer> {
  const named = records.filter(([keyword]) => keyword.startsWith(XATTR_PREFIX));
  return new Map(named.map(([keyword, value]) => [keyword.slice(XATTR_PREFIX.length), value]));
}

function nonEmpty(value: Buffer | undefined): Buffer | undefined {
  return value === undefined || value.length === 0 ? undefined : value;
}

function integer(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new OperationError("invalid", `invalid tar header: ${name} is not a number`);
  }
  return value;
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,15}(\.[0-9]{0,18})?$/.test(text))
    throw new OperationError("invalid", "invalid tar header: mtime is not a number");
  return Number(text);
}
