import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { OperationError } from "../lib/errors.ts";
import { streamOverFd } from "./fd-stream.ts";
import { declareChecked, koffi, SystemCallError } from "./libc.ts";

koffi.struct("shoal_iovec", { base: "void *", length: "size_t" });
koffi.struct("shoal_msghdr", {
  name: "void *",
  nameLength: "uint32",
  vectors: "shoal_iovec *",
  vectorCount: "size_t",
  control: "void *",
  controlLength: "size_t",
  flags: "int",
});
interface MessageHeader {
  readonly name: null;
  readonly nameLength: number;
  readonly vectors: readonly { readonly base: Buffer; readonly length: number }[];
  readonly vectorCount: number;
  readonly control: Buffer;
  readonly controlLength: number;
  readonly flags: number;
}
const receiveMessage = declareChecked<[fd: number, message: MessageHeader, flags: number]>(
  "recvmsg",
  "long recvmsg(int fd, shoal_msghdr *message, int flags)",
);
const setWindowSize = declareChecked<[fd: number, request: number, size: Uint16Array]>(
  "ioctl",
  "int ioctl(int fd, ulong request, const uint16_t *size)",
);

const TIOCSWINSZ = 0x5414;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** A control message of one descriptor: length (8), level (4), type (4), descriptor (4), padded to 24. */
const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 20;
const NAME_BYTES_MAX = 4_096;
/** Of a unix socket's address; what is longer is cut off in silence. */
const PATH_BYTES_MAX = 107;
const RETRY_MS = 1;

export interface TerminalConsole {
  /** Reads and writes what the terminal shows and takes. */
  readonly stream: Socket;
  /** Nothing happens once the stream is closed. */
  resize(size: { readonly heightCells: number; readonly widthCells: number }): void;
}

export interface ConsoleListener {
  readonly console: Promise<TerminalConsole | undefined>;
  close(): void;
}

/** Listens on a unix socket on which an OCI runtime hands over the master side of the terminal it made. @see runc docs/terminals.md. */
export async function listenForConsole(path: string): Promise<ConsoleListener> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) throw new OperationError("internal", `the socket path ${path} is too long`);
  const server = createServer({ pauseOnConnect: true });
  server.listen(path);
  await once(server, "listening");
  let close = (): void => undefined;
  const console = new Promise<TerminalConsole | undefined>(resolve => {
    server.once("connection", connection => {
      server.close();
      void receive(connection).then(resolve);
    });
    close = () => {
      if (!server.listening) return; // A connection was taken: what comes of it is the answer.
      server.close();
      resolve(undefined);
    };
  });
  return { console, close: () => close() };
}

/** `undefined` when the runtime went away without handing one over. */
async function receive(connection: Socket): Promise<TerminalConsole | undefined> {
  const { _handle: handle } = connection as unknown as { readonly _handle: { readonly fd: number } };
  try {
    for (;;) {
      const received = receiveDescriptor(handle.fd);
      if (received === "none") return undefined;
      if (received !== "later") return terminalOver(received);
      await new Promise(resolve => setTimeout(resolve, RETRY_MS)); // It connected to send: what it sends is a moment away.
    }
  } finally {
    connection.destroy();
  }
}

function receiveDescriptor(fd: number): number | "later" | "none" {
  const name = Buffer.alloc(NAME_BYTES_MAX);
  const control = Buffer.alloc(CONTROL_BYTES);
  const message = {
    name: null,
    nameLength: 0,
    vectors: [{ base: name, length: name.length }],
    vectorCount: 1,
    control,
    controlLength: CONTROL_BYTES,
    flags: 0,
  };
  try {
    receiveMessage(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "EAGAIN" || error.code === "EINTR")) return "later";
    return "none";
  }
  const isDescriptor =
    control.readBigUInt64LE(0) === BigInt(CONTROL_LENGTH) &&
    control.readInt32LE(8) === SOL_SOCKET &&
    control.readInt32LE(12) === SCM_RIGHTS;
  return isDescriptor ? control.readInt32LE(16) : "none";
}

function terminalOver(fd: number): TerminalConsole {
  const stream = streamOverFd(fd, { isReadable: true, isWritable: true });
  return {
    stream,
    resize({ heightCells, widthCells }) {
      if (!stream.destroyed) setWindowSize(fd, TIOCSWINSZ, Uint16Array.of(heightCells, widthCells, 0, 0));
    },
  };
}
