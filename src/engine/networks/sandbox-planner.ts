import { OperationError } from "../../lib/errors.ts";
import type { Container, EndpointConfig } from "../../model/container.ts";
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
import { dnsNamesOf, gatewayOf, linkLocalAddresses, staticAddress, type WantedEndpoint } from "./endpoint-plan.ts";
import { formatIpv4, parseIpv4, parseSubnet } from "./ipv4.ts";
import { linkedNames } from "./links.ts";
import { macFromIpv4, parseMac } from "./mac-address.ts";
import { isUserDefined, type NetworkRecord } from "./network-record.ts";
import type { NetworkDefaults } from "./network-defaults.ts";
import type { NetworkTable } from "./network-table.ts";
import type { HeldPort, PortAllocator } from "./port-allocator.ts";
import { wantedPorts } from "./published-ports.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

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
      readonly sandbox: Pick<SandboxRecord, "sandboxId" | "path">;
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
      for (const { network, config } of options.wanted) {
        endpoints.push(this.planEndpoint({ network, config, owner, interfaceNames: interfaceNamesOf(endpoints) }));
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
      const gateway = gatewayOf(draft);
      ports.push(...this.#holdPorts(container, gateway));
      return {
        ports,
        record: sandboxRecord(container, {
          ...options,
          ...options.sandbox,
          ...draft,
          gateway,
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
    owner,
    interfaceNames,
  }: {
    readonly network: NetworkRecord;
    readonly config: EndpointConfig;
    readonly owner: EndpointOwner;
    readonly interfaceNames: ReadonlySet<string>;
  }): EndpointRecord {
    const endpointId = this.newId();
    const containerName = interfaceNameOf(config, interfaceNames) ?? freeName(interfaceNames);
    const linkLocal = linkLocalAddresses(config);
    const linked = isUserDefined(network) ? linkedNames(config.links ?? []) : {};
    const address = this.#addressOn(network, config);
    const [pool] = network.ipam;
    const prefixLength =
      network.scope === "swarm" && network.isIngress ? 32 : parseSubnet(pool?.subnet ?? "0.0.0.0/0").prefixLength;
    return {
      networkId: network.id,
      networkName: network.name,
      endpointId,
      config,
      address: formatIpv4(address),
      prefixLength,
      ...(linkLocal.length === 0 ? {} : { linkLocalAddresses: linkLocal }),
      gateway: network.isInternal || network.scope === "swarm" ? "" : (pool?.gateway ?? ""),
      macAddress: parseMac(config.macAddress ?? "") ?? macFromIpv4(address),
      dnsNames: isUserDefined(network) ? dnsNamesOf({ ...owner, config }) : [],
      ...(Object.keys(linked).length === 0 ? {} : { linkedNames: linked }),
      ...(network.isIngress ? {} : { link: { hostName: `veth${endpointId.slice(0, 11)}`, containerName } }),
    };
  }

  freeEndpoint({ networkId, address }: EndpointRecord): void {
    const parsed = parseIpv4(address);
    if (parsed === undefined || this.#table.find(networkId)?.scope !== "local") return;
    this.#table.pool(networkId).free(parsed);
  }

  newId(): string {
    return Buffer.from(this.#random.bytes(32)).toString("hex");
  }

  #addressOn(network: NetworkRecord, config: EndpointConfig): number {
    const wanted = staticAddress(config);
    if (network.scope === "swarm") {
      if (wanted !== undefined) return wanted;
      throw new OperationError(
        "invalid",
        `containers cannot be attached to network ${network.name} by hand: only tasks of services can`,
      );
    }
    const pool = this.#table.pool(network.id);
    if (wanted === undefined) return pool.allocate();
    pool.take(wanted);
    return wanted;
  }

  #holdPorts(container: Container, gateway: EndpointRecord | undefined): readonly HeldPort[] {
    const { portBindings, publishAllPorts } = container.hostConfig;
    const wanted = wantedPorts({ portBindings, publishAllPorts, exposedPorts: container.config.exposedPorts });
    if (gateway === undefined) return []; // As Docker: ports of a container that nobody can reach are not published.
    const defaultAddress = this.#table.get(gateway.networkId).options["com.docker.network.bridge.host_binding_ipv4"] ?? "0.0.0.0";
    const held: HeldPort[] = [];
    try {
      const reach = { defaultAddress, hasIpv4: true, hasIpv6: false, isForwarded: this.#defaults.forwardsPorts };
      for (const port of wanted) held.push(...this.#ports.hold(port, reach));
      return held;
    } catch (error) {
      for (const port of held) port[Symbol.dispose]();
      if (!(error instanceof OperationError)) throw error;
      const endpoint = `${container.name} (${gateway.endpointId})`;
      throw new OperationError(
        error.kind,
        `driver failed programming external connectivity on endpoint ${endpoint}: ${error.message}`,
        { cause: error },
      );
    }
  }
}

export function ownerOf(container: Container): EndpointOwner {
  return { containerId: container.id, containerName: container.name, hostName: container.config.hostname };
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
  parts: Pick<SandboxRecord, "sandboxId" | "path" | "endpoints" | "hostEndpoint"> & {
    readonly gateway: EndpointRecord | undefined;
    readonly ports: readonly HeldPort[];
    readonly hostResolv: ResolvSettings;
    readonly links: readonly HostsEntry[];
    readonly table: NetworkTable;
    readonly defaults: NetworkDefaults;
  },
): SandboxRecord {
  const { sandboxId, path, endpoints, hostEndpoint, gateway, table, defaults } = parts;
  const { config, hostConfig } = container;
  const own = ownResolvSettings(hostConfig, defaults);
  const gatewayAddress = defaults.hostGatewayAddress ?? gatewayOfDefaultBridge(table);
  const resolv = mergeResolvSettings(parts.hostResolv, own);
  const isNamed = endpoints.some(({ networkId }) => isUserDefined(table.get(networkId)));
  const name = config.domainname === "" ? [config.hostname] : [`${config.hostname}.${config.domainname}`, config.hostname];
  const hosts: HostsEntry[] = [
    ...extraHostEntries(hostConfig.extraHosts, { gatewayAddress }),
    ...parts.links,
    ...endpoints.filter(({ link }) => link !== undefined).map(({ address }) => ({ address, names: name })),
  ];
  return {
    containerId: container.id,
    containerName: container.name,
    hostName: config.hostname,
    sandboxId,
    path,
    endpoints,
    ...(hostEndpoint === undefined ? {} : { hostEndpoint }),
    published: parts.ports.map(({ published }) => published),
    publishedAddress: gateway?.address ?? "",
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
function gatewayOfDefaultBridge(table: NetworkTable): string {
  return table.find("bridge")?.ipam[0]?.gateway ?? "127.0.0.1";
}
