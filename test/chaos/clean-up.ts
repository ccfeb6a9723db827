import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { LAB_ROOT } from "../../deploy/lab/paths.ts";
import { diskFolder, mountsBelow, removeDisks } from "./disk.ts";

const run = promisify(execFile);
const NAMESPACES = "/run/netns";

/** Takes a lab away, in whatever state a run was ended. Safe when there is none. @returns what is left nevertheless. */
export async function removeLab(lab: string): Promise<readonly string[]> {
  removeDisks(lab); // First: nothing that needs a frozen disk would ever end.
  await run(process.execPath, ["bin/lab", "down", "--name", lab]);
  const folder = join(LAB_ROOT, lab);
  const namespaces = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : [];
  return [
    ...[folder, diskFolder(lab)].filter(existsSync),
    ...mountsBelow(folder),
    ...namespaces.filter(name => name.startsWith(`shoal-${lab}-`)).map(name => `network namespace ${name}`),
  ];
}
