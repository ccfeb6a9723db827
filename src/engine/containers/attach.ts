import { OperationError } from "../../lib/errors.ts";
import type { OutputStream } from "../logs/cri-line.ts";
import { readLog } from "../logs/read-log.ts";
import { type ContainerContext, publish } from "./context.ts";
import { copyOutput, followLog, type OutputClient } from "./copy-output.ts";
import { DetachKeys } from "./detach-keys.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import { firstWords } from "./first-words.ts";
import { OutputHub } from "./output-hub.ts";
import { hasProcess } from "./record.ts";

/** @see AttachOptions in the REST adapter. */
export interface AttachOptions {
  readonly stream: boolean;
  readonly logs: boolean;
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly output?: (stream: OutputStream, data: Uint8Array) => Promise<void>;
  readonly wantsStdout: boolean;
  readonly wantsStderr: boolean;
  readonly detachKeys?: string;
  readonly signal: AbortSignal;
  readonly onReady: (isTty: boolean) => void;
}

/** conmon takes at most this much at once; more would be dropped. */
const STDIN_CHUNK_BYTES = 32_768;

/** Connects a client to a container that runs or is about to; returns when the run is over or the client has left. */
export async function attachContainer(context: ContainerContext, entry: ContainerEntry, options: AttachOptions): Promise<void> {
  checkAttachable(entry);
  const keys = new DetachKeys(options.detachKeys);
  const { tty } = entry.record.container.config;
  if (options.logs && entry.log?.isReadable !== true) {
    throw new OperationError("invalid", "configured logging driver does not support reading");
  }
  const leave = new AbortController();
  const signal = AbortSignal.any([options.signal, leave.signal]);
  const run = options.stream ? runToAttach(entry, signal) : Promise.resolve(undefined);
  options.onReady(tty);
  publish(context, entry, { action: "attach" });
  try {
    const wants = wantedStreams(options);
    const write = options.output;
    const client: OutputClient | undefined =
      wants.size === 0 || write === undefined
        ? undefined
        : { wants, write, signal, onBehind: () => entry.outputs.delete(written) };
    if (!options.stream) {
      if (!options.logs || client === undefined) return;
      await firstWords(entry, { clock: context.clock, signal });
      await replay(entry, client);
      return;
    }
    const attached = await run;
    if (attached === undefined) return;
    const begin =
      client === undefined
        ? () => runOver(entry, attached, signal)
        : await outputOf(entry, { run: attached, client, withLogs: options.logs });
    // Listening before anything is typed: what the input brings about must not be missed.
    const output = begin();
    const written = output.finally(() => entry.outputs.delete(written));
    written.catch(() => {}); // Waited for below.
    if (client !== undefined) entry.outputs.add(written);
    const input = options.stdin === undefined ? undefined : copyStdin(entry, attached, { stdin: options.stdin, keys, signal });
    const over = input?.then(end => {
      if (end === "detached") publish(context, entry, { action: "detach" });
      if (end !== "half-closed") leave.abort(new OperationError("cancelled", "the client has left"));
    });
    over?.catch(() => leave.abort(new OperationError("cancelled", "the client's input failed")));
    await output;
  } finally {
    leave.abort(new OperationError("cancelled", "attach is over"));
  }
}

function checkAttachable({ state, id }: ContainerEntry): void {
  if (state.status === "paused") {
    throw new OperationError("conflict", `Container ${id} is paused, unpause the container before attach`);
  }
  if (state.status === "restarting") {
    throw new OperationError("conflict", `Container ${id} is restarting, wait until the container is running`);
  }
}

function wantedStreams({ wantsStdout, wantsStderr }: AttachOptions): ReadonlySet<OutputStream> {
  const wants = new Set<OutputStream>();
  if (wantsStdout) wants.add("stdout");
  if (wantsStderr) wants.add("stderr");
  return wants;
}

/** The run that is there, or the next one, from before its first byte. `undefined`: it could not be started, or the client has left. */
function runToAttach(entry: ContainerEntry, signal: AbortSignal): Promise<ContainerRun | undefined> {
  if (entry.run !== undefined && hasProcess(entry.state)) return Promise.resolve(entry.run);
  return new Promise(resolve => {
    const waiting = { onRun: resolve };
    entry.waitingAttachments.add(waiting);
    signal.addEventListener(
      "abort",
      () => {
        entry.waitingAttachments.delete(waiting);
        resolve(undefined);
      },
      { once: true },
    );
  });
}

/**
 * A run that is read live from its first byte is copied from there; another one from its log, which has the same bytes.
 * @returns what begins the copy, from the output of this moment on.
 */
async function outputOf(
  entry: ContainerEntry,
  { run, client, withLogs }: { readonly run: ContainerRun; readonly client: OutputClient; readonly withLogs: boolean },
): Promise<() => Promise<void>> {
  const { log } = entry;
  if (withLogs && log !== undefined) return () => followLog(client, log, { file: log.oldestFile, offsetBytes: 0 });
  const { hub, runLog } = run;
  if (hub !== undefined) {
    return () => copyOutput(hub, client, runLog === undefined ? undefined : { runLog, seenBytes: hub.seenBytes });
  }
  if (log !== undefined) {
    const end = await log.end();
    return () => followLog(client, log, end);
  }
  const streams = await run.shim.attach();
  run.hub ??= new OutputHub(streams);
  const late = run.hub;
  return () => copyOutput(late, client, undefined);
}

async function replay({ log }: ContainerEntry, client: OutputClient): Promise<void> {
  if (log === undefined) return;
  const from = { file: log.oldestFile, offsetBytes: 0 };
  for await (const entries of readLog(log, { from, isFollowing: false, signal: client.signal })) {
    for (const { stream, content, isPartial } of entries) {
      if (client.wants.has(stream)) await client.write(stream, isPartial ? content : Buffer.concat([content, Buffer.from("\n")]));
    }
  }
}

/** For a client that only types. */
async function runOver(entry: ContainerEntry, run: ContainerRun, signal: AbortSignal): Promise<void> {
  if (run.hub === undefined) {
    await entry.nextExit(signal).catch(() => {});
    return;
  }
  await new Promise<void>(resolve => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    run.hub?.subscribe(() => {}, resolve);
  });
}

/** @returns how it ended: `half-closed` leaves the client reading. */
async function copyStdin(
  entry: ContainerEntry,
  run: ContainerRun,
  { stdin, keys, signal }: { readonly stdin: AsyncIterable<Uint8Array>; readonly keys: DetachKeys; readonly signal: AbortSignal },
): Promise<"detached" | "half-closed" | "closed"> {
  const { tty, stdinOnce, openStdin } = entry.record.container.config;
  if (!openStdin) return "half-closed";
  const streams = run.hub?.streams ?? (await run.shim.attach());
  for await (const chunk of stdin) {
    if (signal.aborted) return "closed";
    const { forward, isDetached } = tty ? keys.feed(chunk) : { forward: chunk, isDetached: false };
    for (let start = 0; start < forward.length; start += STDIN_CHUNK_BYTES) {
      await streams.writeStdin(forward.subarray(start, start + STDIN_CHUNK_BYTES));
    }
    if (isDetached) return "detached";
  }
  if (!stdinOnce || tty) return "closed";
  streams.closeStdin();
  return "half-closed";
}
