import { encodeHeader, TAR_END } from "../../src/lib/tar/writer.ts";

const BLOCK_BYTES = 512;

/** A tar of one small file. */
export function anArchive(): Buffer {
  const content = Buffer.from("hello\n");
  const header = encodeHeader({ type: "file", path: "hello", sizeBytes: content.byteLength });
  return Buffer.concat([header, content, Buffer.alloc(BLOCK_BYTES - content.byteLength), TAR_END]);
}
