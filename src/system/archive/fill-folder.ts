import { chmodSync, chownSync, closeSync, constants, fstatSync, readdirSync, utimesSync } from "node:fs";
import { SystemCallError } from "../libc.ts";
import { type ConfinedRoot, itself } from "./confined-root.ts";
import { transfer } from "./copy-sources.ts";
import { keptXattrs } from "./node-calls.ts";

const { O_DIRECTORY, O_RDONLY } = constants;
const MODE_BITS = 0o7777;

/**
 * Copies what a tree has in a folder, and the folder's owner, mode and times, into an empty one, in which others may be writing by now.
 * Where the tree has no such folder, and where something is in the other one, nothing is done.
 */
export function fillFolder(from: ConfinedRoot, to: ConfinedRoot, path: string): void {
  const fd = openFolder(from, path);
  if (fd === undefined) return;
  try {
    if (readdirSync(itself(to.fd)).length > 0) return;
    transfer({ root: to, base: Buffer.from("/"), owner: undefined, xattrsOf: keptXattrs }, reader =>
      reader.addContents(fd, Buffer.alloc(0)),
    );
    const { uid, gid, mode, atimeMs, mtimeMs } = fstatSync(fd);
    chownSync(itself(to.fd), uid, gid);
    chmodSync(itself(to.fd), mode & MODE_BITS);
    utimesSync(itself(to.fd), atimeMs / 1000, mtimeMs / 1000);
  } finally {
    closeSync(fd);
  }
}

function openFolder(root: ConfinedRoot, path: string): number | undefined {
  try {
    return root.open(path, { flags: O_RDONLY | O_DIRECTORY });
  } catch (error) {
    if (error instanceof SystemCallError && ["ENOENT", "ENOTDIR"].includes(error.code)) return undefined;
    throw error;
  }
}
