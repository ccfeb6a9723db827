import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { OperationError } from "../lib/errors.ts";
import { streamOverFd } from "./fd-stream.ts";
import { declareChecked, SystemCallError } from "./libc.ts";
import {
  descriptorControl,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  messageOf,
  receivedDescriptor,
  receiveMessage,
} from "./message-header.ts";

const setWindowSize = declareChecked<[fd: number, request: number, size: Uint16Array]>(
  "ioctl",
  "int ioctl(int fd, ulong request, const uint16_t *size)",
);

const TIOCSWINSZ = 0x5414;
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
  /** Nobody will connect any more. Who has by now is still heard. */
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
      // Whoever connected before this call may not have been heard of yet: the event loop asks the kernel once more first.
      setImmediate(() =>
        setImmediate(() => {
          if (!server.listening) return; // A connection was taken: what comes of it is the answer.
          server.close();
          resolve(undefined);
        }),
      );
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
  const control = descriptorControl();
  const message = messageOf(Buffer.alloc(NAME_BYTES_MAX), control);
  try {
    receiveMessage(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "EAGAIN" || error.code === "EINTR")) return "later";
    return "none";
  }
  return receivedDescriptor(control) ?? "none";
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
