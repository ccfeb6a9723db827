import { constants } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerId } from "../../model/ids.ts";
import { failpoint } from "../../ports/failpoint.ts";
import type { OciRuntime } from "./runtime-command.ts";

/**
 * Starts a container of crun's as `crun start` does, without a program of its own for it: its first process waits to read a byte from a
 * named pipe, and a container without that pipe counts as started. (Hooks that run after a start would be left out: no spec of ours has any.) @see libcrun_status_write_exec_fifo in crun
 *
 * @returns false when it has to be started by the runtime after all: another runtime, or nobody waits at the pipe yet.
 */
export async function startByFifo({ kind, rootPath }: OciRuntime, id: ContainerId): Promise<boolean> {
  if (kind !== "crun") return false;
  const path = join(rootPath, id, "exec.fifo");
  const fifo = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (fifo === undefined) return false;
  try {
    await failpoint("runtime/start.spawn", async () => {
      await unlink(path);
      await fifo.write("0");
    });
  } finally {
    void fifo.close().catch(() => undefined); // Nobody waits for it, and nothing hangs on it.
  }
  return true;
}
