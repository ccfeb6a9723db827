import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { FIRST_FORMAT_LEVEL, storedObject } from "../../../src/codec/entry.ts";
import { levelNeeded } from "../../../src/codec/format-needs.ts";
import { tables } from "./arbitraries.ts";
import { fieldsIn, readSchema } from "./proto-schema.ts";

/** Which fields came with which format. What is in one never changes; a new field goes into the newest, before that is released. */
const FORMATS = JSON.parse(readFileSync("test/unit/codec/formats.json", "utf8")) as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;
const MESSAGES = {
  ...{ cluster: "Cluster", node: "Node", service: "Service", revision: "Revision" },
  ...{ task: "Task", network: "Network", secret: "Blob", config: "Blob" },
} as const;

const schema = readSchema("proto/objects.proto");
const formatOf = new Map<string, number>(
  Object.entries(FORMATS).flatMap(([format, messages]) =>
    Object.entries(messages).flatMap(([message, fields]) =>
      fields.split(" ").map(field => [`${message}.${field}`, Number(format)] as const),
    ),
  ),
);

describe("the format that an entry needs", () => {
  it("is known of every field that is replicated", () => {
    const fields = [...schema].flatMap(([message, inner]) => inner.map(({ name }) => `${message}.${name}`));
    assert.deepEqual(fields.toSorted(), [...formatOf.keys()].toSorted());
  });

  for (const [table, stored] of Object.entries(tables)) {
    it(`is the newest one that a field of the ${table} came with`, () => {
      fc.assert(
        fc.property(stored, object => {
          const wire = storedObject.toWire(object).object?.value;
          assert.ok(wire !== undefined);
          const formats = [...fieldsIn(schema, MESSAGES[object.table], wire)].map(field => formatOf.get(field) ?? Infinity);
          const changes = [{ kind: "put", ...object, basedOn: 0 } as const];
          assert.equal(levelNeeded({ changes }), Math.max(FIRST_FORMAT_LEVEL, ...formats));
        }),
        { numRuns: table === "cluster" ? 2_000 : 200 },
      );
    });
  }

  it("is the first for what is removed", () => {
    const removals = [{ kind: "remove", table: "task", id: "t1" as never, basedOn: 1 }] as const;
    assert.equal(levelNeeded({ changes: removals }), FIRST_FORMAT_LEVEL);
  });
});
