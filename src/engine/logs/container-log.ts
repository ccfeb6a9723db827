import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { COMPRESSED_SUFFIX, compressFile, openCompressed, UNFINISHED_SUFFIX } from "./compressed-file.ts";
import type { LogSettings } from "./log-settings.ts";

/** A place in a container's log that stays right when files are rotated. */
export interface LogPosition {
  /** Files are numbered from 1 in the order they were written; the last one is being written. */
  readonly file: number;
  readonly offsetBytes: number;
}

export interface LogPin {
  /** The first file that is still needed; whoever reads on may replace it. */
  locate: () => number;
  release(): void;
}

/** How far files that a slow attached client has still to read may pile up before it loses them: 1 GiB at the default size. */
const PINNED_FILES_MAX = 50;

/**
 * The files of one container's log: `PATH` is being written, `PATH.N` are finished, `PATH.N.gz` compressed as well. The shim writes; this numbers, rotates and drops them,
 * and tells readers that something came.
 */
export class ContainerLog implements AsyncDisposable {
  readonly path: string;
  readonly #settings: LogSettings;
  /** Finished and compressed. */
  readonly #compressed: Set<number>;
  /** Finished files, oldest first. */
  #finished: number[];
  #current: number;
  readonly #pins = new Set<LogPin>();
  #onReleased: (() => void)[] = [];
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | undefined;
  #rotation: Promise<void> | undefined;
  #compression: Promise<void> | undefined;
  #isClosed = false;
  /** Rotations begun. */
  #rotationCount = 0;
  /** Raised when the container has ended and all its output is written, or when a new run begins. */
  #isEnded = true;

  private constructor(path: string, settings: LogSettings, found: FoundFiles) {
    const { finished } = found;
    this.path = path;
    this.#settings = settings;
    this.#finished = finished;
    this.#compressed = new Set(found.compressed);
    this.#current = (finished.at(-1) ?? 0) + 1;
  }

  static async open(path: string, settings: LogSettings): Promise<ContainerLog> {
    return new ContainerLog(path, settings, await findFiles(path));
  }

  get oldestFile(): number {
    return this.#finished[0] ?? this.#current;
  }

  get currentFile(): number {
    return this.#current;
  }

  /** No more will be written until the next `begin`. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The position after everything written so far. */
  async end(): Promise<LogPosition> {
    return this.#whileNamesHold(async () => {
      const stats = await stat(this.path).catch(ignoreMissing);
      return { file: this.#current, offsetBytes: stats?.size ?? 0 };
    });
  }

  /** `undefined` when it is gone, or not yet there. */
  async openFile(file: number): Promise<FileHandle | undefined> {
    return this.#whileNamesHold(
      () => openIfThere(this.#pathOf(file)),
      handle => handle?.close(),
    );
  }

  /** False: it is kept only until it has been sent elsewhere. */
  get isReadable(): boolean {
    return this.#settings.isReadable;
  }

  /** Size at which a new file is begun. */
  get fileBytesMax(): number {
    return this.#settings.fileBytesMax;
  }

  /** A run begins: output will come. */
  begin(): void {
    this.#isEnded = false;
  }

  /** The run is over and its output is written. */
  finish(): void {
    this.#isEnded = true;
    this.#announce();
  }

  /** Calls `listener` whenever something may have been written. @returns a function that ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#unwatch();
    };
  }

  /** Keeps the files that its owner has still to read, though their number is over the limit. */
  pin(locate: () => number): LogPin {
    const pin: LogPin = {
      locate,
      release: () => {
        this.#pins.delete(pin);
        if (this.#pins.size > 0) return;
        for (const resolve of this.#onReleased.splice(0)) resolve();
      },
    };
    this.#pins.add(pin);
    return pin;
  }

  get isPinned(): boolean {
    return this.#pins.size > 0;
  }

  /** Resolves when nobody needs the files any more. */
  async released(): Promise<void> {
    if (this.#pins.size > 0) await new Promise<void>(resolve => this.#onReleased.push(resolve));
  }

  /**
   * Begins a new file when the current one is full.
   *
   * @param rotate - Has the shim move its log there.
   * @param onFinished - Is told the number of the finished file before any is dropped.
   * @returns the size that was found, and whether it did.
   */
  async rotateIfFull(
    rotate: (rotatedPath: string) => Promise<void>,
    onFinished: (file: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<{ readonly bytes: number; readonly isRotated: boolean }> {
    await this.#rotation;
    const bytes = (await stat(this.path).catch(ignoreMissing))?.size ?? 0;
    if (bytes < this.#settings.fileBytesMax) return { bytes, isRotated: false };
    const file = this.#current;
    this.#rotation ??= this.#rotate(rotate).finally(() => (this.#rotation = undefined));
    await this.#rotation;
    if (this.#current === file) return { bytes, isRotated: false };
    await onFinished(file);
    await this.#dropOld();
    return { bytes, isRotated: true };
  }

  /** Compresses the finished files, if its settings say so. */
  async compress(): Promise<void> {
    if (!this.#settings.compresses) return;
    this.#compression ??= this.#compressFinished().finally(() => (this.#compression = undefined));
    await this.#compression;
  }

  async #compressFinished(): Promise<void> {
    for (const file of this.#finished) {
      if (this.#isClosed) return;
      if (this.#compressed.has(file) || !this.#finished.includes(file)) continue; // Dropped meanwhile.
      this.#compressed.add(file);
      const path = `${this.path}.${file}`;
      try {
        await compressFile(path);
      } catch (error) {
        this.#compressed.delete(file);
        if (this.#finished.includes(file)) throw error;
      }
      if (!this.#finished.includes(file)) await removeBoth(path); // While it was compressed.
    }
  }

  #pathOf(file: number): string {
    return file === this.#current ? this.path : `${this.path}.${file}`;
  }

  /** While a rotation is under way the name of the current file may mean the next one already: `action` is done again until none was. */
  async #whileNamesHold<T>(action: () => Promise<T>, discard?: (result: T) => Promise<void> | undefined): Promise<T> {
    for (;;) {
      await this.#rotation?.catch(() => {}); // Whoever asked for it reports its failure.
      const rotationCount = this.#rotationCount;
      const result = await action();
      if (rotationCount === this.#rotationCount) return result;
      await discard?.(result);
    }
  }

  async #rotate(rotate: (rotatedPath: string) => Promise<void>): Promise<void> {
    this.#rotationCount++;
    const number = this.#current;
    const rotatedPath = `${this.path}.${number}`;
    try {
      await rotate(rotatedPath);
    } catch (error) {
      // Most likely the container ended meanwhile, so that nobody began a new file.
      if ((await stat(this.path).catch(ignoreMissing)) === undefined) await rename(rotatedPath, this.path).catch(ignoreMissing);
      throw error;
    }
    this.#finished.push(number);
    this.#current = number + 1;
    this.#announce();
  }

  async #dropOld(): Promise<void> {
    const needed = Math.min(...[...this.#pins].map(pin => pin.locate()));
    while (this.#finished.length >= this.#settings.filesMax) {
      const [oldest = 0] = this.#finished;
      if (oldest >= needed && this.#finished.length < PINNED_FILES_MAX) return;
      this.#finished = this.#finished.slice(1);
      await removeBoth(`${this.path}.${oldest}`);
    }
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    // The folder, not the file: a watch on the file would stay with it when it is rotated.
    try {
      this.#watcher = watch(dirname(this.path), { persistent: false }, () => this.#announce());
      this.#watcher.on("error", () => this.#unwatch());
    } catch (error) {
      ignoreMissing(error); // Removed with its container: nothing more will come.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #announce(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#rotation?.catch(() => {});
    await this.#compression?.catch(() => {}); // Whoever asked for it reports its failure.
    this.finish();
    this.#unwatch();
    this.#listeners.clear();
  }
}

interface FoundFiles {
  /** Numbers, oldest first. */
  readonly finished: number[];
  readonly compressed: readonly number[];
}

/** What an earlier daemon left in a log's folder; what it was in the middle of is taken away. */
async function findFiles(path: string): Promise<FoundFiles> {
  const prefix = `${basename(path)}.`;
  const names = ((await readdir(dirname(path)).catch(ignoreMissing)) ?? []).filter(name => name.startsWith(prefix));
  const unfinished = names.filter(name => name.endsWith(UNFINISHED_SUFFIX));
  await Promise.all(unfinished.map(name => rm(join(dirname(path), name), { force: true })));
  const numbers = (suffix: string) =>
    names.flatMap(name => {
      const number = name.endsWith(suffix) ? Number(name.slice(prefix.length, name.length - suffix.length)) : NaN;
      return Number.isInteger(number) && number > 0 ? [number] : [];
    });
  const plain = new Set(numbers(""));
  const compressed = numbers(COMPRESSED_SUFFIX).filter(number => !plain.has(number));
  return { finished: [...plain, ...compressed].sort((a, b) => a - b), compressed };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return (
    (await open(path, "r").catch(ignoreMissing)) ?? (await openCompressed(`${path}${COMPRESSED_SUFFIX}`).catch(ignoreMissing))
  );
}

async function removeBoth(path: string): Promise<void> {
  await Promise.all([rm(path, { force: true }), rm(`${path}${COMPRESSED_SUFFIX}`, { force: true })]);
}

function ignoreMissing(error: unknown): undefined {
  if (errnoCode(error) === "ENOENT") return undefined;
  throw error;
}

export function logPathIn(directory: string): string {
  return join(directory, "container.log");
}
