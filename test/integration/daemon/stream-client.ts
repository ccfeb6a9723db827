import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const HEADER_BYTES = 8;
const TEXT_BYTES_MAX = 1024 * 1024;

/** A client's end of attach, exec and logs on a bare socket: it can stop reading, end its input, and take frames apart. */
export class StreamClient {
  readonly socket: Socket;
  /** The answer's head, once it is there. */
  head = "";
  /** What came of both streams. */
  bytes = 0;
  readonly #hash: Hash = createHash("sha256");
  #text = "";
  #rest: Buffer = Buffer.alloc(0);
  #hasEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", data => this.#take(data));
    socket.on("error", () => {});
    socket.on("close", () => (this.#hasEnded = true));
    socket.on("end", () => (this.#hasEnded = true));
  }

  static async open(
    path: string,
    { request, body = "", upgrade = true }: { readonly request: string; readonly body?: string; readonly upgrade?: boolean },
  ): Promise<StreamClient> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, "connect");
    const client = new StreamClient(socket);
    const head = [
      `${request} HTTP/1.1`,
      "Host: docker",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(upgrade ? ["Connection: Upgrade", "Upgrade: tcp"] : []),
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    await client.until(() => client.head !== "", "the answer's head came");
    return client;
  }

  /** The first MiB of what came. */
  get text(): string {
    return this.#text;
  }

  get digest(): string {
    return this.#hash.copy().digest("hex");
  }

  async until(isSo: () => boolean, what: string): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    while (!isSo()) {
      if (this.#hasEnded) throw new Error(`the connection ended before ${what}: ${this.head}${this.#text}`);
      await Promise.race([once(this.socket, "data", { signal }), once(this.socket, "close", { signal })]).catch(
        (cause: unknown) => {
          throw new Error(`not within 20 s: ${what}; what came is: ${this.head}${this.text}`, { cause });
        },
      );
    }
  }

  async ended(): Promise<void> {
    if (!this.#hasEnded) await once(this.socket, "end", { signal: AbortSignal.timeout(40_000) });
  }

  #take(data: Buffer): void {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (this.head === "") {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end === -1) return;
      this.head = this.#rest.toString("latin1", 0, end);
      this.#rest = this.#rest.subarray(end + 4);
    }
    if (/transfer-encoding: chunked/i.test(this.head)) throw new Error("chunks are not taken apart here");
    if (this.head.includes("multiplexed-stream") || this.isFramed) this.#takeFrames();
    else {
      this.#keep(this.#rest);
      this.#rest = Buffer.alloc(0);
    }
  }

  /** Without an upgrade the head does not say so. */
  isFramed = false;

  #takeFrames(): void {
    while (this.#rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#rest.readUInt32BE(4);
      if (this.#rest.length < end) return;
      this.#keep(this.#rest.subarray(HEADER_BYTES, end));
      this.#rest = this.#rest.subarray(end);
    }
  }

  #keep(data: Buffer): void {
    this.bytes += data.length;
    this.#hash.update(data);
    if (this.#text.length < TEXT_BYTES_MAX) this.#text += data.toString();
  }
}
