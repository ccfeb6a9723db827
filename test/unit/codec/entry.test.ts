import assert from "node:assert/strict";
import fc from "fast-check";
import { UnknownWireValue } from "../../../src/codec/combinators.ts";
import { entryBytes, snapshotRecordBytes } from "../../../src/codec/entry.ts";
import * as wire from "../../../src/gen/objects.ts";
import type { Change, Entry } from "../../../src/model/entry.ts";
import { asId } from "../../../src/model/ids.ts";
import { anyId, tables } from "./arbitraries.ts";

describe("entryBytes", () => {
  for (const [table, stored] of Object.entries(tables)) {
    it(`gives back every ${table} as it was`, () => {
      fc.assert(
        fc.property(stored, fc.nat(), (object, basedOn) => {
          const change: Change = { kind: "put", ...object, basedOn };
          const entry: Entry = { changes: [change], reliesOn: [], atMs: 1 };
          assert.deepEqual(entryBytes.decode(entryBytes.encode(entry)), entry);
        }),
        { numRuns: 150 },
      );
    });

    it(`keeps every ${table} in a snapshot record`, () => {
      fc.assert(
        fc.property(stored, object => {
          const record = { kind: "object" as const, stored: object };
          assert.deepEqual(snapshotRecordBytes.decode(snapshotRecordBytes.encode(record)), record);
        }),
        { numRuns: 20 },
      );
    });
  }

  it("gives back removals, reliances, term and request", () => {
    fc.assert(
      fc.property(anyId(), fc.nat(), fc.uint8Array({ maxLength: 9 }), (id, version, result) => {
        const entry: Entry = {
          changes: [{ kind: "remove", table: "task", id, basedOn: version }],
          reliesOn: [{ table: "service", id, version }],
          atMs: version,
          term: version,
          request: { id: asId("r"), result: Uint8Array.from(result) },
        };
        assert.deepEqual(entryBytes.decode(entryBytes.encode(entry)), entry);
      }),
    );
  });

  const empty = { changes: [], reliesOn: [], atMs: 0, term: undefined, request: undefined };
  const refused: [string, wire.Entry][] = [
    ["of a newer level", { ...empty, level: 99 }],
    ["with an unknown kind of change", { ...empty, level: 1, changes: [{ basedOn: 1, change: undefined }] }],
    [
      "with an unknown table",
      { ...empty, level: 1, changes: [{ basedOn: 1, change: { $case: "put", value: { object: undefined } } }] },
    ],
    [
      "with an unknown table to remove from",
      {
        ...empty,
        level: 1,
        changes: [{ basedOn: 1, change: { $case: "remove", value: { table: "volume", id: "x" } } }],
      },
    ],
  ];
  for (const [what, message] of refused) {
    it(`refuses an entry ${what}`, () => {
      assert.throws(() => entryBytes.decode(wire.Entry.encode(message).finish()), UnknownWireValue);
    });
  }
});
