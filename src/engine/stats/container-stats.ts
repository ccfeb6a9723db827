import type { Container } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { ContainerStats } from "../../model/stats.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { StatTarget } from "./stat-reader.ts";
import { type Sample, StatsSampler } from "./stats-sampler.ts";

export interface StatsContainers {
  /** @throws OperationError `not-found`. */
  view(idOrName: string): Container;
}

/** `docker stats`. */
export class ContainerStatistics {
  readonly #containers: StatsContainers;
  readonly #sampler: StatsSampler;

  constructor({ containers, clock }: { readonly containers: StatsContainers; readonly clock: Clock }) {
    this.#containers = containers;
    this.#sampler = new StatsSampler({ clock, find: id => this.#find(id) });
  }

  /**
   * @param options.isStream - One a second until the container is removed. Otherwise one.
   * @param options.isOneShot - At once, with nothing to compare it to; otherwise there are two samples behind a single answer.
   */
  async stats(
    idOrName: string,
    options: { readonly isStream: boolean; readonly isOneShot: boolean; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<ContainerStats>> {
    const { id } = this.#containers.view(idOrName);
    const { isStream, isOneShot, signal } = options;
    if (isStream && isOneShot) throw new OperationError("invalid", "cannot have stream=true and one-shot=true");
    if (isStream) return this.#follow(id, { skips: 0, signal });
    if (isOneShot || this.#find(id) === "idle") return this.#once(id);
    return this.#follow(id, { skips: 1, count: 1, signal });
  }

  async *#once(id: ContainerId): AsyncGenerator<ContainerStats, void, void> {
    const stats = this.#statsOf(id, await this.#sampler.sampleOnce(id));
    if (stats !== undefined) yield stats;
  }

  async *#follow(
    id: ContainerId,
    options: { readonly skips: number; readonly count?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<ContainerStats, void, void> {
    let previous: ContainerStats["previous"];
    let { skips, count = Infinity } = options;
    for await (const sample of this.#sampler.follow(id, options.signal)) {
      const stats = this.#statsOf(id, sample, previous);
      if (stats === undefined) return;
      previous = stats.usage;
      // What is skipped only serves to compare with; a container that has ended has nothing to compare.
      if (skips > 0 && stats.usage !== undefined) skips--;
      else {
        yield stats;
        if (--count <= 0) return;
      }
    }
  }

  #statsOf(id: ContainerId, sample: Sample, previous?: ContainerStats["previous"]): ContainerStats | undefined {
    if (sample.kind === "gone") return undefined;
    const name = this.#viewOrUndefined(id)?.name;
    if (name === undefined) return undefined;
    if (sample.kind === "idle") return { id, name };
    return { id, name, usage: sample.usage, ...(previous === undefined ? {} : { previous }) };
  }

  #find(id: ContainerId): StatTarget | "idle" | "gone" {
    const container = this.#viewOrUndefined(id);
    if (container === undefined) return "gone";
    const { state, hostConfig } = container;
    if ((state.status !== "running" && state.status !== "paused") || state.pid === 0) return "idle";
    return { id, pid: state.pid, hasOwnNetwork: hostConfig.networkMode !== "host" };
  }

  #viewOrUndefined(id: ContainerId): Container | undefined {
    try {
      return this.#containers.view(id);
    } catch {
      return undefined;
    }
  }
}
