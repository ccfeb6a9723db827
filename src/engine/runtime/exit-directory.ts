import { type FSWatcher, watch } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerId } from "../../model/ids.ts";
import { removeFile } from "./remove-file.ts";

/** The folder in which each conmon leaves its container's exit code, in a file named after it, renamed into place. */
export class ExitDirectory implements Disposable {
  readonly path: string;
  readonly #waiting = new Map<string, (exitCode: number) => void>();
  readonly #watcher: FSWatcher;

  private constructor(path: string) {
    this.path = path;
    this.#watcher = watch(path, { persistent: false }, (_event, name) => {
      // No name: the kernel lost events, so all are looked for.
      for (const id of name === null ? this.#waiting.keys() : [name]) void this.#look(id);
    });
  }

  static async open(path: string): Promise<ExitDirectory> {
    await mkdir(path, { recursive: true });
    return new ExitDirectory(path);
  }

  /** Calls once, also when the file is there already. */
  onExit(id: ContainerId, listener: (exitCode: number) => void): void {
    this.#waiting.set(id, listener);
    void this.#look(id);
  }

  forget(id: ContainerId): void {
    this.#waiting.delete(id);
  }

  async read(id: string): Promise<number | undefined> {
    const text = await readFile(join(this.path, id), "utf8").catch(() => "");
    return /^\d+/.test(text) ? Number.parseInt(text, 10) : undefined;
  }

  async remove(id: ContainerId): Promise<void> {
    await removeFile(join(this.path, id));
  }

  async #look(id: string): Promise<void> {
    if (!this.#waiting.has(id)) return;
    const exitCode = await this.read(id);
    if (exitCode === undefined) return;
    const listener = this.#waiting.get(id);
    this.#waiting.delete(id);
    listener?.(exitCode);
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
    this.#waiting.clear();
  }
}
