import { OperationError } from "../../lib/errors.ts";
import type { Healthcheck } from "../../model/cluster.ts";
import type { Digest } from "../../model/ids.ts";
import type { Image, ImageConfig } from "../../model/image.ts";
import {
  arrayAt,
  asDigest,
  asObject,
  booleanAt,
  type JsonObject,
  keysAt,
  numberAt,
  objectAt,
  parseJson,
  textAt,
  textMapAt,
  textsAt,
} from "./json.ts";

/** What the configuration blob says: an image without its names and sizes. */
export type ImageDescription = Omit<Image, "id" | "tags" | "digests" | "sizeBytes" | "lastTaggedAtMs" | "stepCommand">;

/** As many as Docker allows; overlayfs itself takes 500. */
export const LAYERS_MAX = 127;
const HISTORY_MAX = 10_000;

/** Reads an image's configuration. @throws OperationError `invalid`. @see OCI image-spec config.md. */
export function parseImageConfig(bytes: Uint8Array): ImageDescription {
  const root = asObject(parseJson(bytes, "image configuration"), "image configuration");
  const rootfs = objectAt(root, "rootfs");
  if (rootfs === undefined) throw new OperationError("invalid", "invalid image JSON, no RootFS key");
  if ((textAt(rootfs, "type") ?? "layers") !== "layers")
    throw new OperationError("invalid", "invalid image JSON: unknown rootfs type");
  const diffIds = arrayAt(rootfs, "diff_ids").map((item, index) => asDigest(item, `${rootfs.where}.diff_ids[${index}]`));
  if (diffIds.length > LAYERS_MAX) throw new OperationError("invalid", "max depth exceeded");
  const createdAtMs = timeAt(root, "created");
  return {
    parent: textAt(root, "parent") ?? "",
    comment: textAt(root, "comment") ?? lastComment(root),
    author: textAt(root, "author") ?? "",
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
    architecture: textAt(root, "architecture") ?? "",
    variant: textAt(root, "variant") ?? "",
    os: textAt(root, "os") || "linux",
    diffIds,
    config: configOf(objectAt(root, "config") ?? { where: "config", fields: {} }),
    history: historyOf(root),
  };
}

function configOf(config: JsonObject): ImageConfig {
  const entrypoint = textsAt(config, "Entrypoint");
  const cmd = textsAt(config, "Cmd");
  const shell = textsAt(config, "Shell");
  const onBuild = textsAt(config, "OnBuild");
  const stopSignal = textAt(config, "StopSignal");
  const healthcheck = healthcheckOf(objectAt(config, "Healthcheck"));
  return {
    user: textAt(config, "User") ?? "",
    env: textsAt(config, "Env") ?? [],
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(cmd === undefined ? {} : { cmd }),
    volumes: keysAt(config, "Volumes"),
    workingDir: textAt(config, "WorkingDir") ?? "",
    labels: textMapAt(config, "Labels"),
    ...(stopSignal === undefined || stopSignal === "" ? {} : { stopSignal }),
    exposedPorts: keysAt(config, "ExposedPorts"),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    ...(shell === undefined ? {} : { shell }),
    ...(onBuild === undefined || onBuild.length === 0 ? {} : { onBuild }),
  };
}

function healthcheckOf(object: JsonObject | undefined): Healthcheck | undefined {
  if (object === undefined) return undefined;
  const test = textsAt(object, "Test");
  const numbers = {
    intervalNs: numberAt(object, "Interval"),
    timeoutNs: numberAt(object, "Timeout"),
    startPeriodNs: numberAt(object, "StartPeriod"),
    startIntervalNs: numberAt(object, "StartInterval"),
    retries: numberAt(object, "Retries"),
  };
  const present = Object.entries(numbers).filter(([, value]) => value !== undefined);
  return { ...(test === undefined ? {} : { test }), ...Object.fromEntries(present) };
}

function historyOf(root: JsonObject): Image["history"] {
  const items = arrayAt(root, "history");
  if (items.length > HISTORY_MAX) throw new OperationError("invalid", "invalid image JSON: history is too long");
  return items.map((item, index) => {
    const step = asObject(item, `${root.where}.history[${index}]`);
    const createdAtMs = timeAt(step, "created");
    return {
      ...(createdAtMs === undefined ? {} : { createdAtMs }),
      createdBy: textAt(step, "created_by") ?? "",
      comment: textAt(step, "comment") ?? "",
      isEmptyLayer: booleanAt(step, "empty_layer"),
      author: textAt(step, "author") ?? "",
    };
  });
}

function lastComment(root: JsonObject): string {
  const last = arrayAt(root, "history").at(-1);
  return last === undefined ? "" : (textAt(asObject(last, `${root.where}.history`), "comment") ?? "");
}

/** Go's zero time, year 1, means none. */
function timeAt(object: JsonObject, key: string): number | undefined {
  const text = textAt(object, key);
  if (text === undefined || text === "") return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new OperationError("invalid", `invalid ${object.where}.${key}: not a time`);
  return timeMs < 0 ? undefined : timeMs;
}

/** The configuration blob of an image that is made here. */
export function formatImageConfig(image: {
  readonly architecture: string;
  readonly variant: string;
  readonly os: string;
  readonly createdAtMs: number;
  readonly author: string;
  readonly config: ImageConfig;
  readonly diffIds: readonly Digest[];
  readonly history: Image["history"];
}): Buffer {
  const document = {
    architecture: image.architecture,
    ...(image.variant === "" ? {} : { variant: image.variant }),
    os: image.os,
    created: new Date(image.createdAtMs).toISOString(),
    ...(image.author === "" ? {} : { author: image.author }),
    config: formatConfig(image.config),
    rootfs: { type: "layers", diff_ids: image.diffIds },
    history: image.history.map(step => ({
      ...(step.createdAtMs === undefined ? {} : { created: new Date(step.createdAtMs).toISOString() }),
      ...(step.createdBy === "" ? {} : { created_by: step.createdBy }),
      ...(step.comment === "" ? {} : { comment: step.comment }),
      ...(step.author === "" ? {} : { author: step.author }),
      ...(step.isEmptyLayer ? { empty_layer: true } : {}),
    })),
  };
  return Buffer.from(JSON.stringify(document), "utf8");
}

function formatConfig(config: ImageConfig): Readonly<Record<string, unknown>> {
  const set = (keys: readonly string[]): object => Object.fromEntries(keys.map(key => [key, {}]));
  const check = config.healthcheck;
  return {
    ...(config.user === "" ? {} : { User: config.user }),
    ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: set(config.exposedPorts) }),
    Env: config.env,
    ...(config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint }),
    ...(config.cmd === undefined ? {} : { Cmd: config.cmd }),
    ...(config.volumes.length === 0 ? {} : { Volumes: set(config.volumes) }),
    ...(config.workingDir === "" ? {} : { WorkingDir: config.workingDir }),
    ...(Object.keys(config.labels).length === 0 ? {} : { Labels: config.labels }),
    ...(config.stopSignal === undefined ? {} : { StopSignal: config.stopSignal }),
    ...(config.shell === undefined ? {} : { Shell: config.shell }),
    ...(config.onBuild === undefined ? {} : { OnBuild: config.onBuild }),
    ...(check === undefined
      ? {}
      : {
          Healthcheck: {
            Test: check.test,
            Interval: check.intervalNs,
            Timeout: check.timeoutNs,
            StartPeriod: check.startPeriodNs,
            StartInterval: check.startIntervalNs,
            Retries: check.retries,
          },
        }),
  };
}
