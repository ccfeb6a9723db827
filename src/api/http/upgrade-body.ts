import type { IncomingMessage } from "node:http";
import { OperationError } from "../../lib/errors.ts";
import type { RequestBody } from "./exchange.ts";
import type { SocketInput } from "./socket-input.ts";

const CHUNK_HEAD_BYTES_MAX = 64;

/**
 * The body of a request that asks for an upgrade. Node's parser stops after the head of such a request, so its body comes from
 * the raw connection, exactly as long as it says: the byte after it is the first of the container's stdin.
 */
export function upgradeBody(request: IncomingMessage, input: SocketInput): RequestBody {
  if (/\bchunked\b/i.test(request.headers["transfer-encoding"] ?? "")) return { length: undefined, stream: chunked(input) };
  const length = Number(request.headers["content-length"] ?? 0);
  return { length, stream: exactly(input, length) };
}

async function* exactly(input: SocketInput, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0; ) {
    const chunk = await input.next();
    if (chunk === undefined) throw new OperationError("invalid", "unexpected EOF");
    if (chunk.byteLength > left) input.unread(chunk.subarray(left));
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.byteLength);
  }
}

async function* chunked(input: SocketInput): AsyncGenerator<Uint8Array> {
  for (;;) {
    const [size = ""] = (await readLine(input)).split(";");
    if (!/^[0-9a-f]{1,8}$/i.test(size.trim())) throw new OperationError("invalid", "invalid chunk length");
    const length = Number.parseInt(size, 16);
    if (length > 0) yield* exactly(input, length);
    await readLine(input); // After the last chunk: the end of the trailers, of which none is supported.
    if (length === 0) return;
  }
}

async function readLine(input: SocketInput): Promise<string> {
  let line = "";
  for (;;) {
    const chunk = await input.next();
    if (chunk === undefined) throw new OperationError("invalid", "unexpected EOF");
    const end = chunk.indexOf(10);
    line += Buffer.from(end < 0 ? chunk : chunk.subarray(0, end)).toString("latin1");
    if (line.length > CHUNK_HEAD_BYTES_MAX) throw new OperationError("invalid", "invalid chunk header");
    if (end < 0) continue;
    input.unread(chunk.subarray(end + 1));
    return line.replace(/\r$/, "");
  }
}
