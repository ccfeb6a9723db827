import { BlockList, isIP } from "node:net";

const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/** Whether a registry's certificate is not to be looked at. @param host - `name:port`. @param entries - Registries, and ranges of addresses. */
export function isInsecureRegistry(host: string, entries: readonly string[]): boolean {
  if (entries.includes(host)) return true;
  const { hostname } = new URL(`https://${host}/`);
  const address = hostname.replace(/^\[|\]$/g, "");
  if (address === "localhost") return true;
  const family = isIP(address);
  return family !== 0 && rangesOf([...LOOPBACK, ...entries]).check(address, family === 4 ? "ipv4" : "ipv6");
}

function rangesOf(entries: readonly string[]): BlockList {
  const ranges = new BlockList();
  for (const entry of entries) {
    const [network = "", bits = ""] = entry.split("/");
    if (isIP(network) !== 0 && /^\d+$/.test(bits)) ranges.addSubnet(network, Number(bits), isIP(network) === 4 ? "ipv4" : "ipv6");
  }
  return ranges;
}
