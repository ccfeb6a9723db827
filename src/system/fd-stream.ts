import { readSync } from "node:fs";
import { Socket, type SocketConstructorOpts } from "node:net";
import { errnoCode } from "../lib/errors.ts";

interface PipeHandle {
  open(fd: number): number;
}
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

/**
 * libuv's stream over any descriptor it can poll. `new net.Socket({ fd })` refuses the two that are needed here, a SEQPACKET socket and
 * the master side of a terminal; the handle itself does not look at the kind. This is the only use of Node's internal binding.
 */
function loadPipeBinding(): PipeBinding {
  const { binding } = process as unknown as { readonly binding: (name: string) => PipeBinding };
  return binding("pipe_wrap");
}

const { Pipe, constants } = loadPipeBinding();

export interface FdStreamOptions {
  readonly isReadable: boolean;
  readonly isWritable: boolean;
}

/** Takes over `fd`, made non-blocking; it is closed with the stream. Half-close is left to the user of it. */
export function streamOverFd(fd: number, { isReadable, isWritable }: FdStreamOptions): Socket {
  const handle = new Pipe(constants.SOCKET);
  const failure = handle.open(fd);
  if (failure !== 0) throw new Error(`cannot read descriptor ${fd} as a stream: ${failure}`);
  const options: SocketConstructorOpts & { readonly handle: PipeHandle; readonly manualStart: boolean } = {
    handle,
    readable: isReadable,
    writable: isWritable,
    allowHalfOpen: true,
    manualStart: true,
  };
  return isReadable ? new DrainingStream(options, fd) : new Socket(options);
}

const CHUNK_BYTES = 64 * 1024;

/**
 * What was sent before stays readable, so none of these ends the reading: EIO is a terminal's end, ECONNRESET is a socket that was
 * closed before all that was written to it was read, EPIPE is written to one that is closed.
 */
const OTHER_SIDE_GONE: ReadonlySet<string> = new Set(["EIO", "ECONNRESET", "EPIPE"]);

/**
 * When the other side is gone, libuv takes a read of less than a buffer for the last one. That holds for a pipe; but a packet is nearly
 * always less, and a terminal gives its data piecemeal: so what is left is read before the end is told.
 */
class DrainingStream extends Socket {
  readonly #fd: number;

  constructor(options: SocketConstructorOpts, fd: number) {
    super(options);
    this.#fd = fd;
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null && !this.destroyed) for (const rest of readRest(this.#fd)) super.push(rest);
    return super.push(chunk, encoding);
  }

  override destroy(error?: Error): this {
    if (!OTHER_SIDE_GONE.has(errnoCode(error) ?? "")) return super.destroy(error);
    this.push(null);
    return this;
  }
}

function* readRest(fd: number): Generator<Buffer> {
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let bytes = 0;
    try {
      bytes = readSync(fd, chunk, 0, CHUNK_BYTES, null);
    } catch {
      return; // Nothing more now (EAGAIN), or ever (EIO, ECONNRESET).
    }
    if (bytes === 0) return;
    yield chunk.subarray(0, bytes);
  }
}
