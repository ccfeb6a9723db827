import type { ContainerId } from "../../model/ids.ts";
import { startExecUnderCrun } from "./exec-crun.ts";
import { startExecUnderRunc } from "./exec-runc.ts";
import type { RuntimeHost } from "./host.ts";
import type { OciRuntime } from "./runtime-command.ts";
import type { ShimExec, ShimProcess, ShimStreams } from "./shim.ts";
import { translateRuntimeError } from "./start-error.ts";

export interface ExecPlace {
  readonly host: RuntimeHost;
  readonly runtime: OciRuntime;
  readonly conmonPath: string;
  readonly containerId: ContainerId;
  /** For this exec alone: made where it is needed, and taken away with it. */
  readonly directory: string;
  /** For this exec alone, and short. */
  readonly socketPath: string;
}

/** What runtimes exit with when they could not start the program; a program may exit so too, but then nothing is in the log. */
export const RUNTIME_FAILURE = 255;

/** An exec on its way, by whichever means. */
export interface StartedExec {
  /** 0: it could not be started. */
  readonly pid: Promise<number>;
  /** The program's code, or `RUNTIME_FAILURE` with a reason in the runtime's log. */
  readonly exit: Promise<number>;
  /** Once it has ended with `RUNTIME_FAILURE`: the runtime's words; "" where that is the program's code. */
  reason(): Promise<string>;
  /** @param isBegun - Whether the program itself came to run. */
  streams(isBegun: Promise<boolean>): ShimStreams;
  resize(size: { readonly heightCells: number; readonly widthCells: number }): Promise<void>;
}

/** Runs a program in a container. Its output is read from the first `subscribe` on; a program that cannot be executed rejects `exit`. */
export async function startExec(place: ExecPlace, request: ShimExec): Promise<ShimProcess> {
  const started = await (place.runtime.kind === "crun" ? startExecUnderCrun : startExecUnderRunc)(place, request);
  const exit = exitOf(started, programOf(request.process));
  exit.catch(() => undefined); // Also where nobody waits for it.
  const isBegun = started.pid.then(
    found =>
      found > 0 ||
      exit.then(
        () => true,
        () => false,
      ),
  );
  const { pid } = started;
  const kill = (signal: number): void => void pid.then(found => killExec(found, signal));
  return { pid, exit, ...started.streams(isBegun), resize: size => started.resize(size), kill };
}

async function exitOf(started: StartedExec, program: string): Promise<number> {
  const exitCode = await started.exit;
  const said = exitCode === RUNTIME_FAILURE ? await started.reason() : "";
  if (said !== "") throw translateRuntimeError(said, { phase: "exec", program });
  return exitCode;
}

function killExec(pid: number, signal: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, signal);
  } catch {
    return; // It has ended.
  }
}

function programOf(process: unknown): string {
  if (typeof process !== "object" || process === null || !("args" in process) || !Array.isArray(process.args)) return "";
  return String(process.args[0] ?? "");
}
