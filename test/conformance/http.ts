import { request as send } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const REQUEST_MS = 30_000;

export interface Request {
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** The connection is closed when what has come so far is enough; missing: it is read to its end. */
  readonly isEnough: ((body: Buffer) => boolean) | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends one request on a connection of its own, and takes the answer whether or not the connection turns into a stream. */
export function exchange({ socketPath, method, path, headers, body, isEnough }: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send({ socketPath, method, path, headers: { ...headers, ...lengthOf(body) }, agent: false });
    let taken: Duplex | IncomingMessage | undefined;
    const limit = setTimeout(() => {
      const late = new Error(`${method} ${path} was not answered in time`);
      (taken ?? outgoing).destroy(late); // A stream has left the request.
      reject(late);
    }, REQUEST_MS);
    const take = (response: IncomingMessage, stream: Duplex | IncomingMessage, first: Buffer) => {
      taken = stream;
      collect(stream, { first, isEnough }).then(
        received => {
          clearTimeout(limit);
          outgoing.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received });
        },
        (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
      );
    };
    outgoing.on("error", error => {
      clearTimeout(limit);
      reject(error);
    });
    outgoing.on("response", response => take(response, response, Buffer.alloc(0)));
    outgoing.on("upgrade", (response, socket, head) => take(response, socket, head));
    outgoing.end(body);
  });
}

function lengthOf(body: Buffer | undefined): Readonly<Record<string, string>> {
  return body === undefined ? {} : { "Content-Length": String(body.byteLength) };
}

/** Everything up to the end, or up to what is enough. */
function collect(
  stream: Duplex | IncomingMessage,
  { first, isEnough = () => false }: { readonly first: Buffer; readonly isEnough: Request["isEnough"] },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let body = first;
    const end = () => {
      resolve(body);
      stream.destroy();
    };
    stream.on("error", reject);
    stream.on("end", end);
    stream.on("close", end);
    stream.on("data", (chunk: Buffer) => {
      body = Buffer.concat([body, chunk]);
      if (isEnough(body)) end();
    });
    if (isEnough(body)) end();
    stream.resume();
  });
}
