import { defined } from "../../lib/assert.ts";
import { OperationError } from "../../lib/errors.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { AddressPool } from "./address-pool.ts";
import { parseIpv4, parseSubnet } from "./ipv4.ts";
import type { NetworkRecord } from "./network-record.ts";

/** The networks that this host knows, with the addresses given out on each. */
export class NetworkTable {
  readonly #records = new Map<EngineNetworkId, NetworkRecord>();
  readonly #pools = new Map<EngineNetworkId, AddressPool>();

  put(record: NetworkRecord): void {
    this.#records.set(record.id, record);
    // The managers give out the addresses of cluster networks.
    if (record.scope === "local" && !this.#pools.has(record.id)) this.#addPool(record);
  }

  delete(id: EngineNetworkId): void {
    this.#records.delete(id);
    this.#pools.delete(id);
  }

  all(): readonly NetworkRecord[] {
    return [...this.#records.values()];
  }

  find(idOrName: string): NetworkRecord | undefined {
    const exact = this.#records.get(idOrName as EngineNetworkId) ?? this.all().find(({ name }) => name === idOrName);
    if (exact !== undefined) return exact;
    const byPrefix = idOrName === "" ? [] : this.all().filter(({ id }) => id.startsWith(idOrName));
    if (byPrefix.length > 1) {
      throw new OperationError(
        "invalid",
        `network ${idOrName} is ambiguous (${byPrefix.length} matches found based on ID prefix)`,
      );
    }
    return byPrefix[0];
  }

  /** @throws OperationError `not-found`: `network foo not found`. */
  get(idOrName: string): NetworkRecord {
    const record = this.find(idOrName);
    if (record === undefined) throw new OperationError("not-found", `network ${idOrName} not found`);
    return record;
  }

  pool(id: EngineNetworkId): AddressPool {
    return defined(this.#pools.get(id), `address pool of network ${id}`);
  }

  #addPool({ id, ipam }: NetworkRecord): void {
    const [pool] = ipam;
    if (pool === undefined) return;
    const subnet = parseSubnet(pool.subnet);
    const addresses = new AddressPool(subnet, pool.ipRange === undefined ? {} : { range: parseSubnet(pool.ipRange) });
    for (const text of [pool.gateway ?? "", ...Object.values(pool.auxiliaryAddresses ?? {})]) {
      const address = parseIpv4(text);
      if (address !== undefined && !addresses.has(address)) addresses.take(address);
    }
    this.#pools.set(id, addresses);
  }
}
