import { OperationError } from "../errors.ts";
import { TAR_BLOCK_BYTES } from "./entry.ts";
import { parseNumber } from "./number.ts";
import type { PaxRecord } from "./pax.ts";

/** A stretch of a sparse file that holds data. */
export interface SparseSegment {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A file in more pieces than this is refused: its map alone would be megabytes. */
export const SPARSE_SEGMENTS_MAX = 100_000;
const OLD_ENTRY_BYTES = 24;

/** The four segments in an old GNU header (at 386), or the 21 in an extension block (at 0). An empty one ends the list. */
export function parseOldSparseEntries(
  block: Buffer,
  options: { readonly start: number; readonly count: number },
): readonly SparseSegment[] {
  const segments: SparseSegment[] = [];
  for (let index = 0; index < options.count; index++) {
    const at = options.start + index * OLD_ENTRY_BYTES;
    const [offset, length] = [block.subarray(at, at + 12), block.subarray(at + 12, at + 24)];
    if (offset[0] === 0 || length[0] === 0) break;
    segments.push({ offsetBytes: parseNumber(offset, "sparse offset"), lengthBytes: parseNumber(length, "sparse length") });
  }
  return segments;
}

/** Formats 0.0 (repeated offset and numbytes) and 0.1 (one comma list). `undefined`: the records hold no map. */
export function sparseMapOf(records: readonly PaxRecord[]): readonly SparseSegment[] | undefined {
  const list = records.findLast(([keyword]) => keyword === "GNU.sparse.map");
  if (list !== undefined) return pairUp(list[1].length === 0 ? [] : list[1].toString("latin1").split(","));
  const numbers = records.filter(([keyword]) => keyword === "GNU.sparse.offset" || keyword === "GNU.sparse.numbytes");
  if (numbers.length === 0) return undefined;
  const isAlternating = numbers.every(
    ([keyword], index) => keyword === (index % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes"),
  );
  if (!isAlternating) throw new OperationError("invalid", "invalid tar header: malformed sparse map");
  return pairUp(numbers.map(([, value]) => value.toString("latin1")));
}

/**
 * Format 1.0: the map stands in front of the data, in lines of decimal numbers, filled up to a block.
 * @returns `undefined` while more blocks are needed.
 */
export function parseSparseBlocks(blocks: Buffer): readonly SparseSegment[] | undefined {
  const lines = blocks.toString("latin1").split("\n");
  const counted = lines[0] ?? "";
  if (lines.length < 2) {
    if (blocks.length >= TAR_BLOCK_BYTES) throw new OperationError("invalid", "invalid tar header: malformed sparse map");
    return undefined;
  }
  const count = decimal(counted);
  if (count > SPARSE_SEGMENTS_MAX) throw tooMany();
  if (lines.length - 1 < 1 + 2 * count) return undefined;
  return pairUp(lines.slice(1, 1 + 2 * count));
}

/** Segments must rise, not overlap, stay in the file and together be as long as the data that follows. */
export function checkSparseMap(
  segments: readonly SparseSegment[],
  { fileBytes, dataBytes }: { readonly fileBytes: number; readonly dataBytes: number },
): void {
  let end = 0;
  let total = 0;
  for (const { offsetBytes, lengthBytes } of segments) {
    if (offsetBytes < end || lengthBytes < 0) throw new OperationError("invalid", "invalid tar header: sparse map out of order");
    end = offsetBytes + lengthBytes;
    total += lengthBytes;
  }
  if (segments.length > SPARSE_SEGMENTS_MAX) throw tooMany();
  if (end > fileBytes || total !== dataBytes)
    throw new OperationError("invalid", "invalid tar header: sparse map does not fit its file");
}

function pairUp(numbers: readonly string[]): readonly SparseSegment[] {
  if (numbers.length % 2 !== 0) throw new OperationError("invalid", "invalid tar header: malformed sparse map");
  if (numbers.length / 2 > SPARSE_SEGMENTS_MAX) throw tooMany();
  const segments: SparseSegment[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    segments.push({ offsetBytes: decimal(numbers[index] ?? ""), lengthBytes: decimal(numbers[index + 1] ?? "") });
  }
  return segments;
}

function decimal(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new OperationError("invalid", "invalid tar header: malformed sparse map");
  }
  return value;
}

function tooMany(): OperationError {
  return new OperationError("invalid", `invalid tar header: more than ${SPARSE_SEGMENTS_MAX} sparse segments`);
}
