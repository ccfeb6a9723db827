import { open, readFile, rename, rm } from "node:fs/promises";
import { errnoCode } from "../../lib/errors.ts";
import { failpoint, type FailpointName } from "../../ports/failpoint.ts";

/** Which file it is: part of the names of its failpoints. */
export type ReplacedFile =
  | "images/config"
  | "images/image-record"
  | "images/layer-record"
  | "images/repositories"
  | "state/format";

/**
 * After a crash the old or the new content is there, whole.
 * @param options.isSynced - Else that holds for a crash of this process only.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { place, isSynced = true }: { readonly place: ReplacedFile; readonly isSynced?: boolean },
): Promise<void> {
  const temporary = unfinishedPath(path);
  try {
    await writeSynced(temporary, content, place, isSynced);
    await failpoint(`${place}.rename`, () => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (isSynced) await syncDirectory(path.slice(0, path.lastIndexOf("/")), `${place}.sync-folder`);
}

async function writeSynced(
  path: string,
  content: string | Uint8Array,
  ...[place, isSynced]: [ReplacedFile, boolean]
): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(content);
    if (isSynced) await failpoint(`${place}.sync`, () => file.datasync());
  } finally {
    await file.close();
  }
}

/** What a process left that ended while it replaced the file. */
export async function removeUnfinished(path: string): Promise<void> {
  await rm(unfinishedPath(path), { force: true });
}

function unfinishedPath(path: string): string {
  return `${path}.new`;
}

/** Makes creations, renames and removals in a folder durable. */
export async function syncDirectory(path: string, name: FailpointName): Promise<void> {
  const directory = await open(path, "r");
  try {
    await failpoint(name, () => directory.sync());
  } finally {
    await directory.close();
  }
}

export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
