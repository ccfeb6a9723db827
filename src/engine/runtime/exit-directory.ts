import { type FSWatcher, watch } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../lib/errors.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { Log } from "../../ports/log.ts";
import { ifGone } from "./kernel-file.ts";
import { removeFile } from "./remove-file.ts";

const READ_AGAIN_MS = 100;

/** The folder in which each conmon leaves its container's exit code, in a file named after it, renamed into place. */
export class ExitDirectory implements Disposable {
  readonly path: string;
  readonly #waiting = new Map<string, (exitCode: number) => void>();
  readonly #watcher: FSWatcher;
  readonly #log: Log;
  #isClosed = false;

  private constructor(path: string, log: Log) {
    this.path = path;
    this.#log = log;
    this.#watcher = watch(path, { persistent: false }, (_event, name) => {
      // No name: the kernel lost events, so all are looked for.
      for (const id of name === null ? this.#waiting.keys() : [name]) void this.#look(id);
    });
  }

  static async open(path: string, { log }: { readonly log: Log }): Promise<ExitDirectory> {
    await mkdir(path, { recursive: true });
    return new ExitDirectory(path, log);
  }

  /** Calls once, also when the file is there already. */
  onExit(id: ContainerId, listener: (exitCode: number) => void): void {
    this.#waiting.set(id, listener);
    void this.#look(id);
  }

  forget(id: ContainerId): void {
    this.#waiting.delete(id);
  }

  /** `undefined` where none was left. @throws Error where that cannot be said. */
  async read(id: string): Promise<number | undefined> {
    const text = await readFile(join(this.path, id), "utf8").catch(ifGone(""));
    return /^\d+/.test(text) ? Number.parseInt(text, 10) : undefined;
  }

  /** As `read`, but as soon as it can be said: nobody tells of an exit code again. */
  async readAtLast(id: string): Promise<number | undefined> {
    for (let tries = 1; !this.#isClosed; tries++) {
      try {
        return await this.read(id);
      } catch (error) {
        const fields = { container: id, error: errorMessage(error) };
        if (tries === 1) this.#log.error(fields, "a container's exit code cannot be read at the moment");
      }
      await delay(READ_AGAIN_MS, undefined, { ref: false });
    }
    return undefined;
  }

  async remove(id: ContainerId): Promise<void> {
    await removeFile(join(this.path, id));
  }

  async #look(id: string): Promise<void> {
    if (!this.#waiting.has(id)) return;
    const exitCode = await this.readAtLast(id);
    if (exitCode === undefined) return;
    const listener = this.#waiting.get(id);
    this.#waiting.delete(id);
    listener?.(exitCode);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#watcher.close();
    this.#waiting.clear();
  }
}
