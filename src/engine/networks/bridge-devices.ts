import { errorMessage } from "../../lib/errors.ts";
import type { Exec } from "../../ports/exec.ts";
import type { KernelNetwork } from "../../ports/kernel-network.ts";
import { type IpFamily, parseInterfaceAddress, type Subnet } from "../../lib/ip-address.ts";
import { macFromIp } from "./mac-address.ts";
import type { BridgeSettings } from "./network-record.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** Makes the network's bridge what it should be, whether it is there or not. */
export async function raiseBridge(kernel: KernelNetwork, settings: BridgeSettings): Promise<void> {
  await failpoint("networks/bridge.raise", () => raise(kernel, settings));
}

async function raise(kernel: KernelNetwork, settings: BridgeSettings): Promise<void> {
  const { interfaceName: name, mtuBytes, ranges } = settings;
  const gateways = ranges.flatMap(({ family, subnet, pool: { gateway } }) =>
    gateway === undefined ? [] : [{ family, gateway, prefixLength: subnet.prefixLength }],
  );
  const [first] = gateways;
  // Given an address, a bridge keeps it; otherwise it takes its ports' lowest, and containers would send to a gateway that is no more.
  const address = first === undefined ? "" : `address ${macFromIp(first.gateway)} `;
  await kernel.host.run([`link add name ${name} ${address}type bridge`]).catch((error: unknown) => {
    if (!errorMessage(error).includes("File exists")) throw error;
  });
  // Where the host's own interfaces have none.
  if (ranges.some(({ family }) => family === 6)) await kernel.writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, "0");
  await kernel.host.run([
    `link set dev ${name} mtu ${mtuBytes} up`,
    ...gateways.map(
      ({ family, gateway, prefixLength }) => `addr replace ${gateway}/${prefixLength}${family === 6 ? " nodad" : ""} dev ${name}`,
    ),
  ]);
  // A container could say that it is a router, and the host would send what it has to say over IPv6 to it.
  await kernel.writeSysctl(`net/ipv6/conf/${name}/accept_ra`, "0", { isOptional: true });
  // Connections to 127.0.0.1:PORT are turned towards the bridge.
  await kernel.writeSysctl(`net/ipv4/conf/${name}/route_localnet`, "1");
}

/** By the `ip` that made it: it remembers what number a name has, and another's removal would leave it with a wrong one. */
export async function removeBridge(kernel: KernelNetwork, { interfaceName }: BridgeSettings): Promise<void> {
  await failpoint("networks/bridge.remove", () => kernel.host.run([`link del dev ${interfaceName}`], { allowFailure: true }));
}

/** Subnets that this host reaches without us. */
export async function routedSubnets(exec: Exec, family: IpFamily): Promise<readonly Subnet[]> {
  const { stdout } = await exec.run("ip", [`-${family}`, "-o", "route", "show"]);
  return stdout.split("\n").flatMap(line => {
    const [destination = ""] = line.split(" ");
    const parsed = parseInterfaceAddress(destination.includes("/") ? destination : `${destination}/${family === 4 ? 32 : 128}`);
    return parsed === undefined ? [] : [parsed.subnet];
  });
}
