import type { Container } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { NetworkRecord } from "./network-record.ts";

/** Containers on networks `none` and `host`: they have no endpoint that would say so. */
export class BareContainers {
  readonly #networks = new Map<ContainerId, NetworkRecord>();

  add(id: ContainerId, network: NetworkRecord): void {
    this.#networks.set(id, network);
  }

  /** Those that run on when a daemon starts. */
  restore(containers: readonly Container[], { running, find }: RestoreOptions): void {
    for (const { id, hostConfig } of containers) {
      const network = ["none", "host"].includes(hostConfig.networkMode) ? find(hostConfig.networkMode) : undefined;
      if (network !== undefined && running.has(id)) this.add(id, network);
    }
  }

  /** @returns the network that it was on, if it was on such a one. */
  release(id: ContainerId): readonly NetworkRecord[] {
    const network = this.#networks.get(id);
    this.#networks.delete(id);
    return network === undefined ? [] : [network];
  }
}

interface RestoreOptions {
  readonly running: { readonly has: (id: ContainerId) => boolean };
  readonly find: (name: string) => NetworkRecord | undefined;
}
