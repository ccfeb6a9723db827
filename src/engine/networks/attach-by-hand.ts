import { defined } from "../../lib/assert.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Container, EndpointConfig, NetworkState } from "../../model/container.ts";
import { asId, type ContainerId, type EngineNetworkId } from "../../model/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { ClusterDriver, WantedPlace } from "./cluster-driver.ts";
import type { ContainerSandboxes } from "./container-sandboxes.ts";
import { dnsNamesOf, networkNameOf, staticAddress, type WantedEndpoint } from "./endpoint-plan.ts";
import type { NetworkRecord } from "./network-record.ts";
import type { NetworkTable } from "./network-table.ts";
import { ownerOf } from "./sandbox-planner.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

interface AttachByHandOptions {
  readonly table: NetworkTable;
  readonly cluster: () => ClusterDriver | undefined;
  readonly sandboxes: ContainerSandboxes;
  readonly log: Log;
}

/** Containers that are no tasks on the cluster's networks: the managers say whether they may, and give them their addresses. */
export class AttachByHand {
  readonly #options: AttachByHandOptions;

  constructor(options: AttachByHandOptions) {
    this.#options = options;
  }

  /**
   * Puts a container on those of its networks that are the cluster's, or not known on this host, which may be the cluster's. A task
   * is there already.
   * @returns what puts the addresses, in CIDR form, to the endpoints that are wanted.
   * @throws OperationError in Docker's words; nothing is kept then.
   */
  async attachAll(container: Container): Promise<(endpoint: WantedEndpoint) => WantedEndpoint> {
    const { table, sandboxes } = this.#options;
    const given = new Map<EngineNetworkId, string>();
    const cluster = this.#options.cluster();
    if (cluster === undefined) return endpoint => endpoint;
    await sandboxes.released(container.id); // Its last run's places have been given back by then.
    try {
      for (const [key, config] of networksOf(container)) {
        const name = networkNameOf(key);
        if (config.isAllocated === true || table.find(name)?.scope === "local") continue;
        const place = await cluster.attach(wantedPlace(container, { network: config.networkId ?? name, config }));
        given.set(asId<EngineNetworkId>(place.networkId), place.address);
      }
    } catch (error) {
      this.giveUp(container.id);
      throw error;
    }
    return endpoint => {
      const givenAddress = given.get(endpoint.network.id);
      return givenAddress === undefined ? endpoint : { ...endpoint, givenAddress };
    };
  }

  /** A container that did not come to run. */
  giveUp(containerId: ContainerId): void {
    void this.#options.cluster()?.letGo(containerId);
  }

  /** Whether a network, by what the user calls it, is or may be the cluster's. */
  mayBeOfCluster(network: string): boolean {
    const known = this.#options.table.find(network);
    return known?.scope === "swarm" || (known === undefined && this.#options.cluster() !== undefined);
  }

  /** `network connect` on a running container. */
  async attach(
    container: Container,
    { network, config }: { readonly network: string; readonly config: EndpointConfig },
  ): Promise<{ readonly record: NetworkRecord; readonly state: NetworkState }> {
    const { table, sandboxes } = this.#options;
    const cluster = defined(this.#options.cluster(), "the cluster's networks");
    const name = table.find(network)?.name ?? network;
    if ((container.networks.endpoints[name]?.endpointId ?? "") !== "") {
      throw new OperationError("forbidden", `${container.name} is already attached to network ${name}`);
    }
    const given = await cluster.attach(wantedPlace(container, { network: config.networkId ?? network, config }));
    try {
      const record = table.get(given.networkId);
      return { record, state: await sandboxes.attach(container, { network: record, config, givenAddress: given.address }) };
    } catch (error) {
      this.giveUp(container.id);
      throw error;
    }
  }

  isHeldFor(record: SandboxRecord | undefined): boolean {
    return this.#endpoints(record).length > 0;
  }

  /** Resolves when the managers know that the container is gone, or soon after: its networks can be removed then. */
  async release(containerId: ContainerId, record: SandboxRecord | undefined): Promise<void> {
    if (!this.isHeldFor(record)) return;
    await this.#options.sandboxes.released(containerId); // Until it has left them, its places are taken for held.
    await this.#options.cluster()?.letGo(containerId);
  }

  /** Others in the cluster call it by its new name soon. */
  rename(container: Container, record: SandboxRecord | undefined): void {
    const { cluster, log } = this.#options;
    for (const { networkId, config } of this.#endpoints(record)) {
      cluster()
        ?.rename(wantedPlace(container, { network: networkId, config }))
        .catch((error: unknown) =>
          log.warn(
            { containerId: container.id, error: errorMessage(error) },
            "the cluster was not told of a container's new name",
          ),
        );
    }
  }

  #endpoints(record: SandboxRecord | undefined): readonly EndpointRecord[] {
    const { table } = this.#options;
    return (record?.endpoints ?? []).filter(
      ({ networkId, config }) => table.find(networkId)?.scope === "swarm" && config.isAllocated !== true,
    );
  }
}

function networksOf({ hostConfig, networks }: Container): readonly (readonly [string, EndpointConfig])[] {
  const named = Object.entries(networks.endpoints).map(([key, { config }]) => [key, config] as const);
  return named.length > 0 ? named : [[hostConfig.networkMode, {}]];
}

function wantedPlace(
  container: Container,
  { network, config }: { readonly network: string; readonly config: EndpointConfig },
): WantedPlace {
  const owner = ownerOf(container);
  const address = staticAddress(config, 4);
  return {
    containerId: container.id,
    containerName: container.name,
    network,
    aliases: dnsNamesOf({ ...owner, config }).filter(name => name !== container.name),
    addresses: address === undefined ? [] : [address],
  };
}
