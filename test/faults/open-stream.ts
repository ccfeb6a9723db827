import { request } from "node:http";
import type { Duplex } from "node:stream";

/** A request whose answer goes on. */
export class OpenStream implements AsyncDisposable {
  text = "";
  isOver = false;
  readonly #stream: Duplex;

  private constructor(stream: Duplex) {
    this.#stream = stream;
    const end = (): void => void (this.isOver = true);
    stream.on("data", (chunk: Buffer) => (this.text += chunk.toString("latin1")));
    for (const event of ["end", "close", "error"]) stream.on(event, end);
  }

  static open(socketPath: string, method: string, path: string, body?: object): Promise<OpenStream> {
    return new Promise((resolve, reject) => {
      const isHijacked = /attach|exec/.test(path);
      const headers = { "content-type": "application/json", ...(isHijacked && { connection: "Upgrade", upgrade: "tcp" }) };
      const outgoing = request({ socketPath, method, path, headers, agent: false });
      outgoing.on("upgrade", (_response, socket, head) => {
        const stream = new OpenStream(socket);
        stream.text += head.toString("latin1");
        resolve(stream);
      });
      outgoing.on("response", response => resolve(new OpenStream(response as unknown as Duplex)));
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      if (path.endsWith("/wait")) outgoing.on("socket", socket => resolve(new OpenStream(socket)));
    });
  }

  write(text: string): void {
    this.#stream.write(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
  }
}
