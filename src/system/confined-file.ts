import { type BigIntStats, closeSync, constants, fstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { OperationError } from "../lib/errors.ts";
import { itself, O_PATH, openFolderRoot } from "./archive/confined-root.ts";
import { KnownTexts } from "./known-texts.ts";
import { SystemCallError } from "./libc.ts";

const NOT_THERE = ["ENOENT", "ENOTDIR", "ELOOP", "EXDEV"];

interface TextRequest {
  readonly path: string;
  readonly bytesMax: number;
}

const knownTexts = new KnownTexts();

/**
 * Reads a small text of a tree that others may change meanwhile: the kernel resolves the path inside the tree, and nothing but a regular
 * file is opened, for a pipe would never be read to its end. One that has not changed since is not read again.
 *
 * @returns undefined when there is no such file.
 * @throws OperationError `invalid` for one that is larger than `bytesMax`.
 */
export async function readConfinedFile(root: string, request: TextRequest): Promise<string | undefined> {
  const fd = openIn(root, request.path);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile()) return undefined;
    const known = knownTexts.get(stats);
    if (known !== undefined && stats.size <= request.bytesMax) return known;
    const startedMs = Date.now();
    const text = await readText(fd, stats, request);
    knownTexts.add(stats, { text, readAtMs: startedMs });
    return text;
  } finally {
    closeSync(fd);
  }
}

async function readText(fd: number, stats: BigIntStats, { path, bytesMax }: TextRequest): Promise<string> {
  const file = await open(itself(fd), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const size = Number(stats.size);
    const buffer = Buffer.alloc(Math.min(size, bytesMax) + 1); // One more: it may have grown.
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead > bytesMax || size > bytesMax) throw new OperationError("invalid", `${path} is larger than ${bytesMax} bytes`);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
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
