import { isIP } from "node:net";
import type { Availability } from "../wire/swarm.ts";
import { invalid, refuseIf } from "./refuse.ts";

const PORT_MIN = 1024;
const PORT_MAX = 49_151;

/** @throws OperationError `invalid`. */
export function checkListenAddress(address: string): void {
  refuseIf(address === "", 'invalid ListenAddr "": invalid empty address');
}

/** Managers, any of which a node may join by. @throws OperationError `invalid`. */
export function checkRemoteAddresses(addresses: readonly string[]): void {
  refuseIf(addresses.length === 0, "at least 1 RemoteAddr is required to join");
  refuseIf(addresses.includes(""), 'invalid remoteAddr "": invalid empty address');
}

/** Pools that networks are to be cut from. @throws OperationError `invalid`. */
export function checkAddressPools(pools: readonly string[], { subnetSize }: { readonly subnetSize: number }): void {
  for (const pool of pools) {
    const [address = "", length = ""] = pool.split("/");
    const isSubnet = isIP(address) !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (isIP(address) === 4 ? 32 : 128);
    refuseIf(!isSubnet, `invalid base pool ${pool}: invalid CIDR address: ${pool}`);
    refuseIf(
      Number(length) > subnetSize,
      `invalid CIDR: ${JSON.stringify(pool)}. Subnet size is too small for pool: ${subnetSize}`,
    );
  }
}

/** @throws OperationError `invalid`. */
export function checkDataPathPort(dataPathPort: number): void {
  const isInRange = dataPathPort === 0 || (dataPathPort >= PORT_MIN && dataPathPort <= PORT_MAX);
  refuseIf(!isInRange, `Datapath port number is not in valid range (${PORT_MIN}-${PORT_MAX}) : ${dataPathPort}`);
}

export function checkAvailability(availability: Availability | ""): Availability {
  switch (availability) {
    case "":
      return "active";
    case "active":
    case "pause":
    case "drain":
      return availability;
    default:
      throw invalid(`invalid Availability: ${JSON.stringify(availability)}`);
  }
}
