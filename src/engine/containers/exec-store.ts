import { OperationError } from "../../lib/errors.ts";
import type { ExecConfig, ExecState } from "../../model/container.ts";
import { type ExecId, engineIdFrom } from "../../model/ids.ts";
import { startFailure } from "./start-error.ts";
import type { ShimProcess } from "../runtime/shim.ts";
import type { AttachOptions } from "./attach.ts";
import { type ContainerContext, publish, viewOfExecCommand } from "./context.ts";
import { copyOutput } from "./copy-output.ts";
import { DetachKeys } from "./detach-keys.ts";
import type { ContainerEntry } from "./entry.ts";
import { linkedEnvironment } from "./links.ts";
import { settledBy } from "./make-run.ts";
import { hasProcess } from "./record.ts";
import { SIGKILL } from "./signals.ts";

/** How long an exec that has ended can be inspected, as Docker's. */
const KEPT_MS = 5 * 60_000;
/** Execs that a container may have at once. */
const EXECS_MAX = 10_000;
const STDIN_CHUNK_BYTES = 32_768;
const NOT_STARTABLE = 126;
/** How long a resize waits for the process, as Docker's. */
const RESIZE_MS_MAX = 10_000;
/** How long a probe that was killed may take to be gone. */
const KILL_WAIT_MS = 1000;
const BOTH_STREAMS: ReadonlySet<"stdout" | "stderr"> = new Set(["stdout", "stderr"]);

const PROBE_CONFIG = {
  env: [],
  tty: false,
  privileged: false,
  attachStdin: false,
  attachStdout: true,
  attachStderr: true,
  detachKeys: "",
};

export interface ProbeOptions {
  readonly cmd: readonly string[];
  readonly write: (data: Uint8Array) => void;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface TerminalSize {
  readonly heightCells: number;
  readonly widthCells: number;
}

export type ExecStartOptions =
  | (Omit<AttachOptions, "logs" | "stream"> & { readonly detach: false; readonly consoleSize?: TerminalSize })
  | { readonly detach: true };

interface Exec {
  readonly entry: ContainerEntry;
  state: ExecState;
  process: ShimProcess | undefined;
  isStarted: boolean;
  /** Resolves when its process is there, or will never be. */
  readonly settled: Promise<void>;
  readonly settle: () => void;
  keptUntilMs: number;
}

/** Further processes in running containers. Known in memory alone, as in Docker. */
export class ExecStore {
  readonly #context: ContainerContext;
  readonly #execs = new Map<string, Exec>();

  constructor(context: ContainerContext) {
    this.#context = context;
  }

  async create(container: string, config: ExecConfig): Promise<ExecId> {
    const entry = this.#context.store.resolve(container);
    checkRunning(entry, container);
    if (config.cmd.length === 0) throw new OperationError("invalid", "No exec command specified");
    this.#context.shim.prepare?.();
    if (config.detachKeys !== "") new DetachKeys(config.detachKeys);
    await this.#checkUser(entry, config);
    this.#dropOld();
    if (entry.execIds.size >= EXECS_MAX) throw new OperationError("unavailable", `container ${entry.id} has too many execs`);
    const id = engineIdFrom<ExecId>(this.#context.random.bytes(32));
    const state: ExecState = { id, containerId: entry.id, config, isRunning: false, pid: 0 };
    let settle = () => {};
    const settled = new Promise<void>(resolve => (settle = resolve));
    this.#execs.set(id, { entry, state, process: undefined, isStarted: false, settled, settle, keptUntilMs: Infinity });
    entry.execIds.add(id);
    publish(this.#context, entry, { action: `exec_create: ${viewOfExecCommand(config)}`, attributes: { execID: id } });
    return id;
  }

  /** @throws OperationError `invalid` when the container knows no such user. */
  async #checkUser(entry: ContainerEntry, config: ExecConfig): Promise<void> {
    if (config.user === "" || entry.run === undefined) return;
    await this.#context.specs.exec({ container: entry.record.container, config, rootfsPath: entry.run.rootfsPath });
  }

  inspect(id: string): ExecState {
    return this.#get(id).state;
  }

  async start(id: string, options: ExecStartOptions): Promise<void> {
    const exec = this.#get(id);
    checkRunning(exec.entry);
    if (exec.state.isRunning) throw new OperationError("conflict", `Error: Exec command ${id} is already running`);
    if (exec.isStarted) throw new OperationError("conflict", `Error: Exec command ${id} has already run`);
    exec.isStarted = true;
    const { config } = exec.state;
    const keys = new DetachKeys(config.detachKeys || (options.detach ? undefined : options.detachKeys));
    if (!options.detach) options.onReady(config.tty);
    const process = await this.#run(exec, options);
    // Known as ended to whoever inspects it once this has returned.
    const ended = process.exit.then(
      exitCode => this.#end(exec, exitCode),
      (error: unknown) => this.#fail(exec, error),
    );
    if (options.detach) {
      const isBegun = (await process.pid) > 0;
      const failure = isBegun ? undefined : await ended;
      if (failure instanceof Error) throw failure;
      return; // How it ends is recorded; nobody is there to be told.
    }
    await converse(process, { ended, options, keys, isTty: config.tty });
  }

  /**
   * Runs a health check's program to its end and that of its output.
   * It is killed when that takes longer than `timeoutMs`, or with `signal`. @throws the signal's reason, and what kept it from starting.
   */
  async probe(entry: ContainerEntry, { cmd, write, timeoutMs, signal }: ProbeOptions): Promise<number | "too-long"> {
    const { user, workingDir } = entry.record.container.config;
    const id = await this.create(entry.id, { ...PROBE_CONFIG, cmd, user, workingDir });
    const exec = this.#get(id);
    exec.isStarted = true;
    const process = await this.#run(exec, { detach: true });
    const timeout = this.#context.clock.timeout(timeoutMs);
    const over = AbortSignal.any([timeout, signal]);
    const ended = process.exit.then(
      exitCode => this.#end(exec, exitCode),
      (error: unknown) => this.#fail(exec, error),
    );
    const client = { wants: BOTH_STREAMS, signal: over, write: async (_stream: unknown, data: Uint8Array) => write(data) };
    await Promise.all([copyOutput(process, client, undefined), settledBy(ended, over)]);
    if (over.aborted && exec.state.isRunning) {
      process.kill(SIGKILL);
      await settledBy(ended, this.#context.clock.timeout(KILL_WAIT_MS));
    }
    signal.throwIfAborted();
    if (over.aborted) return "too-long";
    const failure = await ended;
    if (failure instanceof Error) throw failure;
    return exec.state.exitCode ?? NOT_STARTABLE;
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    const exec = this.#get(id);
    // A client sets the size right after it has asked for the start.
    const late = this.#context.clock.timeout(RESIZE_MS_MAX);
    await settledBy(exec.settled, late);
    if (late.aborted) throw new OperationError("internal", "timeout waiting for exec session ready");
    if (exec.process === undefined) throw new OperationError("invalid", "exec process is not started");
    await exec.process.resize(size);
  }

  /** The container's process is gone, and all others in it. */
  containerEnded(entry: ContainerEntry): void {
    for (const id of entry.execIds) {
      const exec = this.#execs.get(id);
      if (exec !== undefined && !exec.isStarted) this.#execs.delete(id);
    }
    entry.execIds.clear();
  }

  async #run(exec: Exec, options: ExecStartOptions): Promise<ShimProcess> {
    const { entry } = exec;
    const { run } = entry;
    if (run === undefined) throw notRunning(entry);
    const size = options.detach ? undefined : options.consoleSize;
    const config: ExecConfig =
      size === undefined ? exec.state.config : { ...exec.state.config, consoleSize: [size.heightCells, size.widthCells] };
    publish(this.#context, entry, { action: `exec_start: ${viewOfExecCommand(config)}`, attributes: { execID: exec.state.id } });
    try {
      const process = await run.shim.exec({
        process: await this.#context.specs.exec({
          container: entry.record.container,
          config,
          rootfsPath: run.rootfsPath,
          linkedEnv: linkedEnvironment(this.#context.store, entry.record.container),
        }),
        isTty: config.tty,
        hasStdin: config.attachStdin && !options.detach,
      });
      exec.process = process;
      exec.state = { ...exec.state, isRunning: true };
      exec.settle();
      const known = process.pid.then(pid => (exec.state = { ...exec.state, pid }));
      if (options.detach) await known;
      return process;
    } catch (error) {
      throw this.#fail(exec, error);
    }
  }

  #end(exec: Exec, exitCode: number): void {
    this.#finish(exec, exitCode);
    publish(this.#context, exec.entry, { action: "exec_die", attributes: { exitCode: String(exitCode), execID: exec.state.id } });
  }

  /** What never ran does not die: no event. */
  #fail(exec: Exec, error: unknown): unknown {
    this.#finish(exec, startFailure(error).exitCode);
    return error;
  }

  #finish(exec: Exec, exitCode: number): void {
    exec.settle();
    exec.process = undefined;
    exec.state = { ...exec.state, isRunning: false, exitCode };
    exec.keptUntilMs = this.#context.clock.monotonicMs() + KEPT_MS;
    exec.entry.execIds.delete(exec.state.id);
  }

  #get(id: string): Exec {
    const exec = this.#execs.get(id) ?? this.#byPrefix(id);
    if (exec === undefined) throw new OperationError("not-found", `No such exec instance: ${id}`);
    return exec;
  }

  #byPrefix(prefix: string): Exec | undefined {
    if (prefix === "") return undefined;
    const found = [...this.#execs].filter(([id]) => id.startsWith(prefix));
    return found.length === 1 ? found[0]?.[1] : undefined;
  }

  #dropOld(): void {
    const now = this.#context.clock.monotonicMs();
    for (const [id, exec] of this.#execs) if (exec.keptUntilMs < now) this.#execs.delete(id);
  }
}

/** Carries what is typed and printed until the process has ended, the client has left, or its detach keys came. */
async function converse(
  process: ShimProcess,
  {
    ended,
    options,
    keys,
    isTty,
  }: {
    readonly ended: Promise<unknown>;
    readonly options: Exclude<ExecStartOptions, { readonly detach: true }>;
    readonly keys: DetachKeys;
    readonly isTty: boolean;
  },
): Promise<void> {
  const leave = new AbortController();
  const signal = AbortSignal.any([options.signal, leave.signal]);
  const wants = new Set<"stdout" | "stderr">();
  if (options.wantsStdout) wants.add("stdout");
  if (options.wantsStderr) wants.add("stderr");
  const typing = options.stdin === undefined ? undefined : copyExecStdin(process, { stdin: options.stdin, keys, isTty, signal });
  typing?.then(
    isDetached => {
      if (isDetached) leave.abort();
    },
    () => leave.abort(),
  );
  const write = options.output ?? (() => Promise.resolve());
  await copyOutput(process, { wants, write, signal }, undefined);
  if (signal.aborted) return;
  const failure = await ended;
  leave.abort();
  if (failure instanceof Error) throw failure;
}

/** @returns whether the detach keys were typed. */
async function copyExecStdin(
  process: ShimProcess,
  {
    stdin,
    keys,
    isTty,
    signal,
  }: {
    readonly stdin: AsyncIterable<Uint8Array>;
    readonly keys: DetachKeys;
    readonly isTty: boolean;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  for await (const chunk of stdin) {
    if (signal.aborted) return false;
    const { forward, isDetached } = isTty ? keys.feed(chunk) : { forward: chunk, isDetached: false };
    for (let start = 0; start < forward.length; start += STDIN_CHUNK_BYTES) {
      await process.writeStdin(forward.subarray(start, start + STDIN_CHUNK_BYTES));
    }
    if (isDetached) return true;
  }
  process.closeStdin();
  return false;
}

/** @param asked - What the client called the container, where it did. @throws OperationError `conflict` in Docker's words. */
function checkRunning(entry: ContainerEntry, asked: string = entry.id): void {
  if (entry.state.status === "paused") {
    throw new OperationError("conflict", `Container ${asked} is paused, unpause the container before exec`);
  }
  if (entry.state.status === "restarting") {
    throw new OperationError("conflict", `Container ${entry.id} is restarting, wait until the container is running`);
  }
  if (!hasProcess(entry.state)) throw notRunning(entry);
}

function notRunning(entry: ContainerEntry): OperationError {
  return new OperationError("conflict", `container ${entry.id} is not running`);
}
