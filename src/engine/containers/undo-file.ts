import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { failpoint } from "../../ports/failpoint.ts";

/**
 * Beside a container's files: the anonymous volumes that belong to a creation until the container is recorded, and to a removal once it no longer is.
 * Start-up takes them away with the folder of a container that no record names.
 */
const UNDO_FILE = "undo.json";

export async function noteVolumesToUndo(directory: string, volumes: readonly string[]): Promise<void> {
  if (volumes.length === 0) return;
  await failpoint("containers/undo.write", () => writeFile(join(directory, UNDO_FILE), JSON.stringify({ volumes })));
}

/** The creation is done, or the removal is not to be. */
export async function forgetVolumesToUndo(directory: string): Promise<void> {
  await rm(join(directory, UNDO_FILE), { force: true });
}

/** None where the file is missing, or was cut short before a volume was made. @throws where it is there and cannot be read. */
export async function volumesToUndo(directory: string): Promise<readonly string[]> {
  const text = await readFile(join(directory, UNDO_FILE), "utf8").catch((error: unknown) => {
    if (errnoCode(error) !== "ENOENT") throw error;
    return "";
  });
  const parsed = parsedOrNothing(text);
  if (typeof parsed !== "object" || parsed === null || !("volumes" in parsed) || !Array.isArray(parsed.volumes)) return [];
  return parsed.volumes.filter(name => typeof name === "string");
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
