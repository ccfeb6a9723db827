import type { ContainerLog } from "./container-log.ts";
import type { LogEntry, OutputStream } from "./cri-line.ts";
import { formatLogTime, parseLogTime } from "./log-time.ts";
import { readLog } from "./read-log.ts";
import { findTail } from "./tail-log.ts";

/** @see LogOptions in the REST adapter. */
export interface LogOptions {
  readonly follow: boolean;
  readonly wantsStdout: boolean;
  readonly wantsStderr: boolean;
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** More of them, behind the container's own: `a=b,c=d`. */
  readonly origin?: string;
  readonly tail?: number;
  readonly signal: AbortSignal;
}

export interface LogStream {
  readonly isTty: boolean;
  /** As they were read: none is empty. */
  readonly batches: AsyncIterable<readonly LogLine[]>;
}

export interface LogLine {
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/** Pieces of a longer line are handed on when they are this large together. */
const JOINED_BYTES_MAX = 64 * 1024;
const NEWLINE = Buffer.from("\n");

/** What `docker logs` shows: whole lines, pieces joined, from the tail, between the times asked for. @param details - Attributes in front of each line, `a=b,c=d`. */
export async function* logLines(
  log: ContainerLog,
  options: LogOptions & { readonly detailText?: string },
): AsyncGenerator<readonly LogLine[]> {
  const streams = new Set<OutputStream>();
  if (options.wantsStdout) streams.add("stdout");
  if (options.wantsStderr) streams.add("stderr");
  const from =
    options.tail === undefined ? { file: log.oldestFile, offsetBytes: 0 } : await findTail(log, { count: options.tail, streams });
  const end = new AbortController();
  const joiner = new LineJoiner(options);
  const signal = AbortSignal.any([options.signal, end.signal]);
  for await (const entries of readLog(log, { from, isFollowing: options.follow, signal })) {
    for (const entry of entries) {
      if (isAfter(entry, options.untilNs)) {
        end.abort();
        break;
      }
      if (streams.has(entry.stream) && !isBefore(entry, options.sinceNs)) joiner.add(entry);
    }
    const ready = joiner.take();
    if (ready.length > 0) yield ready;
  }
  const rest = joiner.flush();
  if (rest.length > 0) yield rest;
}

function isAfter(entry: LogEntry, timeNs: bigint | undefined): boolean {
  return timeNs !== undefined && (parseLogTime(entry.time) ?? 0n) > timeNs;
}

function isBefore(entry: LogEntry, timeNs: bigint | undefined): boolean {
  return timeNs !== undefined && (parseLogTime(entry.time) ?? timeNs) < timeNs;
}

/** In the block that was read the newline stands behind the content. */
function withNewline(content: Uint8Array): Uint8Array {
  return new Uint8Array(content.buffer, content.byteOffset, content.byteLength + 1);
}

interface OpenLine {
  readonly pieces: Uint8Array[];
  bytes: number;
}

/** Puts pieces together, stream by stream. */
class LineJoiner {
  readonly #prefix: (entry: LogEntry) => Buffer | undefined;
  readonly #open = new Map<OutputStream, OpenLine>();
  #ready: LogLine[] = [];

  constructor({ timestamps, detailText }: { readonly timestamps: boolean; readonly detailText?: string }) {
    const details = detailText === undefined ? "" : `${detailText} `;
    this.#prefix = entry => {
      const text = (timestamps ? `${formatLogTime(entry.time)} ` : "") + details;
      return text === "" ? undefined : Buffer.from(text);
    };
  }

  add(entry: LogEntry): void {
    let line = this.#open.get(entry.stream);
    if (line === undefined) {
      const prefix = this.#prefix(entry);
      if (prefix === undefined && !entry.isPartial) {
        this.#ready.push({ stream: entry.stream, data: withNewline(entry.content) });
        return;
      }
      line = { pieces: [], bytes: 0 };
      if (prefix !== undefined) line.pieces.push(prefix);
      this.#open.set(entry.stream, line);
    }
    line.pieces.push(entry.content);
    line.bytes += entry.content.length;
    if (!entry.isPartial) {
      line.pieces.push(NEWLINE);
      this.#open.delete(entry.stream);
    } else if (line.bytes < JOINED_BYTES_MAX) return;
    this.#ready.push({ stream: entry.stream, data: Buffer.concat(line.pieces) });
    line.pieces.length = 0;
    line.bytes = 0;
  }

  /** The lines that are whole. */
  take(): readonly LogLine[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** And those that no newline ended. */
  flush(): readonly LogLine[] {
    for (const [stream, { pieces }] of this.#open) {
      if (pieces.length > 0) this.#ready.push({ stream, data: Buffer.concat(pieces) });
    }
    this.#open.clear();
    return this.take();
  }
}
