import type { Container } from "../../model/container.ts";
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
  readonly volumes?: readonly Volume[];
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

/** `GET /system/df`: lists up to 1.51, sums from 1.52 on, and 1.52 gives both. */
export function diskUsageJson(usage: DiskUsage, options: DiskUsageOptions): Record<string, unknown> {
  const { version, isVerbose } = options;
  const hasLists = isOlder(version, "1.53") && !(version === "1.52" && isVerbose);
  const hasSums = !isOlder(version, "1.52");
  return { ...(hasLists ? lists(usage, options) : {}), ...(hasSums ? sums(usage, options) : {}) };
}

function itemsOf({ images = [], containers = [], volumes = [] }: DiskUsage, { nowMs }: DiskUsageOptions) {
  return {
    images: images.map(image => ({ ...imageSummary(image), SharedSize: 0 })),
    containers: containers.map(container => containerSummary(container, nowMs)),
    // What a volume holds is not measured.
    volumes: volumes.map(volume => ({ ...volumeJson(volume), UsageData: { RefCount: -1, Size: -1 } })),
  };
}

function lists(usage: DiskUsage, options: DiskUsageOptions): Record<string, unknown> {
  const { images, containers, volumes } = itemsOf(usage, options);
  const layers = sum((usage.images ?? []).map(({ sizeBytes }) => sizeBytes));
  return { LayersSize: layers, Images: images, Containers: containers, Volumes: volumes, BuildCache: [] };
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
            Reclaimable: sum(unused.map(({ sizeBytes }) => sizeBytes)),
            TotalSize: sum(images.map(({ sizeBytes }) => sizeBytes)),
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
          VolumeUsage: { ActiveCount: 0, TotalCount: volumes.length, Reclaimable: 0, TotalSize: 0, ...withItems(items.volumes) },
        }),
    ...(buildCache ? { BuildCacheUsage: { ActiveCount: 0, TotalCount: 0, Reclaimable: 0, TotalSize: 0, ...withItems([]) } } : {}),
  };
}
