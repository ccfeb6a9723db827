import { declareChecked, koffi } from "./libc.ts";

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

/** `struct msghdr`, of messages on a connected socket. */
export interface MessageHeader {
  readonly name: null;
  readonly nameLength: 0;
  readonly vectors: readonly { readonly base: Buffer; readonly length: number }[];
  readonly vectorCount: number;
  readonly control: Buffer;
  readonly controlLength: number;
  readonly flags: number;
}

export const receiveMessage = declareChecked<[fd: number, message: MessageHeader, flags: number]>(
  "recvmsg",
  "long recvmsg(int fd, shoal_msghdr *message, int flags)",
);
export const sendMessage = declareChecked<[fd: number, message: MessageHeader, flags: number]>(
  "sendmsg",
  "long sendmsg(int fd, const shoal_msghdr *message, int flags)",
);

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** A control message of one descriptor: length (8), level (4), type (4), descriptor (4), padded to 24. */
const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 20;

/** One message with room for, or with, one descriptor. */
export function messageOf(data: Buffer, control: Buffer): MessageHeader {
  const vectors = [{ base: data, length: data.length }];
  return { name: null, nameLength: 0, vectors, vectorCount: 1, control, controlLength: control.length, flags: 0 };
}

/** Carries `fd` to the other side, or is filled in with the one that comes. */
export function descriptorControl(fd?: number): Buffer {
  const control = Buffer.alloc(CONTROL_BYTES);
  if (fd === undefined) return control;
  control.writeBigUInt64LE(BigInt(CONTROL_LENGTH), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  return control;
}

/** The descriptor that came with a message, if one did. */
export function receivedDescriptor(control: Buffer): number | undefined {
  const isDescriptor =
    control.readBigUInt64LE(0) === BigInt(CONTROL_LENGTH) &&
    control.readInt32LE(8) === SOL_SOCKET &&
    control.readInt32LE(12) === SCM_RIGHTS;
  return isDescriptor ? control.readInt32LE(16) : undefined;
}
