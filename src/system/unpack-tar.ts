import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { OperationError } from "../lib/errors.ts";

const MESSAGE_BYTES_MAX = 4096;

/**
 * Unpacks an archive in an existing folder by the system's tar: owners, modes, devices and file capabilities are as in the archive, as far as this user
 * may set them.
 *
 * @throws OperationError `internal` with what tar says.
 */
export async function unpackTar(archive: Readable, folder: string): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const flags = ["--extract", "--directory", folder, "--numeric-owner", "--same-permissions"];
  const asRoot = isRoot ? ["--same-owner", "--xattrs", "--xattrs-include=*"] : [];
  const child = spawn("tar", [...flags, ...asRoot], { stdio: ["pipe", "ignore", "pipe"], env: { ...process.env, LC_ALL: "C" } });
  let message = "";
  child.stderr.on("data", (chunk: Buffer) => (message = (message + chunk.toString()).slice(0, MESSAGE_BYTES_MAX)));
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", error => reject(new OperationError("internal", `tar: ${error.message}`, { cause: error })));
    child.once("close", code => {
      if (code === 0) resolve();
      else reject(new OperationError("internal", message.trim() || `tar ended with ${code}`));
    });
  });
  // When tar gives up it says why; that its input broke off then is no news.
  const [sent, unpacked] = await Promise.allSettled([pipeline(archive, child.stdin), ended]);
  if (unpacked.status === "rejected") throw unpacked.reason;
  if (sent.status === "rejected") throw sent.reason;
}
