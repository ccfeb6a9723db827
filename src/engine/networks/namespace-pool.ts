import type { Clock } from "../../ports/clock.ts";
import type { KernelNetwork, Links } from "../../ports/kernel-network.ts";
import { failpoint } from "../../ports/failpoint.ts";
import type { Random } from "../../ports/random.ts";

/** Namespaces kept ready: making one costs some milliseconds, a container start should not wait for it. */
const READY_NAMESPACES = 2;
/** The container that took one is started first: to start a program holds this process up, on a busy machine for milliseconds. */
const REFILL_DELAY_MS = 100;

export interface FreshNamespace {
  /** 64 hex digits. */
  readonly sandboxId: string;
  readonly path: string;
  readonly links: Links;
}

/** Hands out network namespaces in which only loopback is up. */
export class NamespacePool implements AsyncDisposable {
  readonly #kernel: KernelNetwork;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #ready: Promise<FreshNamespace>[] = [];
  readonly #close = new AbortController();
  #isRefilling = false;

  constructor({
    kernel,
    random,
    clock,
    directory,
  }: { readonly kernel: KernelNetwork; readonly random: Random; readonly clock: Clock; readonly directory: string }) {
    this.#kernel = kernel;
    this.#random = random;
    this.#clock = clock;
    this.#directory = directory;
  }

  async take(): Promise<FreshNamespace> {
    try {
      return (await this.#ready.shift()?.catch(() => undefined)) ?? (await this.#make());
    } finally {
      void this.#refill();
    }
  }

  async #refill(): Promise<void> {
    if (this.#isRefilling) return;
    this.#isRefilling = true;
    try {
      await this.#clock.sleep(REFILL_DELAY_MS, { signal: this.#close.signal });
      this.fill();
    } catch {
      return; // It is closed.
    } finally {
      this.#isRefilling = false;
    }
  }

  fill(): void {
    while (!this.#close.signal.aborted && this.#ready.length < READY_NAMESPACES) {
      const made = this.#make();
      made.catch(() => undefined); // Whoever takes it makes another.
      this.#ready.push(made);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort();
    for (const made of this.#ready.splice(0)) {
      const fresh = await made.catch(() => undefined);
      if (fresh === undefined) continue;
      fresh.links[Symbol.dispose]();
      await this.#kernel.deleteNamespace(fresh.path);
    }
  }

  async #make(): Promise<FreshNamespace> {
    const sandboxId = Buffer.from(this.#random.bytes(32)).toString("hex");
    const path = `${this.#directory}/${sandboxId.slice(0, 12)}`;
    let links: Links | undefined;
    try {
      const made = (links = await this.#kernel.createNamespace(path));
      await failpoint("networks/loopback.raise", () => made.change([{ kind: "raise", device: "lo" }]));
      return { sandboxId, path, links };
    } catch (error) {
      links?.[Symbol.dispose]();
      await this.#kernel.deleteNamespace(path);
      throw error;
    }
  }
}
