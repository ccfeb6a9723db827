import { readFile } from "node:fs/promises";
import { errnoCode } from "../../lib/errors.ts";

export const RESOLV_CONF = "/etc/resolv.conf";

/** "" when there is no such file. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoCode(error) ?? "")) return "";
    throw error;
  }
}
