import { open, readFile, rename } from "node:fs/promises";
import { errnoCode } from "../../lib/errors.ts";

/**
 * After a crash the old or the new content is there, whole.
 * @param options.isSynced - Else that holds for a crash of this process only.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { isSynced = true }: { readonly isSynced?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(content);
    if (isSynced) await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (isSynced) await syncDirectory(path.slice(0, path.lastIndexOf("/")));
}

/** Makes creations, renames and removals in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
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
