import { type FileHandle, open, readFile } from "node:fs/promises";
import type { ContainerId } from "../../model/ids.ts";
import type { ResourceUsage } from "../../model/stats.ts";
import { statFilesOf } from "./cgroup-files.ts";
import { type UsageContext, usageOf } from "./usage-of.ts";

export interface StatTarget {
  readonly id: ContainerId;
  readonly pid: number;
  readonly hasOwnNetwork: boolean;
}

/** More of a file than this is of no use: memory.stat is 2 KiB, net/dev 120 bytes for each interface. */
const FILE_BYTES_MAX = 64 * 1024;
/** All files of a sample, with room; they are read one after the other into the same place. */
const FILES_MAX = 16;

/** A container's files, kept open between samples: a sample is then one read for each. */
export class StatReader implements AsyncDisposable {
  readonly pid: number;
  readonly #version: 1 | 2;
  readonly #files: readonly (readonly [name: string, file: FileHandle])[];
  readonly #buffer = Buffer.allocUnsafe(FILE_BYTES_MAX);

  private constructor(pid: number, version: 1 | 2, files: readonly (readonly [string, FileHandle])[]) {
    this.pid = pid;
    this.#version = version;
    this.#files = files;
  }

  /** `undefined` when the process has ended. */
  static async open({ id, pid, hasOwnNetwork }: StatTarget): Promise<StatReader | undefined> {
    const text = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => undefined);
    const found = text === undefined ? undefined : statFilesOf(text, { pid, containerId: id, hasOwnNetwork });
    if (found === undefined) return undefined;
    const opened = await Promise.all(
      Object.entries(found.paths)
        .slice(0, FILES_MAX)
        .map(async ([name, path]) => [name, await open(path, "r").catch(() => undefined)] as const),
    );
    const files = opened.filter((pair): pair is readonly [string, FileHandle] => pair[1] !== undefined);
    return new StatReader(pid, found.version, files);
  }

  /** `undefined` when the cgroup is gone. */
  async read(context: UsageContext): Promise<ResourceUsage | undefined> {
    const texts: Record<string, string | undefined> = {};
    for (const [name, file] of this.#files) {
      const count = await file.read(this.#buffer, 0, FILE_BYTES_MAX, 0).then(
        ({ bytesRead }) => bytesRead,
        () => undefined,
      );
      if (count !== undefined) texts[name] = this.#buffer.toString("latin1", 0, count);
    }
    return texts["memoryUsage"] === undefined ? undefined : usageOf(this.#version, texts, context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#files.map(([, file]) => file.close().catch(() => undefined)));
  }
}
