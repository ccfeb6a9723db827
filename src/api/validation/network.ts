import { BlockList, isIP } from "node:net";
import { OperationError } from "../../lib/errors.ts";
import type { CreateNetworkRequest, IpamPool } from "../../model/engine-network.ts";
import { refuseIf } from "./refuse.ts";

const PREDEFINED = ["bridge", "host", "none", "default"];

/** @throws OperationError `invalid`; `forbidden` for the names of Docker's own networks. */
export function checkCreateNetwork(request: CreateNetworkRequest): void {
  const { name, scope, ipam, isIngress, isIpv4, isIpv6 } = request;
  refuseIf(name.trim() === "", "invalid name: name is empty");
  if (PREDEFINED.includes(name)) {
    throw new OperationError("forbidden", `operation is not permitted on predefined ${name} network `);
  }
  refuseIf(!["", "local", "swarm"].includes(scope), `invalid network scope: ${JSON.stringify(scope)}`);
  refuseIf(!isIpv4 && isIpv6 === false, "IPv4 or IPv6 must be enabled");
  refuseIf(isIngress && !isClusterNetwork(request), "ingress networks must be of scope swarm");
  refuseIf(
    isClusterNetwork(request) && request.driver !== "overlay",
    `network driver ${request.driver} is not supported in scope swarm`,
  );
  const complaints = ipam.flatMap(pool => complaintsAbout(pool));
  refuseIf(complaints.length > 0, `invalid network config:\n${complaints.join("\n")}`);
}

/** What Docker's overlay networks can have, and those here cannot yet. @throws OperationError `invalid`. */
export function checkOverlaySupport({ isIpv4, isIpv6, ipam, ipamDriver, ipamOptions = {}, options }: CreateNetworkRequest): void {
  const refuse = (isAsked: boolean, what: string) =>
    refuseIf(isAsked, `overlay networks ${what} are not supported by this engine`);
  refuse(options["encrypted"] !== undefined && options["encrypted"] !== "false", "that are encrypted");
  refuse(isIpv6 === true || !isIpv4 || ipam.some(({ subnet }) => subnet?.includes(":") === true), "with IPv6, or without IPv4,");
  refuse(ipam.length > 1, "with more than one subnet");
  refuse(options["com.docker.network.driver.overlay.vxlanid_list"] !== undefined, "with VXLAN numbers of one's own");
  refuse(ipamDriver !== "default" || Object.keys(ipamOptions).length > 0, "with an IPAM driver or its options");
}

/** Made by the managers, for all hosts. */
export function isClusterNetwork({ driver, scope, isIngress }: CreateNetworkRequest): boolean {
  return driver === "overlay" || scope === "swarm" || isIngress;
}

function complaintsAbout({ subnet, gateway, ipRange }: Partial<IpamPool>): readonly string[] {
  if (subnet === undefined)
    return gateway === undefined && ipRange === undefined ? [] : ["invalid subnet : invalid CIDR block notation"];
  const range = parseCidr(subnet);
  if (range === undefined) return [`invalid subnet ${subnet}: invalid CIDR block notation`];
  const outside = (address: string) => !range.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  const complaints: string[] = [];
  if (ipRange !== undefined) {
    const [start = ""] = ipRange.split("/");
    if (parseCidr(ipRange) === undefined) complaints.push(`invalid ip-range ${ipRange}: invalid CIDR block notation`);
    else if (outside(start)) complaints.push(`invalid ip-range ${ipRange}: parent subnet ${subnet} doesn't contain ip-range`);
  }
  if (gateway !== undefined) {
    if (isIP(gateway) === 0) complaints.push(`invalid gateway ${gateway}: invalid address`);
    else if (outside(gateway))
      complaints.push(`invalid gateway ${gateway}: parent subnet ${subnet} doesn't contain this address`);
  }
  return complaints;
}

function parseCidr(cidr: string): BlockList | undefined {
  const [address = "", prefix = "", ...more] = cidr.split("/");
  const family = isIP(address);
  if (family === 0 || !/^\d+$/.test(prefix) || more.length > 0 || Number(prefix) > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), family === 4 ? "ipv4" : "ipv6");
  return list;
}
