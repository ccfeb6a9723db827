import { chmod, chown, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import { type IdMap, type Owner, rootOnHost } from "../../model/id-map.ts";
import { makeDirectory } from "../exclusive.ts";

/** Set-uid programs in layers are not for the host's users: they may not even pass. */
const MODE = 0o710;

/** Where a daemon keeps its data: each mapping has files of its own, since a file has one owner. */
export function dataRootFor(dataRoot: string, idMap: IdMap | undefined): string {
  if (idMap === undefined) return dataRoot;
  const { uid, gid } = rootOnHost(idMap);
  return join(dataRoot, `${uid}.${gid}`);
}

/** @throws OperationError `invalid`, in dockerd's words where containers' root could not come to its files. */
export async function makeDataRoot(dataRoot: string, idMap: IdMap | undefined): Promise<void> {
  const root = rootOnHost(idMap);
  const own = dataRootFor(dataRoot, idMap);
  for (const path of new Set([dataRoot, own])) {
    await makeDirectory(path, { mode: MODE, purpose: "the data root" });
    await chown(path, process.getuid?.() ?? 0, root.gid);
    await chmod(path, MODE); // Also where it was made by hand.
  }
  if (idMap === undefined) return;
  for (let path = dirname(own); path !== "/"; path = dirname(path)) if (!(await canPass(path, root))) throw restricted(own);
}

async function canPass(path: string, { uid, gid }: Owner): Promise<boolean> {
  const stats = await stat(path);
  if (stats.uid === uid && (stats.mode & 0o100) !== 0) return true;
  if (stats.gid === gid && (stats.mode & 0o010) !== 0) return true;
  return (stats.mode & 0o001) !== 0;
}

function restricted(path: string): OperationError {
  return new OperationError(
    "invalid",
    `a subdirectory in your graphroot path (${path}) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories`,
  );
}
