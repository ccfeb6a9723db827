import { join } from "node:path";
import { errorMessage, OperationError } from "../lib/errors.ts";
import type { ClusterDriver, ClusterSandbox, DevicePort } from "../engine/networks/cluster-driver.ts";
import type { EngineNetworks } from "../engine/networks/engine-networks.ts";
import { asId, type ContainerId, type EngineNetworkId, type NetworkId, type NodeId } from "../model/ids.ts";
import type { Endpoint, Peer } from "../model/session.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { KernelNetwork } from "../ports/kernel-network.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import { type AttachmentCalls, Attachments, type WantedAttachment } from "./attachments.ts";
import { ClusterNames } from "./cluster-names.ts";
import {
  addressOn,
  bareAddress,
  type ClusterView,
  clusterView,
  EMPTY_VIEW,
  ingressNetwork,
  isLost,
  type NetworkAssignment,
} from "./cluster-view.ts";
import { type Cut, cutConnections, cutsFor, deadEndpoints } from "./connection-cutter.ts";
import { Ingress } from "./ingress.ts";
import { ingressRoutes, publishedServices } from "./ingress-view.ts";
import { clusterNetworkRecord } from "./network-records.ts";
import { OverlayNetwork, type RemoteEndpoint, vxlanPort } from "./overlay-network.ts";
import { virtualAddresses, virtualAddressTable } from "./service-addresses.ts";

/**
 * Connections to tasks on a node that is down have as long to end as a task that is told to stop: it may be that only the daemon is
 * away there. After that they are cut, for on a node without power nobody will ever end them.
 */
const LOST_GRACE_MS = 10_000;

export interface ClusterNetworkOptions {
  readonly kernel: KernelNetwork;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Log;
  readonly networks: EngineNetworks;
  readonly random: Random;
  readonly nodeId: NodeId;
  readonly execRoot: string;
}

interface JoinedSandbox {
  readonly sandbox: ClusterSandbox;
  /** The table in its namespace, as last loaded. */
  table: string;
}

/** This host's part in the cluster's networks: made so by `apply`, whatever it was before. */
export class ClusterNetwork implements ClusterDriver, AsyncDisposable {
  readonly #options: ClusterNetworkOptions;
  readonly #ingress: Ingress;
  readonly #overlays = new Map<EngineNetworkId, OverlayNetwork>();
  readonly #sandboxes = new Map<ContainerId, JoinedSandbox>();
  /** Tables of service addresses, by the networks they are for. */
  readonly #tables = new Map<string, string>();
  readonly #heldPorts = new Map<string, Disposable>();
  #view: ClusterView = EMPTY_VIEW;
  readonly #names = new ClusterNames();
  /** Nothing is known yet: what an earlier daemon left in the kernel stays in force. */
  #isInformed = false;
  #tail: Promise<unknown> = Promise.resolve();
  readonly #over = new AbortController();
  readonly #attachments: Attachments;

  private constructor(options: ClusterNetworkOptions) {
    this.#options = options;
    this.#ingress = new Ingress(options);
    this.#attachments = new Attachments({
      ...options,
      signal: this.#over.signal,
      isHeld: endpoint => this.#isHeld(endpoint),
    });
  }

  /** Before the engine restores its containers: theirs are taken up by it. */
  static async create(options: ClusterNetworkOptions): Promise<ClusterNetwork> {
    const cluster = new ClusterNetwork(options);
    options.networks.useClusterDriver(cluster);
    return cluster;
  }

  /**
   * Resolves when all of it is in force. A network that this host cannot have (encrypted, its number still in use) is none of the
   * others' business: it is logged, and tried again whenever a container wants to be on it.
   * @throws OperationError `unavailable` naming what else could not be; the rest is.
   */
  apply(assignments: ReadonlyMap<string, NetworkAssignment>): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#view;
      this.#view = clusterView(assignments.values());
      this.#isInformed = true;
      const failures: string[] = [];
      this.#tables.clear();
      await this.#names.update(this.#view, () => this.#options.clock.sleep(0));
      await attempt(failures, () => this.#syncNetworks());
      await attempt(failures, () => this.#syncIngress());
      await Promise.all([...this.#sandboxes.values()].map(joined => attempt(failures, () => this.#syncSandbox(joined))));
      await attempt(failures, () => this.#cutDead(before));
      this.#attachments.update(this.#view);
      if (failures.length > 0) throw new OperationError("unavailable", `cluster network: ${failures.join("; ")}`);
    });
  }

  async port(networkId: EngineNetworkId): Promise<DevicePort | undefined> {
    await this.#tail; // A network that is just being raised.
    const overlay = this.#overlays.get(networkId) ?? (await this.#inTurn(() => this.#ensureOverlay(networkId)));
    return overlay?.port();
  }

  /** From now on the managers can be asked; `undefined`: not any more. */
  useCalls(calls: AttachmentCalls | undefined): void {
    this.#attachments.useCalls(calls);
  }

  attach(wanted: WantedAttachment) {
    return this.#attachments.attach(wanted);
  }

  letGo(containerId: ContainerId): Promise<void> {
    return this.#attachments.letGo(containerId);
  }

  rename(place: WantedAttachment): Promise<void> {
    return this.#attachments.rename(place);
  }

  /** Containers made by hand that are on the cluster's networks here. */
  attached(): readonly { readonly containerId: string; readonly networkId: NetworkId }[] {
    return this.#attachments
      .held()
      .flatMap(({ containerId = "", networks }) => networks.map(({ networkId }) => ({ containerId, networkId })));
  }

  async join(sandbox: ClusterSandbox): Promise<void> {
    await this.#inTurn(async () => {
      const joined: JoinedSandbox = { sandbox, table: this.#sandboxes.get(sandbox.containerId)?.table ?? "" };
      this.#sandboxes.set(sandbox.containerId, joined);
      if (!this.#isInformed) return;
      await this.#syncSandbox(joined);
      await this.#syncIngress();
    });
    void this.#attachments.letGo(sandbox.containerId); // Of what it was on before.
  }

  async leave(containerId: ContainerId): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#sandboxes.delete(containerId) && this.#isInformed) await this.#syncIngress();
    });
    void this.#attachments.letGo(containerId);
  }

  bridgesChanged(): void {
    void this.#inTurn(() => this.#syncIngress()).catch((error: unknown) => {
      this.#options.log.error({ error: errorMessage(error) }, "could not update the ingress rules");
    });
  }

  resolve(networkId: EngineNetworkId, name: string): readonly string[] | undefined {
    return this.#names.resolve(networkId, name);
  }

  reverse(networkId: EngineNetworkId, address: string): string | undefined {
    return this.#names.reverse(networkId, address);
  }

  /** This host takes part no more. */
  async leaveCluster(): Promise<void> {
    await this.apply(new Map());
    this.#options.networks.useClusterDriver(undefined);
    await this[Symbol.asyncDispose]();
  }

  /** Leaves everything in force for the next daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#tail;
    for (const overlay of this.#overlays.values()) await overlay.release();
    this.#overlays.clear();
    this.#ingress.close();
    for (const held of this.#heldPorts.values()) held[Symbol.dispose]();
    this.#heldPorts.clear();
  }

  #isHeld({ containerId = "", networks }: Endpoint): boolean {
    const held = this.#sandboxes.get(asId(containerId))?.sandbox.endpoints ?? [];
    return networks.some(({ networkId, address }) =>
      held.some(endpoint => (endpoint.networkId as string) === networkId && endpoint.address === bareAddress(address)),
    );
  }

  #self(): Peer | undefined {
    const self = this.#view.peers.get(this.#options.nodeId);
    return self?.address === "" ? undefined : self; // A node that has just joined has not said yet where it is.
  }

  async #syncNetworks(): Promise<void> {
    const { networks } = this.#view;
    for (const [id, overlay] of this.#overlays) {
      if (networks.has(asId(id))) continue;
      await overlay.lower();
      this.#overlays.delete(id);
    }
    await this.#options.networks.setClusterNetworks([...networks.values()].map(clusterNetworkRecord));
    const remotes = this.#remoteEndpoints();
    for (const network of networks.values()) {
      try {
        const overlay = await this.#ensureOverlay(asId(network.id));
        await overlay?.sync(remotes.get(network.id) ?? []);
      } catch (error) {
        this.#options.log.warn({ network: network.spec.name, error: errorMessage(error) }, "a network is not up on this node");
      }
    }
  }

  /** `undefined`: this host has no device for it, or knows too little yet. */
  async #ensureOverlay(id: EngineNetworkId): Promise<OverlayNetwork | undefined> {
    const { kernel, exec, execRoot } = this.#options;
    const known = this.#overlays.get(id);
    const network = this.#view.networks.get(asId(id));
    const self = this.#self();
    if (known !== undefined) {
      if (self !== undefined) await known.moveTo(self.address);
      return known;
    }
    if (network === undefined || self === undefined || network.spec.isIngress || network.vxlanId === undefined) return undefined;
    const path = join(execRoot, "overlay", id);
    const overlay = await OverlayNetwork.raise({ kernel, exec, network, path, underlayAddress: self.address });
    this.#overlays.set(id, overlay);
    await overlay.sync(this.#remoteEndpoints().get(network.id) ?? []);
    return overlay;
  }

  #remoteEndpoints(): ReadonlyMap<NetworkId, readonly RemoteEndpoint[]> {
    const byNetwork = new Map<NetworkId, RemoteEndpoint[]>();
    for (const endpoint of this.#view.endpoints.values()) {
      const peer = this.#view.peers.get(endpoint.nodeId);
      if (peer === undefined || endpoint.nodeId === this.#options.nodeId) continue;
      for (const { networkId } of endpoint.networks) {
        const address = addressOn(endpoint, networkId);
        if (address === undefined) continue;
        const list = byNetwork.get(networkId);
        if (list === undefined) byNetwork.set(networkId, [{ address, hostAddress: peer.address }]);
        else list.push({ address, hostAddress: peer.address });
      }
    }
    return byNetwork;
  }

  async #syncIngress(): Promise<void> {
    const { networks, nodeId } = this.#options;
    const network = ingressNetwork(this.#view);
    const self = this.#self();
    if (!this.#isInformed) return;
    if (network === undefined || self === undefined) {
      this.#syncHeldPorts([]);
      return this.#ingress.remove();
    }
    await networks.ensureHostBridge();
    const localTasks = this.#localTasks(network.id);
    const services = publishedServices(this.#view, { nodeId, localTasks });
    this.#syncHeldPorts(services);
    await this.#ingress.apply({
      network,
      routes: ingressRoutes(this.#view, nodeId),
      rules: {
        vxlanPort: vxlanPort(network),
        self,
        peers: [...this.#view.peers.values()].filter(peer => peer.nodeId !== nodeId),
        services,
        local: [...localTasks],
        bridgeSubnets: networks.bridgeSubnets(),
      },
    });
  }

  #localTasks(ingressId: NetworkId): ReadonlyMap<string, string> {
    const tasks = new Map<string, string>();
    for (const { sandbox } of this.#sandboxes.values()) {
      const endpoint = sandbox.endpoints.find(({ networkId }) => (networkId as string) === ingressId);
      if (endpoint !== undefined) tasks.set(endpoint.address, sandbox.hostAddress);
    }
    return tasks;
  }

  /** A port that cannot be held is served all the same: the rules come before any program's socket. */
  #syncHeldPorts(services: readonly { readonly protocol: "tcp" | "udp"; readonly publishedPort: number }[]): void {
    const wanted = new Map(services.map(service => [`${service.protocol}/${service.publishedPort}`, service]));
    for (const [key, held] of this.#heldPorts) {
      if (wanted.has(key)) continue;
      held[Symbol.dispose]();
      this.#heldPorts.delete(key);
    }
    for (const [key, { protocol, publishedPort: port }] of wanted) {
      if (this.#heldPorts.has(key)) continue;
      try {
        this.#heldPorts.set(key, this.#options.networks.holdClusterPort({ protocol, port }));
      } catch (error) {
        this.#options.log.warn({ port: key, error: errorMessage(error) }, "a published port is in use on this host");
      }
    }
  }

  async #syncSandbox(joined: JoinedSandbox): Promise<void> {
    const { endpoints, nftables } = joined.sandbox;
    const table = this.#tableFor(endpoints.map(({ networkId }) => networkId));
    if (table === joined.table) return;
    await nftables.run(table);
    joined.table = table;
  }

  /** Containers on the same networks share the text. */
  #tableFor(networkIds: readonly EngineNetworkId[]): string {
    const key = networkIds.toSorted().join(" ");
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const table = virtualAddressTable(virtualAddresses(this.#view, new Set(networkIds)));
    this.#tables.set(key, table);
    return table;
  }

  async #cutDead(before: ClusterView): Promise<void> {
    const { ended, lost } = deadEndpoints(before, this.#view);
    await this.#cut(before, ended, "all");
    await this.#cut(this.#view, lost, "unanswered");
    if (lost.length > 0) void this.#cutLostLater(lost);
  }

  async #cutLostLater(lost: readonly Endpoint[]): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#over;
    try {
      await clock.sleep(LOST_GRACE_MS, { signal });
      await this.#inTurn(() => {
        const still = lost.filter(({ taskId }) => {
          const endpoint = this.#view.endpoints.get(taskId);
          return endpoint !== undefined && isLost(this.#view, endpoint);
        });
        return this.#cut(this.#view, still, "all");
      });
    } catch (error) {
      if (!signal.aborted) log.warn({ error: errorMessage(error) }, "connections to a node that is down could not be cut");
    }
  }

  #cut(view: ClusterView, endpoints: readonly Endpoint[], what: Cut["what"]): Promise<void> {
    const namespacesOn = (networkId: NetworkId) => this.#namespacesOn(networkId);
    return cutConnections(this.#options.exec, cutsFor(endpoints, { what, ingressId: ingressNetwork(view)?.id, namespacesOn }));
  }

  #namespacesOn(networkId: NetworkId): readonly string[] {
    return [...this.#sandboxes.values()]
      .filter(({ sandbox }) => sandbox.endpoints.some(endpoint => (endpoint.networkId as string) === networkId))
      .map(({ sandbox }) => sandbox.namespacePath);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }
}

/** One part that fails does not hold the others up. */
async function attempt(failures: string[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    failures.push(errorMessage(error));
  }
}
