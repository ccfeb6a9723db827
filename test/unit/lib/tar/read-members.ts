import type { TarEntry } from "../../../../src/lib/tar/entry.ts";
import { TarParser } from "../../../../src/lib/tar/parser.ts";

export interface ReadMember {
  readonly entry: TarEntry;
  /** Holes filled with zeros. */
  readonly content: Buffer;
  /** Offset and length of each stretch of data, neighbours joined. */
  readonly segments: readonly (readonly [number, number])[];
}

/** Everything in an archive that fits into memory, pushed in chunks. */
export function readMembers(archive: Uint8Array, chunkBytes: number): readonly ReadMember[] {
  const parser = new TarParser();
  const members: { entry: TarEntry; content: Buffer; segments: [number, number][] }[] = [];
  for (let at = 0; at < archive.length; at += chunkBytes) {
    for (const event of parser.push(archive.subarray(at, at + chunkBytes))) {
      const member = members.at(-1);
      if (event.kind === "entry")
        members.push({ entry: event.entry, content: Buffer.alloc(Math.min(event.entry.sizeBytes, 1 << 24)), segments: [] });
      else if (event.kind === "data" && member !== undefined) {
        member.content.set(event.bytes, event.offsetBytes);
        const last = member.segments.at(-1);
        if (last !== undefined && last[0] + last[1] === event.offsetBytes) last[1] += event.bytes.length;
        else member.segments.push([event.offsetBytes, event.bytes.length]);
      }
    }
  }
  parser.finish();
  return members;
}
