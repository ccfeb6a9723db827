import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "../../ports/failpoint.ts";

/**
 * Beside a container's files: the anonymous volumes that belong to a creation until the container is recorded, and to a removal once it no longer is.
 * Start-up takes them away with the folder of a container that no record names.
 */
export const UNDO_FILE = "undo.json";

export async function noteVolumesToUndo(directory: string, volumes: readonly string[]): Promise<void> {
  if (volumes.length === 0) return;
  await failpoint("containers/undo.write", () => writeFile(join(directory, UNDO_FILE), JSON.stringify({ volumes })));
}

export async function volumesToUndo(directory: string): Promise<readonly string[]> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(directory, UNDO_FILE), "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("volumes" in parsed) || !Array.isArray(parsed.volumes)) return [];
    return parsed.volumes.filter(name => typeof name === "string");
  } catch {
    return []; // Missing, or cut short before a volume was made.
  }
}
