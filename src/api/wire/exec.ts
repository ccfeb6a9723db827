import type { ExecConfig, ExecState } from "../../model/container.ts";
import { field, struct } from "./codec.ts";
import { consoleSize } from "./console-size.ts";
import { flag, optional, text, texts } from "./scalars.ts";

export const execCreateBody = struct<ExecConfig>("container.ExecOptions", {
  user: field("User", text),
  privileged: field("Privileged", flag),
  tty: field("Tty", flag),
  consoleSize: field("ConsoleSize", optional(consoleSize)),
  attachStdin: field("AttachStdin", flag),
  attachStderr: field("AttachStderr", flag),
  attachStdout: field("AttachStdout", flag),
  detachKeys: field("DetachKeys", text),
  env: field("Env", texts),
  workingDir: field("WorkingDir", text),
  cmd: field("Cmd", texts),
});

export interface ExecStartBody {
  readonly detach: boolean;
  readonly tty: boolean;
  readonly consoleSize?: readonly [heightCells: number, widthCells: number];
}

export const execStartBody = struct<ExecStartBody>("container.ExecStartOptions", {
  detach: field("Detach", flag),
  tty: field("Tty", flag),
  consoleSize: field("ConsoleSize", optional(consoleSize)),
});

export function execInspect({ id, containerId, config, isRunning, exitCode, pid }: ExecState): Record<string, unknown> {
  const [entrypoint = "", ...args] = config.cmd;
  return {
    ID: id,
    Running: isRunning,
    ExitCode: exitCode ?? null,
    ProcessConfig: {
      tty: config.tty,
      entrypoint,
      arguments: args,
      privileged: config.privileged,
      ...(config.user === "" ? {} : { user: config.user }),
    },
    OpenStdin: config.attachStdin,
    OpenStderr: config.attachStderr,
    OpenStdout: config.attachStdout,
    CanRemove: false,
    ContainerID: containerId,
    DetachKeys: config.detachKeys,
    Pid: pid,
  };
}
