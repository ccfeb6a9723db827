import type { Stats } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { TAR_END, encodeHeader } from "../../../lib/tar/writer.ts";
import { CliError } from "../../context.ts";
import { statsIfThere } from "../../stats-if-there.ts";
import { fileOf, typeOf } from "../build-context.ts";
import type { CopySource } from "./place-copy.ts";

/** A file or a folder of this system. */
export interface LocalSource extends CopySource {
  readonly path: string;
  readonly followsLink: boolean;
}

/** @throws CliError in Docker's words where there is nothing. */
export async function openSource(path: string, { followsLink }: { readonly followsLink: boolean }): Promise<LocalSource> {
  // A slash behind it says that it is a folder, or a link to one.
  const asksFolder = /(^|\/)\.?$/.test(path);
  const follows = followsLink || asksFolder;
  const whole = resolve(path);
  const found = await statsIfThere(whole, { followsLink: follows });
  if (found === undefined) throw new CliError(`lstat ${whole}: no such file or directory`);
  if (asksFolder && !found.isDirectory()) throw new CliError("not a directory");
  const base = /(^|\/)\.$/.test(path) ? "." : basename(whole);
  return { path: whole, followsLink: follows, base, name: base, isDirectory: found.isDirectory() };
}

/** It and what is below it, with owners, times and modes. Sockets are left out. */
export async function* archiveOfSource(
  { path, base, followsLink }: LocalSource,
  { rename, onBytes }: { readonly rename: (name: string) => string; readonly onBytes: (count: number) => void },
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of membersOf(path, { name: base, rename, stats: await (followsLink ? stat : lstat)(path) })) {
    onBytes(chunk.length);
    yield chunk;
  }
  onBytes(TAR_END.length);
  yield TAR_END;
}

interface Member {
  readonly name: string;
  readonly rename: (name: string) => string;
  readonly stats: Stats;
}

async function* membersOf(path: string, { name, rename, stats }: Member): AsyncGenerator<Uint8Array, void, void> {
  const type = typeOf(stats);
  if (type === undefined) return;
  const common = { mode: stats.mode & 0o7777, mtimeSeconds: Math.floor(stats.mtimeMs / 1000), uid: stats.uid, gid: stats.gid };
  const renamed = rename(name);
  if (type === "file") {
    yield encodeHeader({ ...common, type, path: renamed, sizeBytes: stats.size });
    yield* fileOf(path, stats.size);
  } else if (type === "symlink") yield encodeHeader({ ...common, type, path: renamed, linkPath: await readlink(path) });
  else yield encodeHeader({ ...common, type, path: type === "directory" ? `${renamed}/` : renamed });
  if (type !== "directory") return;
  for (const inner of (await readdir(path)).toSorted()) {
    const at = join(path, inner);
    yield* membersOf(at, { name: `${name}/${inner}`, rename, stats: await lstat(at) });
  }
}
