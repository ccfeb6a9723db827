import { errorMessage, OperationError } from "../../lib/errors.ts";
import { CONTAINER_DEFAULTS } from "./container-defaults.ts";
import { type ContainerContext, publish } from "./context.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { settledBy } from "./make-run.ts";
import { hasProcess, withState } from "./record.ts";
import { parseSignal, SIGKILL, SIGNAL_MAX, SIGTERM } from "./signals.ts";

/** How long a process may take to be gone after SIGKILL before the user is told. */
const KILL_WAIT_MS = 10_000;

export interface StopOptions {
  readonly timeoutSeconds?: number;
  readonly signal?: string;
}

/** Negative: it is waited for without end. */
export function stopTimeoutSeconds({ defaults }: ContainerContext, { record }: ContainerEntry): number {
  return record.container.config.stopTimeoutSeconds ?? (defaults?.() ?? CONTAINER_DEFAULTS).stopTimeoutSeconds;
}

/** Asks the process to end, and kills it when it does not in time. @throws OperationError `not-modified` when nothing runs. */
export async function stopContainer(
  context: ContainerContext,
  lifecycle: Lifecycle,
  { entry, options }: { readonly entry: ContainerEntry; readonly options: StopOptions },
): Promise<void> {
  const timeoutSeconds = options.timeoutSeconds ?? stopTimeoutSeconds(context, entry);
  const ended = new AbortController();
  const exit = entry.nextExit(ended.signal).catch(() => {});
  try {
    const isSignalled = await entry.queue.run(() => signalToStop(context, lifecycle, { entry, options }));
    if (isSignalled) {
      if (timeoutSeconds < 0) await exit;
      else await settledBy(exit, context.clock.timeout(timeoutSeconds * 1000));
      if (hasProcess(entry.state)) await killAndWait(context, entry);
    }
  } finally {
    ended.abort(new OperationError("cancelled", "no longer waited for"));
  }
  publish(context, entry, { action: "stop" });
}

/** @returns false when there was no process to wait for. @throws OperationError `invalid` for an unknown signal, once it is known that it runs. */
async function signalToStop(
  context: ContainerContext,
  lifecycle: Lifecycle,
  { entry, options }: { readonly entry: ContainerEntry; readonly options: StopOptions },
): Promise<boolean> {
  const isRestarting = entry.state.status === "restarting";
  if (!isRestarting && !hasProcess(entry.state)) throw notRunning(entry);
  const signal = parseSignal(options.signal || entry.record.container.config.stopSignal || String(SIGTERM));
  if (isRestarting) {
    await lifecycle.cancelRestartNow(entry);
    return false;
  }
  const { run } = entry;
  if (run === undefined) throw notRunning(entry);
  await noteStop(context, entry, { cancelsRestart: true, isStop: true });
  await run.shim.kill(signal);
  publish(context, entry, { action: "kill", attributes: { signal: String(signal) } });
  await thaw(context, entry);
  return true;
}

function notRunning({ id }: ContainerEntry): OperationError {
  return new OperationError("not-modified", `container ${id} is not running`);
}

/** Any signal makes it one that the user stopped. */
async function noteStop(
  context: ContainerContext,
  entry: ContainerEntry,
  { cancelsRestart, isStop }: { readonly cancelsRestart: boolean; readonly isStop: boolean },
): Promise<void> {
  entry.isRestartCancelled ||= cancelsRestart;
  entry.isStopAsked ||= isStop;
  if (!entry.record.isStoppedByUser) await context.store.change(entry, record => ({ ...record, isStoppedByUser: true }));
}

/** A paused process takes its signal when it goes on. */
async function thaw(context: ContainerContext, entry: ContainerEntry): Promise<void> {
  const { run } = entry;
  if (entry.state.status !== "paused" || run === undefined) return;
  await run.shim.resume().catch(async (error: unknown) => {
    if (await run.shim.isPaused()) throw error; // Else killing it has thawed it, or ended it.
  });
  await context.store.change(entry, record =>
    record.container.state.status === "paused" ? withState(record, { status: "running" }) : record,
  );
  publish(context, entry, { action: "unpause" });
}

/** In the container's queue, so that its end is told after what ended it. */
async function sendSignal(
  context: ContainerContext,
  { entry, run, signal }: { readonly entry: ContainerEntry; readonly run: ContainerRun; readonly signal: number },
): Promise<void> {
  await entry.queue.run(async () => {
    await run.shim.kill(signal);
    publish(context, entry, { action: "kill", attributes: { signal: String(signal) } });
  });
}

/** Ends the process for good and waits until that is recorded. @throws OperationError `internal` when it does not go. */
export async function killAndWait(context: ContainerContext, entry: ContainerEntry): Promise<void> {
  const { run } = entry;
  if (run === undefined) return;
  const ended = new AbortController();
  const exit = entry.nextExit(ended.signal).catch(() => {});
  try {
    await noteStop(context, entry, { cancelsRestart: true, isStop: true });
    await sendSignal(context, { entry, run, signal: SIGKILL });
    if (entry.run !== run) return;
    await settledBy(exit, context.clock.timeout(KILL_WAIT_MS));
    if (entry.run === run) throw new OperationError("internal", `tried to kill container, but did not receive an exit event`);
  } finally {
    ended.abort(new OperationError("cancelled", "no longer waited for"));
  }
}

/** What kept a container from being stopped, in the words of the command. One that does not run is left as it is: the caller knows. */
export function toldOf(error: unknown, sentence: string): unknown {
  if (!(error instanceof OperationError) || error.kind === "not-modified") return error;
  return new OperationError(error.kind, `${sentence}: ${error.message}`, { cause: error });
}

/** @throws OperationError `invalid` in the words of `docker kill`. */
export function signalOf(text: string, idOrName: string): number {
  if (/^\d+$/.test(text) && Number(text) > SIGNAL_MAX) {
    const reason = `the linux daemon does not support signal ${text}`;
    throw new OperationError("invalid", `cannot kill container: ${idOrName}: ${reason}`);
  }
  try {
    return parseSignal(text === "" ? "KILL" : text);
  } catch (error) {
    throw new OperationError("invalid", `cannot kill container: ${idOrName}: ${errorMessage(error)}`, { cause: error });
  }
}

/** `docker kill`. @throws OperationError `conflict` when it does not run. */
export async function killContainer(
  context: ContainerContext,
  lifecycle: Lifecycle,
  { entry, signal, idOrName }: { readonly entry: ContainerEntry; readonly signal: number; readonly idOrName: string },
): Promise<void> {
  if (entry.state.status === "restarting") return entry.queue.run(() => lifecycle.cancelRestartNow(entry));
  const { run } = entry;
  if (run === undefined) {
    throw new OperationError("conflict", `cannot kill container: ${idOrName}: container ${entry.id} is not running`);
  }
  if (signal === SIGKILL) return killAndWait(context, entry);
  const { stopSignal = "" } = entry.record.container.config;
  // Without a stop signal of its own every signal counts as one, @see moby's killWithSignal.
  const isStop = signal === parseSignal(stopSignal || String(SIGTERM));
  const cancelsRestart = stopSignal === "" || isStop;
  await noteStop(context, entry, { cancelsRestart, isStop });
  await sendSignal(context, { entry, run, signal });
  if (cancelsRestart) await entry.queue.run(() => thaw(context, entry));
  return undefined;
}
