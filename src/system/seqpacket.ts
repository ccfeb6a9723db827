import { closeSync, constants, openSync } from "node:fs";
import type { Socket } from "node:net";
import { basename, dirname } from "node:path";
import { streamOverFd } from "./fd-stream.ts";
import { closeFd, declareChecked } from "./libc.ts";

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const connect = declareChecked<[fd: number, address: Buffer, length: number]>(
  "connect",
  "int connect(int fd, const void *address, int length)",
);

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const ADDRESS_BYTES = 110;

/** conmon reads a packet into a buffer of this size and drops the rest of it in silence. */
export const PACKET_BYTES_MAX = 32_768;

/** A connected packet socket. Packets are handed on as they come: the socket is always read, whoever listens. */
export interface PacketSocket {
  /** Resolves when all of it was taken by the socket; split into packets of at most `PACKET_BYTES_MAX`, one after the other. */
  write(data: Uint8Array): Promise<void>;
  /** Half-close: no more is written, reading goes on. */
  endWriting(): void;
  /** The peer, and whoever it reads from, waits until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface PacketListener {
  onPacket(packet: Uint8Array): void;
  /** Called once, when the peer is gone or `close` was called. */
  onEnd(): void;
}

/** Connects at once: a unix socket's connect does not wait. The socket closes on exec, so that no child holds it. */
export function connectPacketSocket(path: string, listener: PacketListener): PacketSocket {
  const stream = streamOverFd(connectFd(path), { isReadable: true, isWritable: true });
  stream.on("data", (packet: Buffer) => listener.onPacket(packet));
  stream.on("end", () => stream.destroy());
  stream.on("error", () => stream.destroy());
  stream.on("close", () => listener.onEnd());
  let lastWrite = Promise.resolve();
  return {
    write(data) {
      lastWrite = lastWrite.then(() => writePackets(stream, data));
      const result = lastWrite;
      lastWrite = lastWrite.catch(() => undefined); // One failed write is told to its own caller only.
      return result;
    },
    endWriting: () => void lastWrite.then(() => stream.end()),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close: () => void stream.destroy(),
  };
}

/** The path in the address is at most 107 bytes long; through the folder's descriptor any path is short. */
function connectFd(path: string): number {
  const folder = openSync(dirname(path), O_PATH | constants.O_DIRECTORY);
  const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  try {
    const shortPath = `/proc/self/fd/${folder}/${basename(path)}`;
    const address = Buffer.alloc(ADDRESS_BYTES);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(shortPath, 2);
    connect(fd, address, 2 + shortPath.length + 1);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  } finally {
    closeSync(folder);
  }
}

/** Two chunks given to the stream together would be joined into one packet: each waits for the one before. */
async function writePackets(stream: Socket, data: Uint8Array): Promise<void> {
  for (let offset = 0; offset < data.length; offset += PACKET_BYTES_MAX) {
    const packet = data.subarray(offset, offset + PACKET_BYTES_MAX);
    await new Promise<void>((resolve, reject) => {
      stream.write(packet, error => (error ? reject(error) : resolve()));
    });
  }
}
