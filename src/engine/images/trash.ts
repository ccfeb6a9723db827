import { rename } from "node:fs/promises";
import { errnoCode, errorMessage } from "../../lib/errors.ts";
import { failuresOf, joined } from "../../lib/undo.ts";
import type { Log } from "../../ports/log.ts";
import type { ImageArchives } from "./effects.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** Takes trees out of sight at once and removes them in the background: millions of files take seconds. What is left over after a crash goes at the next start. */
export class Trash {
  readonly #folder: string;
  readonly #archives: ImageArchives;
  readonly #log: Log;
  readonly #removals = new Set<Promise<void>>();
  #count = 0;

  /** @param folder - Existing, on the file system of what is thrown away, and emptied at each start. */
  constructor(folder: string, { archives, log }: { readonly archives: ImageArchives; readonly log: Log }) {
    this.#folder = folder;
    this.#archives = archives;
    this.#log = log;
  }

  /** Resolves when none of the paths is there any more. Those that are missing are no error. */
  async throwAway(paths: readonly string[]): Promise<void> {
    const moved: string[] = [];
    const failures = await failuresOf(
      paths.map(path => async () => {
        const target = `${this.#folder}/gone-${this.#count++}`;
        await failpoint("images/trash.rename", () => rename(path, target)).then(() => moved.push(target), ignoreMissing);
      }),
    );
    if (moved.length > 0) this.#remove(moved);
    if (failures.length > 0) throw joined(failures);
  }

  #remove(moved: readonly string[]): void {
    const removal: Promise<void> = this.#archives
      .remove(moved)
      .catch(error =>
        this.#log.warn({ error: errorMessage(error) }, "cannot remove what was thrown away; the next start tries again"),
      )
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Resolves when everything thrown away so far is gone. */
  async settle(): Promise<void> {
    await Promise.all(this.#removals);
  }
}

function ignoreMissing(error: unknown): void {
  if (errnoCode(error) !== "ENOENT") throw error;
}
