import { createHash } from "node:crypto";
import type { LogPosition } from "../container-log.ts";
import type { LogEntry, OutputStream } from "../cri-line.ts";
import { parseLogTime } from "../log-time.ts";
import type { LogBlock } from "../read-log.ts";
import { isBefore, type LogCursor } from "./log-cursor.ts";
import type { LogMessage } from "./log-message.ts";

/** A line longer than this is sent in parts, as Docker does. */
const MESSAGE_BYTES_MAX = 16 * 1024;

interface OpenLine {
  /** Where its part that is not yet sent begins. */
  start: LogPosition;
  readonly timeNs: bigint;
  readonly partialId: string;
  /** Parts handed out. */
  parts: number;
  pieces: Uint8Array[];
  bytes: number;
}

/** Makes messages of a log's pieces, stream by stream, and knows from where on nothing has been handed out. */
export class MessageJoiner {
  readonly #containerId: string;
  /** What lies before was sent in an earlier life. */
  readonly #from: LogCursor;
  readonly #open = new Map<OutputStream, OpenLine>();
  #end: LogPosition;

  constructor(containerId: string, from: LogCursor) {
    this.#containerId = containerId;
    this.#from = from;
    this.#end = isBefore(from.stdout, from.stderr) ? from.stdout : from.stderr;
  }

  /** The messages that are whole with this block. */
  add({ entries, starts, file, startBytes, endBytes }: LogBlock): readonly LogMessage[] {
    const messages: LogMessage[] = [];
    for (const [index, entry] of entries.entries()) {
      const at = { file, offsetBytes: startBytes + (starts[index] ?? 0) };
      if (!isBefore(at, this.#from[entry.stream])) this.#add(entry, at, messages);
    }
    this.#end = { file, offsetBytes: endBytes };
    return messages;
  }

  /** No newline will come: what is there goes as it is. */
  flush(): readonly LogMessage[] {
    const messages: LogMessage[] = [];
    for (const [stream, line] of this.#open) if (line.bytes > 0) messages.push(this.#part(stream, line, { isLast: false }));
    this.#open.clear();
    return messages;
  }

  /** Before it all has been handed out. */
  get cursor(): LogCursor {
    return { stdout: this.#startOf("stdout"), stderr: this.#startOf("stderr") };
  }

  #startOf(stream: OutputStream): LogPosition {
    const start = this.#open.get(stream)?.start ?? this.#end;
    const from = this.#from[stream];
    return isBefore(start, from) ? from : start;
  }

  #add(entry: LogEntry, at: LogPosition, messages: LogMessage[]): void {
    let line = this.#open.get(entry.stream);
    if (line === undefined) {
      if (!entry.isPartial) {
        messages.push({ stream: entry.stream, timeNs: parseLogTime(entry.time) ?? 0n, line: entry.content });
        return;
      }
      line = {
        start: at,
        timeNs: parseLogTime(entry.time) ?? 0n,
        partialId: this.#partialId(at),
        parts: 0,
        pieces: [],
        bytes: 0,
      };
      this.#open.set(entry.stream, line);
    }
    if (line.bytes > 0 && line.bytes + entry.content.length > MESSAGE_BYTES_MAX) {
      messages.push(this.#part(entry.stream, line, { isLast: false }));
      line.start = at;
    }
    line.pieces.push(entry.content);
    line.bytes += entry.content.length;
    if (entry.isPartial) return;
    messages.push(this.#part(entry.stream, line, { isLast: true }));
    this.#open.delete(entry.stream);
  }

  #part(stream: OutputStream, line: OpenLine, { isLast }: { readonly isLast: boolean }): LogMessage {
    const whole = Buffer.concat(line.pieces);
    const isWhole = isLast && line.parts === 0;
    line.parts++;
    line.pieces = [];
    line.bytes = 0;
    const partial = { id: line.partialId, ordinal: line.parts, isLast };
    return { stream, timeNs: line.timeNs, line: whole, ...(!isWhole && { partial }) };
  }

  /** The same when the line is sent again. */
  #partialId({ file, offsetBytes }: LogPosition): string {
    return createHash("sha256").update(`${this.#containerId} ${file} ${offsetBytes}`).digest("hex");
  }
}
