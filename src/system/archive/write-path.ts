import { closeSync, fstatSync } from "node:fs";
import { OperationError } from "../../lib/errors.ts";
import { TarParser } from "../../lib/tar/parser.ts";
import { SystemCallError } from "../libc.ts";
import { type ConfinedRoot, followedPath, O_PATH } from "./confined-root.ts";
import { parseUserPath } from "./container-path.ts";
import { ContainerWriter } from "./container-writer.ts";
import { ownerIn } from "./owner.ts";
import type { WriteSettings } from "./protocol.ts";
import { readSmallFile } from "./small-file.ts";

/** Unpacks an archive at a folder of the tree. @throws OperationError in Docker's words. */
export function writePath(
  root: ConfinedRoot,
  { path, settings, source }: { readonly path: string; readonly settings: WriteSettings; readonly source: Iterable<Uint8Array> },
): void {
  const base = followedPath(root, Buffer.from(parseUserPath(path).clean));
  checkTarget(root, { base, path, settings });
  const owner = settings.owner === "" ? undefined : ownerIn(settings.owner, file => readSmallFile(root, file));
  const writer = new ContainerWriter({ root, base, keepsKinds: settings.keepsKinds, ...(owner === undefined ? {} : { owner }) });
  const parser = new TarParser();
  try {
    for (const bytes of source) for (const event of parser.push(bytes)) writer.handle(event);
    parser.finish();
    writer.finish();
  } finally {
    writer.abandon();
  }
}

function checkTarget(
  root: ConfinedRoot,
  { base, path, settings }: { readonly base: Buffer; readonly path: string; readonly settings: WriteSettings },
): void {
  let fd: number;
  try {
    fd = root.open(base, { flags: O_PATH });
  } catch (error) {
    const code = error instanceof SystemCallError ? error.code : "";
    if (code === "ENOENT") throw new OperationError("not-found", path, { cause: error });
    throw error;
  }
  const isFolder = fstatSync(fd).isDirectory();
  closeSync(fd);
  if (!isFolder) throw new OperationError("invalid", "extraction point is not a directory");
  const holder = mountOf(base.toString("utf8"), settings.mounts);
  if (holder === undefined && settings.isRootReadOnly) {
    throw new OperationError("invalid", "container rootfs is marked read-only");
  }
  if (holder?.isWritable === false) throw new OperationError("invalid", "mounted volume is marked read-only");
}

/** The innermost mount that holds a path. */
export function mountOf<M extends { readonly destination: string }>(path: string, mounts: readonly M[]): M | undefined {
  const holders = mounts.filter(({ destination }) => path === destination || path.startsWith(`${destination}/`));
  return holders.toSorted((left, right) => right.destination.length - left.destination.length)[0];
}
