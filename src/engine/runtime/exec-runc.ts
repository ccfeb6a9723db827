import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "../../ports/failpoint.ts";
import type { ChildProcess } from "../../ports/process.ts";
import { startExecUnderConmon } from "./exec-conmon.ts";
import type { ExecPlace, StartedExec } from "./exec-start.ts";
import { pipeStreams } from "./exec-streams.ts";
import { encodeSpec } from "./oci/spec.ts";
import { globalArguments, readRuntimeError, runtimeProgram } from "./runtime-command.ts";
import type { ShimExec } from "./shim.ts";

const PID_POLL_FIRST_MS = 1;
const PID_POLL_MAX_MS = 20;

/**
 * An exec under runc, which renames the file of the pid into its place and so wants a folder for it. It hands a terminal over only for an
 * exec that it leaves alone; then somebody must wait for its end, and conmon does.
 */
export async function startExecUnderRunc(place: ExecPlace, request: ShimExec): Promise<StartedExec> {
  const { directory } = place;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeFile(join(directory, "process.json"), encodeSpec(request.process));
    const started = request.isTty ? await startExecUnderConmon(place) : await startWithPipes(place, request);
    const reason = started.exit.then(() => readRuntimeError(join(directory, "exec.log")));
    // Nobody waits for it: what is left of it goes with the container's bundle.
    void reason.then(() => rm(directory, { recursive: true, force: true })).catch(() => undefined);
    return { ...started, reason: () => reason };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startWithPipes(place: ExecPlace, { hasStdin }: ShimExec): Promise<Omit<StartedExec, "reason">> {
  const { directory, runtime, containerId, host } = place;
  const file = await runtimeProgram(host, runtime);
  const args = [
    ...globalArguments(runtime, join(directory, "exec.log")),
    "exec",
    ...["--pid-file", join(directory, "pid"), "--process", join(directory, "process.json")],
    containerId,
  ];
  const stdin = hasStdin ? "pipe-to-child" : "null";
  const child = await failpoint("runtime/exec.spawn", () =>
    host.spawner.spawn({ file, args, stdio: [stdin, "pipe-from-child", "pipe-from-child"] }),
  );
  return {
    pid: awaitPid(directory, child),
    exit: child.exit,
    streams: isBegun => pipeStreams(child, isBegun),
    resize: async () => undefined,
  };
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
