import type { Log } from "../../ports/log.ts";
import type { AddressPool } from "./address-pool.ts";
import type { NetworkTable } from "./network-table.ts";
import type { HeldPort, PortAllocator } from "./port-allocator.ts";
import { allEndpoints, type SandboxRecord } from "./sandbox-record.ts";

/** Takes the addresses and ports of a container that runs, after a start of the daemon. */
export function holdAgain(
  record: SandboxRecord,
  {
    table,
    ports,
    log,
    isForwarded,
  }: { readonly table: NetworkTable; readonly ports: PortAllocator; readonly log: Log; readonly isForwarded: boolean },
): readonly HeldPort[] {
  for (const { networkId, address, ipv6 } of allEndpoints(record)) {
    if (table.find(networkId)?.scope !== "local") continue;
    if (address !== "") takeAgain(table.pool(networkId, 4), address);
    if (ipv6 !== undefined) takeAgain(table.pool(networkId, 6), ipv6.address);
  }
  return record.published.flatMap(port => {
    try {
      const wanted = { ...port, hostPorts: [port.hostPort, port.hostPort] as const };
      return ports.hold(wanted, { defaultAddress: port.hostAddress, hasIpv4: true, hasIpv6: true, isForwarded });
    } catch (error) {
      // Taken while no daemon held it. The container is reached all the same: the firewall comes before any socket.
      log.warn({ containerId: record.containerId, error: String(error) }, "a published port is in use");
      return [];
    }
  });
}

function takeAgain(pool: AddressPool, address: string): void {
  if (!pool.has(address)) pool.take(address);
}
