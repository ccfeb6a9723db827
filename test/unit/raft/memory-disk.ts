import { dirname } from "node:path/posix";
import type { Disk, DiskFile } from "../../../src/ports/disk.ts";

export function noSpace(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
}

/** A disk that loses nothing by itself; tests damage it by hand. */
export class MemoryDisk implements Disk {
  #files = new Map<string, Uint8Array>();
  /** How much more fits. */
  roomBytes = Infinity;
  isSyncBroken = false;

  names(): readonly string[] {
    return [...this.#files.keys()].sort();
  }

  #content(path: string): Uint8Array {
    return this.#files.get(path) ?? new Uint8Array(0);
  }

  size(path: string): number {
    return this.#content(path).length;
  }

  copy(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [path, content] of this.#files) copy.#files.set(path, new Uint8Array(content));
    return copy;
  }

  cut(path: string, sizeBytes: number): void {
    this.#files.set(path, this.#content(path).slice(0, sizeBytes));
  }

  extend(path: string, bytes: Uint8Array): void {
    this.#files.set(path, Buffer.concat([this.#content(path), bytes]));
  }

  flip(path: string, at: number): void {
    const content = this.#content(path);
    content[at] = (content[at] ?? 0) ^ 0xff;
  }

  async makeDirectory(): Promise<void> {}

  async list(path: string): Promise<readonly string[]> {
    return this.names()
      .filter(name => dirname(name) === path)
      .map(name => name.slice(path.length + 1));
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const content = this.#files.get(path);
    return content && new Uint8Array(content);
  }

  async openAppend(path: string): Promise<DiskFile> {
    this.extend(path, new Uint8Array(0));
    return {
      append: async content => {
        const fitting = content.subarray(0, Math.min(content.length, this.roomBytes));
        this.extend(path, fitting);
        this.roomBytes -= fitting.length;
        if (fitting.length < content.length) throw noSpace();
        return this.size(path);
      },
      sync: async () => {
        if (this.isSyncBroken) throw noSpace();
      },
      truncate: async sizeBytes => this.cut(path, sizeBytes),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    this.#files.set(path, new Uint8Array(content));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#files.set(to, this.#content(from));
    this.#files.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
  }

  async syncDirectory(): Promise<void> {}
}
