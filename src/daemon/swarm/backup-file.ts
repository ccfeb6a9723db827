import { OperationError } from "../../lib/errors.ts";
import type { Random } from "../../ports/random.ts";
import { DataCipher, KEY_BYTES } from "../../system/data-cipher.ts";
import { FrameReader } from "./frame-reader.ts";

/** What a backup says of itself for everybody to read. */
export interface BackupHeader {
  readonly clusterId: string;
  readonly createdAtMs: number;
}

interface HeaderJson extends BackupHeader {
  readonly format: number;
  /** What the rest is sealed with, base 64; missing: the unlock key of the swarm. */
  readonly key?: string;
}

const MAGIC = Buffer.from("shoal swarm backup\n");
const FORMAT = 1;
/** There is one key to a file. */
const KEY_ID = 1;
const HEADER_BYTES_MAX = 4096;
/** Of a sealed part: a chunk of a snapshot, and what sealing adds. */
const PART_BYTES_MAX = 1024 * 1024;
const COUNTER_BYTES = 4;

/**
 * A swarm's state as a file: a header that can be read, then sealed parts (AES-256-GCM), each after its length (4 bytes, big-endian).
 *
 * The first part is the header again, so that it cannot be changed; each of the others begins with its number, and an empty one is the
 * last, so that none can be left out. Where managers are locked the unlock key seals it; else the key is in the header: such a file is as
 * readable as a manager's disk is then, and what was damaged or cut off is still noticed.
 */
export async function* writeBackup(
  chunks: AsyncIterable<Uint8Array>,
  { unlockKey, random, ...header }: BackupHeader & { readonly unlockKey: Uint8Array | undefined; readonly random: Random },
): AsyncGenerator<Uint8Array> {
  const key = unlockKey ?? random.bytes(KEY_BYTES);
  const cipher = new DataCipher([{ id: KEY_ID, key }], random);
  const inTheOpen = unlockKey === undefined ? { key: Buffer.from(key).toString("base64") } : {};
  const text = Buffer.from(JSON.stringify({ format: FORMAT, ...header, ...inTheOpen } satisfies HeaderJson));
  yield Buffer.concat([MAGIC, framed(text), framed(cipher.seal(text))]);
  let count = 0;
  for await (const chunk of chunks) yield framed(cipher.seal(numbered(++count, chunk)));
  yield framed(cipher.seal(numbered(++count, new Uint8Array())));
}

/**
 * The chunks that were given to `writeBackup`.
 * @throws OperationError `unauthorized` when an unlock key is needed or it is another one, `invalid` for everything else that is no whole backup.
 */
export async function* readBackup(
  bytes: AsyncIterable<Uint8Array>,
  { unlockKey, random }: { readonly unlockKey: Uint8Array | undefined; readonly random: Random },
): AsyncGenerator<Uint8Array> {
  await using reader = new FrameReader(bytes, { cutShort: () => invalid("the backup is cut short") });
  const magic = await reader.take(MAGIC.length).catch(() => Buffer.alloc(0));
  if (!magic.equals(MAGIC)) throw invalid("this is no backup of a swarm");
  const text = await part(reader, HEADER_BYTES_MAX);
  const cipher = cipherFor(headerFrom(text), { unlockKey, random });
  if (!Buffer.from(opened(cipher, await part(reader, HEADER_BYTES_MAX), { isFirst: true })).equals(text)) throw damaged();
  for (let count = 1; ; count++) {
    const plain = Buffer.from(opened(cipher, await part(reader, PART_BYTES_MAX)));
    if (plain.length < COUNTER_BYTES || plain.readUInt32BE(0) !== count) throw damaged();
    if (plain.length === COUNTER_BYTES) break;
    yield plain.subarray(COUNTER_BYTES);
  }
  if (!(await reader.isAtEnd())) throw invalid("the backup goes on after its end");
}

interface Cipher {
  readonly isOfUnlockKey: boolean;
  readonly open: (sealed: Uint8Array) => Uint8Array;
}

function cipherFor(
  { key }: HeaderJson,
  { unlockKey, random }: { readonly unlockKey: Uint8Array | undefined; readonly random: Random },
): Cipher {
  const bytes = key === undefined ? unlockKey : Buffer.from(key, "base64");
  if (bytes === undefined) throw new OperationError("unauthorized", BACKUP_LOCKED);
  if (bytes.length !== KEY_BYTES) throw key === undefined ? wrongKey() : damaged();
  const cipher = new DataCipher([{ id: KEY_ID, key: bytes }], random);
  return { isOfUnlockKey: key === undefined, open: sealed => cipher.open(sealed) };
}

export const BACKUP_LOCKED = "the backup is locked: the unlock key that its swarm had is needed";

function opened({ isOfUnlockKey, open }: Cipher, sealed: Uint8Array, { isFirst = false } = {}): Uint8Array {
  try {
    return open(sealed);
  } catch (cause) {
    throw isFirst && isOfUnlockKey ? wrongKey(cause) : damaged(cause);
  }
}

function headerFrom(text: Buffer): HeaderJson {
  let header: HeaderJson;
  try {
    header = JSON.parse(text.toString()) as HeaderJson;
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof header.format !== "number") throw damaged();
  if (header.format > FORMAT) throw invalid(`the backup is in format ${header.format}, which a later version wrote`);
  return header;
}

async function part(reader: FrameReader, bytesMax: number): Promise<Buffer> {
  const length = (await reader.take(4)).readUInt32BE(0);
  if (length > bytesMax) throw damaged();
  return await reader.take(length);
}

function framed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function numbered(count: number, chunk: Uint8Array): Buffer {
  const number = Buffer.alloc(COUNTER_BYTES);
  number.writeUInt32BE(count);
  return Buffer.concat([number, chunk]);
}

function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}

function wrongKey(cause?: unknown): OperationError {
  return new OperationError("unauthorized", "the backup could not be unlocked: invalid key provided", { cause });
}

function damaged(cause?: unknown): OperationError {
  return new OperationError("invalid", "the backup is damaged", { cause });
}
