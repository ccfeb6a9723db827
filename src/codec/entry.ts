import { assertNever } from "../lib/assert.ts";
import { asId, type ClusterObjectId, type RequestId } from "../model/ids.ts";
import { type Change, type Entry, TABLE_NAMES, type TableName, type Tables } from "../model/entry.ts";
import * as wire from "../gen/objects.ts";
import { bytes, bytesOf, type BytesCodec, type Codec, list, needed, UnknownWireValue, word } from "./combinators.ts";
import { cluster, config, network, node, secret, task } from "./objects.ts";
import { revision, service } from "./service.ts";

/**
 * The newest entry and snapshot format this program reads. It writes what is in force in its cluster, which is raised when all managers can
 * read more. What each format has that earlier ones have not is in `format-needs.ts`.
 */
export const FORMAT_LEVEL = 2;
/** Of clusters that do not say. */
export const FIRST_FORMAT_LEVEL = 1;

/** An object with the table it belongs to. */
export type StoredObject = { readonly [Name in TableName]: { readonly table: Name; readonly object: Tables[Name] } }[TableName];

const tableName = word(TABLE_NAMES);

export const storedObject: Codec<StoredObject, wire.StoredObject> = {
  toWire: stored => ({ object: toCase(stored) }),
  fromWire({ object }) {
    if (object === undefined) throw new UnknownWireValue("an object of an unknown table");
    switch (object.$case) {
      case "cluster":
        return { table: "cluster", object: cluster.fromWire(object.value) };
      case "node":
        return { table: "node", object: node.fromWire(object.value) };
      case "service":
        return { table: "service", object: service.fromWire(object.value) };
      case "revision":
        return { table: "revision", object: revision.fromWire(object.value) };
      case "task":
        return { table: "task", object: task.fromWire(object.value) };
      case "network":
        return { table: "network", object: network.fromWire(object.value) };
      case "secret":
        return { table: "secret", object: secret.fromWire(object.value) };
      case "config":
        return { table: "config", object: config.fromWire(object.value) };
      default:
        return assertNever(object);
    }
  },
};

function toCase(stored: StoredObject): NonNullable<wire.StoredObject["object"]> {
  switch (stored.table) {
    case "cluster":
      return { $case: "cluster", value: cluster.toWire(stored.object) };
    case "node":
      return { $case: "node", value: node.toWire(stored.object) };
    case "service":
      return { $case: "service", value: service.toWire(stored.object) };
    case "revision":
      return { $case: "revision", value: revision.toWire(stored.object) };
    case "task":
      return { $case: "task", value: task.toWire(stored.object) };
    case "network":
      return { $case: "network", value: network.toWire(stored.object) };
    case "secret":
      return { $case: "secret", value: secret.toWire(stored.object) };
    case "config":
      return { $case: "config", value: config.toWire(stored.object) };
    default:
      return assertNever(stored);
  }
}

const change: Codec<Change, wire.Change> = {
  toWire: value =>
    value.kind === "put"
      ? { change: { $case: "put", value: storedObject.toWire(value) }, basedOn: value.basedOn }
      : { change: { $case: "remove", value: { table: value.table, id: value.id } }, basedOn: value.basedOn },
  fromWire({ change: what, basedOn }) {
    switch (what?.$case) {
      case "put":
        return { kind: "put", ...storedObject.fromWire(what.value), basedOn };
      case "remove":
        return {
          kind: "remove",
          table: tableName.fromWire(what.value.table),
          id: asId<ClusterObjectId>(what.value.id),
          basedOn,
        };
      default:
        throw new UnknownWireValue("a change of an unknown kind");
    }
  },
};
const changes = list(change);

const entryMessage: Codec<Entry, wire.Entry> = {
  toWire: entry => ({
    level: entry.level ?? FIRST_FORMAT_LEVEL,
    changes: changes.toWire(entry.changes),
    reliesOn: [...entry.reliesOn],
    atMs: entry.atMs,
    term: entry.term,
    request: entry.request,
  }),
  fromWire(value) {
    if (value.level > FORMAT_LEVEL)
      throw new UnknownWireValue(`an entry of level ${value.level}; this program reads ${FORMAT_LEVEL}`);
    return {
      changes: changes.fromWire(value.changes),
      reliesOn: value.reliesOn.map(({ table, id, version }) => ({
        table: tableName.fromWire(table),
        id: asId<ClusterObjectId>(id),
        version,
      })),
      atMs: value.atMs,
      ...(value.level > FIRST_FORMAT_LEVEL ? { level: value.level } : {}),
      ...(value.term === undefined ? {} : { term: value.term }),
      ...(value.request === undefined
        ? {}
        : { request: { id: asId<RequestId>(value.request.id), result: bytes.fromWire(value.request.result) } }),
    };
  },
};

/** A Raft entry's data. Decoding throws UnknownWireValue on what this program does not know: the process must not go on. */
export const entryBytes: BytesCodec<Entry> = bytesOf(entryMessage, wire.Entry);

export type SnapshotRecord =
  | { readonly kind: "header"; readonly index: number; readonly level: number }
  | { readonly kind: "object"; readonly stored: StoredObject }
  | { readonly kind: "request"; readonly id: RequestId; readonly index: number; readonly result: Uint8Array }
  | { readonly kind: "end"; readonly count: number };

const neededObject = needed(storedObject);

const snapshotMessage: Codec<SnapshotRecord, wire.SnapshotRecord> = {
  toWire(value) {
    switch (value.kind) {
      case "header":
        return { record: { $case: "header", value: { level: value.level, index: value.index } } };
      case "object":
        return { record: { $case: "object", value: storedObject.toWire(value.stored) } };
      case "request":
        return { record: { $case: "request", value: { id: value.id, index: value.index, result: value.result } } };
      case "end":
        return { record: { $case: "end", value: { count: value.count } } };
      default:
        return assertNever(value);
    }
  },
  fromWire({ record }) {
    switch (record?.$case) {
      case "header":
        if (record.value.level > FORMAT_LEVEL) throw new UnknownWireValue(`a snapshot of level ${record.value.level}`);
        return { kind: "header", index: record.value.index, level: record.value.level };
      case "object":
        return { kind: "object", stored: neededObject.fromWire(record.value) };
      case "request": {
        const { id, index, result } = record.value;
        return { kind: "request", id: asId<RequestId>(id), index, result: bytes.fromWire(result) };
      }
      case "end":
        return { kind: "end", count: record.value.count };
      default:
        throw new UnknownWireValue("a snapshot record of an unknown kind");
    }
  },
};

export const snapshotRecordBytes: BytesCodec<SnapshotRecord> = bytesOf(snapshotMessage, wire.SnapshotRecord);
