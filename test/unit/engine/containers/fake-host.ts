import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type {
  Shim,
  ShimContainer,
  ShimCreate,
  ShimExit,
  ShimProcess,
  ShimRestore,
  ShimStreams,
} from "../../../../src/engine/runtime/shim.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { type ContainerId } from "../../../../src/model/ids.ts";

type Listener = Parameters<ShimStreams["subscribe"]>[0];

class FakeStreams implements ShimStreams {
  readonly #listeners = new Map<Listener, () => void>();
  readonly stdin: Buffer[] = [];
  isStdinClosed = false;
  isPaused = false;
  isEnded = false;

  subscribe(listener: Listener, onEnd: () => void): () => void {
    if (this.isEnded) onEnd();
    else this.#listeners.set(listener, onEnd);
    return () => this.#listeners.delete(listener);
  }

  print(stream: "stdout" | "stderr", data: Uint8Array): void {
    for (const listener of this.#listeners.keys()) listener(stream, data);
  }

  end(): void {
    this.isEnded = true;
    for (const onEnd of this.#listeners.values()) onEnd();
    this.#listeners.clear();
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    this.stdin.push(Buffer.from(data));
  }

  closeStdin(): void {
    this.isStdinClosed = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

/** Of the process that this is. */
function ownStartTicks(): number {
  return Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19]);
}

/** A process of the simulated machine. It lives on when the daemon goes. */
export class FakeProcess {
  readonly request: ShimCreate;
  readonly pid: number;
  readonly startTicks: number;
  streams: FakeStreams | undefined;
  isStarted = false;
  ended: ShimExit | undefined;
  readonly signals: number[] = [];
  /** Signals that end it. */
  readonly deadly = new Set([9, 15]);
  size: { readonly heightCells: number; readonly widthCells: number } | undefined;
  isFrozen = false;
  updated: unknown;
  failUpdate = false;
  failResume = false;
  readonly execs: FakeExec[] = [];
  #resolveExit: ((exit: ShimExit) => void)[] = [];
  #logTimeNs = 1_795_000_000_000_000_000n;

  constructor(request: ShimCreate, { pid }: { readonly pid: number }) {
    this.request = request;
    this.pid = pid;
    this.startTicks = pid === process.pid ? ownStartTicks() : pid * 10;
  }

  /** What the container prints, as conmon writes and sends it: pieces of at most 8 KiB. */
  print(text: string | Buffer, stream: "stdout" | "stderr" = "stdout"): void {
    const data = Buffer.from(text);
    const PIECE_BYTES = 8192;
    for (let start = 0; start < data.length; start += PIECE_BYTES)
      this.#printPiece(data.subarray(start, start + PIECE_BYTES), stream);
  }

  #printPiece(data: Buffer, stream: "stdout" | "stderr"): void {
    const { logPath } = this.request;
    if (logPath !== undefined) appendFileSync(logPath, this.#logText(data, stream));
    this.streams?.print(stream, data);
  }

  #logText(data: Buffer, stream: string): Buffer {
    const time = new Date(Number(this.#logTimeNs / 1_000_000n)).toISOString().slice(0, 20);
    const head = `${time}${String(this.#logTimeNs % 1_000_000_000n).padStart(9, "0")}+00:00 ${stream} `;
    this.#logTimeNs += 1_000_000_000n;
    const pieces: Buffer[] = [];
    for (let start = 0; start < data.length; ) {
      const newline = data.indexOf(10, start);
      const end = newline === -1 ? data.length : newline;
      pieces.push(Buffer.from(`${head}${newline === -1 ? "P" : "F"} `), data.subarray(start, end), Buffer.from("\n"));
      start = end + 1;
    }
    return Buffer.concat(pieces);
  }

  /** @param options.isOutputLate - The rest of its output comes after the news of its end. */
  exit(exitCode: number, { isOomKilled = false, isOutputLate = false } = {}): void {
    if (this.ended !== undefined) return;
    this.ended = { exitCode, isOomKilled };
    if (!isOutputLate) this.streams?.end();
    for (const resolve of this.#resolveExit) resolve(this.ended);
  }

  awaitExit(): Promise<ShimExit> {
    return this.ended === undefined ? new Promise(resolve => this.#resolveExit.push(resolve)) : Promise.resolve(this.ended);
  }
}

export class FakeExec extends FakeStreams implements ShimProcess {
  readonly pid = Promise.resolve(7000);
  readonly process: { readonly args: readonly string[] };
  exit: Promise<number>;
  end_!: (exitCode: number) => void;
  fail!: (error: Error) => void;
  size: unknown;
  readonly signals: number[] = [];

  constructor(process: unknown) {
    super();
    this.process = process as { readonly args: readonly string[] };
    this.exit = new Promise((resolve, reject) => {
      this.end_ = exitCode => {
        this.end();
        resolve(exitCode);
      };
      this.fail = reject;
    });
  }

  async resize(size: unknown): Promise<void> {
    this.size = size;
  }

  kill(signal: number): void {
    this.signals.push(signal);
    this.end_(128 + signal);
  }
}

/** The machine: processes by container. */
export class FakeHost {
  readonly processes = new Map<ContainerId, FakeProcess>();
  /** Every container that was ever created, in order. */
  readonly created: FakeProcess[] = [];
  readonly discarded: Pick<ShimRestore, "id" | "runtime">[] = [];
  failDiscard = false;
  /** Of every process. */
  mountInfo = "";
  /** What the next attempts to take a container up say instead, one each. */
  readonly restoreFailures: Error[] = [];
  nextPid = 1000;
  /** What the next creations do instead. */
  onCreate: ((request: ShimCreate) => void) | undefined;
  failPause = false;
  onStart: ((process: FakeProcess) => void) | undefined;
  onExec: ((exec: FakeExec) => void) | undefined;

  shim(): Shim {
    return {
      create: async request => {
        await request.isReady;
        this.onCreate?.(request);
        const process = new FakeProcess(request, { pid: this.nextPid++ });
        if (request.logPath !== undefined) appendFileSync(request.logPath, "");
        this.processes.set(request.id, process);
        this.created.push(process);
        const container = this.#containerOf(process);
        if (request.attach) await container.attach();
        return container;
      },
      restore: async ({ id, pid, pidStartTicks }) => {
        const failure = this.restoreFailures.shift();
        if (failure !== undefined) throw failure;
        const process = this.processes.get(id);
        if (process === undefined || process.pid !== pid || process.startTicks !== pidStartTicks) return undefined;
        process.streams = undefined;
        return this.#containerOf(process);
      },
      discard: async ({ id, runtime }) => {
        if (this.failDiscard) throw new OperationError("internal", "too many open files");
        this.discarded.push({ id, ...(runtime !== undefined && { runtime }) });
        this.processes.delete(id);
      },
    };
  }

  #containerOf(process: FakeProcess): ShimContainer {
    const end = (signal: number) => {
      process.signals.push(signal);
      if (process.deadly.has(signal) && !process.isFrozen) process.exit(128 + signal);
    };
    return {
      pid: process.pid,
      pidStartTicks: process.startTicks,
      exit: process.awaitExit(),
      start: async () => {
        this.onStart?.(process);
        process.isStarted = true;
      },
      kill: async signal => {
        if (signal === 9) process.isFrozen = false;
        end(signal);
      },
      pause: async () => {
        if (this.failPause) throw new Error("the container is not running: No such process");
        process.isFrozen = true;
      },
      isPaused: async () => process.isFrozen,
      resume: async () => {
        if (process.failResume) throw new Error("too many open files");
        process.isFrozen = false;
        if (process.signals.some(signal => process.deadly.has(signal))) process.exit(128 + (process.signals.at(-1) ?? 0));
      },
      resize: async size => {
        process.size = size;
      },
      attach: async () => (process.streams ??= new FakeStreams()),
      rotateLog: async rotatedPath => {
        const { logPath = "" } = process.request;
        renameSync(logPath, rotatedPath);
        writeFileSync(logPath, "");
      },
      update: async resources => {
        if (process.failUpdate) throw new Error("device or resource busy");
        process.updated = resources;
      },
      mountInfo: () => this.mountInfo,
      pids: async () => [process.pid],
      exec: async request => {
        const exec = new FakeExec(request.process);
        this.onExec?.(exec);
        process.execs.push(exec);
        return exec;
      },
      delete: async () => {
        this.processes.delete(process.request.id);
      },
    };
  }
}
