import { assert } from "../lib/assert.ts";
import { OperationError } from "../lib/errors.ts";
import type { DevicePort } from "../engine/networks/cluster-driver.ts";
import { macFromIp } from "../engine/networks/mac-address.ts";
import type { Network } from "../model/cluster.ts";
import type { Exec } from "../ports/exec.ts";
import { differences, forwardingIn, neighboursIn } from "./in-force.ts";
import type { IpBatch, KernelNetwork, Links } from "../ports/kernel-network.ts";

const VXLAN_PORT_DEFAULT = 4789;
const VXLAN_MTU_BYTES = 1450;
/** Of the bridge itself, which has no IP address: nobody ever sends to it. */
const BRIDGE_MAC = "02:42:00:00:00:01";
const BRIDGE = "br1";
const TUNNEL = "vx1";

/** UDP port of the network's tunnels, on every host. */
export function vxlanPort({ vxlanPort: port = VXLAN_PORT_DEFAULT }: Network): number {
  return port;
}

/** An address on another host, and that host. */
export interface RemoteEndpoint {
  readonly address: string;
  readonly hostAddress: string;
}

export interface OverlayOptions {
  readonly kernel: KernelNetwork;
  readonly exec: Exec;
  /** Where the network's namespace is pinned. */
  readonly path: string;
  readonly network: Network;
  /** This host's end of the tunnels. */
  readonly underlayAddress: string;
}

/**
 * One overlay network on this host: a namespace that holds a bridge and a VXLAN device. A namespace of its own, because on a bridge
 * of the host the host's firewall would see, and drop, the traffic. Nothing is flooded: who is where is told, not learnt.
 */
export class OverlayNetwork {
  readonly #options: OverlayOptions;
  readonly #batch: IpBatch;
  readonly #links: Links;
  readonly mtuBytes: number;
  /** This host's end of the tunnels, as the kernel has it. */
  #underlayAddress: string;
  /** Address to host, as the kernel has it. */
  #inForce: ReadonlyMap<string, string> = new Map();

  private constructor(options: OverlayOptions, batch: IpBatch) {
    this.#options = options;
    this.#batch = batch;
    this.#links = options.kernel.linksIn(options.path);
    this.mtuBytes = mtuOf(options.network);
    this.#underlayAddress = options.underlayAddress;
  }

  /** Takes up the namespace that an earlier daemon left, or makes it. @throws OperationError `unavailable` for what this host cannot do. */
  static async raise(options: OverlayOptions): Promise<OverlayNetwork> {
    if ((options.network.spec.driverOptions["encrypted"] ?? "false") !== "false") {
      throw new OperationError("unavailable", `network ${options.network.spec.name}: encrypted networks are not supported`);
    }
    const left = await options.kernel.enterNamespace(options.path).catch(() => undefined);
    if (left !== undefined) {
      const overlay = new OverlayNetwork(options, left);
      const tunnel = await overlay.#output(["ip", "-d", "link", "show", "dev", TUNNEL]);
      if (overlay.#isTunnelOf(tunnel)) {
        overlay.#underlayAddress = / local (\S+) /.exec(tunnel)?.[1] ?? "";
        await overlay.moveTo(options.underlayAddress);
        await overlay.#readInForce();
        return overlay;
      }
      await overlay.lower();
    }
    (await options.kernel.createNamespace(options.path))[Symbol.dispose]();
    const overlay = new OverlayNetwork(options, await options.kernel.enterNamespace(options.path));
    try {
      await overlay.#build();
      return overlay;
    } catch (error) {
      await overlay.lower();
      throw error;
    }
  }

  port(): DevicePort {
    return { links: this.#links, bridge: BRIDGE, mtuBytes: this.mtuBytes };
  }

  /** This host has another address: its end of the tunnels moves there, and what is connected stays. */
  async moveTo(underlayAddress: string): Promise<void> {
    if (underlayAddress === this.#underlayAddress) return;
    await this.#batch.run([`link set dev ${TUNNEL} type vxlan local ${underlayAddress}`]);
    this.#underlayAddress = underlayAddress;
  }

  /** Makes exactly these the endpoints of other hosts. */
  async sync(remotes: readonly RemoteEndpoint[]): Promise<void> {
    const wanted = new Map(remotes.map(({ address, hostAddress }) => [address, hostAddress]));
    const { gone, changed } = differences(this.#inForce, wanted);
    if (gone.length + changed.length === 0) return;
    await this.#bridgeCommands([
      ...gone.flatMap(address => {
        const mac = macFromIp(address);
        return [`fdb del ${mac} dev ${TUNNEL} self`, `fdb del ${mac} dev ${TUNNEL} master`];
      }),
      ...changed.flatMap(([address, hostAddress]) => {
        const mac = macFromIp(address);
        return [
          `fdb replace ${mac} dev ${TUNNEL} dst ${hostAddress} self permanent`,
          `fdb replace ${mac} dev ${TUNNEL} master static`,
        ];
      }),
    ]);
    await this.#batch.run(
      gone.map(address => `neigh del ${address} dev ${BRIDGE}`),
      { allowFailure: true },
    );
    await this.#batch.run(
      changed.map(([address]) => `neigh replace ${address} lladdr ${macFromIp(address)} dev ${BRIDGE} nud permanent`),
    );
    this.#inForce = wanted;
  }

  async lower(): Promise<void> {
    await this.#batch.run([`link del dev ${TUNNEL}`], { allowFailure: true }); // Frees its number before another takes it.
    await this.release();
    await this.#options.kernel.deleteNamespace(this.#options.path);
  }

  /** Leaves the network to the next daemon. */
  async release(): Promise<void> {
    this.#links[Symbol.dispose]();
    await this.#batch[Symbol.asyncDispose]();
  }

  async #build(): Promise<void> {
    const { kernel, network, path } = this.#options;
    assert(network.vxlanId !== undefined, `VXLAN number of network ${network.id}`);
    await this.#batch.run([
      "link set lo up",
      // An address of its own choice would change with its ports, and the kernel then forgets the neighbours entered below.
      `link add name ${BRIDGE} address ${BRIDGE_MAC} mtu ${this.mtuBytes} type bridge`,
      `link set ${BRIDGE} up`,
    ]);
    const tunnel = `name ${TUNNEL} mtu ${this.mtuBytes} netns ${this.#batch.pid}`;
    // Made from the host's namespace: that is where the encapsulated packets leave.
    await kernel.host.run([
      `link add ${tunnel} type vxlan id ${network.vxlanId} local ${this.#underlayAddress} dstport ${vxlanPort(network)} nolearning`,
    ]);
    await this.#batch.run([`link set ${TUNNEL} master ${BRIDGE}`]);
    await this.#bridgeCommands([
      `link set dev ${TUNNEL} neigh_suppress on learning off flood off mcast_flood off bcast_flood off`,
    ]);
    await this.#batch.run([`link set ${TUNNEL} up`]);
    for (const family of ["iptables", "ip6tables", "arptables"]) {
      await kernel.writeSysctl(`net/bridge/bridge-nf-call-${family}`, "0", { namespacePath: path, isOptional: true });
    }
  }

  #isTunnelOf(shown: string): boolean {
    const { network } = this.#options;
    return [`vxlan id ${network.vxlanId} `, `dstport ${vxlanPort(network)} `].every(part => shown.includes(part));
  }

  /** Where the kernel and the last daemon's intentions differ, the entry is written again. */
  async #readInForce(): Promise<void> {
    const neighbours = await this.#output(["ip", "neigh", "show", "dev", BRIDGE]);
    const forwarding = await this.#output(["bridge", "fdb", "show", "dev", TUNNEL]);
    const hosts = forwardingIn(forwarding);
    this.#inForce = new Map([...neighboursIn(neighbours)].map(([address, mac]) => [address, hosts.get(mac) ?? ""]));
  }

  /** All are tried: one that is gone already is no reason to stop. */
  async #bridgeCommands(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const { exec, path } = this.#options;
    const { exitCode, stderr } = await exec.run("nsenter", [`--net=${path}`, "bridge", "-force", "-batch", "-"], {
      stdin: `${lines.join("\n")}\n`,
      allowFailure: true,
    });
    const failures = stderr.split("\n").filter(line => line !== "" && !/No such|Command failed/.test(line));
    if (exitCode !== 0 && failures.length > 0) throw new OperationError("internal", `bridge: ${failures.join("; ")}`);
  }

  async #output(command: readonly string[]): Promise<string> {
    const { exec, path } = this.#options;
    return (await exec.run("nsenter", [`--net=${path}`, ...command], { allowFailure: true, outputBytesMax: 16 * 1024 * 1024 }))
      .stdout;
  }
}

function mtuOf({ spec }: Network): number {
  return Number(spec.driverOptions["com.docker.network.driver.mtu"] ?? VXLAN_MTU_BYTES);
}
