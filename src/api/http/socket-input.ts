import type { Duplex } from "node:stream";

/** Reads a socket piece by piece, on demand: what nobody asks for stays in the kernel, which is the back-pressure. */
export class SocketInput {
  readonly #socket: Duplex;
  readonly #listeners: readonly (readonly [event: string, listener: () => void])[];
  #wake: (() => void) | undefined;
  #isOver = false;
  #isReleased = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const onReadable = () => this.#wakeUp();
    const onOver = () => {
      this.#isOver = true;
      this.#wakeUp();
    };
    this.#listeners = [["readable", onReadable], ...["end", "close", "error"].map(event => [event, onOver] as const)];
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
  }

  /** Leaves the socket to another reader. Who still waits here is told that it has ended. */
  release(): void {
    for (const [event, listener] of this.#listeners) this.#socket.off(event, listener);
    this.#isReleased = true;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** @returns undefined once the other side has closed its half. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#isReleased) return undefined;
      const chunk = this.#socket.read() as Uint8Array | null;
      if (chunk !== null) return chunk;
      if (this.#isOver || this.#socket.readableEnded || this.#socket.destroyed) return undefined;
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
  }

  /** Gives back what was read too far. */
  unread(rest: Uint8Array): void {
    if (rest.byteLength > 0) this.#socket.unshift(rest);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  }
}
