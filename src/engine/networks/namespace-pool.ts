import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { undoAfter, undoAll } from "../../lib/undo.ts";
import type { Container } from "../../model/container.ts";
import type { Clock } from "../../ports/clock.ts";
import type { IdMap } from "../../model/id-map.ts";
import type { KernelNetwork, Links, NamespaceOwner } from "../../ports/kernel-network.ts";
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
  /** Where the user namespace is pinned that was made for it. */
  readonly userPath?: string;
  readonly links: Links;
}

/** To whom it is to belong: to a user namespace of its own where ids are mapped, or to one that is there. */
export type WantedOwner = "own" | "host" | { readonly joined: string };

/** @param joined - The user namespace of another container whose namespaces it shares. */
export function ownerOfNetwork({ hostConfig }: Container, joined: string | undefined): WantedOwner {
  if (hostConfig.usernsMode === "host") return "host";
  return joined === undefined ? "own" : { joined };
}

/** Hands out network namespaces in which only loopback is up. */
export class NamespacePool implements AsyncDisposable {
  readonly #kernel: KernelNetwork;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #directory: string;
  /** Missing: ids are not mapped, and all of them are the host's. */
  readonly #idMap: IdMap | undefined;
  readonly #ready: Promise<FreshNamespace>[] = [];
  readonly #close = new AbortController();
  #isRefilling = false;

  constructor({
    kernel,
    random,
    clock,
    directory,
    idMap,
  }: {
    readonly kernel: KernelNetwork;
    readonly random: Random;
    readonly clock: Clock;
    readonly directory: string;
    readonly idMap?: IdMap | undefined;
  }) {
    this.#kernel = kernel;
    this.#random = random;
    this.#clock = clock;
    this.#directory = directory;
    this.#idMap = idMap;
  }

  async take(owner: WantedOwner = "own"): Promise<FreshNamespace> {
    if (owner !== "own" && this.#idMap !== undefined) return this.#make(owner);
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
    const made = await Promise.allSettled(this.#ready.splice(0)); // One that could not be made has left nothing.
    const fresh = made.flatMap(result => (result.status === "fulfilled" ? [result.value] : []));
    await undoAll(fresh.flatMap(one => [() => one.links[Symbol.dispose](), () => this.discard(one)]));
  }

  /** Takes the pins away; what was open of it is closed. */
  async discard({ path, userPath }: Pick<FreshNamespace, "path" | "userPath">): Promise<void> {
    await this.#deleteAll(userPath === undefined ? [path] : [path, userPath]);
  }

  /** What an earlier daemon left, but for the pins of these paths. */
  async discardOthers(kept: ReadonlySet<string>): Promise<void> {
    const paths = (await namesIn(this.#directory)).map(name => join(this.#directory, name));
    await this.#deleteAll(paths.filter(path => !kept.has(path)));
  }

  async #deleteAll(paths: readonly string[]): Promise<void> {
    await undoAll(paths.map(path => () => this.#kernel.deleteNamespace(path)));
  }

  async #make(wanted: WantedOwner = "own"): Promise<FreshNamespace> {
    const sandboxId = Buffer.from(this.#random.bytes(32)).toString("hex");
    const path = `${this.#directory}/${sandboxId.slice(0, 12)}`;
    const owner = this.#ownerOf(wanted, path);
    const pins = { path, ...(owner?.kind === "new" && { userPath: owner.path }) };
    let links: Links | undefined;
    try {
      const made = (links = await this.#kernel.createNamespace(path, owner));
      await failpoint("networks/loopback.raise", () => made.change([{ kind: "raise", device: "lo" }]));
      return { ...pins, sandboxId, links };
    } catch (error) {
      return undoAfter(error, [() => links?.[Symbol.dispose](), () => this.discard(pins)]);
    }
  }

  #ownerOf(wanted: WantedOwner, path: string): NamespaceOwner | undefined {
    if (this.#idMap === undefined || wanted === "host") return undefined;
    if (wanted !== "own") return { kind: "joined", path: wanted.joined };
    return { kind: "new", path: `${path}.user`, idMap: this.#idMap };
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}
