import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "../../ports/failpoint.ts";
import { ifGone } from "./kernel-file.ts";
import { isBuiltIn, type OciRuntime } from "./runtime-command.ts";

const SUFFIX = ".json";

/**
 * Makes the place where a runtime keeps its state. One of the administrator's is noted beside it: its containers may still run when a
 * later daemon's settings do not name it any more. Both are gone with them when the machine starts anew.
 */
export async function prepareRuntime(runtime: OciRuntime): Promise<void> {
  const path = `${runtime.rootPath}${SUFFIX}`;
  await mkdir(runtime.rootPath, { recursive: true, mode: 0o700 });
  if (isBuiltIn(runtime.name)) return;
  await writeFile(`${path}.new`, JSON.stringify(runtime), { mode: 0o600 });
  await failpoint("runtime/note.rename", () => rename(`${path}.new`, path));
}

/** Those that were noted since the machine started, under `<exec-root>/runtime`. */
export async function notedRuntimes(runDirectory: string): Promise<readonly OciRuntime[]> {
  const names = await readdir(runDirectory).catch(ifGone<readonly string[]>([]));
  const notes = names.filter(name => name.endsWith(SUFFIX));
  return Promise.all(notes.map(async name => JSON.parse(await readFile(join(runDirectory, name), "utf8")) as OciRuntime));
}
