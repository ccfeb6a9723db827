import { OperationError } from "../lib/errors.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { ENTRY_OVERHEAD_BYTES } from "./log.ts";
import { ENTRY_KINDS, type Entry, type HardState, type Member, type Message, type SnapshotMeta } from "./types.ts";

const WIRE_VERSION = 1;
/** The position is the byte on the wire and in the log: only ever add at the end. */
const MESSAGE_KINDS = [
  "pre-vote-request",
  "vote-request",
  "pre-vote-response",
  "vote-response",
  "append-request",
  "append-response",
  "heartbeat",
  "heartbeat-response",
  "timeout-now",
  "read-request",
  "read-response",
  "install-snapshot",
] as const satisfies readonly Message["kind"][];

function kindAt<T>(kinds: readonly T[], at: number): T {
  const kind = kinds[at];
  if (kind === undefined) throw new OperationError("invalid", `unknown kind ${at}`);
  return kind;
}

export function writeMembers(writer: ByteWriter, members: readonly Member[]): void {
  writer.uint(members.length);
  for (const { raftId, address, isLearner } of members) writer.uint(raftId).text(address).flag(isLearner);
}

export function readMembers(reader: ByteReader): readonly Member[] {
  const members: Member[] = [];
  for (let left = reader.uint(); left > 0; left--) {
    members.push({ raftId: reader.uint(), address: reader.text(), isLearner: reader.flag() });
  }
  return members;
}

/** The data of a `membership` entry. */
export function encodeMembers(members: readonly Member[]): Uint8Array {
  const writer = new ByteWriter();
  writeMembers(writer, members);
  return writer.finish();
}

export function decodeMembers(data: Uint8Array): readonly Member[] {
  const reader = new ByteReader(data);
  const members = readMembers(reader);
  reader.end();
  return members;
}

/** Entries are contiguous, so only the first one's index is written. */
export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.uint(entries.length);
  if (entries.length > 0) writer.uint(entries[0]?.index ?? 0);
  for (const { term, kind, data } of entries) writer.uint(term).byte(ENTRY_KINDS.indexOf(kind)).bytes(data);
}

export function readEntries(reader: ByteReader): readonly Entry[] {
  const count = reader.uint();
  const entries: Entry[] = [];
  if (count === 0) return entries;
  const first = reader.uint();
  for (let at = 0; at < count; at++) {
    entries.push({
      index: first + at,
      term: reader.uint(),
      kind: kindAt(ENTRY_KINDS, reader.byte()),
      data: reader.bytes(),
    });
  }
  return entries;
}

export function entriesSizeHint(entries: readonly Entry[]): number {
  return entries.reduce((size, entry) => size + entry.data.length + ENTRY_OVERHEAD_BYTES, 64);
}

export function writeHardState(writer: ByteWriter, { term, vote, commit }: HardState): void {
  writer.uint(term).uint(vote).uint(commit);
}

export function readHardState(reader: ByteReader): HardState {
  return { term: reader.uint(), vote: reader.uint(), commit: reader.uint() };
}

export function writeSnapshotMeta(writer: ByteWriter, { index, term, members }: SnapshotMeta): void {
  writer.uint(index).uint(term);
  writeMembers(writer, members);
}

export function readSnapshotMeta(reader: ByteReader): SnapshotMeta {
  return { index: reader.uint(), term: reader.uint(), members: readMembers(reader) };
}

/** What one manager sends to another: a message, and where the sender can be answered (a new manager knows no addresses yet). */
export interface Envelope {
  readonly message: Message;
  readonly fromAddress: string;
}

export function encodeEnvelope({ message, fromAddress }: Envelope): Uint8Array {
  const size = message.kind === "append-request" ? entriesSizeHint(message.entries) + 64 : 96;
  const writer = new ByteWriter(size).byte(WIRE_VERSION).text(fromAddress);
  writer.byte(MESSAGE_KINDS.indexOf(message.kind)).uint(message.from).uint(message.to).uint(message.term);
  writeBody(writer, message);
  return writer.finish();
}

function writeBody(writer: ByteWriter, message: Message): void {
  switch (message.kind) {
    case "pre-vote-request":
    case "vote-request":
      writer.uint(message.lastIndex).uint(message.lastTerm).flag(message.isTransfer);
      return;
    case "pre-vote-response":
    case "vote-response":
      writer.flag(message.isGranted);
      return;
    case "append-request":
      writer.uint(message.prevIndex).uint(message.prevTerm).uint(message.commit);
      writeEntries(writer, message.entries);
      return;
    case "append-response":
      writer.uint(message.index).flag(message.isRejected).uint(message.hintIndex).uint(message.hintTerm);
      return;
    case "heartbeat":
      writer.uint(message.commit).uint(message.readRound);
      return;
    case "heartbeat-response":
      writer.uint(message.readRound);
      return;
    case "timeout-now":
      return;
    case "read-request":
      writer.uint(message.requestId);
      return;
    case "read-response":
      writer.uint(message.requestId).uint(message.index);
      return;
    case "install-snapshot":
      writeSnapshotMeta(writer, message.meta);
  }
}

/** @throws OperationError `invalid` when these are no such bytes, or of another version. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== WIRE_VERSION) throw new OperationError("invalid", `raft message of unknown version ${version}`);
  const fromAddress = reader.text();
  const kind = kindAt(MESSAGE_KINDS, reader.byte());
  const message = readBody(reader, kind, { from: reader.uint(), to: reader.uint(), term: reader.uint() });
  reader.end();
  return { message, fromAddress };
}

interface Head {
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

function readBody(reader: ByteReader, kind: Message["kind"], { from, to, term }: Head): Message {
  switch (kind) {
    case "pre-vote-request":
    case "vote-request":
      return { kind, from, to, term, lastIndex: reader.uint(), lastTerm: reader.uint(), isTransfer: reader.flag() };
    case "pre-vote-response":
    case "vote-response":
      return { kind, from, to, term, isGranted: reader.flag() };
    case "append-request": {
      const [prevIndex, prevTerm, commit] = [reader.uint(), reader.uint(), reader.uint()];
      return { kind, from, to, term, prevIndex, prevTerm, commit, entries: readEntries(reader) };
    }
    case "append-response": {
      const [index, isRejected] = [reader.uint(), reader.flag()];
      return { kind, from, to, term, index, isRejected, hintIndex: reader.uint(), hintTerm: reader.uint() };
    }
    case "heartbeat":
      return { kind, from, to, term, commit: reader.uint(), readRound: reader.uint() };
    case "heartbeat-response":
      return { kind, from, to, term, readRound: reader.uint() };
    case "timeout-now":
      return { kind, from, to, term };
    case "read-request":
      return { kind, from, to, term, requestId: reader.uint() };
    case "read-response":
      return { kind, from, to, term, requestId: reader.uint(), index: reader.uint() };
    case "install-snapshot":
      return { kind, from, to, term, meta: readSnapshotMeta(reader) };
  }
}
