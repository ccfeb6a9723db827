import assert from "node:assert/strict";
import { mkdtempSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { RootfsRecord } from "../../../src/engine/images/rootfs-store.ts";
import { ImageStore, type ImageStoreOptions } from "../../../src/engine/images/store.ts";
import { type RecordChange, StateDatabase } from "../../../src/engine/state/database.ts";
import { Archives } from "../../../src/system/archive.ts";
import { OverlayMounts } from "../../../src/system/overlay.ts";
import type { Clock } from "../../../src/ports/clock.ts";

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A clock that stands still until it is moved. */
export class FixedClock implements Clock {
  timeMs = Date.UTC(2026, 0, 2);
  nowMs(): number {
    return this.timeMs;
  }
  monotonicMs(): number {
    return performance.now();
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
  timeout(): AbortSignal {
    return new AbortController().signal;
  }
}

/** A real image store in a temporary folder. Disposing it unmounts and removes everything. */
export class StoreFixture implements AsyncDisposable {
  readonly dataRoot: string;
  readonly archives: Archives;
  readonly mounts: OverlayMounts;
  readonly clock = new FixedClock();
  #database: StateDatabase | undefined;

  constructor() {
    this.dataRoot = mkdtempSync("/tmp/shim-images-");
    this.archives = Archives.create();
    this.mounts = new OverlayMounts(this.archives);
  }

  async open(options: Partial<ImageStoreOptions> = {}): Promise<ImageStore> {
    const { dataRoot, archives, mounts, clock } = this;
    this.#database ??= await StateDatabase.open(`${dataRoot}/state`);
    const rootfsRecords = this.#database.collection<RootfsRecord>("rootfs");
    return ImageStore.create({ dataRoot, archives, mounts, clock, rootfsRecords, log: silent, ...options });
  }

  /** What would be written with a container's record. */
  async keep(change: RecordChange): Promise<void> {
    await this.#database?.write([change]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const point of await this.mounts.mountedUnder(this.dataRoot)) await this.mounts.unmount(point);
    await this.archives[Symbol.asyncDispose]();
    await this.#database?.[Symbol.asyncDispose]();
    await rm(this.dataRoot, { recursive: true, force: true });
  }
}

/** Bytes as a stream, in chunks of an odd size. */
export async function* stream(bytes: Uint8Array, chunkBytes = 65_521): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export async function collect<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** What a container has of the engine, not of its image. */
const BASE = /^(\.dockerenv|dev|proc|sys|etc)$|^(dev|etc)\/(console|pts|shm|hosts|hostname|resolv\.conf|mtab)$/;

/** Names in a mounted root file system that are the image's; no image of these tests has one of the engine's. */
export function imageNames(path: string): readonly string[] {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
  assert.ok(names.includes(".dockerenv"));
  return names.filter(name => !BASE.test(name));
}
