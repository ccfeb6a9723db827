import type { Healthcheck, Mount, Ulimit } from "../../model/cluster.ts";
import { omitEmpty, field, struct } from "./codec.ts";
import {
  adapt,
  duration,
  flag,
  int,
  int64,
  keySet,
  list,
  optional,
  text,
  textMap,
  texts,
  uint32,
  unlessZero,
  word,
  words,
} from "./scalars.ts";

/** `{"80/tcp": {}}`. */
export const portSet = keySet("nat.PortSet", { empty: "null" });
export const volumeSet = keySet("map[string]struct {}", { empty: "null" });

export const healthcheck = struct<Healthcheck>("container.HealthConfig", {
  test: omitEmpty("Test", words),
  intervalNs: omitEmpty("Interval", unlessZero(duration)),
  timeoutNs: omitEmpty("Timeout", unlessZero(duration)),
  startPeriodNs: omitEmpty("StartPeriod", unlessZero(duration)),
  startIntervalNs: omitEmpty("StartInterval", unlessZero(duration)),
  retries: omitEmpty("Retries", unlessZero(int)),
});

export const ulimit = struct<Ulimit>("container.Ulimit", {
  name: field("Name", text),
  hard: field("Hard", int64),
  soft: field("Soft", int64),
});

const bindOptions = struct<NonNullable<Mount["bind"]>>("mount.BindOptions", {
  propagation: omitEmpty("Propagation", unlessZero(text)),
  nonRecursive: omitEmpty("NonRecursive", unlessZero(flag)),
  createMountpoint: omitEmpty("CreateMountpoint", unlessZero(flag)),
  readOnlyNonRecursive: omitEmpty("ReadOnlyNonRecursive", unlessZero(flag)),
  readOnlyForceRecursive: omitEmpty("ReadOnlyForceRecursive", unlessZero(flag)),
});

interface WireVolumeOptions {
  readonly noCopy?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly subpath?: string;
  readonly driver?: { readonly name?: string; readonly options?: Readonly<Record<string, string>> };
}

const volumeDriver = struct<NonNullable<WireVolumeOptions["driver"]>>("mount.Driver", {
  name: omitEmpty("Name", unlessZero(text)),
  options: omitEmpty("Options", unlessZero(textMap)),
});

const wireVolumeOptions = struct<WireVolumeOptions>("mount.VolumeOptions", {
  noCopy: omitEmpty("NoCopy", unlessZero(flag)),
  labels: omitEmpty("Labels", unlessZero(textMap)),
  subpath: omitEmpty("Subpath", unlessZero(text)),
  driver: omitEmpty("DriverConfig", optional(volumeDriver)),
});

const volumeOptions = adapt(wireVolumeOptions, {
  toModel({ driver, ...rest }: WireVolumeOptions): NonNullable<Mount["volume"]> {
    return {
      ...rest,
      ...(driver?.name === undefined ? {} : { driverName: driver.name }),
      ...(driver?.options === undefined ? {} : { driverOptions: driver.options }),
    };
  },
  toWire({ driverName, driverOptions, ...rest }): WireVolumeOptions {
    if (driverName === undefined && driverOptions === undefined) return rest;
    const name = driverName === undefined ? {} : { name: driverName };
    return { ...rest, driver: { ...name, ...(driverOptions === undefined ? {} : { options: driverOptions }) } };
  },
});

const tmpfsOptions = struct<NonNullable<Mount["tmpfs"]>>("mount.TmpfsOptions", {
  sizeBytes: omitEmpty("SizeBytes", unlessZero(int64)),
  mode: omitEmpty("Mode", unlessZero(uint32)),
  options: omitEmpty("Options", unlessZero(list(texts))),
});

const imageOptions = struct<NonNullable<Mount["image"]>>("mount.ImageOptions", {
  subpath: omitEmpty("Subpath", unlessZero(text)),
});

export const mount = struct<Mount>("mount.Mount", {
  type: omitEmpty("Type", word<Mount["type"]>("mount.Type")),
  source: omitEmpty("Source", unlessZero(text)),
  target: omitEmpty("Target", text),
  readOnly: omitEmpty("ReadOnly", unlessZero(flag)),
  consistency: omitEmpty("Consistency", unlessZero(text)),
  bind: omitEmpty("BindOptions", optional(bindOptions)),
  volume: omitEmpty("VolumeOptions", optional(volumeOptions)),
  image: omitEmpty("ImageOptions", optional(imageOptions)),
  tmpfs: omitEmpty("TmpfsOptions", optional(tmpfsOptions)),
});
