import { OperationError } from "../lib/errors.ts";
import { HOST_BRIDGE, INGRESS_INTERFACE } from "../engine/networks/firewall-rules.ts";
import type { Network } from "../model/cluster.ts";
import type { Peer } from "../model/session.ts";
import type { Exec } from "../ports/exec.ts";
import type { KernelNetwork, Nftables } from "../ports/kernel-network.ts";
import { bareAddress } from "./cluster-view.ts";
import { differences, forwardingIn, neighboursIn, routesIn } from "./in-force.ts";
import { INGRESS_MARK, type IngressRules, ingressMac, ingressTables, NO_INGRESS_TABLES, RETURN_MAC } from "./ingress-table.ts";
import { vxlanPort } from "./overlay-network.ts";

const MTU_BYTES = 1450;
const TABLE = 4096;
const RULE_PREFERENCE = 100;
/** Nobody's address: the next hop of every answer. */
const RETURN_ADDRESS = "169.254.90.90";
/** Some 80 bytes a line; a cluster's largest list is that of its tasks behind published ports. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

export interface IngressState {
  readonly network: Network;
  readonly rules: IngressRules;
  /** Task's ingress address to its host's. */
  readonly routes: ReadonlyMap<string, string>;
}

/** Published ports of the swarm on this host. */
export class Ingress {
  readonly #kernel: KernelNetwork;
  readonly #exec: Exec;
  #nftables: Nftables | undefined;
  /** Which device is there: its settings in one text. */
  #device = "";
  #tables = "";
  /** As the kernel has them: MAC address of a host's device to that host's address, its ingress address to its MAC address, a task's to its host's. */
  #forwarding: ReadonlyMap<string, string> = new Map();
  #neighbours: ReadonlyMap<string, string> = new Map();
  #routes: ReadonlyMap<string, string> = new Map();

  constructor({ kernel, exec }: { readonly kernel: KernelNetwork; readonly exec: Exec }) {
    this.#kernel = kernel;
    this.#exec = exec;
  }

  async apply({ network, rules, routes }: IngressState): Promise<void> {
    await this.#raiseDevice(network, rules.self);
    await this.#syncPeers(rules.peers);
    await this.#syncRoutes(routes);
    const tables = ingressTables(rules);
    if (tables === this.#tables) return;
    await (this.#nftables ??= this.#kernel.openNftables(undefined)).run(tables);
    this.#tables = tables;
  }

  /** Nothing of it is left. */
  async remove(): Promise<void> {
    if (this.#device === "" && this.#tables === "") return;
    await (this.#nftables ??= this.#kernel.openNftables(undefined)).run(NO_INGRESS_TABLES);
    // By the same `ip` that made it: another one's keeps the device's old number for the name, and could not use the next.
    await this.#kernel.host.run(
      [`link del dev ${INGRESS_INTERFACE}`, `rule del pref ${RULE_PREFERENCE} fwmark ${INGRESS_MARK} lookup ${TABLE}`],
      { allowFailure: true },
    );
    this.#forget();
  }

  /** Leaves it as it is to the next daemon. */
  close(): void {
    this.#nftables?.[Symbol.dispose]();
    this.#nftables = undefined;
  }

  async #raiseDevice(network: Network, self: Peer): Promise<void> {
    const device = `id ${network.vxlanId} port ${vxlanPort(network)} local ${self.address} address ${ingressMac(self.ingressNumber)} on ${self.ingressAddress}`;
    if (device === this.#device) return;
    if (network.vxlanId === undefined) throw new OperationError("unavailable", "the ingress network has no number yet");
    const { host } = this.#kernel;
    this.#forget();
    // One that an earlier daemon left is taken up: without it requests would be refused until another is there.
    if (await this.#isThere(network, self)) await this.#readInForce();
    else await this.#makeDevice(network, self);
    await this.#writeSysctls();
    await host.run([`rule add pref ${RULE_PREFERENCE} fwmark ${INGRESS_MARK} lookup ${TABLE}`], { allowFailure: true }); // Kept from before.
    await host.run([
      `route replace default via ${RETURN_ADDRESS} dev ${INGRESS_INTERFACE} onlink table ${TABLE}`,
      `neigh replace ${RETURN_ADDRESS} lladdr ${RETURN_MAC} dev ${INGRESS_INTERFACE} nud permanent`,
    ]);
    this.#device = device;
  }

  async #isThere(network: Network, self: Peer): Promise<boolean> {
    const text = await this.#output("ip", ["-d", "address", "show", "dev", INGRESS_INTERFACE]);
    return [
      ...[",UP", `mtu ${MTU_BYTES} `, `link/ether ${ingressMac(self.ingressNumber)} `, `inet ${self.ingressAddress} `],
      ...[`vxlan id ${network.vxlanId} `, `local ${self.address} `, `dstport ${vxlanPort(network)} `, "nolearning "],
    ].every(part => text.includes(part));
  }

  async #makeDevice(network: Network, self: Peer): Promise<void> {
    const { host } = this.#kernel;
    await host.run([`link del dev ${INGRESS_INTERFACE}`], { allowFailure: true });
    const mac = ingressMac(self.ingressNumber);
    const tunnel = `vxlan id ${network.vxlanId} local ${self.address} dstport ${vxlanPort(network)} nolearning`;
    await host.run([
      `link add name ${INGRESS_INTERFACE} address ${mac} mtu ${MTU_BYTES} type ${tunnel}`,
      `addr add ${self.ingressAddress} dev ${INGRESS_INTERFACE}`,
      `link set ${INGRESS_INTERFACE} up`,
    ]);
  }

  /** What the last daemon entered: of it goes what is not wanted any more. */
  async #readInForce(): Promise<void> {
    const [forwarding, neighbours, routes] = await Promise.all([
      this.#output("bridge", ["fdb", "show", "dev", INGRESS_INTERFACE]),
      this.#output("ip", ["neigh", "show", "dev", INGRESS_INTERFACE]),
      this.#output("ip", ["route", "show", "dev", INGRESS_INTERFACE]),
    ]);
    this.#forwarding = forwardingIn(forwarding);
    this.#neighbours = new Map([...neighboursIn(neighbours)].filter(([address]) => address !== RETURN_ADDRESS));
    this.#routes = routesIn(routes);
  }

  async #output(file: string, args: readonly string[]): Promise<string> {
    return (await this.#exec.run(file, args, { allowFailure: true, outputBytesMax: OUTPUT_BYTES_MAX })).stdout;
  }

  async #writeSysctls(): Promise<void> {
    const isStrictHost = (await this.#kernel.readSysctl("net/ipv4/conf/all/rp_filter")) !== "0";
    // Answers leave by another way than the client's address would. The larger of both values counts.
    await this.#kernel.writeSysctl(`net/ipv4/conf/${INGRESS_INTERFACE}/rp_filter`, isStrictHost ? "2" : "0");
    await this.#kernel.writeSysctl(`net/ipv4/conf/${INGRESS_INTERFACE}/route_localnet`, "1");
    await this.#kernel.writeSysctl(`net/ipv4/conf/${HOST_BRIDGE}/route_localnet`, "1");
  }

  async #syncPeers(peers: readonly Peer[]): Promise<void> {
    const forwarding = new Map(peers.map(({ ingressNumber, address }) => [ingressMac(ingressNumber), address]));
    const hosts = differences(this.#forwarding, forwarding);
    if (hosts.gone.length + hosts.changed.length > 0)
      await this.#bridgeCommands([
        ...hosts.gone.map(mac => `fdb del ${mac} dev ${INGRESS_INTERFACE} self`),
        ...hosts.changed.map(([mac, address]) => `fdb replace ${mac} dev ${INGRESS_INTERFACE} dst ${address} self permanent`),
      ]);
    this.#forwarding = forwarding;
    const neighbours = new Map(peers.map(peer => [bareAddress(peer.ingressAddress), ingressMac(peer.ingressNumber)]));
    await this.#change(differences(this.#neighbours, neighbours), {
      remove: address => `neigh del ${address} dev ${INGRESS_INTERFACE}`,
      put: (address, mac) => `neigh replace ${address} lladdr ${mac} dev ${INGRESS_INTERFACE} nud permanent`,
    });
    this.#neighbours = neighbours;
  }

  async #syncRoutes(routes: ReadonlyMap<string, string>): Promise<void> {
    await this.#change(differences(this.#routes, routes), {
      remove: address => `route del ${address}/32 dev ${INGRESS_INTERFACE}`,
      put: (address, host) => `route replace ${address}/32 via ${host} dev ${INGRESS_INTERFACE}`,
    });
    this.#routes = routes;
  }

  async #change(
    { gone, changed }: ReturnType<typeof differences>,
    { remove, put }: { readonly remove: (key: string) => string; readonly put: (key: string, value: string) => string },
  ): Promise<void> {
    const { host } = this.#kernel;
    if (gone.length > 0) await host.run(gone.map(remove), { allowFailure: true });
    if (changed.length > 0) await host.run(changed.map(([key, value]) => put(key, value)));
  }

  async #bridgeCommands(lines: readonly string[]): Promise<void> {
    await this.#exec.run("bridge", ["-force", "-batch", "-"], { stdin: `${lines.join("\n")}\n`, allowFailure: true });
  }

  #forget(): void {
    this.#device = "";
    this.#tables = "";
    this.#forwarding = new Map();
    this.#neighbours = new Map();
    this.#routes = new Map();
  }
}
