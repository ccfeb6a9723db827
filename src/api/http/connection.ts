import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { assert } from "../../lib/assert.ts";
import { OperationError } from "../../lib/errors.ts";
import type { HijackedConnection } from "./exchange.ts";
import { SocketInput } from "./socket-input.ts";

/** How long a client may take to close its half after the last byte was sent to it. */
const LINGER_MS = 10_000;

export interface ConnectionOptions {
  /** Takes the socket out of the HTTP server's hands. Called by `open`. */
  readonly take: () => { readonly socket: Duplex; readonly input?: SocketInput };
  /** The request said `Upgrade: tcp`. */
  readonly isUpgrade: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeout: (ms: number) => AbortSignal;
}

/** A connection that has left HTTP: two raw directions, each closed on its own. */
export class Connection implements HijackedConnection {
  readonly signal: AbortSignal;
  readonly #options: ConnectionOptions;
  #opened: { readonly socket: Duplex; readonly input: SocketInput } | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.signal = options.signal;
  }

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  get input(): AsyncIterable<Uint8Array> {
    // Asked for before `open` by callers that pass it on; read after.
    const opened = () => this.#opened;
    return {
      async *[Symbol.asyncIterator]() {
        const connection = opened();
        assert(connection !== undefined, "input of a connection that is not open");
        yield* connection.input;
      },
    };
  }

  open(contentType: string): void {
    assert(this.#opened === undefined, "connection is open already");
    const { take, isUpgrade, headers } = this.#options;
    const { socket, input } = take();
    this.#opened = { socket, input: input ?? new SocketInput(socket) };
    const status = isUpgrade ? "101 UPGRADED" : `200 ${STATUS_CODES[200]}`;
    const upgrade = isUpgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "";
    const others = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status}\r\nContent-Type: ${contentType}\r\n${upgrade}${others.join("")}\r\n`);
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    assert(this.#opened !== undefined, "write to a connection that is not open");
    await writeAll(this.#opened.socket, parts);
  }

  /** Sends what is left, closes our half, and drops the connection when the client does not close its own in time. */
  finish(): void {
    if (this.#opened === undefined) return;
    const { socket, input } = this.#opened;
    socket.end();
    input.release(); // What still comes is dropped: unread, it would keep the end of the stream from being seen.
    socket.resume();
    const deadline = this.#options.timeout(LINGER_MS);
    const drop = () => socket.destroy();
    deadline.addEventListener("abort", drop, { once: true });
    socket.once("close", () => deadline.removeEventListener("abort", drop));
  }
}

interface Writable {
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  cork(): void;
  uncork(): void;
  write(data: Uint8Array): boolean;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** Writes parts as one piece and waits until the reader keeps up. */
export async function writeAll(target: Writable, parts: readonly Uint8Array[]): Promise<void> {
  if (target.destroyed || target.writableEnded) throw gone();
  target.cork();
  let hasRoom = true;
  for (const part of parts) hasRoom = target.write(part);
  target.uncork();
  if (hasRoom) return;
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      for (const event of ["drain", "close", "error"]) target.off(event, settle);
      if (target.destroyed) reject(gone());
      else resolve();
    };
    for (const event of ["drain", "close", "error"]) target.once(event, settle);
  });
}

function gone(): OperationError {
  return new OperationError("cancelled", "the client has closed the connection");
}
