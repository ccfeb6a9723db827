import type { Image, ImageConfig } from "../../model/image.ts";
import type { ImageFolders } from "../backends.ts";
import { isOlder } from "../http/version.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { healthcheck, portSet, volumeSet } from "./common.ts";
import { map, optional, text, texts, unlessZero, words } from "./scalars.ts";
import { rfc3339 } from "./times.ts";
import { GRAPH_DRIVER } from "./container.ts";

const imageConfig = struct<ImageConfig>("container.Config", {
  user: field("User", text),
  exposedPorts: omitEmpty("ExposedPorts", portSet),
  env: field("Env", texts),
  cmd: field("Cmd", words),
  healthcheck: omitEmpty("Healthcheck", optional(healthcheck)),
  volumes: field("Volumes", volumeSet),
  workingDir: field("WorkingDir", text),
  entrypoint: field("Entrypoint", words),
  onBuild: field("OnBuild", unlessZero(texts)),
  labels: field("Labels", map(text, { empty: "null" })),
  stopSignal: omitEmpty("StopSignal", unlessZero(text)),
  shell: omitEmpty("Shell", words),
});

const unixSeconds = (ms: number | undefined): number => Math.floor((ms ?? 0) / 1000);

export function imageInspect(
  image: Image,
  { version, folders }: { readonly version: string; readonly folders: ImageFolders | undefined },
): Record<string, unknown> {
  const inspected = { ...fullInspect(image), GraphDriver: { Data: graphData(folders), Name: GRAPH_DRIVER } };
  if (isOlder(version, SLIM_SINCE)) return olderInspect(inspected, { image, version });
  const { Config: config, ...others } = inspected;
  return { ...withoutEmpty(others, ["Parent", "Comment", "DockerVersion", "Author"]), Config: withoutEmpty(config, "all") };
}

/** As the overlay2 driver tells it. */
function graphData(folders: ImageFolders | undefined): Record<string, string> | null {
  if (folders === undefined) return null;
  const { lower, upper } = folders;
  return { ...(lower.length === 0 ? {} : { LowerDir: lower.join(":") }), UpperDir: upper };
}

/** What containers have and images never had, told until 1.50 none the less. */
const OF_CONTAINERS = {
  Hostname: "",
  Domainname: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: "",
};

function olderInspect(
  inspected: ReturnType<typeof fullInspect>,
  { image, version }: { readonly image: Image; readonly version: string },
): Record<string, unknown> {
  const config = isOlder(version, "1.50") ? { ...OF_CONTAINERS, ...inspected.Config } : inspected.Config;
  return {
    ...inspected,
    Config: config,
    ...(isOlder(version, "1.45") ? { ContainerConfig: { ...OF_CONTAINERS, ...stepConfig(image) } } : {}),
    ...(isOlder(version, "1.44") ? { VirtualSize: inspected.Size } : {}),
  };
}

/** Of the container that a build's step was made in. */
function stepConfig({ stepCommand, config }: Image): Record<string, unknown> {
  return imageConfig.write(stepCommand === undefined ? imageConfig.read({}) : { ...config, cmd: stepCommand });
}

/** From this version on what is not set is not shown. */
const SLIM_SINCE = "1.52";

function withoutEmpty(object: Readonly<Record<string, unknown>>, keys: readonly string[] | "all"): Record<string, unknown> {
  const isDropped = (key: string, value: unknown) => (value === null || value === "") && (keys === "all" || keys.includes(key));
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => !isDropped(key, value)));
}

function fullInspect(image: Image) {
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.digests,
    Parent: image.parent,
    Comment: image.comment,
    ...(image.createdAtMs === undefined ? {} : { Created: rfc3339(image.createdAtMs) }),
    DockerVersion: "",
    Author: image.author,
    Architecture: image.architecture,
    ...(image.variant === "" ? {} : { Variant: image.variant }),
    Os: image.os,
    Size: image.sizeBytes,
    RootFS: { Type: "layers", ...(image.diffIds.length === 0 ? {} : { Layers: image.diffIds }) },
    Metadata: { LastTagTime: rfc3339(image.lastTaggedAtMs) },
    Config: imageConfig.write(image.config),
  };
}

export function imageSummary(image: Image & { readonly containers: number }, version: string): Record<string, unknown> {
  return {
    Containers: image.containers,
    Created: unixSeconds(image.createdAtMs),
    Id: image.id,
    Labels: Object.keys(image.config.labels).length === 0 ? null : image.config.labels,
    ParentId: image.parent,
    ...names(image, version),
    SharedSize: -1,
    Size: image.sizeBytes,
    ...(isOlder(version, "1.44") ? { VirtualSize: image.sizeBytes } : {}),
  };
}

/** Until 1.43 an image without any name had a word for it in place of an empty list. */
function names({ tags, digests }: Image, version: string): Record<string, unknown> {
  if (!isOlder(version, "1.43")) return { RepoDigests: digests, RepoTags: tags };
  if (tags.length === 0 && digests.length === 0) return { RepoDigests: ["<none>@<none>"], RepoTags: ["<none>:<none>"] };
  return { RepoDigests: digests.length === 0 ? null : digests, RepoTags: tags.length === 0 ? null : tags };
}

/**
 * Newest first.
 * @param image.parents - Images that it was made of here, the nearest first: each is what it was after a step.
 * @param layerSizes - Bytes of each layer by its diff id.
 */
export function imageHistory(
  { image, parents }: { readonly image: Image; readonly parents: readonly Image[] },
  layerSizes: ReadonlyMap<string, number>,
): readonly Record<string, unknown>[] {
  const chain = [image, ...parents];
  let layer = image.diffIds.length;
  return image.history.toReversed().map((step, index) => {
    if (!step.isEmptyLayer) layer--;
    const own = chain[index];
    return {
      Comment: step.comment,
      Created: unixSeconds(step.createdAtMs),
      CreatedBy: step.createdBy,
      Id: own?.id ?? "<missing>",
      Size: step.isEmptyLayer ? 0 : (layerSizes.get(image.diffIds[layer] ?? "") ?? 0),
      Tags: own === undefined || own.tags.length === 0 ? null : own.tags,
    };
  });
}
