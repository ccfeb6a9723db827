import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const MTIME_SECONDS = 1_700_000_000;

/** A folder to build from. `NAME/` is a folder, `NAME -> TARGET` a link, `0755 NAME` a file of that mode. */
export function makeContext(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "shoal-build-"));
  for (const [entry, content] of Object.entries(files)) {
    const [, mode = "", name = ""] = /^(?:(0\d+) )?(.*)$/s.exec(entry) ?? [];
    const [path = "", target] = name.split(" -> ");
    const at = join(root, path);
    mkdirSync(path.endsWith("/") ? at : dirname(at), { recursive: true, mode: FOLDER_MODE });
    if (path.endsWith("/")) continue;
    if (target !== undefined) symlinkSync(target, at);
    else {
      writeFileSync(at, content);
      chmodSync(at, mode === "" ? FILE_MODE : Number.parseInt(mode, 8));
      utimesSync(at, MTIME_SECONDS, MTIME_SECONDS);
    }
  }
  return root;
}
