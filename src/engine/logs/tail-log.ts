import type { ContainerLog, LogPosition } from "./container-log.ts";
import { type OutputStream, parseLogLine } from "./cri-line.ts";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Where the last `count` lines of the wanted streams begin, found from the end. A line counts where its last piece is; lines that a container
 * did not end count too when they are the last.
 */
export async function findTail(
  log: ContainerLog,
  options: { readonly count: number; readonly streams: ReadonlySet<OutputStream> },
): Promise<LogPosition> {
  const end = await log.end();
  if (options.count <= 0) return end;
  const counter = new TailCounter(options.count, options.streams);
  for (let file = end.file; file >= log.oldestFile; file--) {
    const start = await scanFile(log, file, counter);
    if (start !== undefined) return { file, offsetBytes: start };
  }
  return { file: log.oldestFile, offsetBytes: 0 };
}

async function scanFile(log: ContainerLog, file: number, counter: TailCounter): Promise<number | undefined> {
  const handle = await log.openFile(file);
  if (handle === undefined) return undefined;
  try {
    let endBytes = (await handle.stat()).size;
    let rest: Buffer = Buffer.alloc(0);
    while (endBytes > 0) {
      const startBytes = Math.max(0, endBytes - BLOCK_BYTES);
      const block = Buffer.allocUnsafe(endBytes - startBytes);
      await handle.read(block, 0, block.length, startBytes);
      const text: Buffer = Buffer.concat([block, rest]);
      const { found, restBytes } = scanBlock(text, { startBytes, counter });
      if (found !== undefined) return found;
      rest = text.subarray(0, restBytes);
      endBytes = startBytes;
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

/** Goes through a block's lines from the last; what precedes the first newline belongs to the block before, unless this is the file's first. */
function scanBlock(
  text: Buffer,
  { startBytes, counter }: { readonly startBytes: number; readonly counter: TailCounter },
): { readonly found?: number; readonly restBytes: number } {
  let lineEnd = text.length;
  if (text[lineEnd - 1] === NEWLINE) lineEnd--;
  while (lineEnd > 0) {
    const newline = text.lastIndexOf(NEWLINE, lineEnd - 1);
    if (newline === -1 && startBytes > 0) break;
    const lineStart = newline + 1;
    const afterLine = lineEnd + 1;
    if (counter.isComplete(text.subarray(lineStart, lineEnd))) return { found: startBytes + afterLine, restBytes: 0 };
    lineEnd = newline;
  }
  return { restBytes: Math.max(0, lineEnd + (text[lineEnd] === NEWLINE ? 1 : 0)) };
}

/** Counts lines backwards, each at its last piece. */
class TailCounter {
  readonly #wanted: number;
  readonly #streams: ReadonlySet<OutputStream>;
  #count = 0;
  readonly #isLineOpen = new Map<OutputStream, boolean>();

  constructor(wanted: number, streams: ReadonlySet<OutputStream>) {
    this.#wanted = wanted;
    this.#streams = streams;
  }

  /** @returns true when this line is the end of one line too many: the tail begins after it. */
  isComplete(line: Buffer): boolean {
    const entry = parseLogLine(line);
    if (entry === undefined || !this.#streams.has(entry.stream)) return false;
    const isLastPiece = !entry.isPartial || this.#isLineOpen.get(entry.stream) !== true;
    if (isLastPiece && this.#count === this.#wanted) return true;
    if (isLastPiece) this.#count++;
    this.#isLineOpen.set(entry.stream, true);
    return false;
  }
}
