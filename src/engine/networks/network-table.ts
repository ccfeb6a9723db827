import { defined } from "../../lib/assert.ts";
import { OperationError } from "../../lib/errors.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { AddressPool } from "./address-pool.ts";
import { type IpFamily, parseIp, parseSubnet } from "../../lib/ip-address.ts";
import { type NetworkRecord, poolOf } from "./network-record.ts";

/** The networks that this host knows, with the addresses given out on each. */
export class NetworkTable {
  readonly #records = new Map<EngineNetworkId, NetworkRecord>();
  readonly #pools = new Map<EngineNetworkId, Partial<Record<IpFamily, AddressPool>>>();

  put(record: NetworkRecord): void {
    this.#records.set(record.id, record);
    // The managers give out the addresses of cluster networks.
    if (record.scope === "local" && !this.#pools.has(record.id)) {
      this.#pools.set(record.id, { ...poolsOf(record, 4), ...poolsOf(record, 6) });
    }
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

  pool(id: EngineNetworkId, family: IpFamily): AddressPool {
    return defined(this.#pools.get(id)?.[family], `IPv${family} addresses of network ${id}`);
  }
}

function poolsOf(record: NetworkRecord, family: IpFamily): Partial<Record<IpFamily, AddressPool>> {
  const pool = poolOf(record, family);
  if (pool === undefined) return {};
  const addresses = new AddressPool(
    parseSubnet(pool.subnet),
    pool.ipRange === undefined ? {} : { range: parseSubnet(pool.ipRange) },
  );
  for (const address of [pool.gateway ?? "", ...Object.values(pool.auxiliaryAddresses ?? {})]) {
    if (parseIp(address) !== undefined && !addresses.has(address)) addresses.take(address);
  }
  return { [family]: addresses };
}
