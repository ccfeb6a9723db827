import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT_IN_RUNTIMES } from "../../src/engine/runtime/runtime-command.ts";
import { type FaultHost, OTHER_RUNTIME } from "./fault-host.ts";
import type { Owners } from "./owners.ts";

const RUNTIMES: readonly string[] = [...BUILT_IN_RUNTIMES, OTHER_RUNTIME];

interface LayerRecord {
  readonly diffId: string;
  readonly directory: string;
  readonly blob: { readonly digest: string };
}

/** Files under the data root and the exec root that belong to nothing. */
export function strayFiles(host: FaultHost, owners: Owners): readonly string[] {
  const data = host.inside(join(host.lab.directory, "data"));
  const run = host.inside("/run/shoal");
  return [...ofContainers(data, owners), ...ofImages(join(data, "images"), owners), ...ofRuns(run, owners)].map(
    path => `file ${path.replace(host.inside(""), "")}`,
  );
}

function ofContainers(data: string, { containers, imageRoots, volumes }: Owners): readonly string[] {
  return [
    ...others(join(data, "containers"), name => containers.has(name)),
    ...others(join(data, "volumes"), name => volumes.has(name)),
    ...others(join(data, "images/containers"), name => containers.has(name) || imageRoots.has(name)),
    ...others(join(data, "build"), () => false),
    ...[...containers].map(id => join(data, "containers", id, "undo.json")).filter(existsSync),
    ...[...volumes].map(name => join(data, "volumes", name, "removing")).filter(existsSync),
  ];
}

function ofImages(images: string, { images: ids, layers: used }: Owners): readonly string[] {
  const records = namesIn(join(images, "layers"))
    .filter(name => name.endsWith(".json"))
    .map(name => JSON.parse(readFileSync(join(images, "layers", name), "utf8")) as LayerRecord);
  const kept = records.filter(({ diffId }) => used.has(hexOf(diffId)));
  const blobs = new Set([...ids, ...kept.map(({ blob }) => hexOf(blob.digest))]);
  return [
    ...others(join(images, "staging"), () => false),
    ...others(join(images, "images"), name => ids.has(name.replace(/\.json$/, ""))),
    ...others(join(images, "layers"), name => used.has(name.replace(/\.json$/, ""))),
    ...others(join(images, "l"), name => kept.some(({ directory }) => directory === name)),
    ...others(join(images, "blobs/sha256"), name => blobs.has(name)),
    ...others(images, name =>
      ["blobs", "containers", "b", "e", "images", "l", "layers", "repositories.json", "staging"].includes(name),
    ),
  ];
}

function ofRuns(run: string, { running }: Owners): readonly string[] {
  const isRunning = (name: string): boolean => running.has(name);
  const bundles = join(run, "containers");
  return [
    ...others(bundles, isRunning),
    ...[...running.keys()].flatMap(id => deadExecs(join(bundles, id))),
    ...others(join(run, "exits"), () => false),
    ...others(join(run, "sandboxes"), name => isRunning(name.replace(/\.json$/, ""))),
    ...others(join(run, "console"), () => false),
    ...others(join(run, "held"), () => false),
    ...others(join(run, "runtime"), name => [...RUNTIMES, `${OTHER_RUNTIME}.json`].includes(name)),
    ...RUNTIMES.flatMap(runtime => others(join(run, "runtime", runtime), isRunning)),
  ];
}

/** Folders of execs whose process is gone. */
function deadExecs(bundle: string): readonly string[] {
  return others(bundle, name => {
    if (!name.startsWith("exec-")) return true;
    const path = join(bundle, name, "pid");
    return existsSync(path) && existsSync(`/proc/${readFileSync(path, "utf8").trim()}`);
  });
}

function others(folder: string, isOwned: (name: string) => boolean): readonly string[] {
  return namesIn(folder)
    .filter(name => !isOwned(name))
    .map(name => join(folder, name));
}

function namesIn(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function hexOf(digest: string): string {
  return digest.replace("sha256:", "");
}
