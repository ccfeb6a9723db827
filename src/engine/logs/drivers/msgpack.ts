/** As much of MessagePack as fluentd's forward protocol needs. @see https://github.com/msgpack/msgpack/blob/master/spec.md */
export type Packable = string | number | Uint8Array | EventTime | readonly Packable[] | { readonly [key: string]: Packable };

/** fluentd's extension for times with ns. */
export class EventTime {
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

/** Bytes are packed as a string: a container may print what is no UTF-8, and gets it through unchanged. */
export function pack(value: Packable): Buffer {
  const parts: Uint8Array[] = [];
  add(value, parts);
  return Buffer.concat(parts);
}

function add(value: Packable, parts: Uint8Array[]): void {
  if (typeof value === "string") addText(Buffer.from(value), parts);
  else if (typeof value === "number") parts.push(packedInteger(value));
  else if (value instanceof Uint8Array) addText(value, parts);
  else if (value instanceof EventTime) parts.push(packedTime(value));
  else if (isList(value)) {
    parts.push(lengthHead(value.length, { fixed: 0x90, fixedMax: 15, heads: [undefined, 0xdc, 0xdd] }));
    for (const item of value) add(item, parts);
  } else {
    const entries = Object.entries(value);
    parts.push(lengthHead(entries.length, { fixed: 0x80, fixedMax: 15, heads: [undefined, 0xde, 0xdf] }));
    for (const [name, item] of entries) {
      addText(Buffer.from(name), parts);
      add(item, parts);
    }
  }
}

function isList(value: Packable): value is readonly Packable[] {
  return Array.isArray(value);
}

function addText(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(lengthHead(bytes.length, { fixed: 0xa0, fixedMax: 31, heads: [0xd9, 0xda, 0xdb] }), bytes);
}

interface Heads {
  readonly fixed: number;
  readonly fixedMax: number;
  /** With a length of one, two and four bytes. */
  readonly heads: readonly [number | undefined, number, number];
}

function lengthHead(length: number, { fixed, fixedMax, heads }: Heads): Buffer {
  if (length <= fixedMax) return Buffer.from([fixed | length]);
  if (length <= 0xff && heads[0] !== undefined) return Buffer.from([heads[0], length]);
  if (length <= 0xffff) return Buffer.from([heads[1], length >> 8, length & 0xff]);
  const head = Buffer.alloc(5);
  head[0] = heads[2];
  head.writeUInt32BE(length, 1);
  return head;
}

/** Of seconds since 1970: never below zero here. */
function packedInteger(value: number): Buffer {
  if (value <= 0x7f) return Buffer.from([value]);
  const packed = Buffer.alloc(9);
  packed[0] = 0xcf;
  packed.writeBigUInt64BE(BigInt(value), 1);
  return packed;
}

function packedTime({ seconds, nanoseconds }: EventTime): Buffer {
  const packed = Buffer.alloc(10);
  packed[0] = 0xd7; // An extension of 8 bytes, of type 0.
  packed.writeUInt32BE(seconds >>> 0, 2);
  packed.writeUInt32BE(nanoseconds, 6);
  return packed;
}

/** A map of one text, which is how a server acknowledges. `undefined`: not all of it is there yet. */
export function unpackAcknowledgement(data: Buffer): { readonly ack: string; readonly usedBytes: number } | undefined {
  if (data.length === 0) return undefined;
  if (data[0] !== 0x81) throw new Error("the server's answer is no acknowledgement");
  const name = unpackText(data, 1);
  const value = name === undefined ? undefined : unpackText(data, name.end);
  if (name === undefined || value === undefined) return undefined;
  if (name.text !== "ack") throw new Error("the server's answer is no acknowledgement");
  return { ack: value.text, usedBytes: value.end };
}

function unpackText(data: Buffer, start: number): { readonly text: string; readonly end: number } | undefined {
  const head = data[start];
  if (head === undefined) return undefined;
  if ((head & 0xe0) === 0xa0) return textAt(data, start + 1, head & 0x1f);
  if (head === 0xd9 || head === 0xc4) {
    const length = data[start + 1];
    return length === undefined ? undefined : textAt(data, start + 2, length);
  }
  throw new Error("the server's answer is no acknowledgement");
}

function textAt(data: Buffer, start: number, length: number) {
  const end = start + length;
  return data.length < end ? undefined : { text: data.toString("utf8", start, end), end };
}
