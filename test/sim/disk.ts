import { dirname } from "node:path/posix";
import type { Disk, DiskFile } from "../../src/ports/disk.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type Gate, type VirtualTime } from "./virtual-time.ts";

/** Less than a real disk's, so that files often outgrow it. */
const AHEAD_BYTES_MAX = 700;

/** A file's bytes. What is behind `syncedBytes` a crash may take away, whole or in parts. */
class Inode {
  #content = new Uint8Array(256);
  /** Of what was written. The file is longer by the zeros ahead. */
  sizeBytes = 0;
  #syncedBytes = 0;
  #filledBytes = 0;
  #syncedFilledBytes = 0;
  /** What an unsynced truncate cut off: a crash may bring it back. */
  #cut: Uint8Array | undefined;

  get content(): Uint8Array {
    return this.#content.subarray(0, this.#filledBytes);
  }

  /** Whoever opens it anew goes on behind the zeros. */
  open(): void {
    this.sizeBytes = this.#filledBytes;
  }

  append(bytes: Uint8Array, aheadBytes = 0): void {
    const size = this.sizeBytes + bytes.length;
    if (size + aheadBytes > this.#content.length) {
      const grown = new Uint8Array((size + aheadBytes) * 2);
      grown.set(this.content);
      this.#content = grown;
    }
    this.#content.set(bytes, this.sizeBytes);
    this.sizeBytes = size;
    if (size <= this.#filledBytes) return;
    this.#filledBytes = size + aheadBytes;
    this.#content.fill(0, size, this.#filledBytes);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.#syncedFilledBytes) this.#cut = this.#content.slice(sizeBytes, this.#syncedFilledBytes);
    this.sizeBytes = this.#filledBytes = sizeBytes;
    this.#syncedBytes = Math.min(this.#syncedBytes, sizeBytes);
    this.#syncedFilledBytes = Math.min(this.#syncedFilledBytes, sizeBytes);
  }

  /** @returns what a sync that begins now will have made durable when it ends. */
  beginSync(): () => void {
    const [upToBytes, filledToBytes] = [this.sizeBytes, this.#filledBytes];
    return () => {
      this.#syncedBytes = Math.min(upToBytes, this.sizeBytes);
      this.#syncedFilledBytes = Math.min(filledToBytes, this.#filledBytes);
      this.#cut = undefined;
    };
  }

  crash(random: SeededRandom): void {
    const syncedBytes = this.#syncedBytes;
    if (this.#cut !== undefined && random.chance(0.5)) {
      this.sizeBytes = this.#filledBytes = this.#syncedFilledBytes;
      this.append(this.#cut);
    } else {
      const lost = this.sizeBytes - syncedBytes;
      const kept = syncedBytes + random.below(lost + 1);
      // The length may be on the disk before the bytes are.
      const blankFrom = random.chance(0.3) ? syncedBytes + random.below(kept - syncedBytes + 1) : kept;
      this.#content.fill(0, blankFrom, this.#filledBytes);
      this.#filledBytes = Math.max(kept, this.#syncedFilledBytes);
      this.sizeBytes = this.#filledBytes;
    }
    this.#cut = undefined;
    this.#syncedBytes = this.#syncedFilledBytes = this.#filledBytes;
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
      openAppend: async (path, { aheadBytes = 0 } = {}) => {
        if (this.isFull && !this.#names.has(path) && random.chance(0.5)) throw noSpace();
        const inode = this.#open(path);
        inode.open();
        return this.#file(inode, { slow, aheadBytes: Math.min(aheadBytes, AHEAD_BYTES_MAX) });
      },
      replace: async (path, content) => {
        await slow();
        if (this.isFull) throw noSpace();
        const inode = new Inode();
        inode.append(content);
        inode.beginSync()();
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

  #file(inode: Inode, { slow, aheadBytes }: { readonly slow: () => Promise<void>; readonly aheadBytes: number }): DiskFile {
    return {
      append: async content => {
        if (this.isFull) {
          inode.append(content.subarray(0, this.#options.random.below(content.length + 1)));
          throw noSpace();
        }
        inode.append(content, aheadBytes);
        return inode.sizeBytes;
      },
      sync: async () => {
        const synced = inode.beginSync();
        await slow();
        synced();
      },
      truncate: async sizeBytes => inode.truncate(sizeBytes),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
}
