import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { OperationError } from "../../lib/errors.ts";
import type { ChildProcess, SpawnRequest } from "../../ports/process.ts";
import type { RuntimeHost } from "./host.ts";
import { globalArguments, type OciRuntime, readRuntimeError } from "./runtime-command.ts";
import type { ShimCreate } from "./shim.ts";
import { translateRuntimeError } from "./start-error.ts";
import { failpointNow } from "../../ports/failpoint.ts";

export interface ConmonLaunch {
  readonly host: RuntimeHost;
  readonly conmonPath: string;
  readonly runtime: OciRuntime;
  readonly exitDirectoryPath: string;
  /** `cgroup.procs` files that take conmon out of the daemon's own cgroup; empty where that is the root. */
  readonly cgroupProcsFiles: readonly string[];
}

const SYNC_FD = 3;
const START_FD = 4;

export const RUNTIME_LOG = "runtime.log";
export const CONMON_PID_FILE = "conmon.pid";

function conmonArguments({ runtime, exitDirectoryPath }: ConmonLaunch, request: ShimCreate): readonly string[] {
  const { id, bundlePath, logPath, isTty, hasStdin, isStdinOnce } = request;
  return [
    "--api-version",
    "1",
    ...["-c", id, "-u", id, "-n", id],
    ...["-r", runtime.path],
    ...globalArguments(runtime, join(bundlePath, RUNTIME_LOG)).flatMap(argument => ["--runtime-arg", argument]),
    ...["-b", bundlePath, "-p", join(bundlePath, "pid"), "-P", join(bundlePath, CONMON_PID_FILE)],
    ...["--persist-dir", bundlePath, "--exit-dir", exitDirectoryPath, "--full-attach", "--no-sync-log"],
    ...["-l", logPath === undefined ? "none:" : `k8s-file:${logPath}`],
    ...(isTty ? ["-t"] : []),
    ...(hasStdin ? ["-i"] : []),
    // Without it any client that leaves ends the container's stdin.
    ...(hasStdin && (isTty || !isStdinOnce) ? ["--leave-stdin-open"] : []),
  ];
}

/**
 * Starts conmon, which creates the container. It forks itself away from here: neither this process's end nor its signals reach it.
 *
 * @returns the pid of the container's first process, which waits to be started.
 */
export async function launchConmon(launch: ConmonLaunch, request: ShimCreate & { readonly program: string }): Promise<number> {
  const { host, conmonPath, cgroupProcsFiles } = launch;
  const isHeld = cgroupProcsFiles.length > 0;
  const spawnRequest: SpawnRequest = {
    file: conmonPath,
    args: conmonArguments(launch, request),
    stdio: ["null", "null", "null", "pipe-from-child", ...(isHeld ? ["pipe-to-child" as const] : [])],
    cwd: request.bundlePath, // It writes its OOM mark to where it runs.
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      TZ: "UTC", // Of the log's time stamps.
      _OCI_SYNCPIPE: String(SYNC_FD),
      ...(isHeld ? { _OCI_STARTPIPE: String(START_FD) } : {}),
    },
  };
  const child = failpointNow("runtime/conmon.spawn", () => host.spawner.spawn(spawnRequest));
  if (isHeld) await moveAndRelease(child, cgroupProcsFiles);
  const answer = await readAnswer(child);
  if (answer.data > 0) return answer.data;
  const said = (await readRuntimeError(join(request.bundlePath, RUNTIME_LOG))) || answer.message;
  throw translateRuntimeError(said, { phase: "create", program: request.program });
}

/** conmon waits for a byte before it forks, so that all it starts is in the cgroup too. */
async function moveAndRelease(child: ChildProcess, cgroupProcsFiles: readonly string[]): Promise<void> {
  for (const file of cgroupProcsFiles) await writeFile(file, String(child.pid)).catch(() => undefined);
  const pipe = child.pipes[START_FD];
  pipe?.on("error", () => undefined);
  pipe?.end("0");
}

interface ConmonAnswer {
  readonly data: number;
  readonly message: string;
}

const ANSWER_BYTES_MAX = 64 * 1024;

/** Lines of JSON: `{"data": PID}`, or a negative number and a message. Ends with the pipe. */
export async function* readSyncLines(pipe: Duplex): AsyncGenerator<ConmonAnswer> {
  let text = "";
  for await (const chunk of pipe) {
    text += String(chunk);
    if (text.length > ANSWER_BYTES_MAX) return;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield parseAnswer(line);
  }
}

function parseAnswer(line: string): ConmonAnswer {
  const parsed: unknown = JSON.parse(line);
  const isAnswer = typeof parsed === "object" && parsed !== null && "data" in parsed && typeof parsed.data === "number";
  if (!isAnswer) throw new OperationError("internal", `conmon answered ${line}`);
  const { data } = parsed as { readonly data: number };
  const message = "message" in parsed && typeof parsed.message === "string" ? parsed.message.trim() : "";
  return { data, message };
}

/** The first line; leaving the loop closes the pipe. */
async function readAnswer(child: ChildProcess): Promise<ConmonAnswer> {
  const pipe = child.pipes[SYNC_FD];
  if (pipe === undefined) throw new OperationError("internal", "conmon has no sync pipe");
  for await (const answer of readSyncLines(pipe)) return answer;
  return { data: -1, message: `conmon ended without an answer (code ${await child.exit})` };
}
