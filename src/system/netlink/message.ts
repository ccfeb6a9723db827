/** The binary form of what is asked of the kernel's routing tables; numbers are the machine's own order (little-endian on all we run on). @see netlink(7), rtnetlink(7) */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const ALIGNMENT_BYTES = 4;
const NLMSG_ERROR = 2;

export interface NetlinkMessage {
  readonly type: number;
  /** Besides those that each has: it is a request, and wants an answer. */
  readonly flags: number;
  /** What stands behind the header: a fixed part and attributes. */
  readonly body: Buffer;
}

/** One attribute, with its padding. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = ATTRIBUTE_HEADER_BYTES + value.length;
  const buffer = Buffer.alloc(aligned(bytes));
  buffer.writeUInt16LE(bytes, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(value, ATTRIBUTE_HEADER_BYTES);
  return buffer;
}

export function textAttribute(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`));
}

export function numberAttribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return attribute(type, bytes);
}

export function nestedAttribute(type: number, parts: readonly Uint8Array[]): Buffer {
  return attribute(type, Buffer.concat(parts));
}

/** All in one packet: the kernel takes them in order and answers each, also those behind one that failed. @param firstSequence - Of the first; each next one has the next number. */
export function encodeMessages(messages: readonly NetlinkMessage[], firstSequence: number): Buffer {
  return Buffer.concat(
    messages.flatMap(({ type, flags, body }, index) => {
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32LE(HEADER_BYTES + body.length, 0);
      header.writeUInt16LE(type, 4);
      header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6);
      header.writeUInt32LE(firstSequence + index, 8);
      return [header, body, Buffer.alloc(aligned(body.length) - body.length)];
    }),
  );
}

export interface NetlinkAnswer {
  readonly sequence: number;
  /** 0: it was done. */
  readonly errno: number;
}

/** What one read gives: one answer or several. */
export function decodeAnswers(packet: Buffer): readonly NetlinkAnswer[] {
  const answers: NetlinkAnswer[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= packet.length; ) {
    const bytes = packet.readUInt32LE(offset);
    if (bytes < HEADER_BYTES) break;
    if (packet.readUInt16LE(offset + 4) === NLMSG_ERROR) {
      answers.push({ sequence: packet.readUInt32LE(offset + 8), errno: -packet.readInt32LE(offset + HEADER_BYTES) });
    }
    offset += aligned(bytes);
  }
  return answers;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
