import { join } from "node:path";
import { errnoCode, OperationError } from "../../lib/errors.ts";
import type { ContainerId } from "../../model/ids.ts";
import { attachAccepted } from "./attach-accepted.ts";
import { type AttachConnection, openAttachConnection } from "./attach-connection.ts";
import { type CgroupPaths, isFrozen, pidsInCgroup } from "./cgroups.ts";
import { deleteByHand } from "./crun-delete.ts";
import { startExec } from "./exec-start.ts";
import { startByFifo } from "./exec-fifo.ts";
import type { RuntimeHost } from "./host.ts";
import { readKernelFile } from "./kernel-file.ts";
import { reopenLog, rotateLog } from "./log-rotation.ts";
import { encodeSpec } from "./oci/spec.ts";
import { hasEnded, readProcessStat } from "./process-stat.ts";
import { type OciRuntime, type RuntimeVerb, runVerb } from "./runtime-command.ts";
import type { ShimContainer, ShimExec, ShimExit, ShimProcess, ShimStreams } from "./shim.ts";
import { isTerminalGone, WindowSize } from "./window-size.ts";

export interface ConmonContainerOptions {
  readonly id: ContainerId;
  readonly bundlePath: string;
  readonly logPath: string | undefined;
  readonly isStdinOnce: boolean;
  readonly isTty: boolean;
  readonly program: string;
  readonly runtime: OciRuntime;
  readonly conmonPath: string;
  readonly socketDirectory: string;
  readonly host: RuntimeHost;
  readonly pid: number;
  readonly pidStartTicks: number;
  /** `undefined`: its process is gone. */
  readonly cgroups: CgroupPaths | undefined;
  /** It was made by this daemon, and the runtime does no more for its end than it did for its beginning. */
  readonly isPlain: boolean;
  readonly exit: Promise<ShimExit>;
  /** Stops waiting for its end and takes the record of it away. */
  readonly forget: () => Promise<void>;
}

const SIGKILL = 9;
/** What conmon and the runtime leave in the bundle. config.json and the log are the caller's. */
export const SHIM_FILES = [
  "attach",
  "ctl",
  "winsz",
  "pid",
  "conmon.pid",
  "runtime.log",
  "start.log",
  "delete.log",
  "oom",
  "exit",
];

/** Of all containers: their sockets lie in one folder. */
let consoleCount = 0;

export class ConmonContainer implements ShimContainer {
  readonly pid: number;
  readonly pidStartTicks: number;
  readonly exit: Promise<ShimExit>;
  readonly #options: ConmonContainerOptions;
  readonly #windowSize: WindowSize;
  #attachConnection: AttachConnection | undefined;
  #execCount = 0;

  constructor(options: ConmonContainerOptions) {
    this.pid = options.pid;
    this.pidStartTicks = options.pidStartTicks;
    this.exit = options.exit;
    this.#options = options;
    this.#windowSize = new WindowSize(options.host, join(options.bundlePath, "winsz"));
  }

  async start(): Promise<void> {
    if (this.#attachConnection !== undefined) await attachAccepted();
    if (await startByFifo(this.#options.runtime, this.#options.id)) return;
    await this.#run(["start"], { program: this.#options.program, phase: "create" });
  }

  async kill(signal: number): Promise<void> {
    if (!(await this.#isAlive())) return;
    if (!signalProcess(this.pid, signal)) return;
    // A frozen process takes no signal, not even this one, before it runs again.
    if (signal === SIGKILL && this.#options.cgroups !== undefined && (await isFrozen(this.#options.cgroups))) await this.resume();
  }

  async pause(): Promise<void> {
    await this.#run(["pause"]);
  }

  async resume(): Promise<void> {
    await this.#run(["resume"]);
  }

  async isPaused(): Promise<boolean> {
    return this.#options.cgroups !== undefined && isFrozen(this.#options.cgroups);
  }

  async resize(size: { readonly heightCells: number; readonly widthCells: number }): Promise<void> {
    try {
      await this.#windowSize.set(size);
    } catch (error) {
      // Its end is known here a moment later than conmon has left.
      if (!isTerminalGone(error)) throw error;
      throw new OperationError("conflict", `container ${this.#options.id} is not running`, { cause: error });
    }
  }

  async attach(): Promise<ShimStreams> {
    this.#attachConnection ??= this.#connect();
    return this.#attachConnection;
  }

  #connect(): AttachConnection {
    try {
      return openAttachConnection(this.#options.host, this.#options);
    } catch (error) {
      throw new OperationError("conflict", `container ${this.#options.id} is not running`, { cause: error });
    }
  }

  async rotateLog(rotatedPath: string): Promise<void> {
    const { bundlePath, logPath } = this.#options;
    if (logPath === undefined) throw new OperationError("invalid", `container ${this.#options.id} has no log file`);
    await rotateLog({ bundlePath, logPath, rotatedPath });
  }

  /** After a daemon that ended between moving the log away and telling conmon. */
  async reopenLog(): Promise<void> {
    const { bundlePath, logPath } = this.#options;
    if (logPath !== undefined) await reopenLog({ bundlePath, logPath });
  }

  async update(resources: unknown): Promise<void> {
    await this.#run(["update", "--resources", "-"], { stdin: encodeSpec(resources) });
  }

  mountInfo(): string | undefined {
    return readKernelFile(`/proc/${this.pid}/mountinfo`);
  }

  async pids(): Promise<readonly number[]> {
    return this.#options.cgroups === undefined ? [] : pidsInCgroup(this.#options.cgroups.pids);
  }

  async exec(request: ShimExec): Promise<ShimProcess> {
    const { id, bundlePath, runtime, conmonPath, host, socketDirectory } = this.#options;
    const directory = join(bundlePath, `exec-${++this.#execCount}-${process.pid}`);
    const socketPath = join(socketDirectory, `${process.pid}-${++consoleCount}`);
    return startExec({ host, runtime, conmonPath, containerId: id, directory, socketPath }, request);
  }

  async delete(): Promise<void> {
    const { forget, isPlain, runtime, id, cgroups } = this.#options;
    if (!(isPlain && (await deleteByHand(runtime, { id, cgroups })))) await this.#run(["delete", "--force"]);
    this.#attachConnection?.close();
    await forget();
  }

  async #isAlive(): Promise<boolean> {
    const stat = readProcessStat(this.pid);
    return stat?.startTicks === this.pidStartTicks && !hasEnded(stat);
  }

  async #run(
    verb: RuntimeVerb,
    options: { readonly stdin?: string; readonly program?: string; readonly phase?: "create" } = {},
  ): Promise<void> {
    const { host, runtime, bundlePath, id } = this.#options;
    await runVerb({ host, runtime, bundlePath }, { verb, id, ...options });
  }
}

/** @returns false for a process that has ended since it was looked for. */
function signalProcess(pid: number, signal: number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (errnoCode(error) === "ESRCH") return false;
    throw error;
  }
}
