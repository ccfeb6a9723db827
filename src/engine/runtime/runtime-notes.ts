import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { failpoint } from "../../ports/failpoint.ts";
import { ifGone } from "./kernel-file.ts";
import { isBuiltIn, type OciRuntime } from "./runtime-command.ts";

const SUFFIX = ".json";

/** Beside the folder of all runtimes: in there, a runtime may have any name. */
const notesIn = (runDirectory: string): string => `${runDirectory}-notes`;

/**
 * Makes the place where a runtime keeps its state. One of the administrator's is noted: its containers may still run when a later
 * daemon's settings do not name it any more. Both are gone with them when the machine starts anew.
 */
export async function prepareRuntime(runtime: OciRuntime): Promise<void> {
  await mkdir(runtime.rootPath, { recursive: true, mode: 0o700 });
  if (isBuiltIn(runtime.name)) return;
  const notes = notesIn(dirname(runtime.rootPath));
  await mkdir(notes, { recursive: true, mode: 0o700 });
  const path = join(notes, `${basename(runtime.rootPath)}${SUFFIX}`);
  await writeFile(`${path}.new`, JSON.stringify(runtime), { mode: 0o600 });
  await failpoint("runtime/note.rename", () => rename(`${path}.new`, path));
}

/** Those that were noted since the machine started, under `<exec-root>/runtime`. */
export async function notedRuntimes(runDirectory: string): Promise<readonly OciRuntime[]> {
  const directory = notesIn(runDirectory);
  const names = await readdir(directory).catch(ifGone<readonly string[]>([]));
  const notes = names.filter(name => name.endsWith(SUFFIX));
  return Promise.all(notes.map(async name => JSON.parse(await readFile(join(directory, name), "utf8")) as OciRuntime));
}
