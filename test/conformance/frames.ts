const HEADER_BYTES = 8;

/** What is wrong with a multiplexed stream: each frame has a stream number, three zero bytes and a length. */
export function frameFaults(body: Buffer): readonly string[] {
  let at = 0;
  while (at < body.byteLength) {
    if (body.byteLength - at < HEADER_BYTES) return ["a frame's header is cut off"];
    if (body.readUInt8(at) > 2) return ["a frame is of no stream"];
    if (body.readUIntBE(at + 1, 3) !== 0) return ["a frame's header has no zeros"];
    at += HEADER_BYTES + body.readUInt32BE(at + 4);
  }
  return at === body.byteLength ? [] : ["a frame is shorter than it says"];
}

/** The text in the frames of a stream. */
export function textOfFrames(body: Buffer): string {
  let text = "";
  for (let at = 0; at + HEADER_BYTES <= body.byteLength; ) {
    const length = body.readUInt32BE(at + 4);
    text += body.toString("utf8", at + HEADER_BYTES, at + HEADER_BYTES + length);
    at += HEADER_BYTES + length;
  }
  return text;
}

const TAR_BLOCK_BYTES = 512;
const TAR_MAGIC_AT = 257;

/** What is wrong with a tar archive, by its first block and its length. */
export function archiveFaults(body: Buffer): readonly string[] {
  if (body.byteLength === 0 || body.byteLength % TAR_BLOCK_BYTES !== 0) return ["not whole blocks of an archive"];
  return body.toString("latin1", TAR_MAGIC_AT, TAR_MAGIC_AT + 5) === "ustar" ? [] : ["not an archive"];
}
