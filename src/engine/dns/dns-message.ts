import packet, { type Answer, type DecodedPacket, type Packet } from "dns-packet";

const UDP_BYTES_MIN = 512;
/** Larger answers would be cut into fragments on a common path. */
const UDP_BYTES_MAX = 1_232;
const TTL_SECONDS = 600;

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
  return encode(query, { answers: [], rcode, isTruncated: false });
}

/**
 * As many records as the client can take, so that it need not ask again over TCP, which some cannot. Only when not even one fits is
 * the answer marked as cut.
 */
export function addressReply(
  query: Query,
  addresses: readonly string[],
  { transport }: { readonly transport: "udp" | "tcp" },
): Uint8Array {
  const name = query.packet.questions?.[0]?.name ?? query.name;
  const answers = addresses.map((data): Answer => ({ type: "A", class: "IN", name, ttl: TTL_SECONDS, data }));
  return fit(query, answers, transport);
}

export function nameReply(query: Query, name: string, { transport }: { readonly transport: "udp" | "tcp" }): Uint8Array {
  const question = query.packet.questions?.[0]?.name ?? query.name;
  return fit(query, [{ type: "PTR", class: "IN", name: question, ttl: TTL_SECONDS, data: name }], transport);
}

function fit(query: Query, answers: readonly Answer[], transport: "udp" | "tcp"): Uint8Array {
  const bytesMax = transport === "tcp" ? 65_535 : udpBytesMax(query.packet);
  for (let count = answers.length; count > 0; count = shrink(count, answers.length)) {
    const reply = encode(query, { answers: answers.slice(0, count), rcode: "NOERROR", isTruncated: false });
    if (reply.length <= bytesMax) return reply;
  }
  return encode(query, { answers: [], rcode: "NOERROR", isTruncated: answers.length > 0 });
}

/** Records of one reply are equally long but for the first, so large steps lose little. */
function shrink(count: number, total: number): number {
  return count - Math.max(1, Math.floor(total / 64));
}

function udpBytesMax({ additionals = [] }: Packet): number {
  const option = additionals.find(record => record.type === "OPT");
  const wanted = option?.type === "OPT" ? option.udpPayloadSize : UDP_BYTES_MIN;
  return Math.min(Math.max(wanted, UDP_BYTES_MIN), UDP_BYTES_MAX);
}

function encode(
  query: Query,
  { answers, rcode, isTruncated }: { readonly answers: Answer[]; readonly rcode: Rcode; readonly isTruncated: boolean },
): Uint8Array {
  const isRecursionDesired = ((query.packet.flags ?? 0) & packet.RECURSION_DESIRED) !== 0;
  const flags =
    packet.RECURSION_AVAILABLE |
    (isRecursionDesired ? packet.RECURSION_DESIRED : 0) |
    (isTruncated ? packet.TRUNCATED_RESPONSE : 0) |
    RCODES[rcode];
  const questions = query.packet.questions ?? [];
  return packet.encode({ type: "response", id: query.packet.id ?? 0, flags, questions, answers });
}
