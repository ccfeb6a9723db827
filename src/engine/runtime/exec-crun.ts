import type { Duplex } from "node:stream";
import { defined } from "../../lib/assert.ts";
import { failpoint } from "../../ports/failpoint.ts";
import type { ChildProcess, StdioEnd } from "../../ports/process.ts";
import { type ExecPlace, RUNTIME_FAILURE, type StartedExec } from "./exec-start.ts";
import { pipeStreams, terminalStreams } from "./exec-streams.ts";
import type { ConsoleListener } from "./host.ts";
import { encodeSpec } from "./oci/spec.ts";
import { globalArguments, runtimeProgram } from "./runtime-command.ts";
import type { ShimExec } from "./shim.ts";
import { lastRuntimeError } from "./start-error.ts";

/** File numbers of the runtime's, after its three streams: what to run is read from the first, the pid and what went wrong are written to the others. */
const SPEC_FD = 3;
const PID_FD = 4;
const LOG_FD = 5;
const TOLD: readonly StdioEnd[] = ["pipe-to-child", "pipe-from-child", "pipe-from-child"];
const REASON_BYTES_MAX = 64 * 1024;

/**
 * An exec under crun, which takes pipes where its command line asks for files: nothing is written to the disk and taken away again, and
 * the pid is there when it is told. It hands an exec's terminal over itself.
 */
export async function startExecUnderCrun(place: ExecPlace, request: ShimExec): Promise<StartedExec> {
  const started = request.isTty ? await withTerminal(place) : await withPipes(place, request);
  const { child } = started;
  const spec = pipeOf(child, SPEC_FD);
  spec.on("error", () => undefined); // It has ended: its exit code says so.
  spec.end(encodeSpec(request.process));
  if (started.terminal === undefined)
    return { ...ofChild(child), streams: isBegun => pipeStreams(child, isBegun), resize: async () => undefined };
  const terminal = await started.terminal;
  // The runtime sets it too, but may do so after the program has begun; here it is done when this resolves.
  const size = consoleSizeOf(request.process);
  if (size !== undefined) terminal?.resize(size);
  return {
    ...ofChild(child),
    streams: () => terminalStreams(terminal?.stream),
    resize: async wanted => terminal?.resize(wanted),
  };
}

interface Begun {
  readonly child: ChildProcess;
  readonly terminal?: ConsoleListener["console"];
}

async function withPipes(place: ExecPlace, { hasStdin }: ShimExec): Promise<Begun> {
  const file = await runtimeProgram(place.host, place.runtime);
  using nothing = hasStdin ? undefined : place.host.openNull();
  const stdin = nothing === undefined ? "pipe-to-child" : { fd: nothing.fd };
  const child = await failpoint("runtime/exec.spawn", () =>
    place.host.spawner.spawn({
      file,
      args: execArguments(place, []),
      stdio: [stdin, "pipe-from-child", "pipe-from-child", ...TOLD],
      hasOpenPipes: true, // In a user namespace the runtime cannot give them to the program's user.
    }),
  );
  return { child };
}

/** crun gives the terminal its size when its child, the program to be, has it already and goes on. Where that came first, a program saw 0 by 0. */
async function withTerminal(place: ExecPlace): Promise<Begun> {
  const { host, socketPath } = place;
  const listener = await host.listenForConsole(socketPath);
  try {
    const file = await runtimeProgram(host, place.runtime);
    const child = await failpoint("runtime/exec-terminal.spawn", () =>
      host.spawner.spawn({
        file,
        args: execArguments(place, ["--tty", "--console-socket", socketPath]),
        stdio: ["null", "null", "null", ...TOLD],
        goesFirst: true,
      }),
    );
    void child.exit.then(() => listener.close());
    return { child, terminal: listener.console };
  } catch (error) {
    listener.close();
    throw error;
  }
}

function execArguments({ runtime, containerId }: ExecPlace, extra: readonly string[]): readonly string[] {
  return [
    ...globalArguments(runtime, ownFile(LOG_FD)),
    "exec",
    ...extra,
    ...["--pid-file", ownFile(PID_FD), "--process", ownFile(SPEC_FD)],
    containerId,
  ];
}

function ownFile(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function pipeOf({ pipes }: ChildProcess, fd: number): Duplex {
  return defined(pipes[fd], "a pipe of the runtime's");
}

function ofChild(child: ChildProcess): Pick<StartedExec, "pid" | "exit" | "reason"> {
  const log = pipeOf(child, LOG_FD);
  log.on("error", () => log.destroy());
  void child.exit.then(code => {
    if (code !== RUNTIME_FAILURE) log.destroy();
  });
  return { pid: toldPid(pipeOf(child, PID_FD)), exit: child.exit, reason: async () => lastRuntimeError(await textOf(log)) };
}

/** 0: it ended without one. */
async function toldPid(pipe: Duplex): Promise<number> {
  for await (const chunk of pipe) return Number.parseInt(String(chunk), 10) || 0;
  return 0;
}

async function textOf(pipe: Duplex): Promise<string> {
  let text = "";
  for await (const chunk of pipe) {
    text += String(chunk);
    if (text.length > REASON_BYTES_MAX) break;
  }
  return text;
}

function consoleSizeOf(process: unknown): { readonly heightCells: number; readonly widthCells: number } | undefined {
  if (typeof process !== "object" || process === null || !("consoleSize" in process)) return undefined;
  const size = process.consoleSize;
  if (typeof size !== "object" || size === null || !("height" in size) || !("width" in size)) return undefined;
  const { height, width } = size;
  return typeof height === "number" && typeof width === "number" ? { heightCells: height, widthCells: width } : undefined;
}
