import { OperationError } from "../errors.ts";
import { paddingBytes, TAR_BLOCK_BYTES, type TarEvent } from "./entry.ts";
import { isZeroBlock, parseRawHeader, type RawHeader } from "./header.ts";
import { buildMember, type Extensions, type Member } from "./member.ts";
import { parseNumber } from "./number.ts";
import { parsePaxRecords } from "./pax.ts";
import { parseOldSparseEntries, parseSparseBlocks, SPARSE_SEGMENTS_MAX, type SparseSegment } from "./sparse.ts";

/** A name or a set of attributes larger than this is refused. Linux allows names of 4 KiB and attributes of 64 KiB. */
export const EXTENSION_BYTES_MAX = 1024 * 1024;
const SPARSE_MAP_BYTES_MAX = SPARSE_SEGMENTS_MAX * 40;
const NO_EXTENSIONS: Extensions = { records: [] };

type State =
  | { readonly kind: "header" }
  | { readonly kind: "extension"; readonly typeFlag: string; readonly sizeBytes: number }
  | {
      readonly kind: "old-sparse";
      readonly header: RawHeader;
      readonly fileBytes: number;
      readonly segments: readonly SparseSegment[];
    }
  | { readonly kind: "sparse-map"; readonly header: RawHeader; readonly blocks: Buffer }
  | { readonly kind: "data"; readonly padding: number }
  | { readonly kind: "skip" }
  | { readonly kind: "ended" };

/**
 * Reads an archive pushed in chunks of any size: ustar, PAX, GNU long names, base-256 numbers and all four sparse forms.
 * Memory is bounded by the two limits above and the chunk, whatever the archive says.
 */
export class TarParser {
  #state: State = { kind: "header" };
  #extensions = NO_EXTENSIONS;
  #collected: Uint8Array[] = [];
  #collectedBytes = 0;
  /** Bytes until the present state is done. */
  #wantedBytes = TAR_BLOCK_BYTES;
  #segments: readonly SparseSegment[] = [];
  #segmentIndex = 0;
  #inSegmentBytes = 0;
  #zeroBlocks = 0;

  /** @throws OperationError `invalid`; the parser is of no use afterwards. */
  *push(chunk: Uint8Array): Generator<TarEvent, void, void> {
    let rest = chunk;
    while (rest.length > 0 && this.#state.kind !== "ended") {
      const taken = rest.subarray(0, this.#wantedBytes - this.#collectedBytes);
      rest = rest.subarray(taken.length);
      if (this.#state.kind === "data") yield* this.#takeData(taken);
      else if (this.#state.kind === "skip") this.#takeSkipped(taken.length);
      else yield* this.#collect(taken);
    }
  }

  /** Call after the last chunk. @throws OperationError `invalid` when the archive stops in the middle of a member. */
  finish(): void {
    const isBetween = this.#state.kind === "ended" || (this.#state.kind === "header" && this.#collectedBytes === 0);
    if (!isBetween) throw new OperationError("invalid", "unexpected EOF: the tar archive is truncated");
  }

  *#collect(taken: Uint8Array): Generator<TarEvent, void, void> {
    const isWhole = this.#collectedBytes + taken.length === this.#wantedBytes;
    if (!isWhole) {
      this.#collected.push(Uint8Array.from(taken));
      this.#collectedBytes += taken.length;
      return;
    }
    const block = Buffer.concat([...this.#collected, taken]);
    this.#collected = [];
    this.#collectedBytes = 0;
    yield* this.#block(block);
  }

  *#block(block: Buffer): Generator<TarEvent, void, void> {
    const state = this.#state;
    if (state.kind === "header") yield* this.#header(block);
    else if (state.kind === "extension") this.#extension(state.typeFlag, block.subarray(0, state.sizeBytes));
    else if (state.kind === "old-sparse") yield* this.#oldSparse(state, block);
    else if (state.kind === "sparse-map") yield* this.#sparseMap(state.header, Buffer.concat([state.blocks, block]));
  }

  *#header(block: Buffer): Generator<TarEvent, void, void> {
    if (isZeroBlock(block)) {
      this.#zeroBlocks++;
      this.#enter(this.#zeroBlocks === 2 ? { kind: "ended" } : { kind: "header" }, TAR_BLOCK_BYTES);
      return;
    }
    this.#zeroBlocks = 0;
    const header = parseRawHeader(block);
    const { typeFlag, sizeBytes } = header;
    if (typeFlag === "x" || typeFlag === "L" || typeFlag === "K") {
      if (sizeBytes > EXTENSION_BYTES_MAX) throw new OperationError("invalid", "invalid tar header: extension is too large");
      if (sizeBytes === 0) return;
      this.#enter({ kind: "extension", typeFlag, sizeBytes }, sizeBytes + paddingBytes(sizeBytes));
    } else if (typeFlag === "g") {
      this.#enter(
        sizeBytes === 0 ? { kind: "header" } : { kind: "skip" },
        sizeBytes === 0 ? TAR_BLOCK_BYTES : sizeBytes + paddingBytes(sizeBytes),
      );
    } else if (typeFlag === "S") {
      const segments = parseOldSparseEntries(block, { start: 386, count: 4 });
      const fileBytes = parseNumber(block.subarray(483, 495), "sparse size");
      if (block[482] === 0) yield* this.#begin(buildMember(header, this.#extensions, { fileBytes, segments }));
      else this.#enter({ kind: "old-sparse", header, fileBytes, segments }, TAR_BLOCK_BYTES);
    } else if (isSparseOne(this.#extensions)) {
      this.#enter({ kind: "sparse-map", header, blocks: Buffer.alloc(0) }, TAR_BLOCK_BYTES);
    } else {
      yield* this.#begin(buildMember(header, this.#extensions));
    }
  }

  #extension(typeFlag: string, bytes: Buffer): void {
    const end = bytes.indexOf(0);
    const name = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
    if (typeFlag === "x") this.#extensions = { ...this.#extensions, records: parsePaxRecords(bytes) };
    else if (typeFlag === "L") this.#extensions = { ...this.#extensions, longPath: name };
    else this.#extensions = { ...this.#extensions, longLinkPath: name };
    this.#enter({ kind: "header" }, TAR_BLOCK_BYTES);
  }

  *#oldSparse(state: Extract<State, { kind: "old-sparse" }>, block: Buffer): Generator<TarEvent, void, void> {
    const segments = [...state.segments, ...parseOldSparseEntries(block, { start: 0, count: 21 })];
    if (segments.length > SPARSE_SEGMENTS_MAX)
      throw new OperationError("invalid", "invalid tar header: too many sparse segments");
    if (block[504] === 0)
      yield* this.#begin(buildMember(state.header, this.#extensions, { fileBytes: state.fileBytes, segments }));
    else this.#enter({ ...state, segments }, TAR_BLOCK_BYTES);
  }

  *#sparseMap(header: RawHeader, blocks: Buffer): Generator<TarEvent, void, void> {
    const segments = parseSparseBlocks(blocks);
    if (segments !== undefined) {
      yield* this.#begin(buildMember(header, this.#extensions, { segments, mapBytes: blocks.length }));
      return;
    }
    if (blocks.length > SPARSE_MAP_BYTES_MAX) throw new OperationError("invalid", "invalid tar header: sparse map is too large");
    this.#enter({ kind: "sparse-map", header, blocks }, TAR_BLOCK_BYTES);
  }

  *#begin({ entry, dataBytes, segments }: Member): Generator<TarEvent, void, void> {
    this.#extensions = NO_EXTENSIONS;
    this.#segments = segments;
    this.#segmentIndex = 0;
    this.#inSegmentBytes = 0;
    yield { kind: "entry", entry };
    if (dataBytes > 0) {
      this.#enter({ kind: "data", padding: paddingBytes(dataBytes) }, dataBytes);
      return;
    }
    yield { kind: "end" };
    this.#enter({ kind: "header" }, TAR_BLOCK_BYTES);
  }

  *#takeData(taken: Uint8Array): Generator<TarEvent, void, void> {
    let rest = taken;
    while (rest.length > 0) {
      const segment = this.#segments[this.#segmentIndex];
      if (segment === undefined) break; // Checked before: the segments cover the data.
      const bytes = rest.subarray(0, segment.lengthBytes - this.#inSegmentBytes);
      if (bytes.length > 0) yield { kind: "data", offsetBytes: segment.offsetBytes + this.#inSegmentBytes, bytes };
      rest = rest.subarray(bytes.length);
      this.#inSegmentBytes += bytes.length;
      if (this.#inSegmentBytes === segment.lengthBytes) {
        this.#segmentIndex++;
        this.#inSegmentBytes = 0;
      }
    }
    this.#wantedBytes -= taken.length;
    if (this.#wantedBytes > 0 || this.#state.kind !== "data") return;
    const { padding } = this.#state;
    yield { kind: "end" };
    this.#enter(padding > 0 ? { kind: "skip" } : { kind: "header" }, padding > 0 ? padding : TAR_BLOCK_BYTES);
  }

  #takeSkipped(bytes: number): void {
    this.#wantedBytes -= bytes;
    if (this.#wantedBytes === 0) this.#enter({ kind: "header" }, TAR_BLOCK_BYTES);
  }

  #enter(state: State, wantedBytes: number): void {
    this.#state = state;
    this.#wantedBytes = wantedBytes;
  }
}

function isSparseOne({ records }: Extensions): boolean {
  const value = (keyword: string): string | undefined => records.findLast(([name]) => name === keyword)?.[1].toString("latin1");
  return value("GNU.sparse.major") === "1" && value("GNU.sparse.minor") === "0";
}
