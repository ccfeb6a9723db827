import type { EngineNetworkId } from "../../model/ids.ts";
import { addressesOf, type EndpointRecord } from "./sandbox-record.ts";

/** Which names stand for which addresses of both families, network by network. Names know no case. */
export class NetworkNames {
  readonly #byNetwork = new Map<EngineNetworkId, Set<EndpointRecord>>();
  readonly #byName = new Map<string, Set<EndpointRecord>>();

  add(endpoint: EndpointRecord): void {
    setOf(this.#byNetwork, endpoint.networkId).add(endpoint);
    for (const name of endpoint.dnsNames) setOf(this.#byName, keyOf(endpoint.networkId, name)).add(endpoint);
  }

  remove(endpoint: EndpointRecord): void {
    removeFrom(this.#byNetwork, endpoint.networkId, endpoint);
    for (const name of endpoint.dnsNames) removeFrom(this.#byName, keyOf(endpoint.networkId, name), endpoint);
  }

  resolve(networkId: EngineNetworkId, name: string): readonly string[] | undefined {
    const endpoints = this.#byName.get(keyOf(networkId, name));
    return endpoints === undefined ? undefined : [...endpoints].flatMap(addressesOf);
  }

  reverse(networkId: EngineNetworkId, address: string): string | undefined {
    for (const endpoint of this.#byNetwork.get(networkId) ?? []) {
      if (addressesOf(endpoint).includes(address)) return endpoint.dnsNames[0];
    }
    return undefined;
  }
}

function keyOf(networkId: EngineNetworkId, name: string): string {
  return `${networkId}/${name.toLowerCase()}`;
}

function setOf<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = new Set<V>();
  map.set(key, made);
  return made;
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  set?.delete(value);
  if (set?.size === 0) map.delete(key);
}
