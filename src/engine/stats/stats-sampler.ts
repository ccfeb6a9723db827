import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import type { ContainerId } from "../../model/ids.ts";
import type { ResourceUsage } from "../../model/stats.ts";
import type { Clock } from "../../ports/clock.ts";
import { parseSystemCpu } from "./parse-stats.ts";
import { StatReader, type StatTarget } from "./stat-reader.ts";
import type { UsageContext } from "./usage-of.ts";

export const SAMPLE_PERIOD_MS = 1000;
/** Containers read at the same time: more would only wait in the thread pool, before other work. */
const READS_AT_ONCE = 4;

/** What a watcher is told: a sample, that the container does not run, or that there is no such container any more. */
export type Sample =
  | { readonly kind: "usage"; readonly usage: ResourceUsage }
  | { readonly kind: "idle" }
  | { readonly kind: "gone" };

export interface StatsSamplerOptions {
  readonly clock: Clock;
  /** A container's process now; `idle`: it does not run; `gone`: there is none of that id. */
  readonly find: (id: ContainerId) => StatTarget | "idle" | "gone";
}

interface Watched {
  readonly listeners: Set<(sample: Sample) => void>;
  reader: StatReader | undefined;
  /** Samples of one container go one after the other. */
  reading: Promise<Sample> | undefined;
}

/** Samples each container that is watched once a second, however many watch it. */
export class StatsSampler {
  readonly #options: StatsSamplerOptions;
  readonly #watched = new Map<ContainerId, Watched>();
  #isTicking = false;

  constructor(options: StatsSamplerOptions) {
    this.#options = options;
  }

  /** One sample at once, without waiting for the next turn. */
  async sampleOnce(id: ContainerId): Promise<Sample> {
    const watched: Watched = { listeners: new Set(), reader: undefined, reading: undefined };
    try {
      return await this.#sample(id, watched, await this.#context());
    } finally {
      await watched.reader?.[Symbol.asyncDispose]();
    }
  }

  /** One sample at once, then one a second. A reader that is slow misses samples. Ends with `gone` or `signal`. */
  async *follow(id: ContainerId, signal: AbortSignal): AsyncGenerator<Sample, void, void> {
    let latest: Sample | undefined;
    let wake = (): void => undefined;
    const listener = (sample: Sample): void => {
      latest = sample;
      wake();
    };
    const onAbort = (): void => wake();
    signal.addEventListener("abort", onAbort, { once: true });
    const watched = this.#watch(id, listener);
    try {
      listener(await this.#sample(id, watched, await this.#context()));
      while (!signal.aborted) {
        if (latest === undefined) {
          await new Promise<void>(resolve => (wake = resolve));
          continue;
        }
        const sample = latest;
        latest = undefined;
        yield sample;
        if (sample.kind === "gone") return;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      await this.#unwatch(id, listener);
    }
  }

  #watch(id: ContainerId, listener: (sample: Sample) => void): Watched {
    const watched = this.#watched.get(id) ?? { listeners: new Set(), reader: undefined, reading: undefined };
    watched.listeners.add(listener);
    this.#watched.set(id, watched);
    if (!this.#isTicking) void this.#tick();
    return watched;
  }

  async #unwatch(id: ContainerId, listener: (sample: Sample) => void): Promise<void> {
    const watched = this.#watched.get(id);
    watched?.listeners.delete(listener);
    if (watched === undefined || watched.listeners.size > 0) return;
    this.#watched.delete(id);
    await watched.reading?.catch(() => undefined);
    await watched.reader?.[Symbol.asyncDispose]();
  }

  async #tick(): Promise<void> {
    const { clock } = this.#options;
    this.#isTicking = true;
    try {
      while (this.#watched.size > 0) {
        const startedAtMs = clock.monotonicMs();
        await clock.sleep(SAMPLE_PERIOD_MS);
        await this.#turn();
        // A turn that took longer than the period is not made up for.
        const overMs = clock.monotonicMs() - startedAtMs - SAMPLE_PERIOD_MS;
        if (overMs > SAMPLE_PERIOD_MS) await clock.sleep(SAMPLE_PERIOD_MS);
      }
    } finally {
      this.#isTicking = false;
    }
  }

  async #turn(): Promise<void> {
    const pending = [...this.#watched];
    const context = await this.#context();
    const work = async (): Promise<void> => {
      for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
        const [id, watched] = next;
        if (watched.listeners.size === 0) continue;
        const sample = await this.#sample(id, watched, context);
        for (const listener of watched.listeners) listener(sample);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
  }

  async #context(): Promise<Omit<UsageContext, "readAtMs">> {
    const system = parseSystemCpu(await readFile("/proc/stat", "latin1"));
    return { system, machineMemoryBytes: totalmem() };
  }

  #sample(id: ContainerId, watched: Watched, context: Omit<UsageContext, "readAtMs">): Promise<Sample> {
    const before = watched.reading ?? Promise.resolve();
    const reading = before.then(
      () => this.#sampleNow(id, watched, context),
      () => this.#sampleNow(id, watched, context),
    );
    watched.reading = reading;
    return reading;
  }

  async #sampleNow(id: ContainerId, watched: Watched, context: Omit<UsageContext, "readAtMs">): Promise<Sample> {
    const target = this.#options.find(id);
    const { reader } = watched;
    if (reader !== undefined && (typeof target === "string" || target.pid !== reader.pid)) {
      await reader[Symbol.asyncDispose]();
      watched.reader = undefined;
    }
    if (typeof target === "string") return { kind: target };
    watched.reader ??= await StatReader.open(target);
    const usage = await watched.reader?.read({ ...context, readAtMs: this.#options.clock.nowMs() });
    return usage === undefined ? { kind: "idle" } : { kind: "usage", usage };
  }
}
