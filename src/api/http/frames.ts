export type StreamName = "stdout" | "stderr";
/** As the header byte of Docker's multiplexed stream. `systemerr` is the daemon's own word: why what follows is missing. */
const STREAM_NUMBER = { stdout: 1, stderr: 2, systemerr: 3 } as const;
export const FRAME_HEADER_BYTES = 8;

export const RAW_STREAM = "application/vnd.docker.raw-stream";
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

/** The 8 bytes before each piece of output of a container without a terminal. */
export function frameHeader(stream: StreamName | "systemerr", sizeBytes: number): Uint8Array {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header[0] = STREAM_NUMBER[stream];
  header.writeUInt32BE(sizeBytes, 4);
  return header;
}

/** Pieces of output, each with its header, in one. */
export function framed(pieces: readonly { readonly stream: StreamName; readonly data: Uint8Array }[]): Uint8Array {
  const bytes = pieces.reduce((sum, { data }) => sum + FRAME_HEADER_BYTES + data.byteLength, 0);
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { stream, data } of pieces) {
    all.writeUInt32BE(STREAM_NUMBER[stream] * 2 ** 24, at);
    all.writeUInt32BE(data.byteLength, at + 4);
    all.set(data, at + FRAME_HEADER_BYTES);
    at += FRAME_HEADER_BYTES + data.byteLength;
  }
  return all;
}
