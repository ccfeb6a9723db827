import { OperationError } from "../../lib/errors.ts";
import type { Container, EndpointConfig } from "../../model/container.ts";
import type { IpamPool } from "../../model/engine-network.ts";
import type { Random } from "../../ports/random.ts";
import {
  extraHostEntries,
  type HostsEntry,
  embeddedResolvConf,
  hostsFile,
  mergeResolvSettings,
  plainResolvConf,
  type ResolvSettings,
} from "./container-files.ts";
import { interfaceNameOf } from "./endpoint-options.ts";
import {
  dnsNamesOf,
  type Gateways,
  gatewaysOf,
  linkLocalAddresses,
  staticAddress,
  type WantedEndpoint,
} from "./endpoint-plan.ts";
import { type IpFamily, parseSubnet } from "../../lib/ip-address.ts";
import { linkedNames } from "./links.ts";
import { macFromIp, parseMac } from "./mac-address.ts";
import { isUserDefined, type NetworkRecord, poolOf } from "./network-record.ts";
import type { NetworkDefaults } from "./network-defaults.ts";
import type { NetworkTable } from "./network-table.ts";
import type { HeldPort, PortAllocator } from "./port-allocator.ts";
import { PortsError } from "./ports-error.ts";
import { wantedPorts } from "./published-ports.ts";
import { addressesOf, type EndpointRecord, type SandboxRecord } from "./sandbox-record.ts";

export interface SandboxPlan {
  readonly record: SandboxRecord;
  readonly ports: readonly HeldPort[];
}

/** Who an endpoint belongs to. */
export interface EndpointOwner {
  readonly containerId: string;
  readonly containerName: string;
  readonly hostName: string;
}

/** Gives out addresses, ports and names. Touches no kernel but to hold ports. */
export class SandboxPlanner {
  readonly #table: NetworkTable;
  readonly #ports: PortAllocator;
  readonly #random: Random;
  readonly #defaults: NetworkDefaults;

  constructor({
    table,
    ports,
    random,
    defaults,
  }: {
    readonly table: NetworkTable;
    readonly ports: PortAllocator;
    readonly random: Random;
    readonly defaults: NetworkDefaults;
  }) {
    this.#defaults = defaults;
    this.#table = table;
    this.#ports = ports;
    this.#random = random;
  }

  /** @throws OperationError for an address or port that is taken; nothing is kept then. */
  plan(
    container: Container,
    options: {
      readonly wanted: readonly WantedEndpoint[];
      readonly sandbox: Pick<SandboxRecord, "sandboxId" | "path" | "userPath">;
      /** Set for a container that needs an interface towards the host beside its cluster networks. */
      readonly hostBridge: NetworkRecord | undefined;
      readonly hostResolv: ResolvSettings;
      readonly links: readonly HostsEntry[];
    },
  ): SandboxPlan {
    const owner = ownerOf(container);
    const endpoints: EndpointRecord[] = [];
    const ports: HeldPort[] = [];
    try {
      for (const wanted of options.wanted) {
        endpoints.push(this.planEndpoint({ ...wanted, owner, interfaceNames: interfaceNamesOf(endpoints) }));
      }
      if (options.hostBridge !== undefined) {
        const interfaceNames = interfaceNamesOf(endpoints);
        endpoints.push(this.planEndpoint({ network: options.hostBridge, config: {}, owner, interfaceNames }));
      }
      const hostEndpoint = options.hostBridge === undefined ? undefined : endpoints.at(-1);
      const draft = {
        endpoints: hostEndpoint === undefined ? endpoints : endpoints.slice(0, -1),
        ...(hostEndpoint === undefined ? {} : { hostEndpoint }),
      };
      const gateways = gatewaysOf(draft);
      ports.push(...this.#holdPorts(container, { gateways, endpoints }));
      return {
        ports,
        record: sandboxRecord(container, {
          ...options,
          ...options.sandbox,
          ...draft,
          gateways,
          ports,
          table: this.#table,
          defaults: this.#defaults,
        }),
      };
    } catch (error) {
      for (const port of ports) port[Symbol.dispose]();
      for (const endpoint of endpoints) this.freeEndpoint(endpoint);
      throw error;
    }
  }

  planEndpoint({
    network,
    config,
    givenAddress,
    owner,
    interfaceNames,
  }: WantedEndpoint & {
    readonly owner: EndpointOwner;
    readonly interfaceNames: ReadonlySet<string>;
  }): EndpointRecord {
    const endpointId = this.newId();
    const containerName = interfaceNameOf(config, interfaceNames) ?? freeName(interfaceNames);
    const linkLocal = linkLocalAddresses(config);
    const linked = isUserDefined(network) ? linkedNames(config.links ?? []) : {};
    const { address, ipv6Address } = this.#addressesOn(network, config, givenAddress);
    const pool = poolOf(network, 4);
    const ipv6Pool = poolOf(network, 6);
    const prefixLength =
      network.scope === "swarm" && network.isIngress ? 32 : parseSubnet(pool?.subnet ?? "0.0.0.0/0").prefixLength;
    const gatewayOf = (range: IpamPool | undefined) =>
      network.isInternal || network.scope === "swarm" ? "" : (range?.gateway ?? "");
    return {
      networkId: network.id,
      networkName: network.name,
      endpointId,
      config,
      address,
      prefixLength,
      ...(ipv6Address === undefined || ipv6Pool === undefined
        ? {}
        : {
            ipv6: {
              address: ipv6Address,
              prefixLength: parseSubnet(ipv6Pool.subnet).prefixLength,
              gateway: gatewayOf(ipv6Pool),
            },
          }),
      ...(linkLocal.length === 0 ? {} : { linkLocalAddresses: linkLocal }),
      gateway: gatewayOf(pool),
      macAddress: parseMac(config.macAddress ?? "") ?? macFromIp(address === "" ? (ipv6Address ?? "") : address),
      dnsNames: isUserDefined(network) ? dnsNamesOf({ ...owner, config }) : [],
      ...(Object.keys(linked).length === 0 ? {} : { linkedNames: linked }),
      ...(network.isIngress ? {} : { link: { hostName: `veth${endpointId.slice(0, 11)}`, containerName } }),
    };
  }

  /** /etc/resolv.conf of a container that has come onto a network where the engine answers names. */
  embeddedResolvConf({ hostConfig }: Container, { resolv }: SandboxRecord): string {
    return embeddedResolvConf(resolv, ownResolvSettings(hostConfig, this.#defaults));
  }

  freeEndpoint({ networkId, address, ipv6 }: Pick<EndpointRecord, "networkId" | "address" | "ipv6">): void {
    if (this.#table.find(networkId)?.scope !== "local") return;
    if (address !== "") this.#table.pool(networkId, 4).free(address);
    if (ipv6 !== undefined) this.#table.pool(networkId, 6).free(ipv6.address);
  }

  newId(): string {
    return Buffer.from(this.#random.bytes(32)).toString("hex");
  }

  /** Of each family that the network has; "" or missing: none. */
  #addressesOn(
    network: NetworkRecord,
    config: EndpointConfig,
    givenAddress: string | undefined,
  ): { readonly address: string; readonly ipv6Address?: string } {
    if (network.scope !== "local") return { address: clusterAddress(config, givenAddress) };
    const address = poolOf(network, 4) === undefined ? "" : this.#addressOn(network, config, 4);
    if (poolOf(network, 6) === undefined) return { address };
    try {
      return { address, ipv6Address: this.#addressOn(network, config, 6) };
    } catch (error) {
      this.freeEndpoint({ networkId: network.id, address });
      throw error;
    }
  }

  #addressOn(network: NetworkRecord, config: EndpointConfig, family: IpFamily): string {
    const wanted = staticAddress(config, family);
    const pool = this.#table.pool(network.id, family);
    if (wanted === undefined) return pool.allocate();
    pool.take(wanted);
    return wanted;
  }

  #holdPorts(
    container: Container,
    { gateways: { ipv4, ipv6 }, endpoints }: { readonly gateways: Gateways; readonly endpoints: readonly EndpointRecord[] },
  ): readonly HeldPort[] {
    const { portBindings, publishAllPorts } = container.hostConfig;
    const wanted = wantedPorts({ portBindings, publishAllPorts, exposedPorts: container.config.exposedPorts });
    const gateway = ipv4 ?? ipv6;
    if (gateway === undefined) return []; // As Docker: ports of a container that nobody can reach are not published.
    const defaultAddress = this.#table.get(gateway.networkId).options["com.docker.network.bridge.host_binding_ipv4"] ?? "0.0.0.0";
    const held: HeldPort[] = [];
    try {
      const families = { hasIpv4: ipv4 !== undefined, hasIpv6: ipv6 !== undefined };
      const reach = { defaultAddress, ...families, isForwarded: this.#defaults.forwardsPorts };
      for (const port of wanted) held.push(...this.#ports.hold(port, reach));
      return held;
    } catch (error) {
      for (const port of held) port[Symbol.dispose]();
      if (!(error instanceof OperationError)) throw error;
      const endpoint = `${container.name} (${gateway.endpointId})`;
      const message = `driver failed programming external connectivity on endpoint ${endpoint}: ${error.message}`;
      const joined = Object.fromEntries(
        endpoints.map(({ networkName, networkId, dnsNames }) => [networkName, { networkId, dnsNames }]),
      );
      throw new PortsError(error.kind, message, { joined, cause: error });
    }
  }
}

/** The managers give it: with the task, or to the container made by hand. */
function clusterAddress(config: EndpointConfig, givenAddress: string | undefined): string {
  const address = staticAddress(givenAddress === undefined ? config : { ipv4Address: givenAddress }, 4);
  if (address !== undefined && (givenAddress !== undefined || config.isAllocated === true)) return address;
  throw new OperationError("unavailable", "the container has no address on the network: this node is in no swarm");
}

export function ownerOf(container: Container): EndpointOwner {
  return { containerId: container.id, containerName: container.name, hostName: container.config.hostname };
}

/** The same container under another name, which others on its networks may call it by. Pure. */
export function renamed(record: SandboxRecord, owner: EndpointOwner): SandboxRecord {
  const endpoints = record.endpoints.map(endpoint => ({
    ...endpoint,
    dnsNames: dnsNamesOf({ ...owner, config: endpoint.config }),
  }));
  return { ...record, containerName: owner.containerName, endpoints };
}

export function interfaceNamesOf(endpoints: readonly EndpointRecord[]): ReadonlySet<string> {
  return new Set(endpoints.flatMap(({ link }) => link?.containerName ?? []));
}

function freeName(taken: ReadonlySet<string>): string {
  let number = 0;
  while (taken.has(`eth${number}`)) number++;
  return `eth${number}`;
}

function sandboxRecord(
  container: Container,
  parts: Pick<SandboxRecord, "sandboxId" | "path" | "userPath" | "endpoints" | "hostEndpoint"> & {
    readonly gateways: Gateways;
    readonly ports: readonly HeldPort[];
    readonly hostResolv: ResolvSettings;
    readonly links: readonly HostsEntry[];
    readonly table: NetworkTable;
    readonly defaults: NetworkDefaults;
  },
): SandboxRecord {
  const { sandboxId, path, userPath, endpoints, hostEndpoint, gateways, table, defaults } = parts;
  const { config, hostConfig } = container;
  const own = ownResolvSettings(hostConfig, defaults);
  const gatewayAddresses = defaults.hostGatewayAddresses ?? gatewaysOfDefaultBridge(table);
  const resolv = mergeResolvSettings(parts.hostResolv, own);
  const isNamed = endpoints.some(({ networkId }) => isUserDefined(table.get(networkId)));
  const name = config.domainname === "" ? [config.hostname] : [`${config.hostname}.${config.domainname}`, config.hostname];
  const hosts: HostsEntry[] = [
    ...extraHostEntries(hostConfig.extraHosts, { gatewayAddresses }),
    ...parts.links,
    ...endpoints
      .filter(({ link }) => link !== undefined)
      .flatMap(endpoint => addressesOf(endpoint).map(address => ({ address, names: name }))),
  ];
  return {
    containerId: container.id,
    containerName: container.name,
    hostName: config.hostname,
    sandboxId,
    path,
    ...(userPath === undefined ? {} : { userPath }),
    endpoints,
    ...(hostEndpoint === undefined ? {} : { hostEndpoint }),
    published: parts.ports.map(({ published }) => published),
    ...publishedAddresses(gateways),
    resolv,
    hosts: hostsFile(hosts),
    resolvConf: isNamed ? embeddedResolvConf(resolv, own) : plainResolvConf(resolv, own),
  };
}

/** The container's own, or those of all containers here. */
function ownResolvSettings({ dns, dnsSearch, dnsOptions }: Container["hostConfig"], { resolv }: NetworkDefaults): ResolvSettings {
  return {
    servers: dns.length > 0 ? dns : resolv.servers,
    search: dnsSearch.length > 0 ? dnsSearch : resolv.search,
    options: dnsOptions.length > 0 ? dnsOptions : resolv.options,
  };
}

/** What `host-gateway` stands for where nothing else was said. */
function gatewaysOfDefaultBridge(table: NetworkTable): readonly string[] {
  return (table.find("bridge")?.ipam ?? []).flatMap(({ gateway }) => gateway ?? []);
}

/** Where published ports lead. */
export function publishedAddresses({ ipv4, ipv6 }: Gateways): Pick<SandboxRecord, "publishedAddress" | "publishedIpv6Address"> {
  return { publishedAddress: ipv4?.address ?? "", publishedIpv6Address: ipv6?.ipv6?.address ?? "" };
}
