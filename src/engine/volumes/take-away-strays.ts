import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode, errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../ports/log.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** In a volume's folder from before its record is deleted: what is found so without a record goes. */
const REMOVAL_MARK = "removing";

export async function markRemoval(directory: string): Promise<void> {
  await failpoint("volumes/removal-mark.write", () => writeFile(join(directory, REMOVAL_MARK), "").catch(ignoreMissing));
}

export async function unmarkRemoval(directory: string): Promise<void> {
  await rm(join(directory, REMOVAL_MARK), { force: true });
}

/** Finishes removals and undoes creations that were cut short. A folder with content that nobody asked to remove stays, whatever the records say. */
export async function takeAwayStrays(
  root: string,
  { isKnown, log }: { readonly isKnown: (name: string) => boolean; readonly log: Log },
): Promise<void> {
  for (const name of (await readdir(root).catch(ignoreMissing)) ?? []) {
    const directory = join(root, name);
    const content = (await readdir(directory).catch(ignoreMissing)) ?? [];
    const isMarked = content.includes(REMOVAL_MARK);
    if (isKnown(name)) {
      if (isMarked) await unmarkRemoval(directory);
      continue;
    }
    const data = (await readdir(join(directory, "_data")).catch(ignoreMissing)) ?? [];
    if (isMarked || data.length === 0) {
      await rm(directory, { recursive: true, force: true }).catch((error: unknown) => {
        log.warn({ directory, error: errorMessage(error) }, "what is left of a removed volume cannot be taken away");
      });
    } else log.warn({ directory }, "a folder among the volumes belongs to none of them");
  }
}

function ignoreMissing(error: unknown): undefined {
  if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return undefined;
  throw error;
}
