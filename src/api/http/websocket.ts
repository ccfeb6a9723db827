import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { assert } from "../../lib/assert.ts";
import { OperationError } from "../../lib/errors.ts";
import type { HijackedConnection } from "./exchange.ts";

/** Of one message: the client's typing, never bulk. */
const MESSAGE_BYTES_MAX = 1024 * 1024;

/** A connection of messages, in place of a raw one: each carries what would have been raw bytes. */
export class WebSocketConnection implements HijackedConnection {
  readonly signal: AbortSignal;
  readonly #accept: () => WebSocket;
  #messages: MessageQueue | undefined;
  #socket: WebSocket | undefined;

  constructor(options: { readonly accept: () => WebSocket; readonly signal: AbortSignal }) {
    this.#accept = options.accept;
    this.signal = options.signal;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  get input(): AsyncIterable<Uint8Array> {
    const messages = () => this.#messages;
    return {
      async *[Symbol.asyncIterator]() {
        const queue = messages();
        assert(queue !== undefined, "input of a connection that is not open");
        yield* queue;
      },
    };
  }

  open(): void {
    assert(this.#socket === undefined, "connection is open already");
    this.#socket = this.#accept();
    this.#messages = new MessageQueue(this.#socket);
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    const socket = this.#socket;
    assert(socket !== undefined, "write to a connection that is not open");
    await new Promise<void>((resolve, reject) => {
      socket.send(Buffer.concat(parts), { binary: true }, error => {
        if (error === undefined || error === null) resolve();
        else reject(new OperationError("cancelled", "the client has closed the connection", { cause: error }));
      });
    });
  }

  finish(): void {
    this.#socket?.close();
  }
}

/** Messages as they are asked for: one is held, and the client waits until it is taken. */
class MessageQueue {
  readonly #socket: WebSocket;
  readonly #held: Uint8Array[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", data => {
      this.#held.push(Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer));
      socket.pause();
      this.#wake?.();
    });
    for (const event of ["close", "error"]) {
      socket.on(event, () => {
        this.#isOver = true;
        this.#wake?.();
      });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#held.shift();
      if (message !== undefined) {
        yield message;
        continue;
      }
      if (this.#isOver) return;
      if (this.#socket.isPaused) this.#socket.resume();
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
  }
}

const SERVER = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });

/** Answers the handshake. It is complete when this returns. */
export function acceptWebSocket(message: IncomingMessage, socket: Duplex): WebSocket {
  let accepted: WebSocket | undefined;
  SERVER.handleUpgrade(message, socket, Buffer.alloc(0), webSocket => (accepted = webSocket));
  if (accepted === undefined) throw new OperationError("invalid", "the WebSocket handshake failed");
  return accepted;
}
