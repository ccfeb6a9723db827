import { FIRST_FORMAT_LEVEL, snapshotRecordBytes, type SnapshotRecord, type StoredObject } from "../../codec/entry.ts";
import { TABLE_NAMES } from "../../model/entry.ts";
import { assert } from "../../lib/assert.ts";
import { Draft, emptyState, type State } from "./state.ts";

/** The largest chunk of a stored snapshot. */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;
/** Records encoded before the caller gets a turn: about 5 ms. */
const SLICE_RECORDS = 500;

/** A state as bytes: records, each after its length (4 bytes, big-endian), cut into chunks wherever a chunk is full. */
export async function* writeSnapshot(state: State): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let records = 0;
  for (const record of recordsOf(state)) {
    const body = snapshotRecordBytes.encode(record);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    pending.push(length, body);
    pendingBytes += body.length + 4;
    if (++records % SLICE_RECORDS !== 0 && pendingBytes < SNAPSHOT_CHUNK_BYTES) continue;
    yield* cut(Buffer.concat(pending));
    pending = [];
    pendingBytes = 0;
  }
  yield* cut(Buffer.concat(pending));
}

function* cut(data: Buffer): Generator<Uint8Array> {
  for (let start = 0; start < data.length; start += SNAPSHOT_CHUNK_BYTES)
    yield data.subarray(start, start + SNAPSHOT_CHUNK_BYTES);
}

function* recordsOf({ index, trees }: State): Generator<SnapshotRecord> {
  let count = 0;
  const [cluster] = trees.cluster.values();
  yield { kind: "header", index, level: cluster?.formatLevel ?? FIRST_FORMAT_LEVEL };
  for (const table of TABLE_NAMES) {
    for (const object of trees[table].values()) {
      yield { kind: "object", stored: { table, object } as StoredObject };
      count++;
    }
  }
  for (const id of trees.requestOrder.values()) {
    const request = trees.requests.get(id);
    assert(request !== undefined, `completed request ${id} has no result`);
    yield { kind: "request", ...request };
    count++;
  }
  yield { kind: "end", count };
}

/** The state that `writeSnapshot` wrote. Throws InvariantError when it is cut short or damaged. */
export async function readSnapshot(chunks: AsyncIterable<Uint8Array>): Promise<State> {
  const draft = new Draft(emptyState());
  let index: number | undefined;
  let count = 0;
  let ended = false;
  for await (const record of readRecords(chunks)) {
    assert(!ended, "a snapshot goes on after its end");
    assert((index === undefined) === (record.kind === "header"), "a snapshot begins with one header");
    switch (record.kind) {
      case "header":
        index = record.index;
        break;
      case "object":
        draft.put(record.stored.table, record.stored.object);
        count++;
        break;
      case "request":
        draft.complete(record);
        count++;
        break;
      case "end":
        assert(record.count === count, `a snapshot of ${record.count} records holds ${count}`);
        ended = true;
        break;
    }
  }
  assert(ended && index !== undefined, "a snapshot is cut short");
  return draft.finish(index);
}

async function* readRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SnapshotRecord> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    let start = 0;
    while (rest.length - start >= 4) {
      const end = start + 4 + rest.readUInt32BE(start);
      if (end > rest.length) break;
      yield snapshotRecordBytes.decode(rest.subarray(start + 4, end));
      start = end;
    }
    rest = rest.subarray(start);
  }
  assert(rest.length === 0, "a snapshot ends inside a record");
}
