import type { ContainerConfig } from "../../model/container.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { healthcheck, portSet, volumeSet } from "./common.ts";
import { adapt, flag, int, map, optional, text, texts, unlessZero, words } from "./scalars.ts";

const trueOrNone = adapt(flag, {
  toModel: (value): true | undefined => (value ? true : undefined),
  toWire: (value: true | undefined) => value ?? false,
});

/** @see moby api/types/container/config.go, whose order of fields this is. */
export const containerConfig = struct<ContainerConfig>("container.Config", {
  hostname: field("Hostname", text),
  domainname: field("Domainname", text),
  user: field("User", text),
  attachStdin: field("AttachStdin", flag),
  attachStdout: field("AttachStdout", flag),
  attachStderr: field("AttachStderr", flag),
  exposedPorts: omitEmpty("ExposedPorts", portSet),
  tty: field("Tty", flag),
  openStdin: field("OpenStdin", flag),
  stdinOnce: field("StdinOnce", flag),
  env: field("Env", texts),
  cmd: field("Cmd", words),
  healthcheck: omitEmpty("Healthcheck", optional(healthcheck)),
  argsEscaped: omitEmpty("ArgsEscaped", trueOrNone),
  image: field("Image", text),
  volumes: field("Volumes", volumeSet),
  workingDir: field("WorkingDir", text),
  entrypoint: field("Entrypoint", words),
  networkDisabled: omitEmpty("NetworkDisabled", flag),
  onBuild: field("OnBuild", unlessZero(texts)),
  labels: field("Labels", map(text, { empty: "{}" })),
  stopSignal: omitEmpty("StopSignal", unlessZero(text)),
  stopTimeoutSeconds: omitEmpty("StopTimeout", optional(int)),
  shell: omitEmpty("Shell", words),
});
