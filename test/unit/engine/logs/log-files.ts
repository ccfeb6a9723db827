import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContainerLog } from "../../../../src/engine/logs/container-log.ts";
import type { OutputStream } from "../../../../src/engine/logs/cri-line.ts";
import { type LogOptions, logLines } from "../../../../src/engine/logs/log-lines.ts";

/** A log in a folder of its own, written as conmon writes it. */
export class LogFiles implements AsyncDisposable {
  readonly path: string;
  readonly log: ContainerLog;
  readonly #directory: string;
  #seconds = 0;

  private constructor(directory: string, log: ContainerLog) {
    this.#directory = directory;
    this.path = log.path;
    this.log = log;
  }

  static async create({ fileBytesMax = 1000, filesMax = 3, compresses = false } = {}): Promise<LogFiles> {
    const directory = mkdtempSync(join(tmpdir(), "shct-log-"));
    const log = await ContainerLog.open(join(directory, "container.log"), {
      isKept: true,
      isReadable: true,
      fileBytesMax,
      filesMax,
      compresses,
    });
    return new LogFiles(directory, log);
  }

  /** One piece; `P` goes on. Each has a second of its own, from 00:00:00. */
  write(
    content: string,
    { stream = "stdout", tag = "F" }: { readonly stream?: OutputStream; readonly tag?: "F" | "P" } = {},
  ): void {
    const time = `2026-11-21T${new Date(this.#seconds++ * 1000).toISOString().slice(11, 19)}.000000001+00:00`;
    appendFileSync(this.path, `${time} ${stream} ${tag} ${content}\n`);
  }

  lines(count: number, first = 1): void {
    for (let number = first; number < first + count; number++) this.write(`line ${number}`);
  }

  async rotate(): Promise<void> {
    await this.log.rotateIfFull(async rotatedPath => {
      renameSync(this.path, rotatedPath);
      writeFileSync(this.path, "");
    });
  }

  async read(options: Partial<LogOptions> = {}): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const line of this.stream(options)) found.push(line);
    return found;
  }

  async *stream(options: Partial<LogOptions> = {}): AsyncGenerator<string> {
    const batches = logLines(this.log, {
      follow: false,
      wantsStdout: true,
      wantsStderr: true,
      timestamps: false,
      details: false,
      signal: new AbortController().signal,
      ...options,
    });
    for await (const lines of batches) for (const { data } of lines) yield Buffer.from(data).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
