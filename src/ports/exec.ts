/** Other programs, as an effect. The real one is built on posix_spawn, whose cost does not grow with this process's memory. */
export interface Exec {
  /**
   * Runs a program to its end, with its output collected (at most `outputBytesMax` of each stream, 1 MiB by default).
   * @throws OperationError `internal` when it cannot be started, ends in a signal, or exits other than 0 (unless `allowFailure`); the message holds its stderr.
   */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  /** The whole environment; by default only PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly allowFailure?: boolean;
  readonly outputBytesMax?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
