import { readdir, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

const RECURSIVE = { recursive: true, force: true } as const;

/**
 * A folder, most likely empty or with files alone: one call to the kernel for each, where `rm` makes two and more. No error when it is missing.
 * @param names - What is in it, if that is known.
 */
export async function removeFolder(path: string, names?: readonly string[]): Promise<void> {
  if (names === undefined && (await succeeds(rmdir(path)))) return;
  const files = names ?? (await readdir(path).catch((): string[] => []));
  const unlinks = await Promise.all(files.map(name => succeeds(unlink(join(path, name)))));
  // What is not as expected is told by the slow way.
  if (unlinks.includes(false) || !(await succeeds(rmdir(path)))) await rm(path, RECURSIVE);
}

function succeeds(step: Promise<void>): Promise<boolean> {
  return step.then(
    () => true,
    () => false,
  );
}
