import { defined } from "../../lib/assert.ts";
import { errorKind, OperationError } from "../../lib/errors.ts";
import type { HostPort, KernelNetwork, PortReservation } from "../../ports/kernel-network.ts";
import { hostAddressesOf, type PortReach, type PublishedPort, type WantedPort } from "./published-ports.ts";

const EPHEMERAL_FIRST = 32_768;
const EPHEMERAL_LAST = 60_999;

/** A published port, held by a bound socket until it is disposed. */
export interface HeldPort extends Disposable {
  readonly published: PublishedPort;
  /** Missing where the firewall carries all of it. */
  readonly forward: PortReservation["forward"] | undefined;
}

/** Hands out ports of this host. Each is held by a socket, so that no program of the host can take it. */
export class PortAllocator {
  readonly #kernel: Pick<KernelNetwork, "reservePort" | "hasIpv6">;
  readonly #held = new Set<HostPort>();
  /** By protocol and first address: the port given out last. */
  readonly #lastEphemeral = new Map<string, number>();

  constructor(kernel: Pick<KernelNetwork, "reservePort" | "hasIpv6">) {
    this.#kernel = kernel;
  }

  /** A port of which the cluster's own rules see to the connections. @throws OperationError `conflict`, as `hold`. */
  holdForCluster({ protocol, port }: { readonly protocol: "tcp" | "udp"; readonly port: number }): HeldPort {
    const wanted = { protocol, containerPort: port, hostAddress: "", hostPorts: [port, port] as const };
    const reach = { defaultAddress: "0.0.0.0", hasIpv4: true, hasIpv6: false, isForwarded: false };
    return defined(this.hold(wanted, reach)[0], `port ${port}`);
  }

  /**
   * One port of this host, at an address of each family that leads to the container.
   * @throws OperationError `conflict`, in Docker's words, when no port of those wanted is free at all of them.
   */
  hold(wanted: WantedPort, reach: PortReach): readonly HeldPort[] {
    const addresses = hostAddressesOf(wanted.hostAddress, reach).filter(
      // Whoever named no address has the families that there are.
      address => wanted.hostAddress !== "" || !address.includes(":") || this.#kernel.hasIpv6(),
    );
    if (addresses.length === 0) return [];
    let failure: unknown;
    for (const port of this.#candidates(wanted, `${wanted.protocol} ${addresses[0]}`)) {
      try {
        return this.#takeAll(addresses, { wanted, port, isForwarded: reach.isForwarded });
      } catch (error) {
        failure = error;
        if (errorKind(error) !== "conflict") throw error;
      }
    }
    throw failure;
  }

  *#candidates({ hostPorts }: WantedPort, series: string): Iterable<number> {
    if (hostPorts !== undefined) {
      for (let port = hostPorts[0]; port <= hostPorts[1]; port++) yield port;
      return;
    }
    const count = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1;
    for (let step = 0; step < count; step++) {
      const last = this.#lastEphemeral.get(series) ?? EPHEMERAL_LAST;
      const port = last >= EPHEMERAL_LAST ? EPHEMERAL_FIRST : last + 1;
      this.#lastEphemeral.set(series, port);
      yield port;
    }
  }

  #takeAll(
    addresses: readonly string[],
    { wanted, port, isForwarded }: { readonly wanted: WantedPort; readonly port: number; readonly isForwarded: boolean },
  ): readonly HeldPort[] {
    const { protocol, containerPort } = wanted;
    const taken: HeldPort[] = [];
    try {
      for (const address of addresses) {
        taken.push(this.#take({ protocol, address, port }, { containerPort, isForwarded: isForwarded && address.includes(":") }));
      }
      return taken;
    } catch (error) {
      for (const held of taken) held[Symbol.dispose]();
      throw error;
    }
  }

  #take(
    wanted: HostPort,
    { containerPort, isForwarded }: { readonly containerPort: number; readonly isForwarded: boolean },
  ): HeldPort {
    const { protocol, address, port } = wanted;
    for (const held of this.#held) {
      if (collides(held, wanted)) {
        throw new OperationError("conflict", `Bind for ${address}:${port} failed: port is already allocated`);
      }
    }
    const reservation = this.#reserve(wanted, { containerPort, isForwarded });
    const held = this.#held;
    held.add(wanted);
    return {
      published: { protocol, containerPort, hostAddress: address, hostPort: port },
      forward: isForwarded ? destination => reservation.forward(destination) : undefined,
      [Symbol.dispose]() {
        held.delete(wanted);
        reservation[Symbol.dispose]();
      },
    };
  }

  #reserve(
    wanted: HostPort,
    { containerPort, isForwarded }: { readonly containerPort: number; readonly isForwarded: boolean },
  ): PortReservation {
    try {
      return this.#kernel.reservePort(wanted, { isForwarded });
    } catch (error) {
      const { protocol, address, port } = wanted;
      const place = address.includes(":") ? `[${address}]` : address;
      const reason = errorKind(error) === "conflict" ? "address already in use" : "cannot assign requested address";
      throw new OperationError(
        errorKind(error),
        `failed to bind host port ${place}:${port}/${protocol} for container port ${containerPort}: ${reason}`,
        { cause: error },
      );
    }
  }
}

const EVERY_ADDRESS = ["0.0.0.0", "::"];

function collides(left: HostPort, right: HostPort): boolean {
  if (left.port !== right.port || left.protocol !== right.protocol) return false;
  if (left.address.includes(":") !== right.address.includes(":")) return false;
  return left.address === right.address || [left, right].some(({ address }) => EVERY_ADDRESS.includes(address));
}
