import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerId } from "../../model/ids.ts";
import type { ChildProcess } from "../../ports/process.ts";
import { startExecUnderConmon } from "./exec-conmon.ts";
import { pipeStreams, terminalStreams } from "./exec-streams.ts";
import type { ConsoleListener, RuntimeHost } from "./host.ts";
import { encodeSpec } from "./oci/spec.ts";
import { globalArguments, type OciRuntime, readRuntimeError, runtimeProgram } from "./runtime-command.ts";
import type { ShimExec, ShimProcess, ShimStreams } from "./shim.ts";
import { translateRuntimeError } from "./start-error.ts";
import { failpoint } from "../../ports/failpoint.ts";

export interface ExecPlace {
  readonly host: RuntimeHost;
  readonly runtime: OciRuntime;
  readonly conmonPath: string;
  readonly containerId: ContainerId;
  /** Made for this exec alone, and taken away with it. */
  readonly directory: string;
  /** For sockets: their paths must be short. */
  readonly socketDirectory: string;
}

/** What runtimes exit with when they could not start the program; a program may exit so too, but then nothing is in the log. */
const RUNTIME_FAILURE = 255;
const PID_POLL_FIRST_MS = 1;
const PID_POLL_MAX_MS = 20;

/** An exec on its way, by whichever means. */
export interface StartedExec {
  /** 0: it could not be started. */
  readonly pid: Promise<number>;
  /** The program's code, or `RUNTIME_FAILURE` with a reason in the runtime's log. */
  readonly exit: Promise<number>;
  /** @param isBegun - Whether the program itself came to run. */
  streams(isBegun: Promise<boolean>): ShimStreams;
  resize(size: { readonly heightCells: number; readonly widthCells: number }): Promise<void>;
}

/** Runs a program in a container. Its output is read from the first `subscribe` on; a program that cannot be executed rejects `exit`. */
export async function startExec(place: ExecPlace, request: ShimExec): Promise<ShimProcess> {
  const { directory } = place;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeFile(join(directory, "process.json"), encodeSpec(request.process));
    const started = await start(place, request);
    const exit = exitOf(place, { started, program: programOf(request.process) });
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
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** runc hands a terminal over only for an exec that it leaves alone; then somebody must wait for its end, and conmon does. */
async function start(place: ExecPlace, request: ShimExec): Promise<StartedExec> {
  if (!request.isTty) return startWithPipes(place, request);
  return place.runtime.kind === "crun" ? startWithTerminal(place, request.process) : startExecUnderConmon(place);
}

function execArguments({ runtime, directory, containerId }: ExecPlace, extra: readonly string[]): readonly string[] {
  return [
    ...globalArguments(runtime, join(directory, "exec.log")),
    "exec",
    ...extra,
    ...["--pid-file", join(directory, "pid"), "--process", join(directory, "process.json")],
    containerId,
  ];
}

async function startWithPipes(place: ExecPlace, { hasStdin }: ShimExec): Promise<StartedExec> {
  const file = await runtimeProgram(place.host, place.runtime);
  const child = await failpoint("runtime/exec.spawn", () =>
    place.host.spawner.spawn({
      file,
      args: execArguments(place, []),
      stdio: [hasStdin ? "pipe-to-child" : "null", "pipe-from-child", "pipe-from-child"],
    }),
  );
  return {
    pid: awaitPid(place.directory, child),
    exit: child.exit,
    streams: isBegun => pipeStreams(child, isBegun),
    resize: async () => undefined,
  };
}

let consoleCount = 0;

async function startWithTerminal(place: ExecPlace, ociProcess: unknown): Promise<StartedExec> {
  const { host, directory, socketDirectory } = place;
  const socketPath = join(socketDirectory, `${process.pid}-${++consoleCount}`);
  const listener = await host.listenForConsole(socketPath);
  const child = await spawnTerminalExec(place, socketPath, listener);
  void child.exit.then(() => listener.close());
  const terminal = await listener.console;
  // The runtime sets it too, but may do so after the program has begun; here it is done when this resolves.
  const size = consoleSizeOf(ociProcess);
  if (size !== undefined) terminal?.resize(size);
  return {
    pid: awaitPid(directory, child),
    exit: child.exit,
    streams: () => terminalStreams(terminal?.stream),
    resize: async size => terminal?.resize(size),
  };
}

/** crun gives the terminal its size when its child, the program to be, has it already and goes on. Where that came first, a program saw 0 by 0. */
async function spawnTerminalExec(place: ExecPlace, socketPath: string, listener: ConsoleListener): Promise<ChildProcess> {
  try {
    const file = await runtimeProgram(place.host, place.runtime);
    return await failpoint("runtime/exec-terminal.spawn", () =>
      place.host.spawner.spawn({
        file,
        args: execArguments(place, ["--tty", "--console-socket", socketPath]),
        stdio: ["null", "null", "null"],
        goesFirst: true,
      }),
    );
  } catch (error) {
    listener.close();
    throw error;
  }
}

async function exitOf(
  { directory }: ExecPlace,
  { started, program }: { readonly started: StartedExec; readonly program: string },
): Promise<number> {
  const exitCode = await started.exit;
  const said = exitCode === RUNTIME_FAILURE ? await readRuntimeError(join(directory, "exec.log")) : "";
  // Nobody waits for it: what is left of it goes with the container's bundle.
  void rm(directory, { recursive: true, force: true }).catch(() => undefined);
  if (said !== "") throw translateRuntimeError(said, { phase: "exec", program });
  return exitCode;
}

/** The runtime writes it once the program is about to run. */
async function awaitPid(directory: string, child: ChildProcess): Promise<number> {
  let isOver = false;
  void child.exit.then(() => (isOver = true));
  for (let delayMs = PID_POLL_FIRST_MS; !isOver; delayMs = Math.min(delayMs * 2, PID_POLL_MAX_MS)) {
    const text = await readFile(join(directory, "pid"), "utf8").catch(() => "");
    if (/^\d+/.test(text)) return Number.parseInt(text, 10);
    await new Promise(resolve => setTimeout(resolve, delayMs));
  }
  return 0;
}

function killExec(pid: number, signal: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, signal);
  } catch {
    return; // It has ended.
  }
}

function consoleSizeOf(process: unknown): { readonly heightCells: number; readonly widthCells: number } | undefined {
  if (typeof process !== "object" || process === null || !("consoleSize" in process)) return undefined;
  const size = process.consoleSize;
  if (typeof size !== "object" || size === null || !("height" in size) || !("width" in size)) return undefined;
  const { height, width } = size;
  return typeof height === "number" && typeof width === "number" ? { heightCells: height, widthCells: width } : undefined;
}

function programOf(process: unknown): string {
  if (typeof process !== "object" || process === null || !("args" in process) || !Array.isArray(process.args)) return "";
  return String(process.args[0] ?? "");
}
