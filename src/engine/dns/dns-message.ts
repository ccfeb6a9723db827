import packet, { type Answer, type DecodedPacket, type Packet } from "dns-packet";
import type { IpAddress } from "../../lib/ip-address.ts";

const UDP_BYTES_MIN = 512;
/** Larger answers would be cut into fragments on a common path. */
const UDP_BYTES_MAX = 1_232;
const TCP_BYTES_MAX = 65_535;
const TTL_SECONDS = 600;

/** Of a record but its data. */
const RECORD_HEAD_BYTES = 12;
const ADDRESS_TYPES = { 4: 1, 6: 28 } as const; // A, AAAA
const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;
const ANSWER_COUNT_OFFSET = 6;
/** A compression pointer to offset 12, where the question's name is. */
const NAME_OF_QUESTION = 0xc00c;

export type Rcode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP";
const RCODES: Record<Rcode, number> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4 };

export interface Query {
  readonly packet: DecodedPacket;
  /** Lower case, without the dot at the end. */
  readonly name: string;
  readonly type: string;
}

/** @returns `undefined` for what is no query with one question. */
export function decodeQuery(message: Uint8Array): Query | undefined {
  let decoded: DecodedPacket;
  try {
    decoded = packet.decode(Buffer.from(message));
  } catch {
    return undefined;
  }
  const [question, ...others] = decoded.questions ?? [];
  if (decoded.type !== "query" || question === undefined || others.length > 0) return undefined;
  return { packet: decoded, name: question.name.toLowerCase().replace(/\.$/, ""), type: question.type };
}

export function isServerFailure(reply: Uint8Array): boolean {
  const rcode = (reply[3] ?? 0) & 15;
  return rcode === RCODES.SERVFAIL || rcode === 5; // 5: refused.
}

/** An answer without records. */
export function emptyReply(query: Query, rcode: Rcode): Uint8Array {
  return encode(query, { rcode });
}

/**
 * As many records of addresses of one family as the client can take, so that it need not ask again over TCP, which some cannot. Only when not even one fits is
 * the answer marked as cut.
 */
export function addressReply(
  query: Query,
  addresses: readonly IpAddress[],
  { transport }: { readonly transport: "udp" | "tcp" },
): Uint8Array {
  const bytesMax = transport === "tcp" ? TCP_BYTES_MAX : udpBytesMax(query.packet);
  const empty = encode(query, {});
  const [first] = addresses;
  const recordBytes = RECORD_HEAD_BYTES + ADDRESS_BYTES[first?.family ?? 4];
  const count = Math.min(addresses.length, Math.floor((bytesMax - empty.length) / recordBytes));
  if (count <= 0) return addresses.length === 0 ? empty : encode(query, { isTruncated: true });
  const reply = Buffer.concat([empty, ...addresses.slice(0, count).map(addressRecord)]);
  reply.writeUInt16BE(count, ANSWER_COUNT_OFFSET);
  return reply;
}

export function nameReply(query: Query, name: string): Uint8Array {
  const question = query.packet.questions?.[0]?.name ?? query.name;
  return encode(query, { answers: [{ type: "PTR", class: "IN", name: question, ttl: TTL_SECONDS, data: name }] });
}

/** Its name is a pointer to the question's, so that every record is as long whatever the name. */
function addressRecord({ family, value }: IpAddress): Buffer {
  const bytes = ADDRESS_BYTES[family];
  const record = Buffer.alloc(RECORD_HEAD_BYTES + bytes);
  record.writeUInt16BE(NAME_OF_QUESTION, 0);
  record.writeUInt16BE(ADDRESS_TYPES[family], 2);
  record.writeUInt16BE(1, 4); // IN
  record.writeUInt32BE(TTL_SECONDS, 6);
  record.writeUInt16BE(bytes, 10);
  record.write(value.toString(16).padStart(bytes * 2, "0"), RECORD_HEAD_BYTES, "hex");
  return record;
}

function udpBytesMax({ additionals = [] }: Packet): number {
  const option = additionals.find(record => record.type === "OPT");
  const wanted = option?.type === "OPT" ? option.udpPayloadSize : UDP_BYTES_MIN;
  return Math.min(Math.max(wanted, UDP_BYTES_MIN), UDP_BYTES_MAX);
}

function encode(
  query: Query,
  {
    answers = [],
    rcode = "NOERROR",
    isTruncated = false,
  }: { readonly answers?: Answer[]; readonly rcode?: Rcode; readonly isTruncated?: boolean },
): Buffer {
  const isRecursionDesired = ((query.packet.flags ?? 0) & packet.RECURSION_DESIRED) !== 0;
  const flags =
    packet.RECURSION_AVAILABLE |
    (isRecursionDesired ? packet.RECURSION_DESIRED : 0) |
    (isTruncated ? packet.TRUNCATED_RESPONSE : 0) |
    RCODES[rcode];
  const questions = query.packet.questions ?? [];
  return packet.encode({ type: "response", id: query.packet.id ?? 0, flags, questions, answers });
}
