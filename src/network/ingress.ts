import { OperationError } from "../lib/errors.ts";
import { HOST_BRIDGE, INGRESS_INTERFACE } from "../engine/networks/firewall-rules.ts";
import type { Network } from "../model/cluster.ts";
import type { Peer } from "../model/session.ts";
import type { Exec } from "../ports/exec.ts";
import type { KernelNetwork, Nftables } from "../ports/kernel-network.ts";
import { bareAddress } from "./cluster-view.ts";
import { INGRESS_MARK, type IngressRules, ingressMac, ingressTables, NO_INGRESS_TABLES, RETURN_MAC } from "./ingress-table.ts";
import { vxlanPort } from "./overlay-network.ts";

const MTU_BYTES = 1450;
const TABLE = 4096;
const RULE_PREFERENCE = 100;
/** Nobody's address: the next hop of every answer. */
const RETURN_ADDRESS = "169.254.90.90";

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
  #peers: ReadonlyMap<string, Peer> = new Map();
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
    // One that an earlier daemon left is made anew: what it holds is not known. Connections survive in conntrack.
    await host.run([`link del dev ${INGRESS_INTERFACE}`], { allowFailure: true });
    const mac = ingressMac(self.ingressNumber);
    const tunnel = `vxlan id ${network.vxlanId} local ${self.address} dstport ${vxlanPort(network)} nolearning`;
    await host.run([
      `link add name ${INGRESS_INTERFACE} address ${mac} mtu ${MTU_BYTES} type ${tunnel}`,
      `addr add ${self.ingressAddress} dev ${INGRESS_INTERFACE}`,
      `link set ${INGRESS_INTERFACE} up`,
    ]);
    await this.#writeSysctls();
    await host.run([`rule add pref ${RULE_PREFERENCE} fwmark ${INGRESS_MARK} lookup ${TABLE}`], { allowFailure: true }); // Kept from before.
    await host.run([
      `route replace default via ${RETURN_ADDRESS} dev ${INGRESS_INTERFACE} onlink table ${TABLE}`,
      `neigh replace ${RETURN_ADDRESS} lladdr ${RETURN_MAC} dev ${INGRESS_INTERFACE} nud permanent`,
    ]);
    this.#device = device;
  }

  async #writeSysctls(): Promise<void> {
    const isStrictHost = (await this.#kernel.readSysctl("net/ipv4/conf/all/rp_filter")) !== "0";
    // Answers leave by another way than the client's address would. The larger of both values counts.
    await this.#kernel.writeSysctl(`net/ipv4/conf/${INGRESS_INTERFACE}/rp_filter`, isStrictHost ? "2" : "0");
    await this.#kernel.writeSysctl(`net/ipv4/conf/${INGRESS_INTERFACE}/route_localnet`, "1");
    await this.#kernel.writeSysctl(`net/ipv4/conf/${HOST_BRIDGE}/route_localnet`, "1");
  }

  async #syncPeers(peers: readonly Peer[]): Promise<void> {
    const wanted = new Map(peers.map(peer => [peer.nodeId as string, peer]));
    const gone = [...this.#peers].filter(([id, peer]) => !isSamePeer(peer, wanted.get(id))).map(([, peer]) => peer);
    const added = peers.filter(peer => !isSamePeer(peer, this.#peers.get(peer.nodeId)));
    if (gone.length + added.length === 0) return;
    await this.#bridgeCommands([
      ...gone.map(({ ingressNumber }) => `fdb del ${ingressMac(ingressNumber)} dev ${INGRESS_INTERFACE} self`),
      ...added.map(
        ({ ingressNumber, address }) =>
          `fdb replace ${ingressMac(ingressNumber)} dev ${INGRESS_INTERFACE} dst ${address} self permanent`,
      ),
    ]);
    await this.#kernel.host.run(
      gone.map(({ ingressAddress }) => `neigh del ${bareAddress(ingressAddress)} dev ${INGRESS_INTERFACE}`),
      { allowFailure: true },
    );
    await this.#kernel.host.run(
      added.map(({ ingressAddress, ingressNumber }) => {
        const lladdr = ingressMac(ingressNumber);
        return `neigh replace ${bareAddress(ingressAddress)} lladdr ${lladdr} dev ${INGRESS_INTERFACE} nud permanent`;
      }),
    );
    this.#peers = wanted;
  }

  async #syncRoutes(routes: ReadonlyMap<string, string>): Promise<void> {
    const gone = [...this.#routes.keys()].filter(address => !routes.has(address));
    const changed = [...routes].filter(([address, host]) => this.#routes.get(address) !== host);
    await this.#kernel.host.run(
      gone.map(address => `route del ${address}/32 dev ${INGRESS_INTERFACE}`),
      { allowFailure: true },
    );
    await this.#kernel.host.run(
      changed.map(([address, host]) => `route replace ${address}/32 via ${host} dev ${INGRESS_INTERFACE}`),
    );
    this.#routes = routes;
  }

  async #bridgeCommands(lines: readonly string[]): Promise<void> {
    await this.#exec.run("bridge", ["-force", "-batch", "-"], { stdin: `${lines.join("\n")}\n`, allowFailure: true });
  }

  #forget(): void {
    this.#device = "";
    this.#tables = "";
    this.#peers = new Map();
    this.#routes = new Map();
  }
}

function isSamePeer(left: Peer, right: Peer | undefined): boolean {
  return (
    right !== undefined &&
    left.address === right.address &&
    left.ingressNumber === right.ingressNumber &&
    left.ingressAddress === right.ingressAddress
  );
}
