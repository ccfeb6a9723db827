import { closeSync, constants, fstatSync, readSync } from "node:fs";
import type { ConfinedRoot } from "./confined-root.ts";

const { O_NONBLOCK, O_RDONLY } = constants;
const BYTES_MAX = 4 * 1024 * 1024;

/** Of a container's accounts. Empty when it is not there. A pipe in its place is not waited for. */
export function readSmallFile(root: ConfinedRoot, path: string): string {
  let fd: number;
  try {
    fd = root.open(path, { flags: O_RDONLY | O_NONBLOCK });
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile() || size > BYTES_MAX) return "";
    const content = Buffer.alloc(size);
    return content.toString("utf8", 0, readSync(fd, content, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}
