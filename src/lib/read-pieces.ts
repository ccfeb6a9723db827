import { createReadStream } from "node:fs";

const PIECE_BYTES = 256 * 1024;

/**
 * A file's content. It is opened by the first who asks for a piece: a stream that is there before, and that nobody comes to read, keeps
 * its file open and fails without anybody to hear of it, which ends the process.
 */
export async function* readPieces(path: string | Buffer): AsyncGenerator<Uint8Array, void, void> {
  yield* createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Uint8Array>;
}
