import { closeSync, lchownSync, mkdirSync, openSync, statSync } from "node:fs";
import { ROOT } from "../../model/id-map.ts";
import { unshare, mount, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, SystemCallError } from "../libc.ts";
import { ConfinedRoot, itself, nameIn, O_PATH, openFolderRoot, openProcessRoot } from "./confined-root.ts";
import { ownerOnDisk } from "./mapped-ids.ts";
import type { FolderMount, RootSource } from "./protocol.ts";

const CLONE_NEWNS = 0x00020000;

/** Opens a container's tree. For a folder with mounts this thread goes into a mount namespace of its own, for good. */
export function openRoot(source: RootSource): ConfinedRoot {
  if (source.kind === "process") return openProcessRoot(source);
  if (source.mounts.length === 0) return openFolderRoot(source.path);
  unshare(CLONE_NEWNS);
  mount("none", "/", null, MS_REC | MS_PRIVATE, null);
  // Opened anew for each mount: what was opened before one of them does not see it.
  for (const one of source.mounts) {
    const root = openFolderRoot(source.path);
    try {
      mountInto(root, one);
    } finally {
      root.close();
    }
  }
  return openFolderRoot(source.path);
}

function mountInto(root: ConfinedRoot, { source, destination, isWritable }: FolderMount): void {
  const isFolder = statSync(source).isDirectory();
  const fd = openOrMake(root, destination, isFolder);
  try {
    mount(source, itself(fd), null, MS_BIND | MS_REC, null);
  } finally {
    closeSync(fd);
  }
  if (isWritable) return;
  const mounted = root.open(destination, { flags: O_PATH });
  try {
    mount("none", itself(mounted), null, MS_BIND | MS_REMOUNT | MS_RDONLY, null);
  } finally {
    closeSync(mounted);
  }
}

/** A mount point, made where there is none, as a start would. */
function openOrMake(root: ConfinedRoot, path: string, isFolder: boolean): number {
  try {
    return root.open(path, { flags: O_PATH });
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "ENOENT") throw error;
  }
  const parts = path.split("/").filter(part => part !== "");
  for (let count = 1; count <= parts.length; count++) {
    const parent = root.openFolder(parts.slice(0, count - 1).join("/"));
    try {
      makeUnlessThere(nameIn(parent, Buffer.from(parts[count - 1] ?? "")), isFolder || count < parts.length);
    } finally {
      closeSync(parent);
    }
  }
  return root.open(path, { flags: O_PATH });
}

function makeUnlessThere(path: Buffer, isFolder: boolean): void {
  try {
    if (isFolder) mkdirSync(path, 0o755);
    else closeSync(openSync(path, "wx", 0o644));
    const { uid, gid } = ownerOnDisk(ROOT);
    lchownSync(path, uid, gid);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EEXIST") throw error;
  }
}
