export type OutputStream = "stdout" | "stderr";

/** One line of conmon's log: what one read of the container's output gave, up to a newline. */
export interface LogEntry {
  readonly stream: OutputStream;
  /** As written: `2026-11-21T21:53:41.705255027+00:00`. */
  readonly time: string;
  /** The output went on without a newline here. */
  readonly isPartial: boolean;
  /** Without the newline. A view of the block that was read. */
  readonly content: Uint8Array;
}

const SPACE = 0x20;
const NEWLINE = 0x0a;
const PARTIAL = 0x50;
const STREAM_CHARACTERS = 6;
const STDOUT = Buffer.from("stdout");
const STDERR = Buffer.from("stderr");

/** Few readers ask for the time: it is made of the bytes when one does. */
class Entry implements LogEntry {
  readonly stream: OutputStream;
  readonly isPartial: boolean;
  readonly content: Uint8Array;
  readonly #line: Buffer;
  readonly #timeEnd: number;

  constructor(line: Buffer, { timeEnd, stream }: { readonly timeEnd: number; readonly stream: OutputStream }) {
    const streamEnd = timeEnd + 1 + STREAM_CHARACTERS;
    this.stream = stream;
    this.isPartial = line[streamEnd + 1] === PARTIAL;
    this.content = line.subarray(line[streamEnd + 2] === SPACE ? streamEnd + 3 : streamEnd + 2);
    this.#line = line;
    this.#timeEnd = timeEnd;
  }

  get time(): string {
    return this.#line.toString("latin1", 0, this.#timeEnd);
  }
}

/** @param line - One line of the file without its newline. `undefined`: not a log line (a torn write). */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  const timeEnd = line.indexOf(SPACE);
  const streamEnd = timeEnd + 1 + STREAM_CHARACTERS;
  if (timeEnd <= 0 || line.length < streamEnd + 2 || line[streamEnd] !== SPACE) return undefined;
  const stream = line[timeEnd + 4] === STDOUT[3] ? "stdout" : "stderr";
  const name = stream === "stdout" ? STDOUT : STDERR;
  for (let index = 0; index < STREAM_CHARACTERS; index++) if (line[timeEnd + 1 + index] !== name[index]) return undefined;
  return new Entry(line, { timeEnd, stream });
}

/** The whole lines of a block, where each begins in it, and where the rest begins. */
export function splitLogBlock(block: Buffer): {
  readonly entries: readonly LogEntry[];
  readonly starts: readonly number[];
  readonly usedBytes: number;
} {
  const entries: LogEntry[] = [];
  const starts: number[] = [];
  let start = 0;
  for (;;) {
    const end = block.indexOf(NEWLINE, start);
    if (end === -1) return { entries, starts, usedBytes: start };
    const entry = parseLogLine(block.subarray(start, end));
    if (entry !== undefined) {
      entries.push(entry);
      starts.push(start);
    }
    start = end + 1;
  }
}
