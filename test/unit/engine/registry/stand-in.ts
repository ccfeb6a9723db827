import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** In place of `json`. */
  readonly text?: string;
}

/** A registry on loopback that answers as it is told. */
export class StandIn implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(reply: (request: IncomingMessage, body: string, address: string) => Reply): Promise<StandIn> {
    const standIn: StandIn = new StandIn(
      createServer((request, response) => {
        let body = "";
        request.on("data", chunk => (body += String(chunk)));
        request.on("end", () => {
          standIn.asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? "-"} ${body}`.trim());
          const { status, headers = {}, json, text } = reply(request, body, standIn.address);
          response.writeHead(status, headers);
          response.end(text ?? (json === undefined ? undefined : JSON.stringify(json)));
        });
      }),
    );
    await new Promise<void>(resolve => standIn.#server.listen(0, "127.0.0.1", resolve));
    return standIn;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
