import { closeSync, openSync, unlinkSync } from "node:fs";
import { mknod } from "./libc.ts";

const S_IFCHR = 0o020000;
/** Major 1, minor 3. @see null(4) */
const NULL_DEVICE = (1 << 8) | 3;
let count = 0;

/** What `openPrivateNull` gives. */
export interface OpenNull extends Disposable {
  readonly fd: number;
}

/**
 * The null device by a file that has no name any more. Whoever is given an open file may change its owner and mode, and crun 1.8 does the
 * first itself: with the host's /dev/null it would be the host's.
 */
export function openPrivateNull(): OpenNull {
  // In /dev, since elsewhere devices may not be opened.
  const path = `/dev/.shoal-null-${process.pid}-${++count}`;
  mknod(path, S_IFCHR | 0o666, NULL_DEVICE);
  try {
    const fd = openSync(path, "r+");
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  } finally {
    unlinkSync(path);
  }
}
