import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";

/** A server on the loopback that keeps what it is sent. */
export class StreamServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #chunks: Buffer[] = [];
  connections = 0;
  /** What is said back. */
  answer: (data: Buffer, socket: Socket) => void = () => {};
  /** Reads nothing while it is set. */
  isDeaf = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async create({
    port = 0,
    tls,
  }: {
    readonly port?: number;
    readonly tls?: { readonly cert: string; readonly key: string };
  } = {}): Promise<StreamServer> {
    const server = tls === undefined ? createTcpServer() : createTlsServer(tls);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const created = new StreamServer(server, (server.address() as AddressInfo).port);
    server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => created.#serve(socket));
    server.on("tlsClientError", () => {});
    return created;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  get data(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    if (this.isDeaf) {
      socket.pause();
      return;
    }
    socket.on("data", data => {
      this.#chunks.push(data);
      this.answer(data, socket);
    });
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Keeps the datagrams that it is sent. */
export class DatagramServer implements Disposable {
  readonly port: number;
  readonly received: Buffer[] = [];
  readonly #socket;

  private constructor(socket: ReturnType<typeof createSocket>) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on("message", data => this.received.push(data));
  }

  static async create(port = 0): Promise<DatagramServer> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    return new DatagramServer(socket);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Polls until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`in vain waited until ${what}`);
    await delay(5);
  }
}
