import type { AssignedService } from "../model/session.ts";
import { addressOn, bareAddress, type ClusterView, isLost, servingByService } from "./cluster-view.ts";
import type { NetworkId } from "../model/ids.ts";

/** What names stand for on cluster networks: services, `tasks.SERVICE`, tasks, containers made by hand, and aliases. */
export class ClusterNames {
  readonly #addresses = new Map<string, string[]>();
  readonly #names = new Map<string, string>();

  constructor(view: ClusterView) {
    const serving = servingByService(view);
    for (const service of view.services.values()) {
      const endpoints = serving.get(service.id) ?? [];
      const networkIds = new Set([
        ...service.virtualIps.map(({ networkId }) => networkId),
        ...endpoints.flatMap(({ networks }) => networks.map(({ networkId }) => networkId)),
      ]);
      for (const networkId of networkIds) {
        const tasks = endpoints.flatMap(endpoint => addressOn(endpoint, networkId) ?? []);
        const own = virtualAddressOn(service, networkId);
        const aliases = endpoints.flatMap(({ networks }) =>
          networks.flatMap(network => (network.networkId === networkId ? network.aliases : [])),
        );
        for (const name of new Set([service.name, ...aliases])) {
          this.#add(networkId, name, own === undefined ? tasks : [own]);
          this.#add(networkId, `tasks.${name}`, tasks);
        }
        if (own !== undefined) this.#names.set(keyOf(networkId, own), service.name);
      }
    }
    for (const endpoint of view.endpoints.values()) {
      const isByHand = endpoint.containerId !== undefined;
      if (isByHand && isLost(view, endpoint)) continue; // Another container may have its name by now.
      for (const { networkId, address, aliases } of endpoint.networks) {
        for (const name of new Set([endpoint.taskName, ...(isByHand ? aliases : [])]))
          this.#add(networkId, name, [bareAddress(address)]);
        this.#names.set(keyOf(networkId, bareAddress(address)), endpoint.taskName);
      }
    }
  }

  /** `undefined`: nobody's name on that network. */
  resolve(networkId: string, name: string): readonly string[] | undefined {
    return this.#addresses.get(keyOf(networkId, name));
  }

  reverse(networkId: string, address: string): string | undefined {
    return this.#names.get(keyOf(networkId, address));
  }

  /** Two services may share an alias: then it stands for both. */
  #add(networkId: string, name: string, addresses: readonly string[]): void {
    const key = keyOf(networkId, name);
    this.#addresses.set(key, [...new Set([...(this.#addresses.get(key) ?? []), ...addresses])]);
  }
}

function virtualAddressOn({ endpointMode, virtualIps }: AssignedService, networkId: NetworkId): string | undefined {
  if (endpointMode !== "vip") return undefined;
  const found = virtualIps.find(virtualIp => virtualIp.networkId === networkId);
  return found === undefined ? undefined : bareAddress(found.address);
}

function keyOf(networkId: string, name: string): string {
  return `${networkId}/${name.toLowerCase()}`;
}
