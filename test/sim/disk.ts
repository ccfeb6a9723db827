import { dirname } from "node:path/posix";
import type { Disk, DiskFile } from "../../src/ports/disk.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type Gate, type VirtualTime } from "./virtual-time.ts";

/** A file's bytes. What is behind `syncedBytes` a crash may take away, whole or in parts. */
class Inode {
  #content = new Uint8Array(256);
  sizeBytes = 0;
  syncedBytes = 0;
  /** What an unsynced truncate cut off: a crash may bring it back. */
  #cut: Uint8Array | undefined;

  get content(): Uint8Array {
    return this.#content.subarray(0, this.sizeBytes);
  }

  append(bytes: Uint8Array): void {
    const size = this.sizeBytes + bytes.length;
    if (size > this.#content.length) {
      const grown = new Uint8Array(size * 2);
      grown.set(this.content);
      this.#content = grown;
    }
    this.#content.set(bytes, this.sizeBytes);
    this.sizeBytes = size;
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.syncedBytes) this.#cut = this.#content.slice(sizeBytes, this.syncedBytes);
    this.sizeBytes = sizeBytes;
    this.syncedBytes = Math.min(this.syncedBytes, sizeBytes);
  }

  sync(upToBytes: number): void {
    this.syncedBytes = Math.min(upToBytes, this.sizeBytes);
    this.#cut = undefined;
  }

  crash(random: SeededRandom): void {
    if (this.#cut !== undefined && random.chance(0.5)) {
      this.sizeBytes = this.syncedBytes;
      this.append(this.#cut);
    } else if (this.sizeBytes > this.syncedBytes) {
      this.sizeBytes = this.syncedBytes + random.below(this.sizeBytes - this.syncedBytes + 1);
      // The length may be on the disk before the bytes are.
      if (random.chance(0.3)) this.content.fill(0, this.syncedBytes + random.below(this.sizeBytes - this.syncedBytes + 1));
    }
    this.#cut = undefined;
    this.syncedBytes = this.sizeBytes;
  }
}

type NameChange = { readonly directory: string; readonly apply: (names: Map<string, Inode>) => void };

export interface SimulatedDiskOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** 0 for a disk that needs no virtual time. */
  readonly syncMsMax: number;
}

function noSpace(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
}

/** A disk that outlives the processes that use it. A crash takes unsynced bytes and unsynced changes of names, the last ones first. */
export class SimulatedDisk {
  readonly #options: SimulatedDiskOptions;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  /** Nothing more fits: writes fail, some of them halfway. */
  isFull = false;
  /** What each sync may take on top, in ms. */
  slowMs = 0;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  /** Power loss. The process that used it must be dead. */
  crash(): void {
    const { random } = this.#options;
    const kept = random.below(this.#nameChanges.length + 1);
    for (const { apply } of this.#nameChanges.slice(0, kept)) apply(this.#durableNames);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) inode.crash(random);
  }

  #change(directory: string, apply: NameChange["apply"]): void {
    apply(this.#names);
    this.#nameChanges.push({ directory, apply });
  }

  #syncNames(directory: string): void {
    for (const change of this.#nameChanges) if (change.directory === directory) change.apply(this.#durableNames);
    this.#nameChanges = this.#nameChanges.filter(change => change.directory !== directory);
  }

  #open(path: string): Inode {
    const existing = this.#names.get(path);
    if (existing !== undefined) return existing;
    const inode = new Inode();
    this.#change(dirname(path), names => names.set(path, inode));
    return inode;
  }

  /** What one process sees of it. */
  mount(gate: Gate): Disk {
    const { time, random, syncMsMax } = this.#options;
    const slow = () =>
      new Promise<void>(resolve => {
        // Now and then a disk takes its time.
        const usualMs = random.chance(0.01) ? syncMsMax * 20 : random.between(0, syncMsMax);
        const delayMs = usualMs + (this.slowMs === 0 ? 0 : random.between(0, this.slowMs));
        time.after(delayMs, () => gate.pass(resolve));
      });
    return {
      makeDirectory: async () => undefined,
      list: async path => {
        const names = [...this.#names.keys()].filter(name => dirname(name) === path);
        return names.map(name => name.slice(path.length + 1)).sort();
      },
      read: async path => this.#names.get(path)?.content.slice(),
      openAppend: async path => {
        if (this.isFull && !this.#names.has(path) && random.chance(0.5)) throw noSpace();
        return this.#file(this.#open(path), slow);
      },
      replace: async (path, content) => {
        await slow();
        if (this.isFull) throw noSpace();
        const inode = new Inode();
        inode.append(content);
        inode.sync(content.length);
        this.#change(dirname(path), names => names.set(path, inode));
        this.#syncNames(dirname(path));
      },
      rename: async (from, to) => {
        const inode = this.#names.get(from);
        if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${from}`), { code: "ENOENT" });
        this.#change(dirname(to), names => {
          names.delete(from);
          names.set(to, inode);
        });
      },
      remove: async path => {
        if (this.#names.has(path)) this.#change(dirname(path), names => names.delete(path));
      },
      syncDirectory: async path => {
        await slow();
        this.#syncNames(path);
      },
    };
  }

  #file(inode: Inode, slow: () => Promise<void>): DiskFile {
    return {
      append: async content => {
        if (this.isFull) {
          inode.append(content.subarray(0, this.#options.random.below(content.length + 1)));
          throw noSpace();
        }
        inode.append(content);
        return inode.sizeBytes;
      },
      sync: async () => {
        const upToBytes = inode.sizeBytes;
        await slow();
        inode.sync(upToBytes);
      },
      truncate: async sizeBytes => inode.truncate(sizeBytes),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
}
