import { errorMessage, OperationError } from "../../lib/errors.ts";
import { undoAfter, undoAll, type UndoStep } from "../../lib/undo.ts";
import type { Container, NetworkState } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { KernelNetwork, Links } from "../../ports/kernel-network.ts";
import type { Log } from "../../ports/log.ts";
import type { Sandbox } from "../containers/needs.ts";
import type { NameServer } from "../dns/name-server.ts";
import type { ClusterDriver } from "./cluster-driver.ts";
import type { HostsEntry, ResolvSettings } from "./container-files.ts";
import { checkEndpoint, gatewaysOf, type WantedEndpoint } from "./endpoint-plan.ts";
import type { Firewall } from "./firewall.ts";
import { defaultRouteChanges } from "./link-changes.ts";
import { addHost, removeHost, replaceResolvConf } from "./live-files.ts";
import { allOrError, closeHandles, forwardPorts, type LiveSandbox, mappingRules, newLive } from "./live-sandbox.ts";
import type { NamespacePool, WantedOwner } from "./namespace-pool.ts";
import { isUserDefined, type NetworkRecord } from "./network-record.ts";
import type { NetworkNames } from "./network-names.ts";
import { nameServerRules } from "./name-server-rules.ts";
import { networkStateOf } from "./network-state.ts";
import type { NetworkTable } from "./network-table.ts";
import type { HeldPort } from "./port-allocator.ts";
import type { SandboxDevices } from "./sandbox-devices.ts";
import type { SandboxFiles } from "./sandbox-files.ts";
import {
  interfaceNamesOf,
  ownerOf,
  publishedAddresses,
  renamed,
  type SandboxPlan,
  type SandboxPlanner,
} from "./sandbox-planner.ts";
import { allEndpoints, type EndpointRecord, type SandboxRecord } from "./sandbox-record.ts";
import { failpoint } from "../../ports/failpoint.ts";

export interface ContainerSandboxesOptions {
  readonly kernel: KernelNetwork;
  readonly table: NetworkTable;
  readonly names: NetworkNames;
  readonly planner: SandboxPlanner;
  readonly devices: SandboxDevices;
  readonly firewall: Firewall;
  readonly namespaces: NamespacePool;
  readonly files: SandboxFiles;
  readonly nameServer: NameServer;
  readonly log: Log;
  readonly cluster: () => ClusterDriver | undefined;
}

interface Adoption {
  readonly container: Container;
  readonly ports: readonly HeldPort[];
}

/** Containers' network namespaces and everything in them. A failure while one is made takes down what was made of it. */
export class ContainerSandboxes {
  readonly #options: ContainerSandboxesOptions;
  readonly #live = new Map<ContainerId, LiveSandbox>();
  readonly #releasing = new Map<ContainerId, Promise<void>>();

  constructor(options: ContainerSandboxesOptions) {
    this.#options = options;
  }

  get(containerId: ContainerId): SandboxRecord | undefined {
    return this.#live.get(containerId)?.record;
  }

  all(): readonly SandboxRecord[] {
    return [...this.#live.values()].map(({ record }) => record);
  }

  /** @param hostBridge - See SandboxPlanner. */
  async connect(
    container: Container,
    options: {
      readonly wanted: readonly WantedEndpoint[];
      readonly hostBridge: NetworkRecord | undefined;
      readonly hostResolv: Promise<ResolvSettings>;
      readonly links: readonly HostsEntry[];
      readonly owner: WantedOwner;
    },
  ): Promise<Sandbox> {
    await this.release(container.id);
    await this.#releasing.get(container.id);
    const fresh = await this.#options.namespaces.take(options.owner);
    const { links, ...sandbox } = fresh;
    let plan: SandboxPlan;
    try {
      const hostResolv = await options.hostResolv;
      plan = await this.#planned(() => this.#options.planner.plan(container, { ...options, hostResolv, sandbox }));
    } catch (error) {
      return undoAfter(error, [() => links[Symbol.dispose](), () => this.#options.namespaces.discard(fresh)]);
    }
    const live = newLive(plan);
    this.#enlist(container.id, live);
    const isUp = this.#raise(container.id, { live, inside: links });
    const { path: namespacePath, userPath, hosts, resolvConf } = live.record;
    const user = userPath === undefined ? {} : { userNamespacePath: userPath };
    return { namespacePath, ...user, state: networkStateOf(live.record, container), hosts, resolvConf, isUp };
  }

  async #raise(
    containerId: ContainerId,
    { live, inside }: { readonly live: LiveSandbox; readonly inside: Links },
  ): Promise<void> {
    try {
      await this.#options.files.write(live.record); // First, so that what is made in the kernel has an owner.
      await allOrError([
        this.#options.devices.raiseAll(live.record, inside),
        this.#options.firewall.add(mappingRules(live.record)),
        this.#openNameServer(live),
        forwardPorts(live),
      ]);
      await this.#joinCluster(live);
    } catch (error) {
      inside[Symbol.dispose]();
      await this.#takeDown(containerId, live);
      throw error;
    }
    inside[Symbol.dispose]();
  }

  /** Names and addresses are free to the eye at once; the kernel's part goes on behind. */
  async release(containerId: ContainerId): Promise<void> {
    const live = this.#live.get(containerId);
    if (live === undefined) return;
    void this.#takeDown(containerId, live);
  }

  /** Resolves when nothing of the container's last run is left in the kernel. */
  async released(containerId: ContainerId): Promise<void> {
    await this.#releasing.get(containerId);
  }

  /** Resolves when nothing released is left in the kernel. */
  async settle(): Promise<void> {
    await Promise.all(this.#releasing.values());
  }

  /**
   * Takes up what is left of a container that still runs. A change that was cut short is completed or undone, so that it is on those of its
   * networks alone of which the container's record knows too.
   * @returns its networks where the record differs.
   */
  async adopt(record: SandboxRecord, { container, ports }: Adoption): Promise<NetworkState | undefined> {
    const live = newLive({ record, ports });
    this.#enlist(record.containerId, live);
    const recorded = Object.values(container.networks.endpoints).filter(({ ipAddress }) => ipAddress !== "");
    const isRecorded = ({ endpointId }: EndpointRecord) =>
      endpointId !== record.leaving && recorded.some(other => other.endpointId === endpointId);
    for (const endpoint of record.endpoints.filter(endpoint => !isRecorded(endpoint))) await this.#drop(live, endpoint);
    await this.#openNameServer(live);
    await forwardPorts(live);
    await this.#joinCluster(live);
    if (record.containerName !== container.name) return this.takeNewName(container); // The daemon died in the middle of it.
    const isSame = recorded.every(({ endpointId }) => live.record.endpoints.some(other => other.endpointId === endpointId));
    return isSame ? undefined : networkStateOf(live.record, container);
  }

  /** Takes down what a container left that runs no more. */
  async discard(record: SandboxRecord): Promise<void> {
    await this.#lower(record);
  }

  async attach(container: Container, wanted: WantedEndpoint): Promise<NetworkState> {
    const { network, config } = wanted;
    const live = this.#running(container);
    checkEndpoint(network, config);
    const { record } = live;
    if (record.endpoints.some(({ networkId }) => networkId === network.id)) {
      throw new OperationError("forbidden", `endpoint with name ${container.name} already exists in network ${network.name}`);
    }
    const interfaceNames = interfaceNamesOf(allEndpoints(record));
    const owner = ownerOf(container);
    const endpoint = await this.#planned(() => this.#options.planner.planEndpoint({ ...wanted, owner, interfaceNames }));
    const next = { ...record, endpoints: [...record.endpoints, endpoint] };
    const inside = this.#options.kernel.linksIn(record.path);
    try {
      await this.#options.files.write(next);
      await this.#options.devices.raise(endpoint, { inside, record: next });
      await this.#replace(live, next);
      await this.#openNameServer(live);
      await this.#joinCluster(live);
      await this.#renewFiles(live, { container, endpoint });
    } catch (error) {
      return await undoAfter(error, [
        () => this.#options.devices.lower(endpoint),
        () => this.#options.planner.freeEndpoint(endpoint),
        () => (live.record.endpoints.includes(endpoint) ? this.#replace(live, record) : undefined),
        () => this.#options.files.write(record),
      ]);
    } finally {
      inside[Symbol.dispose]();
    }
    return networkStateOf(live.record, container);
  }

  async detach(container: Container, network: NetworkRecord): Promise<NetworkState> {
    const live = this.#running(container);
    const { record } = live;
    const endpoint = record.endpoints.find(({ networkId }) => networkId === network.id);
    if (endpoint === undefined) {
      throw new OperationError("forbidden", `container ${container.id} is not connected to network ${network.name}`);
    }
    await this.#drop(live, endpoint);
    await removeHost(container, endpoint);
    await this.#joinCluster(live, { wasThere: network.scope === "swarm" });
    return networkStateOf(live.record, container);
  }

  async #renewFiles(
    live: LiveSandbox,
    { container, endpoint }: { readonly container: Container; readonly endpoint: EndpointRecord },
  ): Promise<void> {
    const { planner, files } = this.#options;
    await addHost(container, endpoint);
    if (live.nameServer === undefined) return;
    const [before, after] = [live.record.resolvConf, planner.embeddedResolvConf(container, live.record)];
    if (before === after || !(await replaceResolvConf(container, { before, after }))) return;
    live.record = { ...live.record, resolvConf: after };
    await files.write(live.record);
  }

  /** Others call it by its new name from now on. @returns undefined for one that has no network of its own. */
  async takeNewName(container: Container): Promise<NetworkState | undefined> {
    const live = this.#live.get(container.id);
    if (live === undefined) return undefined;
    const next = renamed(live.record, ownerOf(container));
    await this.#options.files.write(next);
    await this.#replace(live, next);
    return networkStateOf(live.record, container);
  }

  /** What fails before the interface is gone fails the whole; what fails after does not bring it back. */
  async #drop(live: LiveSandbox, endpoint: EndpointRecord): Promise<void> {
    const { kernel, files, devices, planner, log } = this.#options;
    const { record } = live;
    const { leaving: _done, ...rest } = record;
    const next = { ...rest, endpoints: record.endpoints.filter(other => other !== endpoint) };
    using inside = kernel.linksIn(record.path);
    await files.write({ ...record, leaving: endpoint.endpointId });
    await this.#replace(live, next);
    await devices.lower(endpoint);
    planner.freeEndpoint(endpoint);
    try {
      await failpoint("networks/route.apply", () => inside.change(defaultRouteChanges(next)));
      await files.write(live.record);
    } catch (error) {
      log.error(
        { containerId: record.containerId, error: errorMessage(error) },
        "a disconnected container may lack its default route",
      );
    }
  }

  /** Opens the daemon's ends only: containers run on. */
  async close(): Promise<void> {
    await this.settle();
    for (const live of this.#live.values()) await closeHandles(live);
  }

  #running(container: Container): LiveSandbox {
    const live = this.#live.get(container.id);
    if (live === undefined) throw new OperationError("conflict", `container ${container.id} has no network of its own`);
    return live;
  }

  /** Something wanted may be held by a container that is just being released. */
  async #planned<T>(plan: () => T): Promise<T> {
    try {
      return plan();
    } catch (error) {
      if (this.#releasing.size === 0) throw error;
      await this.settle();
      return plan();
    }
  }

  #enlist(containerId: ContainerId, live: LiveSandbox): void {
    this.#live.set(containerId, live);
    for (const endpoint of live.record.endpoints) this.#options.names.add(endpoint);
  }

  /** Puts names and published ports on another set of endpoints. */
  async #replace(live: LiveSandbox, next: SandboxRecord): Promise<void> {
    const before = live.record;
    const record = { ...next, ...publishedAddresses(gatewaysOf(next)) };
    for (const endpoint of before.endpoints) if (!next.endpoints.includes(endpoint)) this.#options.names.remove(endpoint);
    for (const endpoint of next.endpoints) if (!before.endpoints.includes(endpoint)) this.#options.names.add(endpoint);
    live.record = record;
    const isSame =
      record.publishedAddress === before.publishedAddress && record.publishedIpv6Address === before.publishedIpv6Address;
    if (isSame) return;
    await this.#options.firewall.change({ add: mappingRules(record), remove: mappingRules(before) });
    await forwardPorts(live);
  }

  async #openNameServer(live: LiveSandbox): Promise<void> {
    const { kernel, nameServer, table } = this.#options;
    const needsNames = live.record.endpoints.some(({ networkId }) => {
      const network = table.find(networkId);
      return network === undefined || isUserDefined(network);
    });
    if (live.nameServer !== undefined || !needsNames) return;
    live.nameServer = await kernel.openNameServer(live.record.path, nameServer.handlerFor(this.#viewOf(live)));
    live.nftables = kernel.openNftables(live.record.path);
    await live.nftables.run(nameServerRules(live.nameServer.udpPort, live.nameServer.tcpPort));
  }

  #viewOf(live: LiveSandbox) {
    const { names, cluster } = this.#options;
    const ask = <T>(question: (endpoint: EndpointRecord) => T | undefined): T | undefined => {
      for (const endpoint of live.record.endpoints) {
        const answer = question(endpoint);
        if (answer !== undefined) return answer;
      }
      return undefined;
    };
    const resolveOn = ({ networkId, linkedNames = {} }: EndpointRecord, name: string) => {
      const target = Object.hasOwn(linkedNames, name) ? (linkedNames[name] ?? name) : name;
      return cluster()?.resolve(networkId, target) ?? names.resolve(networkId, target);
    };
    /** `web.backend`: a name with its network's. */
    const resolveOnNamed = (name: string) => {
      const endpoint = live.record.endpoints.find(({ networkName }) => name.endsWith(`.${networkName.toLowerCase()}`));
      if (endpoint === undefined) return undefined;
      return resolveOn(endpoint, name.slice(0, -endpoint.networkName.length - 1));
    };
    return {
      resolve: (name: string) => ask(endpoint => resolveOn(endpoint, name)) ?? resolveOnNamed(name),
      reverse: (address: string) =>
        ask(({ networkId, networkName }) => {
          const name = cluster()?.reverse(networkId, address) ?? names.reverse(networkId, address);
          return name === undefined ? undefined : `${name}.${networkName}`;
        }),
      /** A container with no way out is answered by nobody outside either: a question would carry out what it holds. */
      get servers() {
        const { ipv4, ipv6 } = gatewaysOf(live.record);
        return ipv4 === undefined && ipv6 === undefined ? [] : live.record.resolv.servers;
      },
    };
  }

  /** @param wasThere - Though it is on no network of the cluster now, it may have been: nothing of it is to stay. */
  async #joinCluster({ record, nftables }: LiveSandbox, { wasThere = false } = {}): Promise<void> {
    const { table } = this.#options;
    const cluster = this.#options.cluster();
    const endpoints = record.endpoints.filter(({ networkId }) => table.find(networkId)?.scope === "swarm");
    const { containerId, path: namespacePath, hostEndpoint } = record;
    if (cluster === undefined || nftables === undefined || (endpoints.length === 0 && !wasThere)) return;
    await cluster.join({ containerId, namespacePath, nftables, endpoints, hostAddress: hostEndpoint?.address ?? "" });
    if (endpoints.length === 0) await cluster.leave(containerId);
  }

  #takeDown(containerId: ContainerId, live: LiveSandbox): Promise<void> {
    this.#live.delete(containerId);
    for (const endpoint of live.record.endpoints) this.#options.names.remove(endpoint);
    const done = this.#lowerLive(containerId, live)
      .catch((error: unknown) =>
        this.#options.log.error({ containerId, error: String(error) }, "could not release a container's network"),
      )
      .finally(() => this.#releasing.delete(containerId));
    this.#releasing.set(containerId, done);
    return done;
  }

  async #lowerLive(containerId: ContainerId, live: LiveSandbox): Promise<void> {
    const { cluster, firewall, log, planner } = this.#options;
    await undoAll([
      () => cluster()?.leave(containerId),
      () => closeHandles(live), // They would keep the namespace alive.
      () =>
        firewall.remove(mappingRules(live.record)).catch((error: unknown) => {
          log.warn({ containerId, error: String(error) }, "a published port's rule was gone already");
        }),
      ...live.ports.map(
        (port): UndoStep =>
          () =>
            port[Symbol.dispose](),
      ), // Nothing leads to them any more.
      async () => {
        await this.#lower(live.record);
        for (const endpoint of allEndpoints(live.record)) planner.freeEndpoint(endpoint); // Not before: something may answer to its address.
      },
    ]);
  }

  /** The record goes last, and stays where something of it may: the next start takes that away. */
  async #lower(record: SandboxRecord): Promise<void> {
    const { devices, namespaces, files } = this.#options;
    await undoAll([
      () => allOrError(allEndpoints(record).map(endpoint => devices.lower(endpoint))),
      () => namespaces.discard(record),
    ]);
    await files.remove(record.containerId);
  }
}
