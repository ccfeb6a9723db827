import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { defined } from "../../lib/assert.ts";
import { openAttachConnection } from "./attach-connection.ts";
import { readSyncLines } from "./conmon-launch.ts";
import { type ExecPlace, RUNTIME_FAILURE, type StartedExec } from "./exec-start.ts";
import { WindowSize } from "./window-size.ts";
import { globalArguments, runtimeProgram } from "./runtime-command.ts";
import { failpoint } from "../../ports/failpoint.ts";

const SYNC_FD = 3;
const START_FD = 4;
const ATTACH_FD = 5;
const GO = "0";

/**
 * An exec with a terminal under a conmon of its own. It waits twice for a byte: before anything, and, once its attach socket is there,
 * until this side has connected, so that no output is missed. Then it tells the pid, and at the end the exit code.
 */
export async function startExecUnderConmon(place: ExecPlace): Promise<Omit<StartedExec, "reason">> {
  const { host, conmonPath, runtime, directory, containerId } = place;
  const runtimePath = await runtimeProgram(host, runtime);
  const child = await failpoint("runtime/exec-conmon.spawn", () =>
    host.spawner.spawn({
      file: conmonPath,
      args: [
        "--api-version",
        "1",
        ...["-e", "--exec-attach", "--exec-process-spec", join(directory, "process.json"), "-t", "-i", "--leave-stdin-open"],
        ...["-c", containerId, "-u", `${containerId}-exec`, "-n", containerId],
        ...["-r", runtimePath],
        ...globalArguments(runtime, join(directory, "exec.log")).flatMap(argument => ["--runtime-arg", argument]),
        ...["-b", directory, "-p", join(directory, "pid"), "--full-attach", "--no-sync-log", "-l", "none:", "--sync"],
      ],
      stdio: ["null", "null", "null", "pipe-from-child", "pipe-to-child", "pipe-from-child"],
      cwd: directory,
      env: {
        PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
        _OCI_SYNCPIPE: String(SYNC_FD),
        _OCI_STARTPIPE: String(START_FD),
        _OCI_ATTACHPIPE: String(ATTACH_FD),
      },
    }),
  );
  const [sync, start, attach] = [SYNC_FD, START_FD, ATTACH_FD].map(fd => defined(child.pipes[fd], "conmon's pipe")) as [
    Duplex,
    Duplex,
    Duplex,
  ];
  start.on("error", () => undefined);
  start.write(GO);
  attach.resume(); // One line says that the socket is there; all of it is that it says so.
  await Promise.race([once(attach, "data"), child.exit]);
  const connection = openAttachConnection(host, { bundlePath: directory, isStdinOnce: false });
  connection.pause?.(); // Until somebody listens.
  start.end(GO);
  attach.destroy();
  const answers = readSyncLines(sync);
  const windowSize = new WindowSize(host, join(directory, "winsz"));
  const pid = answers.next().then(({ value }) => Math.max(0, value?.data ?? 0));
  // Both the pid and the code come by the same pipe: a code without a pid before it is the runtime's failure.
  const exit = pid.then(async found => {
    const last = found === 0 ? undefined : (await answers.next()).value;
    await answers.return(undefined);
    await child.exit;
    return last === undefined || last.data < 0 ? RUNTIME_FAILURE : last.data;
  });
  return {
    pid,
    exit,
    streams: () => ({
      ...connection,
      subscribe(onData, onEnd) {
        const unsubscribe = connection.subscribe(onData, onEnd);
        connection.resume?.();
        return unsubscribe;
      },
    }),
    resize: size => windowSize.setUnlessGone(size),
  };
}
