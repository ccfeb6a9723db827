import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { TarEntry, TarEntryType, TarEvent } from "../../lib/tar/entry.ts";
import { resolveMemberPath } from "../../lib/tar/path.ts";

const TYPE_FLAGS: Record<TarEntryType, string> = {
  file: "0",
  "hard-link": "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};
const WRITE_CHARACTERS = 64 * 1024;

/** What a build's cache knows of a file's attributes. Its time is not among them. */
export type SummedAttributes = Pick<
  TarEntry,
  | "type"
  | "path"
  | "linkPath"
  | "mode"
  | "uid"
  | "gid"
  | "userName"
  | "groupName"
  | "sizeBytes"
  | "deviceMajor"
  | "deviceMinor"
  | "xattrs"
>;

/** Begins the sum of a file: its content follows. @see moby pkg/tarsum, version 1. */
export function attributeHash(entry: SummedAttributes): Hash {
  const hash = createHash("sha256");
  const add = (name: string, value: string | Buffer): void => void hash.update(name).update(value);
  add("name", entry.path);
  add("mode", String(entry.mode));
  add("uid", String(entry.uid));
  add("gid", String(entry.gid));
  add("size", String(entry.type === "file" ? entry.sizeBytes : 0));
  add("typeflag", TYPE_FLAGS[entry.type]);
  add("linkname", entry.linkPath);
  add("uname", entry.userName);
  add("gname", entry.groupName);
  add("devmajor", String(entry.deviceMajor));
  add("devminor", String(entry.deviceMinor));
  for (const name of [...entry.xattrs.keys()].toSorted()) add(name, entry.xattrs.get(name) ?? "");
  return hash;
}

/** Sums an archive's members as they pass, into a file of lines: `["PATH","SUM"]`, the path in latin1 and without a slash in front. */
export class MemberSums {
  readonly #fd: number;
  #hash: Hash | undefined;
  #path = "";
  #lines = "";

  constructor(path: string) {
    this.#fd = openSync(path, "wx", 0o600);
  }

  handle(event: TarEvent): void {
    if (event.kind === "data") this.#hash?.update(event.bytes);
    else {
      this.#flushEntry();
      if (event.kind === "end") return;
      this.#path = resolveMemberPath(event.entry.path).toString("latin1").slice(1);
      this.#hash = attributeHash(event.entry);
    }
  }

  finish(): void {
    this.#flushEntry();
    this.#flushLines();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #flushEntry(): void {
    if (this.#hash === undefined) return;
    this.#lines += `${JSON.stringify([this.#path, this.#hash.digest("hex")])}\n`;
    this.#hash = undefined;
    if (this.#lines.length >= WRITE_CHARACTERS) this.#flushLines();
  }

  #flushLines(): void {
    const bytes = Buffer.from(this.#lines, "utf8");
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written);
    this.#lines = "";
  }
}

/** By path. Where a name comes twice the first counts, as in Docker. */
export function readSums(path: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "") continue;
    const [name, sum] = JSON.parse(line) as [string, string];
    if (!sums.has(name)) sums.set(name, sum);
  }
  return sums;
}
