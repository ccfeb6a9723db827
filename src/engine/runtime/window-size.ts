import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { errnoCode, OperationError } from "../../lib/errors.ts";
import type { RuntimeHost } from "./host.ts";

const POLL_MS = 1;
const READ_MS_MAX = 5_000;
/** What a named pipe says when nobody reads it any more. */
const GONE: ReadonlySet<string> = new Set(["ENXIO", "ENOENT", "EPIPE"]);

interface TerminalCells {
  readonly heightCells: number;
  readonly widthCells: number;
}

/** Whether setting a size has failed because conmon, and with it the terminal, is gone. */
export function isTerminalGone(error: unknown): boolean {
  return GONE.has(errnoCode(error) ?? "");
}

/**
 * Tells conmon the size of a terminal, by a named pipe. It takes two lines that it reads together for the first one twice, and the last
 * size would be lost: a line is written once it has read the one before.
 */
export class WindowSize {
  readonly #host: Pick<RuntimeHost, "unreadBytes">;
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(host: Pick<RuntimeHost, "unreadBytes">, path: string) {
    this.#host = host;
    this.#path = path;
  }

  /** @throws ENXIO or ENOENT when conmon is gone; OperationError `unavailable` when it does not read. */
  async set({ heightCells, widthCells }: TerminalCells): Promise<void> {
    const written = this.#last.catch(() => undefined).then(() => this.#write(`${heightCells} ${widthCells}\n`));
    this.#last = written;
    await written;
  }

  /** As `set`, for a program whose end is told in another way. */
  async setUnlessGone(size: TerminalCells): Promise<void> {
    await this.set(size).catch((error: unknown) => {
      if (!isTerminalGone(error)) throw error;
    });
  }

  async #write(line: string): Promise<void> {
    const startedMs = performance.now();
    while (!(await this.#writeIfRead(line))) {
      if (performance.now() - startedMs > READ_MS_MAX) throw new OperationError("unavailable", "the terminal takes no size");
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }

  /** Opened anew each time: what conmon had not read when it left stays in the pipe, and only opening it tells that nobody reads. */
  async #writeIfRead(line: string): Promise<boolean> {
    await using pipe = await open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
    if (this.#host.unreadBytes(pipe.fd) > 0) return false;
    await pipe.write(line);
    return true;
  }
}
