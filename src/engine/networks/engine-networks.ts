import { BareContainers } from "./bare-containers.ts";
import { join } from "node:path";
import { AttachByHand } from "./attach-by-hand.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Container, CreateContainerRequest, EndpointConfig, EngineEvent, NetworkState } from "../../model/container.ts";
import type { Filters } from "../../model/control.ts";
import type { CreateNetworkRequest, EngineNetwork } from "../../model/engine-network.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Exec } from "../../ports/exec.ts";
import type { KernelNetwork } from "../../ports/kernel-network.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { IdMap } from "../../model/id-map.ts";
import type { ConnectOptions, ContainerNetworks, Sandbox } from "../containers/needs.ts";
import { NameServer } from "../dns/name-server.ts";
import type { StateDatabase } from "../state/database.ts";
import type { ClusterDriver } from "./cluster-driver.ts";
import { throwConnectFailure } from "./connect-failure.ts";
import { parseResolvConf } from "./container-files.ts";
import { ContainerSandboxes } from "./container-sandboxes.ts";
import { mappingRules } from "./live-sandbox.ts";
import { networkNameOf, sharedContainerOf, type WantedEndpoint, wantedEndpoints } from "./endpoint-plan.ts";
import { Firewall } from "./firewall.ts";
import { readText, RESOLV_CONF } from "./host-files.ts";
import { HOST_BRIDGE, INGRESS_INTERFACE } from "./firewall-rules.ts";
import { LegacyLinks } from "./legacy-links.ts";
import { NamespacePool, ownerOfNetwork } from "./namespace-pool.ts";
import { isDangling, isPrunable, matchesFilters } from "./network-filters.ts";
import { bridgeSettings, isPredefined, type NetworkRecord, poolOf } from "./network-record.ts";
import { NETWORK_DEFAULTS, type NetworkDefaults } from "./network-defaults.ts";
import { NetworkRegistry } from "./network-registry.ts";
import { NetworkNames } from "./network-names.ts";
import { bareNetworkState, containersOn } from "./network-state.ts";
import { NetworkTable } from "./network-table.ts";
import { planNetwork } from "./plan-network.ts";
import { holdAgain } from "./hold-again.ts";
import { PortAllocator } from "./port-allocator.ts";
import { pruneNetworks } from "./prune-networks.ts";
import { wantedPorts } from "./published-ports.ts";
import { SandboxDevices } from "./sandbox-devices.ts";
import { SandboxFiles } from "./sandbox-files.ts";
import { SandboxPlanner } from "./sandbox-planner.ts";
import { findSandbox, sharedSandbox } from "./shared-sandbox.ts";
import { allEndpoints } from "./sandbox-record.ts";

export interface EngineNetworksOptions {
  readonly kernel: KernelNetwork;
  readonly exec: Exec;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly database: StateDatabase;
  /** What a reboot empties: namespaces and what is known of them are kept here. */
  readonly execRoot: string;
  /** Whose ids containers' are on the host; missing: their own. */
  readonly idMap?: IdMap;
  readonly publish: (event: Omit<EngineEvent, "timeNs">) => void;
  /** Missing: Docker's. */
  readonly defaults?: NetworkDefaults;
}

/** The networks of this host and the containers on them. */
export class EngineNetworks implements ContainerNetworks, AsyncDisposable {
  readonly #options: EngineNetworksOptions;
  readonly #table = new NetworkTable();
  readonly #firewall: Firewall;
  readonly #registry: NetworkRegistry;
  readonly #ports: PortAllocator;
  readonly #files: SandboxFiles;
  readonly #namespaces: NamespacePool;
  readonly #sandboxes: ContainerSandboxes;
  readonly #bare = new BareContainers();
  readonly #byHand: AttachByHand;
  readonly #legacyLinks: LegacyLinks;
  #cluster: ClusterDriver | undefined;

  private constructor(options: EngineNetworksOptions) {
    const { kernel, exec, random, clock, log, execRoot, idMap, defaults = NETWORK_DEFAULTS } = options;
    const table = this.#table;
    const cluster = () => this.#cluster;
    this.#options = options;
    this.#firewall = new Firewall(exec, { hasIpv6: defaults.hasIpv6Rules && kernel.hasIpv6() });
    this.#registry = new NetworkRegistry({
      ...{ ...options, defaults, table, firewall: this.#firewall },
      forwardingMark: join(execRoot, "forwarding"),
    });
    this.#ports = new PortAllocator(kernel);
    this.#legacyLinks = new LegacyLinks(idOrName => findSandbox(this.#sandboxes.all(), idOrName), log);
    this.#files = new SandboxFiles(join(execRoot, "sandboxes"));
    this.#namespaces = new NamespacePool({ kernel, random, clock, directory: join(execRoot, "netns"), idMap });
    this.#sandboxes = new ContainerSandboxes({
      kernel,
      table,
      log,
      cluster,
      names: new NetworkNames(),
      planner: new SandboxPlanner({ table, ports: this.#ports, random, defaults }),
      devices: new SandboxDevices({ kernel, table, cluster }),
      firewall: this.#firewall,
      namespaces: this.#namespaces,
      files: this.#files,
      nameServer: new NameServer({ kernel, clock, random }),
    });
    this.#byHand = new AttachByHand({ table, cluster, sandboxes: this.#sandboxes, log });
  }

  /** Makes bridges and firewall rules what the records say. Published ports of containers that run keep working throughout. */
  static async create(options: EngineNetworksOptions): Promise<EngineNetworks> {
    const networks = new EngineNetworks(options);
    await networks.#registry.start(await networks.#files.all());
    return networks;
  }

  // ---- networks ----

  create(request: CreateNetworkRequest): Promise<{ readonly id: string; readonly warning: string }> {
    return this.#registry.inTurn(async () => {
      const record = planNetwork(request, await this.#registry.planContext(request));
      await this.#registry.add(record);
      this.#cluster?.bridgesChanged();
      this.#publish("create", record, {});
      return { id: record.id, warning: "" };
    });
  }

  async inspect(idOrName: string): Promise<EngineNetwork> {
    return this.#withContainers(this.#table.get(idOrName));
  }

  async list(filters: Filters): Promise<readonly EngineNetwork[]> {
    return this.#table
      .all()
      .map(record => this.#withContainers(record))
      .filter(network => matchesFilters(network, filters));
  }

  remove(idOrName: string): Promise<void> {
    return this.#registry.inTurn(async () => {
      const record = this.#table.get(idOrName);
      if (isPredefined(record)) {
        throw new OperationError("forbidden", `${record.name} is a pre-defined network and cannot be removed`);
      }
      this.#checkUnused(record);
      await this.#delete(record);
    });
  }

  prune(filters: Filters): Promise<readonly string[]> {
    return this.#registry.inTurn(async () => {
      const { clock, log } = this.#options;
      const unused = this.#table.all().filter(record => {
        const isGone = isPrunable(this.#withContainers(record), { filters, nowMs: clock.nowMs() });
        return isGone && (record.name !== HOST_BRIDGE || this.#cluster === undefined);
      });
      const deleted = await pruneNetworks(unused, { remove: record => this.#delete(record), log });
      const attributes = { reclaimed: "0" }; // They keep nothing on disk.
      this.#options.publish({ type: "network", action: "prune", actorId: "", scope: "local", attributes });
      return deleted;
    });
  }

  // ---- containers ----

  validate({ config, hostConfig, endpoints }: CreateContainerRequest, { mustExist } = { mustExist: false }): void {
    const { networkMode, portBindings, publishAllPorts } = hostConfig;
    wantedPorts({ portBindings, publishAllPorts, exposedPorts: config.exposedPorts });
    if (sharedContainerOf(hostConfig) !== undefined) return;
    // What this host does not know may be the cluster's: that is found out when the container starts.
    const isNeeded = mustExist && this.#cluster === undefined;
    const isThere = (name: string) => isNeeded || this.#table.find(networkNameOf(name)) !== undefined;
    const present = Object.entries(endpoints).filter(([name]) => isThere(name));
    if (isThere(networkMode)) wantedEndpoints(this.#table, { networkMode, endpoints: Object.fromEntries(present) });
  }

  async connect(container: Container, options: ConnectOptions = {}): Promise<Sandbox> {
    try {
      const sandbox = await this.#connect(container, options);
      const isUp = sandbox.isUp.catch(throwConnectFailure);
      isUp.catch(() => undefined); // Also where a failure before it keeps anybody from waiting for it.
      return { ...sandbox, isUp };
    } catch (error) {
      return throwConnectFailure(error);
    }
  }

  async #connect(container: Container, { joinedUserNamespace: joined }: ConnectOptions): Promise<Sandbox> {
    const reading = readText(RESOLV_CONF);
    const shared = sharedContainerOf(container.hostConfig);
    if (shared !== undefined) return sharedSandbox(findSandbox(this.#sandboxes.all(), shared), await reading);
    const withAddress = await this.#byHand.attachAll(container);
    const wanted = this.#wanted(container).map(withAddress);
    const [first] = wanted;
    if (first?.network.driver === "host") {
      const state = bareNetworkState(first.network, { endpointId: this.#newId(), sandboxId: this.#newId(), sandboxKey: "" });
      this.#publish("connect", first.network, { container: container.id });
      this.#bare.add(container.id, first.network);
      return {
        namespacePath: undefined,
        state,
        hosts: await readText("/etc/hosts"),
        resolvConf: await reading,
        isUp: Promise.resolve(),
      };
    }
    const isBare = first?.network.driver === "null" || container.config.networkDisabled;
    const needsHostBridge = wanted.some(({ network }) => network.scope === "swarm" && !network.isInternal);
    const connecting = async () =>
      this.#sandboxes.connect(container, {
        wanted: isBare ? [] : wanted,
        hostBridge: needsHostBridge ? await this.ensureHostBridge() : undefined,
        hostResolv: reading.then(parseResolvConf),
        links: this.#legacyLinks.entries(container),
        owner: ownerOfNetwork(container, joined),
      });
    const sandbox = await connecting().catch((error: unknown) => {
      this.#byHand.giveUp(container.id);
      throw error;
    });
    const isUp = sandbox.isUp.then(async () => {
      await this.#legacyLinks.started(container, sandbox.state.endpoints["bridge"]?.ipAddress);
      for (const { network } of wanted) this.#publish("connect", network, { container: container.id });
      if (isBare && first !== undefined) this.#bare.add(container.id, first.network);
    });
    if (!isBare || first === undefined) return { ...sandbox, isUp };
    const { sandboxId, sandboxKey } = sandbox.state;
    return { ...sandbox, isUp, state: bareNetworkState(first.network, { endpointId: this.#newId(), sandboxId, sandboxKey }) };
  }

  async release(containerId: ContainerId): Promise<void> {
    this.#legacyLinks.ended(containerId);
    const record = this.#sandboxes.get(containerId);
    await this.#sandboxes.release(containerId);
    await this.#byHand.release(containerId, record);
    const left = (record?.endpoints ?? []).flatMap(({ networkId }) => this.#table.find(networkId) ?? []);
    for (const network of [...left, ...this.#bare.release(containerId)])
      this.#publish("disconnect", network, { container: containerId });
  }

  holdsClusterPlace(containerId: ContainerId): boolean {
    return this.#byHand.isHeldFor(this.#sandboxes.get(containerId));
  }

  async restore(containers: readonly Container[]): Promise<ReadonlyMap<ContainerId, NetworkState>> {
    const alive = containers.filter(({ state }) => ["running", "paused"].includes(state.status));
    const running = new Map(alive.map(container => [container.id, container]));
    const changed = new Map<ContainerId, NetworkState>();
    this.#bare.restore(containers, { running, find: name => this.#table.find(name) });
    const kept = new Set<string>();
    const { forwardsPorts: isForwarded } = this.#options.defaults ?? NETWORK_DEFAULTS;
    for (const record of await this.#files.all()) {
      try {
        const container = running.get(record.containerId);
        if (container !== undefined) {
          kept.add(record.path).add(record.userPath ?? "");
          const state = await this.#sandboxes.adopt(record, {
            container,
            ports: holdAgain(record, { table: this.#table, ports: this.#ports, log: this.#options.log, isForwarded }),
          });
          if (state !== undefined) changed.set(container.id, state);
        } else {
          await this.#firewall.remove(mappingRules(record));
          await this.#sandboxes.discard(record);
        }
      } catch (error) {
        const { containerId } = record;
        this.#options.log.error({ containerId, error: String(error) }, "could not take up a container's network");
      }
    }
    for (const container of alive) this.#legacyLinks.restore(container);
    await this.#namespaces.discardOthers(kept);
    this.#namespaces.fill();
    return changed;
  }

  async attach(container: Container, network: string, endpoint: EndpointConfig): Promise<NetworkState> {
    const { networkMode } = container.hostConfig;
    if (this.#byHand.mayBeOfCluster(network)) {
      const { record, state } = await this.#byHand.attach(container, { network, config: endpoint });
      this.#publish("connect", record, { container: container.id });
      return state;
    }
    const record = this.#table.get(network);
    if (record.driver === "host" || networkMode === "host") {
      const rule = "container must be created in host network mode";
      throw new OperationError("invalid", `cannot connect container to host network - ${rule}`);
    }
    if (record.driver === "null" || networkMode === "none") {
      throw new OperationError(
        "invalid",
        "container cannot be connected to multiple networks with one of the networks in private (none) mode",
      );
    }
    const state = await this.#sandboxes.attach(container, { network: record, config: endpoint });
    this.#publish("connect", record, { container: container.id });
    return state;
  }

  async detach(container: Container, network: string): Promise<NetworkState> {
    const record = this.#table.get(network);
    if (record.driver === "host") {
      throw new OperationError("invalid", "container cannot be disconnected from host network or connected to host network");
    }
    const state = await this.#sandboxes.detach(container, record);
    this.#publish("disconnect", record, { container: container.id });
    return state;
  }

  mayBeOfCluster(network: string): boolean {
    return this.#byHand.mayBeOfCluster(network);
  }

  async takeNewName(container: Container): Promise<NetworkState | undefined> {
    const state = await this.#sandboxes.takeNewName(container);
    this.#byHand.rename(container, this.#sandboxes.get(container.id));
    return state;
  }

  // ---- the cluster's part ----

  /** Networks that cross hosts work from now on. */
  useClusterDriver(driver: ClusterDriver | undefined): void {
    this.#cluster = driver;
  }

  /** The cluster networks that containers of this host may be put on; replaces the set given before. */
  setClusterNetworks(records: readonly NetworkRecord[]): Promise<void> {
    return this.#registry.setClusterNetworks(records);
  }

  /** IPv4 subnets of this host's bridges: addresses that mean nothing on another host. */
  bridgeSubnets(): readonly string[] {
    return this.#table.all().flatMap(record => (record.driver === "bridge" ? (poolOf(record, 4)?.subnet ?? []) : []));
  }

  /** Devices that the engine made: where containers are, which is not where other hosts are. */
  ownDevices(): ReadonlySet<string> {
    const bridges = this.#table.all().flatMap(record => bridgeSettings(record)?.interfaceName ?? []);
    return new Set([INGRESS_INTERFACE, HOST_BRIDGE, ...bridges]);
  }

  /** Keeps a port that the whole cluster publishes from this host's programs and containers. @throws OperationError `conflict`. */
  holdClusterPort(port: { readonly protocol: "tcp" | "udp"; readonly port: number }): Disposable {
    return this.#ports.holdForCluster(port);
  }

  /** The bridge that joins containers on cluster networks to this host; made when missing. */
  ensureHostBridge(): Promise<NetworkRecord> {
    return this.#registry.ensureHostBridge();
  }

  /** Resolves when nothing that was released is left in the kernel. */
  settle(): Promise<void> {
    return this.#sandboxes.settle();
  }

  /** Lets go of this process's part; containers keep their networks. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registry.settle();
    await this.#sandboxes.close();
    await this.#namespaces[Symbol.asyncDispose]();
  }

  async #delete(record: NetworkRecord): Promise<void> {
    await this.#registry.delete(record);
    this.#cluster?.bridgesChanged();
    this.#publish("destroy", record, {});
  }

  #checkUnused(record: NetworkRecord): void {
    const active = this.#sandboxes
      .all()
      .flatMap(sandbox => allEndpoints(sandbox).map(endpoint => ({ endpoint, name: sandbox.containerName })))
      .filter(({ endpoint }) => endpoint.networkId === record.id)
      .map(({ endpoint, name }) => `name:"${name}" id:"${endpoint.endpointId.slice(0, 12)}"`);
    if (active.length === 0 && (record.scope === "local" || isDangling(this.#withContainers(record)))) return;
    throw new OperationError(
      "forbidden",
      `error while removing network: network ${record.name} has active endpoints (${active.join(", ")})`,
    );
  }

  #withContainers(record: NetworkRecord): EngineNetwork {
    return { ...record, containers: containersOn(record.id, this.#sandboxes.all()) };
  }

  #wanted({ hostConfig, networks }: Container): readonly WantedEndpoint[] {
    const endpoints = Object.fromEntries(Object.entries(networks.endpoints).map(([name, { config }]) => [name, config]));
    return wantedEndpoints(this.#table, { networkMode: hostConfig.networkMode, endpoints });
  }

  #publish(action: string, { id, name, driver, scope }: NetworkRecord, attributes: Readonly<Record<string, string>>): void {
    this.#options.publish({ type: "network", action, actorId: id, scope, attributes: { ...attributes, name, type: driver } });
  }

  #newId(): string {
    return Buffer.from(this.#options.random.bytes(32)).toString("hex");
  }
}
