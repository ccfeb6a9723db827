import { closeSync, constants, fstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { OperationError } from "../lib/errors.ts";
import { itself, O_PATH, openFolderRoot } from "./archive/confined-root.ts";
import { SystemCallError } from "./libc.ts";

const NOT_THERE = ["ENOENT", "ENOTDIR", "ELOOP", "EXDEV"];

/**
 * Reads a small text of a tree that others may change meanwhile: the kernel resolves the path inside the tree, and nothing but a regular
 * file is opened, for a pipe would never be read to its end.
 *
 * @returns undefined when there is no such file.
 * @throws OperationError `invalid` for one that is larger than `bytesMax`.
 */
export async function readConfinedFile(
  root: string,
  { path, bytesMax }: { readonly path: string; readonly bytesMax: number },
): Promise<string | undefined> {
  const fd = openIn(root, path);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return undefined;
    const file = await open(itself(fd), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = stats;
      const buffer = Buffer.alloc(Math.min(size, bytesMax) + 1); // One more: it may have grown.
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      if (bytesRead > bytesMax || size > bytesMax)
        throw new OperationError("invalid", `${path} is larger than ${bytesMax} bytes`);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } finally {
    closeSync(fd);
  }
}

/** A descriptor that stands for the file without opening it. */
function openIn(root: string, path: string): number | undefined {
  const tree = openFolderRoot(root);
  try {
    return tree.open(path, { flags: O_PATH });
  } catch (error) {
    if (error instanceof SystemCallError && NOT_THERE.includes(error.code)) return undefined;
    throw error;
  } finally {
    tree.close();
  }
}
