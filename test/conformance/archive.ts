import { encodeMember, TAR_END } from "../../src/lib/tar/writer.ts";

/** A tar of one small file. */
export function anArchive(): Buffer {
  return archiveOf("hello", "hello\n");
}

export function archiveOf(path: string, content: string): Buffer {
  return Buffer.concat([encodeMember({ type: "file", path }, Buffer.from(content)), TAR_END]);
}
