import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LAB_ROOT } from "../../deploy/lab/paths.ts";

/** Where a run leaves what its findings are explained by. */
export const OUTPUT = ".chaos";

/** What every host's daemon logged, beside the history of the run. */
export async function keepLogs(lab: string, { seed }: { readonly seed: number }): Promise<void> {
  await mkdir(OUTPUT, { recursive: true });
  for (const host of await readdir(join(LAB_ROOT, lab))) {
    const log = join(LAB_ROOT, lab, host, "shoald.log");
    if (existsSync(log)) await copyFile(log, join(OUTPUT, `${seed}-${host}.log`));
  }
}
