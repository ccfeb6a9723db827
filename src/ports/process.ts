import type { Duplex } from "node:stream";

/** Long-lived child programs, as an effect. For one that is only run to its end there is `Exec`. */
export interface Spawner {
  /**
   * Starts a program with no open files but those in `stdio`, default signal handling and nothing of this process's environment.
   * Costs the same whatever this process's memory, and does not hold up the event loop. @throws SystemCallError when it cannot be started.
   */
  spawn(request: SpawnRequest): Promise<ChildProcess>;
}

/** What the child finds at a file number: nothing, the other end of one of `pipes`, an open file of this process, or the same as at an earlier number. */
export type StdioEnd = "null" | "pipe-to-child" | "pipe-from-child" | { readonly fd: number } | { readonly sameAs: number };

export interface SpawnRequest {
  /** Absolute, or looked up in this process's PATH. */
  readonly file: string;
  readonly args: readonly string[];
  /** Index is the file number in the child. */
  readonly stdio: readonly StdioEnd[];
  readonly cwd?: string;
  /** The whole environment; by default only PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** A session of its own, so that a terminal's signals do not reach it. */
  readonly isSessionLeader?: boolean;
  /** Those of its streams that are pipes may be opened anew by whatever user runs in it, as programs do by /dev/stdout. */
  readonly hasOpenPipes?: boolean;
  /** It gets the processor before all others, also before what it starts, where the kernel allows that. For what is over in milliseconds. */
  readonly goesFirst?: boolean;
}

export interface ChildProcess {
  readonly pid: number;
  /** This process's ends, by file number in the child; `undefined` where it is no pipe. */
  readonly pipes: readonly (Duplex | undefined)[];
  /** Resolves once it has ended. 128+n for a signal. */
  readonly exit: Promise<number>;
  /** Nothing happens when it has ended. */
  kill(signal: number): void;
}
