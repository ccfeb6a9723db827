import { closeSync, openSync } from "node:fs";
import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { declareUnchecked } from "./libc.ts";

const LOCK_EX_NB = 2 | 4;
const POLL_MS = 50;
const flock = declareUnchecked<[fd: number, operation: number]>("int flock(int fd, int operation)");

/**
 * Takes an exclusive lock on a file, which is made when missing. The kernel gives it back when the process ends, however it ends.
 * @throws OperationError `conflict` when another process still holds it after `waitMs`.
 */
export async function lockFile(
  path: string,
  { clock, waitMs }: { readonly clock: Clock; readonly waitMs: number },
): Promise<Disposable> {
  const fd = openSync(path, "a", 0o600);
  const deadlineMs = clock.monotonicMs() + waitMs;
  while (flock(fd, LOCK_EX_NB) !== 0) {
    if (clock.monotonicMs() >= deadlineMs) {
      closeSync(fd);
      throw new OperationError("conflict", `${path} is locked by another process`);
    }
    await clock.sleep(POLL_MS);
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
