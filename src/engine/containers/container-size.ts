import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";

const FILES_AT_ONCE = 256;

/** Bytes of the files below a folder; a file with several names counts once. What vanishes meanwhile is not counted. */
export async function directoryBytes(path: string): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;
  const pending = [path];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const names = await readdir(directory).catch(ignoreMissing);
    for (let start = 0; start < (names?.length ?? 0); start += FILES_AT_ONCE) {
      const paths = (names ?? []).slice(start, start + FILES_AT_ONCE).map(name => join(directory, name));
      const stats = await Promise.all(paths.map(async child => ({ child, stats: await lstat(child).catch(ignoreMissing) })));
      for (const { child, stats: own } of stats) {
        if (own === undefined) continue;
        if (own.isDirectory()) pending.push(child);
        else if (own.nlink < 2 || !seen.has(`${own.dev}:${own.ino}`)) bytes += own.size;
        if (own.nlink > 1) seen.add(`${own.dev}:${own.ino}`);
      }
    }
  }
  return bytes;
}

function ignoreMissing(error: unknown): undefined {
  if (["ENOENT", "ENOTDIR", "EACCES"].includes(errnoCode(error) ?? "")) return undefined;
  throw error;
}
