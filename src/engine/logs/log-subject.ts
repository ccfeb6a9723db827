import type { Container } from "../../model/container.ts";

/** What log drivers may say about the container whose log they send. */
export interface LogSubject {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  readonly entrypoint: string;
  readonly args: readonly string[];
  readonly createdAtMs: number;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly logPath: string;
  /** The host's name. */
  readonly hostname: string;
  /** Of the daemon's process: what syslog puts beside the tag. */
  readonly pid: number;
}

const SHORT_ID_CHARACTERS = 12;

export function logSubject(
  container: Container,
  { hostname, pid }: { readonly hostname: string; readonly pid: number },
): LogSubject {
  const { config, hostConfig } = container;
  return {
    id: container.id,
    name: container.name.replace(/^\//, ""),
    imageId: container.imageId,
    imageName: config.image,
    entrypoint: container.path,
    args: container.args,
    createdAtMs: container.createdAtMs,
    env: config.env,
    labels: config.labels,
    options: hostConfig.logConfig.options,
    logPath: container.logPath,
    hostname,
    pid,
  };
}

export function shortId(id: string): string {
  return id.replace(/^[^:]*:/, "").slice(0, SHORT_ID_CHARACTERS);
}

export function commandOf({ entrypoint, args }: LogSubject): string {
  return [entrypoint, ...args].join(" ");
}
