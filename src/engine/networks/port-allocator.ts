import { errorKind, OperationError } from "../../lib/errors.ts";
import type { HostPort, KernelNetwork, PortReservation } from "../../ports/kernel-network.ts";
import type { PublishedPort, WantedPort } from "./published-ports.ts";

const EPHEMERAL_FIRST = 32_768;
const EPHEMERAL_LAST = 60_999;

/** A published port, held by a bound socket until it is disposed. */
export interface HeldPort extends Disposable {
  readonly published: PublishedPort;
}

/** Hands out ports of this host. Each is held by a socket, so that no program of the host can take it. */
export class PortAllocator {
  readonly #kernel: Pick<KernelNetwork, "reservePort">;
  readonly #held = new Set<HostPort>();
  #lastEphemeral = EPHEMERAL_FIRST - 1;

  constructor(kernel: Pick<KernelNetwork, "reservePort">) {
    this.#kernel = kernel;
  }

  /** @throws OperationError `conflict`, in Docker's words, when no port of those wanted is free. */
  hold(wanted: WantedPort, { defaultAddress }: { readonly defaultAddress: string }): HeldPort {
    const address = wanted.hostAddress === "" ? defaultAddress : wanted.hostAddress;
    let failure: unknown;
    for (const port of this.#candidates(wanted)) {
      try {
        return this.#take({ protocol: wanted.protocol, address, port }, wanted.containerPort);
      } catch (error) {
        failure = error;
        if (errorKind(error) !== "conflict") throw error;
      }
    }
    throw failure;
  }

  *#candidates({ hostPorts }: WantedPort): Iterable<number> {
    if (hostPorts !== undefined) {
      for (let port = hostPorts[0]; port <= hostPorts[1]; port++) yield port;
      return;
    }
    const count = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1;
    for (let step = 0; step < count; step++) {
      this.#lastEphemeral = this.#lastEphemeral >= EPHEMERAL_LAST ? EPHEMERAL_FIRST : this.#lastEphemeral + 1;
      yield this.#lastEphemeral;
    }
  }

  #take(wanted: HostPort, containerPort: number): HeldPort {
    const { protocol, address, port } = wanted;
    for (const held of this.#held) {
      if (collides(held, wanted)) {
        throw new OperationError("conflict", `Bind for ${address}:${port} failed: port is already allocated`);
      }
    }
    const reservation = this.#reserve(wanted, containerPort);
    const held = this.#held;
    held.add(wanted);
    return {
      published: { protocol, containerPort, hostAddress: address, hostPort: port },
      [Symbol.dispose]() {
        held.delete(wanted);
        reservation[Symbol.dispose]();
      },
    };
  }

  #reserve(wanted: HostPort, containerPort: number): PortReservation {
    try {
      return this.#kernel.reservePort(wanted);
    } catch (error) {
      const { protocol, address, port } = wanted;
      const reason = errorKind(error) === "conflict" ? "address already in use" : "cannot assign requested address";
      throw new OperationError(
        errorKind(error),
        `failed to bind host port ${address}:${port}/${protocol} for container port ${containerPort}: ${reason}`,
        { cause: error },
      );
    }
  }
}

function collides(left: HostPort, right: HostPort): boolean {
  if (left.port !== right.port || left.protocol !== right.protocol) return false;
  return left.address === right.address || left.address === "0.0.0.0" || right.address === "0.0.0.0";
}
