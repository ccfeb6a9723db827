import { stat } from "node:fs/promises";
import { errnoCode } from "../../lib/errors.ts";

/** Whether something is at the path, links followed. @throws where that cannot be known. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoCode(error) ?? "")) return false;
    throw error;
  }
}
