import { closeSync } from "node:fs";
import type { PortReservation } from "../../ports/kernel-network.ts";
import type { PortForwarder } from "./port-forwarder.ts";
import type { Destination } from "./protocol.ts";

/** A bound socket, closed when it is disposed. */
export class HeldSocket implements PortReservation {
  readonly port: number;
  readonly #fd: number;
  readonly #protocol: "tcp" | "udp";
  readonly #forwarder: PortForwarder;
  #isOpen = true;

  constructor({
    fd,
    port,
    protocol,
    forwarder,
  }: { readonly fd: number; readonly port: number; readonly protocol: "tcp" | "udp"; readonly forwarder: PortForwarder }) {
    this.#fd = fd;
    this.port = port;
    this.#protocol = protocol;
    this.#forwarder = forwarder;
  }

  forward(destination: Destination): Promise<AsyncDisposable> {
    return this.#forwarder.forward({ protocol: this.#protocol, fd: this.#fd, destination });
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }
}
