import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { parse } from "yaml";
import { errnoCode } from "../../../lib/errors.ts";
import { type CdiEdits, type CdiSpec, parseCdiSpec } from "./cdi-spec.ts";

/** Later ones win. */
export const CDI_DIRECTORIES = ["/etc/cdi", "/var/run/cdi"] as const;

export interface CdiDevices {
  /** What a container with these devices needs: of each specification once, then of each device. */
  readonly edits: readonly CdiEdits[];
  readonly unresolved: readonly string[];
}

/** Reads the specifications anew each time: vendors' tools write them while the daemon runs. A file that is none counts as absent, as its devices do. */
export async function findCdiDevices(names: readonly string[], directories: readonly string[]): Promise<CdiDevices> {
  const specs: { readonly spec: CdiSpec; readonly priority: number }[] = [];
  for (const [priority, directory] of directories.entries()) {
    for (const spec of await readSpecs(directory)) specs.push({ spec, priority });
  }
  return selectDevices(names, specs);
}

/** A device that two files of one directory have is nobody's. */
export function selectDevices(
  names: readonly string[],
  specs: readonly { readonly spec: CdiSpec; readonly priority: number }[],
): CdiDevices {
  const used = new Set<CdiSpec>();
  const edits: CdiEdits[] = [];
  const unresolved: string[] = [];
  for (const name of names) {
    const found = specs.flatMap(({ spec, priority }) =>
      spec.devices.filter(device => `${spec.kind}=${device.name}` === name).map(device => ({ spec, device, priority })),
    );
    const highest = Math.max(...found.map(({ priority }) => priority));
    const [only, ...others] = found.filter(({ priority }) => priority === highest);
    if (only === undefined || others.length > 0) {
      unresolved.push(name);
      continue;
    }
    if (!used.has(only.spec)) edits.push(only.spec.containerEdits);
    used.add(only.spec);
    edits.push(only.device.containerEdits);
  }
  return { edits, unresolved };
}

async function readSpecs(directory: string): Promise<readonly CdiSpec[]> {
  const specs: CdiSpec[] = [];
  for (const name of await namesIn(directory)) {
    if (![".json", ".yaml", ".yml"].includes(extname(name))) continue;
    try {
      const text = await readFile(join(directory, name), "utf8");
      specs.push(parseCdiSpec(extname(name) === ".json" ? JSON.parse(text) : parse(text)));
    } catch {
      continue; // Its devices are said to be unresolvable, when one is asked for.
    }
  }
  return specs;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
