import type { Duplex } from "node:stream";
import { errorMessage, OperationError } from "../lib/errors.ts";
import type { Exec, RunOptions, RunResult } from "../ports/exec.ts";
import type { ChildProcess, Spawner } from "../ports/process.ts";
import { createSpawner } from "./spawn.ts";

const OUTPUT_BYTES_MAX = 1024 * 1024;
const SIGKILL = 9;

export function createExec(spawner: Spawner = createSpawner()): Exec {
  return { run: (file, args, options) => run(spawner, { file, args, options: options ?? {} }) };
}

interface Run {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: RunOptions;
}

async function run(spawner: Spawner, { file, args, options }: Run): Promise<RunResult> {
  const { stdin, cwd, env, signal, outputBytesMax = OUTPUT_BYTES_MAX, allowFailure = false } = options;
  signal?.throwIfAborted();
  const child = await start(spawner, {
    file,
    args,
    stdio: [stdin === undefined ? "null" : "pipe-to-child", "pipe-from-child", "pipe-from-child"],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  const abort = (): void => child.kill(SIGKILL);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort(); // While it was started.
  try {
    const [exitCode, stdout, stderr] = await Promise.all([
      child.exit,
      collect(child.pipes[1], outputBytesMax),
      collect(child.pipes[2], outputBytesMax),
      feed(child.pipes[0], stdin),
    ]);
    signal?.throwIfAborted();
    if (exitCode !== 0 && !allowFailure)
      throw new OperationError("internal", failureText({ file, args, exitCode, stderr, stdout }));
    return { exitCode, stdout, stderr };
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

async function start(spawner: Spawner, request: Parameters<Spawner["spawn"]>[0]): Promise<ChildProcess> {
  try {
    return await spawner.spawn(request);
  } catch (error) {
    throw new OperationError("internal", errorMessage(error), { cause: error });
  }
}

/** Reads to the end, whatever the limit: a program that cannot write would never end. */
async function collect(pipe: Duplex | undefined, bytesMax: number): Promise<string> {
  if (pipe === undefined) return "";
  const chunks: Buffer[] = [];
  let keptBytes = 0;
  pipe.on("data", (chunk: Buffer) => {
    const kept = chunk.subarray(0, bytesMax - keptBytes);
    keptBytes += kept.length;
    if (kept.length > 0) chunks.push(kept);
  });
  await closed(pipe);
  return Buffer.concat(chunks).toString("utf8");
}

/** A program may end without reading its input: that is no failure of the run. */
async function feed(pipe: Duplex | undefined, stdin: string | Uint8Array | undefined): Promise<void> {
  if (pipe === undefined) return;
  const ended = closed(pipe);
  pipe.end(stdin, () => pipe.destroy());
  await ended;
}

function closed(pipe: Duplex): Promise<void> {
  return new Promise(resolve => {
    pipe.on("error", () => pipe.destroy());
    pipe.on("end", () => pipe.destroy());
    pipe.on("close", () => resolve());
  });
}

const FAILURE_TEXT_CHARACTERS_MAX = 2_000;

function failureText({ file, args, exitCode, stderr, stdout }: Omit<Run, "options"> & RunResult): string {
  const said = (stderr.trim() || stdout.trim()).slice(0, FAILURE_TEXT_CHARACTERS_MAX);
  const ending = exitCode > 128 ? `was ended by signal ${exitCode - 128}` : `exited ${exitCode}`;
  return `${[file, ...args].join(" ")} ${ending}${said === "" ? "" : `: ${said}`}`;
}
