import { allDone } from "../../lib/all-done.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { KernelNetwork, Links } from "../../ports/kernel-network.ts";
import type { ClusterDriver } from "./cluster-driver.ts";
import { interfaceSysctlsOf } from "./endpoint-options.ts";
import { defaultRouteChanges, innerLinkChanges, type LinkPlacement, neighbourChanges, outerLinkChanges } from "./link-changes.ts";
import { bridgeSettings } from "./network-record.ts";
import type { NetworkTable } from "./network-table.ts";
import { allEndpoints, type EndpointRecord, type SandboxRecord } from "./sandbox-record.ts";
import { failpoint } from "../../ports/failpoint.ts";

type Placement = Omit<LinkPlacement, "namespaceFd"> & { readonly links: Links; readonly linksSlow: Links };

/** The devices of containers: one pair per endpoint, its outer end on the network's bridge. */
export class SandboxDevices {
  readonly #kernel: KernelNetwork;
  readonly #table: NetworkTable;
  readonly #cluster: () => ClusterDriver | undefined;

  constructor({
    kernel,
    table,
    cluster,
  }: {
    readonly kernel: KernelNetwork;
    readonly table: NetworkTable;
    readonly cluster: () => ClusterDriver | undefined;
  }) {
    this.#kernel = kernel;
    this.#table = table;
    this.#cluster = cluster;
  }

  /** @param inside - Of the container's namespace. */
  async raiseAll(record: SandboxRecord, inside: Links): Promise<void> {
    const endpoints = allEndpoints(record).filter(({ link }) => link !== undefined);
    await allDone(endpoints.map(endpoint => this.#raiseOuter(endpoint, { inside, path: record.path })));
    const changes = [...endpoints.flatMap(innerLinkChanges), ...defaultRouteChanges(record)];
    await failpoint("networks/route.apply", () => inside.change(changes));
    await this.#introduce(endpoints);
  }

  async raise(
    endpoint: EndpointRecord,
    { inside, record }: { readonly inside: Links; readonly record: SandboxRecord },
  ): Promise<void> {
    await this.#raiseOuter(endpoint, { inside, path: record.path });
    const changes = [...innerLinkChanges(endpoint), ...defaultRouteChanges(record)];
    await failpoint("networks/route.apply", () => inside.change(changes));
    await this.#introduce([endpoint]);
  }

  /** Off the main path: the kernel takes tens of milliseconds. No error when it is gone. */
  async lower({ networkId, link }: EndpointRecord): Promise<void> {
    if (link === undefined || this.#table.find(networkId) === undefined) return;
    const placement = await this.#placement(networkId).catch(() => undefined);
    if (placement === undefined) return;
    const changes = [{ kind: "delete", device: link.hostName }] as const;
    await failpoint("networks/link.lower", () => placement.linksSlow.change(changes, { allowFailure: true }));
  }

  /** @param place - The container's namespace: its interfaces, and where it is pinned. */
  async #raiseOuter(
    endpoint: EndpointRecord,
    { inside, path }: { readonly inside: Links; readonly path: string },
  ): Promise<void> {
    const { links, bridge, mtuBytes, isHairpin } = await this.#placement(endpoint.networkId);
    const changes = outerLinkChanges(endpoint, { bridge, mtuBytes, isHairpin, namespaceFd: inside.namespaceFd });
    await failpoint("networks/link.raise", () => links.change(changes));
    // No interface of the namespace has IPv6 otherwise.
    const name = endpoint.link?.containerName ?? "";
    if (endpoint.ipv6 !== undefined) await this.#writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, "0", path);
    for (const sysctl of interfaceSysctlsOf(endpoint.config, name)) await this.#writeSysctl(sysctl.name, sysctl.value, path);
  }

  /**
   * Something of this host may still be sending to who had the address before: as long as the kernel looks for that one, for some seconds, what is
   * sent to the new one waits, and ends with "no route to host" when it gives up. Told who has it now, it sends.
   */
  async #introduce(endpoints: readonly EndpointRecord[]): Promise<void> {
    const changes = endpoints.flatMap(endpoint => {
      const bridge = bridgeSettings(this.#table.get(endpoint.networkId))?.interfaceName;
      return bridge === undefined ? [] : neighbourChanges(endpoint, { bridge });
    });
    // It would find out by itself, only later: a full table of neighbours is no reason not to start.
    await failpoint("networks/route.apply", () => this.#kernel.links.change(changes, { allowFailure: true }));
  }

  async #writeSysctl(name: string, value: string, namespacePath: string): Promise<void> {
    try {
      await this.#kernel.writeSysctl(name, value, { namespacePath });
    } catch (error) {
      throw new OperationError("internal", `failed to set sysctl ${name}=${value}: ${errorMessage(error)}`, { cause: error });
    }
  }

  async #placement(networkId: EndpointRecord["networkId"]): Promise<Placement> {
    const network = this.#table.get(networkId);
    const settings = bridgeSettings(network);
    if (settings !== undefined) {
      const { interfaceName: bridge, mtuBytes } = settings;
      return { links: this.#kernel.links, linksSlow: this.#kernel.linksSlow, bridge, mtuBytes, isHairpin: true };
    }
    const port = await this.#cluster()?.port(networkId);
    if (port === undefined) throw new OperationError("unavailable", `network ${network.name} is not up on this node`);
    return { ...port, linksSlow: port.links, isHairpin: false };
  }
}
