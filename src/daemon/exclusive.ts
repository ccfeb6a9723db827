import { lstat, mkdir, readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { errnoCode, errorMessage, OperationError } from "../lib/errors.ts";

/** @throws OperationError `conflict` while the process that the pid file names is a daemon of ours. */
export async function refuseSecondDaemon(pidFile: string): Promise<void> {
  const pid = Number((await readIfThere(pidFile))?.trim());
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return;
  const command = await readIfThere(`/proc/${pid}/cmdline`);
  if (command === undefined || !/\bshoald(\.mjs)?\0/.test(command)) return; // The pid of a dead daemon, given to another program since.
  throw new OperationError(
    "conflict",
    `failed to start daemon, ensure shoald is not running or delete ${pidFile}: process with PID ${pid} is still running`,
  );
}

/** A socket file whose daemon is dead may be replaced, one that answers may not. @throws OperationError `conflict` */
export async function refuseOccupiedSocket(path: string): Promise<void> {
  const isAnswered = await new Promise<boolean>(resolve => {
    const connection = createConnection({ path });
    connection.on("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
  if (isAnswered) throw new OperationError("conflict", `another program listens on ${path}`);
}

/**
 * Makes a directory and those above it. Not by Node's `recursive`: that never returns where the file system cannot make any (/proc).
 * @param options.purpose - For the message: "the data root".
 * @throws OperationError `invalid`
 */
export async function makeDirectory(path: string, options: { readonly mode: number; readonly purpose: string }): Promise<void> {
  try {
    await makeWithParents(path, options.mode);
  } catch (error) {
    throw new OperationError("invalid", `cannot make ${options.purpose}, ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

async function makeWithParents(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const isDirectory = await lstat(`${path}/`).then(
      stat => stat.isDirectory(),
      () => false,
    );
    if (isDirectory) return;
    if (errnoCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeWithParents(dirname(path), 0o755);
    await mkdir(path, { mode });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ESRCH") return undefined;
    throw error;
  }
}
