import { readFile } from "node:fs/promises";

export const RESOLV_CONF = "/etc/resolv.conf";

/** "" when there is no such file. */
export async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
