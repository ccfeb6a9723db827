import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { undoAfter } from "../../lib/undo.ts";
import type { CreateNetworkRequest, IpamPool } from "../../model/engine-network.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { engineIdFrom } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Exec } from "../../ports/exec.ts";
import type { KernelNetwork } from "../../ports/kernel-network.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { RecordCollection, StateDatabase } from "../state/database.ts";
import { raiseBridge, removeBridge, routedSubnets } from "./bridge-devices.ts";
import { chooseSubnet } from "./default-pools.ts";
import type { Firewall } from "./firewall.ts";
import { bridgeRules, HOST_BRIDGE, type Rule } from "./firewall-rules.ts";
import { type IpFamily, parseSubnet, type Subnet } from "../../lib/ip-address.ts";
import type { NetworkDefaults } from "./network-defaults.ts";
import { type BridgeSettings, bridgeSettings, type NetworkRecord, poolOf } from "./network-record.ts";
import { type PlanNetworkContext, wantsIpv6 } from "./plan-network.ts";
import type { NetworkTable } from "./network-table.ts";
import { bridgePool, defaultBridge, hostBridge, hostNetwork, nullNetwork } from "./predefined.ts";
import { mappingRules } from "./live-sandbox.ts";
import { allEndpoints, type SandboxRecord } from "./sandbox-record.ts";

export interface NetworkRegistryOptions {
  readonly table: NetworkTable;
  readonly firewall: Firewall;
  readonly kernel: KernelNetwork;
  readonly exec: Exec;
  readonly database: StateDatabase;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  readonly defaults: NetworkDefaults;
  /** A file that is made when this host is made a router; in the exec root, since neither outlives a reboot. */
  readonly forwardingMark: string;
}

/** Keeps the set of networks the same in memory, on disk and in the kernel. */
export class NetworkRegistry {
  readonly #options: NetworkRegistryOptions;
  readonly #records: RecordCollection<NetworkRecord>;
  /** Changes of the set, one after another. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: NetworkRegistryOptions) {
    this.#options = options;
    this.#records = options.database.collection<NetworkRecord>("network");
  }

  /** @param sandboxes - Of containers that run. */
  async start(sandboxes: readonly SandboxRecord[]): Promise<void> {
    await this.#loadRecords();
    await this.#settleDefaultBridge(sandboxes);
    await this.#raiseAll(sandboxes.flatMap(mappingRules));
  }

  /** What a new network is planned with. */
  async planContext(request: CreateNetworkRequest): Promise<PlanNetworkContext> {
    const { table, defaults } = this.#options;
    const routed = [...(await this.#routed(4)), ...(wantsIpv6(request, defaults) ? await this.#routed(6) : [])];
    return { existing: table.all(), routed, ...this.origin(), defaults };
  }

  async #routed(family: IpFamily): Promise<readonly Subnet[]> {
    const { kernel, exec } = this.#options;
    return family === 4 || kernel.hasIpv6() ? routedSubnets(exec, family) : [];
  }

  /** The record comes first and goes last: no bridge is ever without one, and what a crash cuts short is whole again after the next start. */
  async add(record: NetworkRecord): Promise<void> {
    const { database, table } = this.#options;
    await database.write([this.#records.put(record.id, record)]);
    try {
      await this.#raise(record);
    } catch (error) {
      return undoAfter(error, [() => database.write([this.#records.delete(record.id)])]);
    }
    table.put(record);
  }

  async delete(record: NetworkRecord): Promise<void> {
    const { kernel, firewall, database, table } = this.#options;
    const settings = bridgeSettings(record);
    if (settings !== undefined) await firewall.remove(bridgeRules(settings));
    table.delete(record.id);
    try {
      if (settings !== undefined) await removeBridge(kernel, settings);
      await database.write([this.#records.delete(record.id)]);
    } catch (error) {
      return undoAfter(error, [() => table.put(record), () => this.#raise(record)]);
    }
  }

  async #raise(record: NetworkRecord): Promise<void> {
    const { kernel, firewall } = this.#options;
    const settings = bridgeSettings(record);
    if (settings === undefined) return;
    try {
      if (hasIpv6(settings)) await this.#forwardIpv6();
      await raiseBridge(kernel, settings);
      await firewall.add(bridgeRules(settings));
    } catch (error) {
      return undoAfter(error, [() => removeBridge(kernel, settings)]);
    }
  }

  /** Makes these the networks that cross hosts. Kept on disk: their containers are taken up before a manager has been heard. */
  setClusterNetworks(records: readonly NetworkRecord[]): Promise<void> {
    return this.inTurn(async () => {
      const { table, database } = this.#options;
      const wanted = new Map(records.map(record => [record.id, record]));
      const gone = table.all().filter(({ id, scope }) => scope === "swarm" && !wanted.has(id));
      const changed = records.filter(record => JSON.stringify(table.find(record.id)) !== JSON.stringify(record));
      if (gone.length + changed.length === 0) return;
      await database.write([
        ...gone.map(({ id }) => this.#records.delete(id)),
        ...changed.map(record => this.#records.put(record.id, record)),
      ]);
      for (const { id } of gone) table.delete(id);
      for (const record of changed) table.put(record);
    });
  }

  /** The bridge that joins containers on cluster networks to this host; made when missing. */
  async ensureHostBridge(): Promise<NetworkRecord> {
    const { table } = this.#options;
    return (
      table.find(HOST_BRIDGE) ??
      (await this.inTurn(async () => {
        const found = table.find(HOST_BRIDGE);
        if (found !== undefined) return found;
        const record = hostBridge(this.origin(), await this.#freeSubnet(4));
        await this.add(record);
        return record;
      }))
    );
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  origin(): { readonly id: EngineNetworkId; readonly nowMs: number } {
    const { random, clock } = this.#options;
    return { id: engineIdFrom(random.bytes(32)), nowMs: clock.nowMs() };
  }

  async settle(): Promise<void> {
    await this.#tail;
  }

  async #loadRecords(): Promise<void> {
    const { table, database } = this.#options;
    for (const record of await this.#records.all()) table.put(record);
    const missing = [
      table.find("bridge") ?? (await this.#wantedBridge()),
      table.find("host") ?? hostNetwork(this.origin()),
      table.find("none") ?? nullNetwork(this.origin()),
    ].filter(({ id }) => table.find(id) === undefined);
    for (const record of missing) table.put(record);
    await database.write(missing.map(record => this.#records.put(record.id, record)));
  }

  /** The default bridge is what the administrator says now, not what was said when it was made. */
  async #settleDefaultBridge(sandboxes: readonly SandboxRecord[]): Promise<void> {
    const { table, database, kernel, log } = this.#options;
    const current = table.get("bridge");
    const wanted = await this.#wantedBridge(current);
    if (JSON.stringify(wanted) === JSON.stringify(current)) return;
    if (sandboxes.some(record => allEndpoints(record).some(({ networkId }) => networkId === current.id))) {
      log.warn({ network: current.name }, "containers run on it: its settings change at a start without them");
      return;
    }
    const before = bridgeSettings(current);
    if (before !== undefined) await removeBridge(kernel, before);
    await database.write([this.#records.put(wanted.id, wanted)]);
    table.delete(current.id); // With the addresses that its old subnet gave out.
    table.put(wanted);
  }

  async #wantedBridge(current?: NetworkRecord): Promise<NetworkRecord> {
    const { defaultBridge: settings } = this.#options.defaults;
    const origin = current === undefined ? this.origin() : { id: current.id, nowMs: current.createdAtMs };
    const ipv4 = { address: settings.address, ipRange: settings.ipRange };
    const ipv6 = { address: settings.ipv6Address, ipRange: settings.ipv6Range };
    return defaultBridge(origin, settings, [
      await this.#bridgePool(4, { ...ipv4, current }),
      ...(settings.isIpv6 ? [await this.#bridgePool(6, { ...ipv6, current })] : []),
    ]);
  }

  /** The one it has, where that is still what is wanted. */
  async #bridgePool(
    family: IpFamily,
    {
      address,
      ipRange,
      current,
    }: {
      readonly address: string | undefined;
      readonly ipRange: string | undefined;
      readonly current: NetworkRecord | undefined;
    },
  ): Promise<IpamPool> {
    const pool = current === undefined ? undefined : poolOf(current, family);
    if (address === undefined && pool !== undefined && pool.ipRange === ipRange) return pool;
    return bridgePool({ address, ipRange, freeSubnet: () => this.#freeSubnet(family) });
  }

  async #raiseAll(rules: readonly Rule[]): Promise<void> {
    const { kernel, table, firewall, defaults, forwardingMark } = this.#options;
    const isRouter = (await kernel.readSysctl("net/ipv4/ip_forward")) === "1";
    if (!isRouter && defaults.forwarding.isEnabled) {
      await mkdir(dirname(forwardingMark), { recursive: true });
      await writeFile(forwardingMark, ""); // So that an uninstall knows that it was not so before.
      await kernel.writeSysctl("net/ipv4/ip_forward", "1");
    }
    const bridges = table.all().flatMap(record => bridgeSettings(record) ?? []);
    const isIpv6Begun = bridges.some(hasIpv6) && (await this.#beginIpv6Forwarding());
    for (const bridge of bridges) await raiseBridge(kernel, bridge);
    const drops = defaults.forwarding.isEnabled && defaults.forwarding.dropsOthers;
    await firewall.load({
      rules: [...bridges.flatMap(bridgeRules), ...rules],
      dropsForwarding: [...(drops && !isRouter ? [4 as const] : []), ...(drops && isIpv6Begun ? [6 as const] : [])],
    });
  }

  /** With the first network that has IPv6: before, this host is no router for it. */
  async #forwardIpv6(): Promise<void> {
    const { firewall, defaults } = this.#options;
    if (await this.#forwardsIpv6()) return;
    // First, so that whatever happens in between the host forwards for nobody else.
    if (defaults.forwarding.isEnabled && defaults.forwarding.dropsOthers) await firewall.dropForwardedIpv6();
    await this.#beginIpv6Forwarding();
  }

  async #forwardsIpv6(): Promise<boolean> {
    return (await this.#options.kernel.readSysctl("net/ipv6/conf/all/forwarding")) === "1";
  }

  /** @returns whether it was this that made a router of the host. */
  async #beginIpv6Forwarding(): Promise<boolean> {
    const { kernel, defaults, forwardingMark } = this.#options;
    if (!defaults.forwarding.isEnabled || (await this.#forwardsIpv6())) return false;
    await mkdir(dirname(forwardingMark), { recursive: true });
    await writeFile(`${forwardingMark}-ipv6`, "");
    await kernel.writeSysctl("net/ipv6/conf/default/forwarding", "1");
    await kernel.writeSysctl("net/ipv6/conf/all/forwarding", "1");
    return true;
  }

  async #freeSubnet(family: IpFamily): Promise<Subnet> {
    const used = this.#options.table.all().flatMap(({ ipam }) => ipam.map(({ subnet }) => parseSubnet(subnet)));
    return chooseSubnet([...used, ...(await this.#routed(family))], this.#options.defaults.pools, family);
  }
}

function hasIpv6({ ranges }: BridgeSettings): boolean {
  return ranges.some(({ family }) => family === 6);
}
