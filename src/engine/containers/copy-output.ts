import { OperationError } from "../../lib/errors.ts";
import type { ContainerLog, LogPin, LogPosition } from "../logs/container-log.ts";
import type { OutputStream } from "../logs/cri-line.ts";
import { readLog } from "../logs/read-log.ts";
import type { RunLog, StreamBytes } from "../logs/run-log.ts";

/** How far a client may fall behind before it is served from the log. */
export const CLIENT_BEHIND_BYTES_MAX = 1024 * 1024;
/** And where there is no log and the source cannot be held back: before it is cut off. */
const CLIENT_BEHIND_BYTES_LIMIT = 64 * 1024 * 1024;
/** What waits is written together, up to this. */
const WRITE_BYTES_MAX = 64 * 1024;

export interface OutputSource {
  subscribe(listener: (stream: OutputStream, data: Uint8Array) => void, onEnd: () => void): () => void;
  pause?(): void;
  resume?(): void;
}

export interface OutputClient {
  readonly wants: ReadonlySet<OutputStream>;
  readonly write: (stream: OutputStream, data: Uint8Array) => Promise<void>;
  /** It will be served from the log, as it reads too slowly for what comes live. */
  readonly onBehind?: () => void;
  readonly signal: AbortSignal;
}

/** The same output in the log. */
export interface LogFallback {
  readonly runLog: RunLog;
  /** What of the run came before this client was there. */
  readonly seenBytes: StreamBytes;
}

interface Piece {
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/**
 * Copies live output to a client until the source ends or the client leaves. A slow client never holds a container back that has a log: it is served
 * from there instead, once it is 1 MiB behind. Without a log the source is held back.
 */
export async function copyOutput(source: OutputSource, client: OutputClient, fallback: LogFallback | undefined): Promise<void> {
  const queue = new ClientQueue(source, { hasFallback: fallback !== undefined, onBehind: () => client.onBehind?.() });
  const takenBytes: Record<OutputStream, number> = { stdout: 0, stderr: 0, ...fallback?.seenBytes };
  const pin = fallback?.runLog.log.pin(() => fallback.runLog.locate(takenBytes, client.wants).position.file);
  const unsubscribe = source.subscribe(
    (stream, data) => {
      if (!client.wants.has(stream)) takenBytes[stream] += data.length;
      else queue.push({ stream, data });
    },
    () => queue.end(),
  );
  const onAbort = () => queue.end();
  client.signal.addEventListener("abort", onAbort, { once: true });
  try {
    if ((await copyQueue(queue, client, takenBytes)) !== "behind") return;
    unsubscribe();
    if (fallback === undefined || pin === undefined) throw new OperationError("unavailable", "the client reads too slowly");
    const { position, skipBytes } = fallback.runLog.locate(takenBytes, client.wants);
    await copyFromLog(client, { log: fallback.runLog.log, start: position, skipBytes, pin });
  } finally {
    unsubscribe();
    queue.dispose();
    pin?.release();
    client.signal.removeEventListener("abort", onAbort);
  }
}

async function copyQueue(
  queue: ClientQueue,
  client: OutputClient,
  takenBytes: Record<OutputStream, number>,
): Promise<"behind" | "over"> {
  for (;;) {
    const piece = await queue.next();
    if (client.signal.aborted || piece === undefined) return "over";
    if (piece === "behind") return "behind";
    await client.write(piece.stream, piece.data);
    takenBytes[piece.stream] += piece.data.length;
  }
}

interface LogPlace {
  readonly log: ContainerLog;
  readonly start: LogPosition;
  readonly skipBytes: StreamBytes;
  readonly pin: LogPin;
}

/** The output as it was, read from the log from `start` on, without the bytes to be skipped, until the run is over. */
async function copyFromLog(client: OutputClient, { log, start, skipBytes, pin }: LogPlace): Promise<void> {
  const skip: Record<OutputStream, number> = { ...skipBytes };
  for await (const entries of readLog(log, { from: start, isFollowing: true, pin, signal: client.signal })) {
    const pieces = entries.map(({ stream, content, isPartial }) => ({
      stream,
      data: isPartial ? content : Buffer.concat([content, NEWLINE]),
    }));
    for (const { stream, data } of joinNeighbours(pieces.filter(piece => client.wants.has(piece.stream)))) {
      const skipped = Math.min(skip[stream], data.length);
      skip[stream] -= skipped;
      if (skipped < data.length) await client.write(stream, data.subarray(skipped));
    }
  }
}

/** What the log has from `start` on, until the run is over. */
export async function followLog(client: OutputClient, log: ContainerLog, start: LogPosition): Promise<void> {
  const pin = log.pin(() => start.file);
  try {
    await copyFromLog(client, { log, start, skipBytes: { stdout: 0, stderr: 0 }, pin });
  } finally {
    pin.release();
  }
}

const NEWLINE = Buffer.from("\n");

/** Fewer, larger writes: lines of one stream that follow each other become one piece. */
function joinNeighbours(pieces: readonly Piece[]): readonly Piece[] {
  const joined: Piece[] = [];
  let run: Piece[] = [];
  const flush = () => {
    const [first] = run;
    if (first !== undefined) joined.push({ stream: first.stream, data: Buffer.concat(run.map(piece => piece.data)) });
    run = [];
  };
  for (const piece of pieces) {
    if (run[0] !== undefined && run[0].stream !== piece.stream) flush();
    run.push(piece);
  }
  flush();
  return joined;
}

class ClientQueue {
  readonly #source: OutputSource;
  readonly #hasFallback: boolean;
  readonly #onBehind: () => void;
  #pieces: Piece[] = [];
  #bytes = 0;
  #isBehind = false;
  #isEnded = false;
  #isPaused = false;
  #wake: () => void = () => {};

  constructor(source: OutputSource, { hasFallback, onBehind }: { readonly hasFallback: boolean; readonly onBehind: () => void }) {
    this.#source = source;
    this.#hasFallback = hasFallback;
    this.#onBehind = onBehind;
  }

  push(piece: Piece): void {
    if (this.#isBehind || this.#isEnded) return;
    this.#pieces.push(piece);
    this.#bytes += piece.data.length;
    if (this.#bytes > CLIENT_BEHIND_BYTES_MAX) this.#fallBehind();
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async next(): Promise<Piece | "behind" | undefined> {
    for (;;) {
      if (this.#isBehind) return "behind";
      const piece = this.#take();
      if (piece !== undefined) {
        this.#bytes -= piece.data.length;
        if (this.#isPaused && this.#bytes < CLIENT_BEHIND_BYTES_MAX / 2) this.#flow();
        return piece;
      }
      if (this.#isEnded) return undefined;
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
  }

  /** The oldest piece, with those of the same stream behind it. */
  #take(): Piece | undefined {
    const first = this.#pieces.shift();
    if (first === undefined) return undefined;
    const together = [first.data];
    let bytes = first.data.length;
    for (let next = this.#pieces[0]; next?.stream === first.stream; next = this.#pieces[0]) {
      bytes += next.data.length;
      if (bytes > WRITE_BYTES_MAX) break;
      together.push(next.data);
      this.#pieces.shift();
    }
    return together.length === 1 ? first : { stream: first.stream, data: Buffer.concat(together) };
  }

  dispose(): void {
    this.#pieces = [];
    if (this.#isPaused) this.#flow();
  }

  #fallBehind(): void {
    if (!this.#hasFallback && typeof this.#source.pause === "function") {
      if (!this.#isPaused) this.#source.pause?.();
      this.#isPaused = true;
    } else if (this.#hasFallback || this.#bytes > CLIENT_BEHIND_BYTES_LIMIT) {
      this.#isBehind = true;
      this.#pieces = [];
      this.#onBehind();
    }
  }

  #flow(): void {
    this.#isPaused = false;
    this.#source.resume?.();
  }
}
