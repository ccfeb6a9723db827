import type { ContainerId } from "../../model/ids.ts";

/**
 * What keeps a container's process while the daemon may be away. conmon is one implementation.
 * Times are not kept here: the caller stamps what it is told.
 */
export interface Shim {
  /** A process will be made soon: what takes the kernel a while may begin. Returns at once. */
  prepare?(): void;
  /** Creates the container (its process waits to be started). @throws OperationError `invalid` or `internal` with the runtime's own words in `cause`. */
  create(request: ShimCreate): Promise<ShimContainer>;
  /** Takes up a container that was created by an earlier daemon; `undefined` when neither it nor a record of its end is there. */
  restore(request: ShimRestore): Promise<ShimContainer | undefined>;
  /** Ends and takes away whatever is there of a container whose start was cut short, so that it can be made again. No error when nothing is. */
  discard?(request: Pick<ShimRestore, "id" | "bundlePath" | "runtime">): Promise<void>;
}

export interface ShimCreate {
  readonly id: ContainerId;
  /** Holds config.json and, while it lives, the shim's own files. */
  readonly bundlePath: string;
  /** `undefined`: no log file (driver none). */
  readonly logPath: string | undefined;
  readonly isTty: boolean;
  /** stdin can be written to. */
  readonly hasStdin: boolean;
  /** stdin ends when the attached client ends it. Otherwise it stays open until the container ends. */
  readonly isStdinOnce: boolean;
  /** Name of a configured runtime; `undefined`: the default, found by a probe. */
  readonly runtime?: string;
  /** What runs in the container, for the words of an error. */
  readonly program: string;
  /** The rest of what is needed, config.json among it, is made beside, until this resolves; with its failure the creation fails. Missing: it is there. */
  readonly isReady?: Promise<unknown>;
  /** Its config.json may have hooks, which the runtime runs when it is deleted too. Missing: it has none. */
  readonly hasHooks?: boolean;
  /** Opens the attach connection at once, so that the first byte is not missed. */
  readonly attach: boolean;
}

export interface ShimRestore {
  readonly id: ContainerId;
  readonly bundlePath: string;
  readonly logPath: string | undefined;
  readonly isTty: boolean;
  readonly runtime?: string;
  /** What was recorded when it was created; a pid counts only with its start time. */
  readonly pid: number;
  readonly pidStartTicks: number;
}

export interface ShimContainer {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid it names one process for good. */
  readonly pidStartTicks: number;
  /** Runs the process. @throws OperationError with the runtime's words, when the program cannot be executed. */
  start(): Promise<void>;
  /** Resolves once, when the container has ended, also if that happened while no daemon ran. 137 when the shim itself was killed. */
  readonly exit: Promise<ShimExit>;
  kill(signal: number): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Whether its processes are held, whatever anybody recorded. */
  isPaused(): Promise<boolean>;
  resize(size: { readonly heightCells: number; readonly widthCells: number }): Promise<void>;
  /** The one attach connection, made on first use and kept. It is always read to its end, whoever listens. */
  attach(): Promise<ShimStreams>;
  /** Moves the log to `rotatedPath` and goes on in a new file; resolves when the old file is final. */
  rotateLog(rotatedPath: string): Promise<void>;
  update(resources: unknown): Promise<void>;
  /** Text of its /proc/PID/mountinfo; `undefined` when it has ended. */
  mountInfo(): string | undefined;
  /** Pids in its cgroup, as the host sees them. */
  pids(): Promise<readonly number[]>;
  exec(request: ShimExec): Promise<ShimProcess>;
  /** Takes away what the runtime and the shim left, but for files in the bundle: that is the caller's to remove. The container must have ended. */
  delete(): Promise<void>;
}

export interface ShimExit {
  /** 0..255, 128+n for a signal. */
  readonly exitCode: number;
  readonly isOomKilled: boolean;
}

export interface ShimStreams {
  /** Called for each piece, in order. Must return at once: the container waits for it. @returns a function that ends the subscription. */
  subscribe(listener: (stream: "stdout" | "stderr", data: Uint8Array) => void, onEnd: () => void): () => void;
  /** Resolves when it has been taken. */
  writeStdin(data: Uint8Array): Promise<void>;
  /** Ends the container's stdin. */
  closeStdin(): void;
  /**
   * Stops reading, which holds the process back, until `resume`. Used only where output has nowhere else to go: an exec, or a container without a log.
   * Missing: cannot be done, and a client that falls too far behind is cut off.
   */
  pause?(): void;
  resume?(): void;
}

export interface ShimExec {
  /** The OCI process object. */
  readonly process: unknown;
  readonly isTty: boolean;
  readonly hasStdin: boolean;
}

export interface ShimProcess extends ShimStreams {
  /** 0: it has ended, or never began. Known a little after the process runs; its output need not wait for it. */
  readonly pid: Promise<number>;
  /** @throws OperationError when it could not be started: the message is Docker's, `exitCode` 126 or 127 is in the kind of error (see `ExecStartError`). */
  readonly exit: Promise<number>;
  resize(size: { readonly heightCells: number; readonly widthCells: number }): Promise<void>;
  kill(signal: number): void;
}
