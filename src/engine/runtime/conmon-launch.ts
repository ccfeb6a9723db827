import { join } from "node:path";
import type { Duplex } from "node:stream";
import { OperationError } from "../../lib/errors.ts";
import type { ChildProcess, SpawnRequest } from "../../ports/process.ts";
import type { ConmonCgroup } from "./conmon-cgroup.ts";
import type { RuntimeHost } from "./host.ts";
import { globalArguments, type OciRuntime, readRuntimeError, runtimeProgram } from "./runtime-command.ts";
import type { ShimCreate } from "./shim.ts";
import { translateRuntimeError } from "./start-error.ts";
import { failpoint } from "../../ports/failpoint.ts";

export interface ConmonLaunch {
  readonly host: RuntimeHost;
  readonly conmonPath: string;
  readonly runtime: OciRuntime;
  readonly exitDirectoryPath: string;
  readonly cgroup: ConmonCgroup;
}

const SYNC_FD = 3;
const START_FD = 4;
const SIGKILL = 9;

export const RUNTIME_LOG = "runtime.log";
export const CONMON_PID_FILE = "conmon.pid";

function conmonArguments(
  { runtime, exitDirectoryPath }: ConmonLaunch,
  request: ShimCreate & { readonly runtimePath: string },
): readonly string[] {
  const { id, bundlePath, logPath, isTty, hasStdin, isStdinOnce } = request;
  return [
    "--api-version",
    "1",
    ...["-c", id, "-u", id, "-n", id],
    ...["-r", request.runtimePath],
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
 * Starts conmon, which creates the container once all is ready for it: its own start goes on beside. Then it forks itself away from here:
 * neither this process's end nor its signals reach it.
 *
 * @returns the pid of the container's first process, which waits to be started.
 */
export async function launchConmon(
  launch: ConmonLaunch,
  request: ShimCreate & { readonly isReady: Promise<unknown> },
): Promise<number> {
  const child = await startHeld(launch, request);
  try {
    // Before it forks, so that all it starts is there too.
    await launch.cgroup.take(child.pid);
    await request.isReady;
  } catch (error) {
    child.kill(SIGKILL);
    await child.exit;
    throw error;
  }
  const start = child.pipes[START_FD];
  start?.on("error", () => undefined); // It has ended: its answer says so.
  start?.end("0");
  const answer = await readAnswer(child);
  if (answer.data > 0) return answer.data;
  const said = (await readRuntimeError(join(request.bundlePath, RUNTIME_LOG))) || answer.message;
  throw translateRuntimeError(said, { phase: "create", program: request.program });
}

/** It reads a byte before it forks; one that is ended until then has made nothing but an empty log. */
async function startHeld(launch: ConmonLaunch, request: ShimCreate): Promise<ChildProcess> {
  const runtimePath = await runtimeProgram(launch.host, launch.runtime);
  const spawnRequest: SpawnRequest = {
    file: launch.conmonPath,
    args: conmonArguments(launch, { ...request, runtimePath }),
    stdio: ["null", "null", "null", "pipe-from-child", "pipe-to-child"],
    cwd: request.bundlePath, // It writes its OOM mark to where it runs.
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      TZ: "UTC", // Of the log's time stamps.
      _OCI_SYNCPIPE: String(SYNC_FD),
      _OCI_STARTPIPE: String(START_FD),
    },
  };
  return failpoint("runtime/conmon.spawn", () => launch.host.spawner.spawn(spawnRequest));
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
