import { OperationError } from "../../lib/errors.ts";
import type { Healthcheck } from "../../model/cluster.ts";
import type { ContainerConfig } from "../../model/container.ts";
import type { ImageConfig } from "../../model/image.ts";

/** What the user asked for, completed by what the image says. @throws OperationError `invalid` when neither names a program. */
export function mergeImageConfig(config: ContainerConfig, image: ImageConfig): ContainerConfig {
  const { entrypoint, cmd } = mergeCommand(config, image);
  if (entrypoint.length + cmd.length === 0) throw new OperationError("invalid", "no command specified");
  const {
    entrypoint: _entrypoint,
    cmd: _cmd,
    healthcheck: _healthcheck,
    stopSignal: _stopSignal,
    shell: _shell,
    ...rest
  } = config;
  const healthcheck = mergeHealthcheck(config.healthcheck, image.healthcheck);
  const stopSignal = config.stopSignal ?? image.stopSignal;
  const shell = config.shell ?? image.shell;
  return {
    ...rest,
    ...(entrypoint.length > 0 && { entrypoint }),
    ...(cmd.length > 0 && { cmd }),
    ...(healthcheck !== undefined && { healthcheck }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(shell !== undefined && { shell }),
    user: config.user || image.user,
    workingDir: config.workingDir || image.workingDir,
    env: mergeEnv(config.env, image.env),
    labels: { ...image.labels, ...config.labels },
    volumes: union(config.volumes, image.volumes),
    exposedPorts: union(config.exposedPorts, image.exposedPorts),
  };
}

/** An entrypoint of its own drops the image's command; `[""]` drops the image's entrypoint. */
function mergeCommand(config: ContainerConfig, image: ImageConfig) {
  const { entrypoint, cmd = [] } = config;
  const isReset = entrypoint?.length === 1 && entrypoint[0] === "";
  if (entrypoint !== undefined && entrypoint.length > 0 && !isReset) return { entrypoint, cmd };
  return {
    entrypoint: entrypoint === undefined ? (image.entrypoint ?? []) : [],
    cmd: cmd.length > 0 || isReset ? cmd : (image.cmd ?? []),
  };
}

function mergeHealthcheck(own: Healthcheck | undefined, image: Healthcheck | undefined): Healthcheck | undefined {
  if (own === undefined || image === undefined) return own ?? image;
  const given = Object.fromEntries(
    Object.entries(own).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0)),
  );
  return { ...image, ...given };
}

function mergeEnv(own: readonly string[], image: readonly string[]): readonly string[] {
  const names = new Set(own.map(nameOf));
  return [...own, ...image.filter(entry => !names.has(nameOf(entry)))];
}

function nameOf(entry: string): string {
  return entry.split("=", 1)[0] ?? entry;
}

function union(own: readonly string[], image: readonly string[]): readonly string[] {
  return [...new Set([...own, ...image])];
}
