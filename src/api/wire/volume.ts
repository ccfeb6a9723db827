import type { Volume } from "../../model/engine-network.ts";
import { field, struct } from "./codec.ts";
import { text, textMap } from "./scalars.ts";

export interface VolumeCreateBody {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly name: string;
}

export const volumeCreateBody = struct<VolumeCreateBody>("volume.CreateOptions", {
  driver: field("Driver", text),
  options: field("DriverOpts", textMap),
  labels: field("Labels", textMap),
  name: field("Name", text),
});

export function volumeJson(volume: Volume): Record<string, unknown> {
  const labels = volume.isAnonymous ? { "com.docker.volume.anonymous": "", ...volume.labels } : volume.labels;
  return {
    CreatedAt: new Date(Math.floor(volume.createdAtMs / 1000) * 1000).toISOString().replace(".000Z", "Z"),
    Driver: volume.driver,
    Labels: Object.keys(labels).length === 0 ? null : labels,
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: Object.keys(volume.options).length === 0 ? null : volume.options,
    Scope: volume.scope,
  };
}
