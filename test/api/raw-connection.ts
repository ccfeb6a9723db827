import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** A bare socket to the server, for what HTTP clients hide. */
export class RawConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #hasEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", chunk => (this.#received = Buffer.concat([this.#received, chunk])));
    socket.on("end", () => (this.#hasEnded = true));
    socket.on("error", () => (this.#hasEnded = true));
  }

  static async open(path: string): Promise<RawConnection> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  get text(): string {
    return this.#received.toString("latin1");
  }

  get bytes(): Buffer {
    return this.#received;
  }

  get body(): Buffer {
    return this.#received.subarray(this.#received.indexOf("\r\n\r\n") + 4);
  }

  async until(condition: (received: string) => boolean): Promise<void> {
    while (!condition(this.text)) {
      if (this.#hasEnded) throw new Error(`the connection ended with ${JSON.stringify(this.text)}`);
      await once(this.socket, "data", { signal: AbortSignal.timeout(5000) });
    }
  }

  async ended(): Promise<void> {
    if (!this.#hasEnded) await once(this.socket, "end", { signal: AbortSignal.timeout(5000) });
  }
}
