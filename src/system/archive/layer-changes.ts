import { closeSync, constants, lstatSync, type Stats } from "node:fs";
import { OperationError } from "../../lib/errors.ts";
import { encodeHeader, TAR_END } from "../../lib/tar/writer.ts";
import { type ConfinedRoot, nameIn, openFolderRoot } from "./confined-root.ts";
import { getXattr } from "./node-calls.ts";
import type { ChangeKind, LayerFolders } from "./protocol.ts";
import { joinNames, openFolderIn, sortedNames, TreeReader, unlessGone } from "./tree-reader.ts";

const { O_DIRECTORY, O_RDONLY, S_IFMT } = constants;
const CHANGES_MAX = 2_000_000;
const OPAQUE_XATTR = "trusted.overlay.opaque";
const WHITEOUT_PREFIX = Buffer.from(".wh.");

/** Relative to the root, without a leading slash. */
export interface Change {
  readonly path: Buffer;
  readonly kind: ChangeKind;
}

/** What a start puts into every container's own layer for mounts of the engine's; not a change as long as it is empty. */
const MOUNT_POINTS = new Set([
  ...[".dockerenv", "dev", "dev/console", "dev/pts", "dev/shm", "dev/mqueue", "proc", "sys", "etc"],
  ...["etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"],
]);

interface LowerEntry {
  readonly stats: Stats;
  /** Of a folder: those that together are it, topmost first. To be closed. */
  readonly folders: readonly number[];
}

/** What a container's own layer makes of the layers below: parents before children, by name. */
export function listChanges({ upper, lower, isBare = false }: LayerFolders): readonly Change[] {
  const changes: Change[] = [];
  withFolders([upper, ...lower], ([own, ...below]) => {
    if (own !== undefined) walk({ own, below, isOpaque: false, isBare, path: Buffer.alloc(0) }, changes);
  });
  return changes;
}

interface Folder {
  readonly own: number;
  readonly below: readonly number[];
  /** What is below does not show through. */
  readonly isOpaque: boolean;
  readonly isBare: boolean;
  readonly path: Buffer;
}

function walk(folder: Folder, changes: Change[]): void {
  const names = new Map(sortedNames(folder.own).map(name => [name.toString("latin1"), name]));
  if (folder.isOpaque)
    for (const fd of folder.below) for (const name of sortedNames(fd)) names.set(name.toString("latin1"), name);
  for (const [, name] of [...names].toSorted(([, left], [, right]) => left.compare(right))) visit(folder, name, changes);
  if (changes.length > CHANGES_MAX) throw new OperationError("invalid", `more than ${CHANGES_MAX} changes`);
}

function visit(folder: Folder, name: Buffer, changes: Change[]): void {
  const path = joinNames(folder.path, name);
  const lower = findBelow(folder.below, name);
  try {
    const stats = lstatIfThere(folder.own, name);
    if (stats === undefined || isWhiteout(stats)) {
      if (lower !== undefined) changes.push({ path, kind: "deleted" });
      return;
    }
    const isSame = lower !== undefined && !differs({ folder, name, stats }, lower);
    const before = changes.length;
    const inside: Change[] = [];
    if (stats.isDirectory()) descend(folder, { name, path, lower }, inside);
    if (lower === undefined) {
      const isOwnMountPoint = !folder.isBare && MOUNT_POINTS.has(path.toString("latin1")) && inside.length === 0;
      const isEmpty = stats.isDirectory() || stats.size === 0 || stats.isSymbolicLink();
      if (!(isOwnMountPoint && isEmpty)) changes.push({ path, kind: "added" });
    } else if (!isSame || inside.length > 0) changes.push({ path, kind: "modified" });
    if (changes.length > before) for (const change of inside) changes.push(change);
  } finally {
    for (const fd of lower?.folders ?? []) closeSync(fd);
  }
}

function descend(
  folder: Folder,
  { name, path, lower }: { readonly name: Buffer; readonly path: Buffer; readonly lower: LowerEntry | undefined },
  changes: Change[],
): void {
  const own = openFolderIn(folder.own, name);
  if (own === undefined) return;
  try {
    const isOpaque = folder.isOpaque || getXattr(nameIn(folder.own, name), OPAQUE_XATTR)?.toString("latin1") === "y";
    walk({ own, below: lower?.folders ?? [], isOpaque, isBare: folder.isBare, path }, changes);
  } finally {
    closeSync(own);
  }
}

/** What a name is in the layers below, taken together. */
function findBelow(below: readonly number[], name: Buffer): LowerEntry | undefined {
  let found: Stats | undefined;
  const folders: number[] = [];
  for (const fd of below) {
    const stats = lstatIfThere(fd, name);
    if (stats === undefined) continue;
    if (isWhiteout(stats) || (found !== undefined && !stats.isDirectory())) break;
    found ??= stats;
    if (!stats.isDirectory()) break;
    const folder = openFolderIn(fd, name);
    if (folder !== undefined) folders.push(folder);
    if (getXattr(nameIn(fd, name), OPAQUE_XATTR)?.toString("latin1") === "y") break;
  }
  return found === undefined ? undefined : { stats: found, folders };
}

/** Sizes and times of folders say nothing: they are those of the layer. */
function differs(
  { folder, name, stats }: { readonly folder: Folder; readonly name: Buffer; readonly stats: Stats },
  { stats: old }: LowerEntry,
): boolean {
  if (stats.mode !== old.mode || stats.uid !== old.uid || stats.gid !== old.gid || stats.rdev !== old.rdev) return true;
  if ((stats.mode & S_IFMT) === constants.S_IFDIR) return false;
  if (stats.size !== old.size || !isSameTime(stats.mtimeMs, old.mtimeMs)) return true;
  // A copy made by a change of attributes alone; the one below is found again only where it counts.
  return folder.below.every(fd => capabilityOf(fd, name) !== capabilityOf(folder.own, name));
}

function capabilityOf(fd: number, name: Buffer): string {
  return getXattr(nameIn(fd, name), "security.capability")?.toString("hex") ?? "";
}

/** An archive keeps whole seconds. */
function isSameTime(left: number, right: number): boolean {
  const isWhole = left % 1000 === 0 || right % 1000 === 0;
  return isWhole ? Math.floor(left / 1000) === Math.floor(right / 1000) : left === right;
}

/** The changes as a layer that other engines read: files, and an empty `.wh.NAME` for what is gone. */
export function readChanges(layers: LayerFolders, write: (bytes: Uint8Array) => void): void {
  const changes = listChanges(layers);
  const reader = new TreeReader(write);
  const root = openFolderRoot(layers.upper);
  let open: { readonly folder: Buffer; readonly fd: number } | undefined;
  try {
    for (const { path, kind } of changes) {
      const at = path.lastIndexOf(0x2f);
      const [folder, name] = at < 0 ? [Buffer.alloc(0), path] : [path.subarray(0, at), path.subarray(at + 1)];
      if (kind === "deleted") {
        write(encodeHeader({ type: "file", path: joinNames(folder, Buffer.concat([WHITEOUT_PREFIX, name])), mode: 0 }));
        continue;
      }
      if (open?.folder.equals(folder) !== true) {
        if (open !== undefined) closeSync(open.fd);
        open = undefined;
        const fd = openPlainFolder(root, folder);
        if (fd === undefined) continue; // Gone since it was listed.
        open = { folder, fd };
      }
      reader.addEntry(open.fd, name, path);
    }
  } finally {
    if (open !== undefined) closeSync(open.fd);
    root.close();
  }
  write(TAR_END);
}

function openPlainFolder(root: ConfinedRoot, path: Buffer): number | undefined {
  return unlessGone(() => root.open(path, { flags: O_RDONLY | O_DIRECTORY, followsLinks: false }));
}

function withFolders(paths: readonly string[], action: (fds: readonly number[]) => void): void {
  const roots = paths.map(openFolderRoot);
  try {
    action(roots.map(({ fd }) => fd));
  } finally {
    for (const root of roots) root.close();
  }
}

function lstatIfThere(folderFd: number, name: Buffer): Stats | undefined {
  return lstatSync(nameIn(folderFd, name), { throwIfNoEntry: false });
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}
