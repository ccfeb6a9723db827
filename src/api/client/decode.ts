const HEADER_BYTES = 8;
const STDERR = 2;
/** The daemon's own word, in place of what it could not send. */
const SYSTEM_ERROR = 3;

/** The objects of a stream of JSON lines. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  for await (const line of textLines(body)) yield JSON.parse(line);
}

/** The lines of a stream that are not empty. */
export async function* textLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}

export interface OutputPiece {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/**
 * Takes Docker's multiplexed stream apart: a header of 8 bytes (stream, three zeroes, length in big endian), then that much output.
 * @throws Error with what the daemon says when it could not send all.
 */
export async function* demultiplex(body: AsyncIterable<Uint8Array>): AsyncGenerator<OutputPiece, void, undefined> {
  let pending = Buffer.alloc(0);
  for await (const chunk of body) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_BYTES) {
      const length = pending.readUInt32BE(4);
      if (pending.length < HEADER_BYTES + length) break;
      const data = pending.subarray(HEADER_BYTES, HEADER_BYTES + length);
      if (pending[0] === SYSTEM_ERROR) throw new Error(`error from daemon in stream: ${data.toString().trimEnd()}`);
      yield { stream: pending[0] === STDERR ? "stderr" : "stdout", data };
      pending = pending.subarray(HEADER_BYTES + length);
    }
  }
}
