import { OperationError } from "../../lib/errors.ts";
import { FRAME_BYTES_MAX, OUTPUT_HEADER_BYTES } from "./protocol.ts";

export interface OutputFrame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** Cuts what a helper writes into frames. @throws OperationError `internal` for one that is too large. */
export async function* outputFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<OutputFrame, void, void> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let wanted = OUTPUT_HEADER_BYTES;
  for await (const chunk of source) {
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes < wanted) continue;
    let whole = Buffer.concat(pieces, bytes);
    while (whole.length >= OUTPUT_HEADER_BYTES) {
      const length = whole.readUInt32LE(1);
      if (length > FRAME_BYTES_MAX) throw new OperationError("internal", "archive helper: frame is too large");
      const end = OUTPUT_HEADER_BYTES + length;
      wanted = end;
      if (whole.length < end) break;
      yield { kind: whole[0] ?? 0, payload: whole.subarray(OUTPUT_HEADER_BYTES, end) };
      whole = whole.subarray(end);
      wanted = OUTPUT_HEADER_BYTES;
    }
    pieces = [whole];
    bytes = whole.length;
  }
}
