import type { Container } from "../../model/container.ts";
import type { VolumeUsage } from "../backends.ts";
import type { Volume } from "../../model/engine-network.ts";
import type { Image } from "../../model/image.ts";
import { isOlder } from "../http/version.ts";
import { containerSummary } from "./container.ts";
import { imageSummary } from "./image.ts";
import { volumeJson } from "./volume.ts";

type CountedImage = Image & { readonly containers: number };

/** What was looked at; undefined: not asked for. */
export interface DiskUsage {
  readonly containers?: readonly Container[];
  readonly images?: readonly CountedImage[];
  /** Bytes of each layer by its diff id. */
  readonly layers?: ReadonlyMap<string, number>;
  readonly volumes?: readonly Volume[];
  readonly volumeUsage?: ReadonlyMap<string, VolumeUsage>;
  readonly buildCache: boolean;
}

export interface DiskUsageOptions {
  readonly version: string;
  /** With every object, from 1.52 on. */
  readonly isVerbose: boolean;
  readonly nowMs: number;
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
const isActive = ({ state }: Container): boolean => ["running", "paused", "restarting"].includes(state.status);
const sizeOf = (container: Container): number => container.sizeWritableBytes ?? 0;

/**
 * `GET /system/df`: lists, and sums from 1.52 on, where whoever asks for sums with every object gets them alone. That 1.53 drops the lists
 * is not followed. @see decision 0017
 */
export function diskUsageJson(usage: DiskUsage, options: DiskUsageOptions): Record<string, unknown> {
  const { version, isVerbose } = options;
  const hasSums = !isOlder(version, "1.52");
  const hasLists = !(hasSums && isVerbose);
  return { ...(hasLists ? lists(usage, options) : {}), ...(hasSums ? sums(usage, options) : {}) };
}

/** Bytes of each image that others have too, by its id. */
export function sharedSizes(images: readonly CountedImage[], layers: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const sharers = countSharers(images);
  return new Map(images.map(image => [image.id, sharedBytes(image, { sharers, layers })]));
}

function itemsOf(
  { images = [], layers, containers = [], volumes = [], volumeUsage }: DiskUsage,
  { version, nowMs }: DiskUsageOptions,
) {
  const sharers = countSharers(images);
  return {
    images: images.map(image => ({
      ...imageSummary(image, version),
      RepoDigests: image.digests.length === 0 ? null : image.digests,
      SharedSize: sharedBytes(image, { sharers, layers }),
    })),
    containers: containers.map(container => containerSummary(container, { version, nowMs })),
    volumes: volumes.map(volume => {
      const used = volumeUsage?.get(volume.name);
      return { ...volumeJson(volume), UsageData: { RefCount: used?.containers ?? -1, Size: used?.sizeBytes ?? -1 } };
    }),
  };
}

/** How many images stand on each layer. */
function countSharers(images: readonly CountedImage[]): ReadonlyMap<string, number> {
  const sharers = new Map<string, number>();
  for (const { diffIds } of images) for (const diffId of new Set(diffIds)) sharers.set(diffId, (sharers.get(diffId) ?? 0) + 1);
  return sharers;
}

function sharedBytes(
  { diffIds }: CountedImage,
  { sharers, layers }: { readonly sharers: ReadonlyMap<string, number>; readonly layers: DiskUsage["layers"] },
): number {
  return sum(diffIds.filter(diffId => (sharers.get(diffId) ?? 0) > 1).map(diffId => layers?.get(diffId) ?? 0));
}

/** Each layer once, however many images stand on it. */
function layersBytes({ images = [], layers }: DiskUsage): number {
  if (layers === undefined || layers.size === 0) return sum(images.map(({ sizeBytes }) => sizeBytes));
  return sum([...new Set(images.flatMap(({ diffIds }) => diffIds))].map(diffId => layers.get(diffId) ?? 0));
}

/** Each layer that only unused images stand on, once. */
function reclaimableBytes(usage: DiskUsage): number {
  const used = usage.images?.filter(({ containers }) => containers > 0) ?? [];
  return layersBytes(usage) - (used.length === 0 ? 0 : layersBytes({ ...usage, images: used }));
}

function lists(usage: DiskUsage, options: DiskUsageOptions): Record<string, unknown> {
  const items = itemsOf(usage, options);
  return {
    LayersSize: layersBytes(usage),
    Images: usage.images === undefined ? null : items.images,
    Containers: usage.containers === undefined ? null : items.containers,
    Volumes: usage.volumes === undefined ? null : items.volumes,
    BuildCache: usage.buildCache ? [] : null,
  };
}

function sums(usage: DiskUsage, options: DiskUsageOptions): Record<string, unknown> {
  const items = itemsOf(usage, options);
  const withItems = (list: readonly unknown[]) => (options.isVerbose ? { Items: list } : {});
  const { images, containers, volumes, buildCache } = usage;
  const unused = images?.filter(image => image.containers <= 0) ?? [];
  const idle = containers?.filter(container => !isActive(container)) ?? [];
  return {
    ...(images === undefined
      ? {}
      : {
          ImageUsage: {
            ActiveCount: images.length - unused.length,
            TotalCount: images.length,
            Reclaimable: reclaimableBytes(usage),
            TotalSize: layersBytes(usage),
            ...withItems(items.images),
          },
        }),
    ...(containers === undefined
      ? {}
      : {
          ContainerUsage: {
            ActiveCount: containers.length - idle.length,
            TotalCount: containers.length,
            Reclaimable: sum(idle.map(sizeOf)),
            TotalSize: sum(containers.map(sizeOf)),
            ...withItems(items.containers),
          },
        }),
    ...(volumes === undefined
      ? {}
      : {
          VolumeUsage: { ...volumeSums(usage, volumes.length), ...withItems(items.volumes) },
        }),
    ...(buildCache ? { BuildCacheUsage: { ActiveCount: 0, TotalCount: 0, Reclaimable: 0, TotalSize: 0, ...withItems([]) } } : {}),
  };
}

function volumeSums({ volumeUsage = new Map<string, VolumeUsage>() }: DiskUsage, count: number): Record<string, number> {
  const all = [...volumeUsage.values()];
  const unused = all.filter(({ containers }) => containers === 0);
  return {
    ActiveCount: all.length - unused.length,
    TotalCount: count,
    Reclaimable: sum(unused.map(({ sizeBytes }) => sizeBytes)),
    TotalSize: sum(all.map(({ sizeBytes }) => sizeBytes)),
  };
}
