import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/raft/bytes.ts";
import { decodeEnvelope, decodeMembers, encodeEnvelope, encodeMembers, type Envelope } from "../../../src/raft/encoding.ts";
import { ENTRY_KINDS, type Message } from "../../../src/raft/types.ts";
import { membersOf } from "./cores.ts";

const uint = fc.maxSafeNat();
const head = { from: uint, to: uint, term: uint };
const data = fc.uint8Array({ maxLength: 300 });
const members = fc.array(fc.record({ raftId: uint, address: fc.string({ unit: "grapheme" }), isLearner: fc.boolean() }));
const entries = fc
  .tuple(fc.nat(), fc.array(fc.record({ term: uint, kind: fc.constantFrom(...ENTRY_KINDS), data })))
  .map(([first, list]) => list.map((entry, at) => ({ index: first + at, ...entry })));
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("pre-vote-request" as const, "vote-request" as const),
    ...head,
    lastIndex: uint,
    lastTerm: uint,
    isTransfer: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("pre-vote-response" as const, "vote-response" as const), ...head, isGranted: fc.boolean() }),
  fc.record({ kind: fc.constant("append-request" as const), ...head, prevIndex: uint, prevTerm: uint, commit: uint, entries }),
  fc.record({
    kind: fc.constant("append-response" as const),
    ...head,
    index: uint,
    isRejected: fc.boolean(),
    hintIndex: uint,
    hintTerm: uint,
  }),
  fc.record({ kind: fc.constant("heartbeat" as const), ...head, commit: uint, readRound: uint }),
  fc.record({ kind: fc.constant("heartbeat-response" as const), ...head, readRound: uint }),
  fc.record({ kind: fc.constant("timeout-now" as const), ...head }),
  fc.record({ kind: fc.constant("read-request" as const), ...head, requestId: uint }),
  fc.record({ kind: fc.constant("read-response" as const), ...head, requestId: uint, index: uint }),
  fc.record({ kind: fc.constant("install-snapshot" as const), ...head, meta: fc.record({ index: uint, term: uint, members }) }),
);
const plain = (envelope: Envelope): unknown =>
  JSON.parse(JSON.stringify(envelope, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value)));

describe("the encoding of Raft's messages", () => {
  it("gives back every message", () => {
    fc.assert(
      fc.property(message, fc.string(), (sent, fromAddress) => {
        const envelope = { message: sent, fromAddress };
        assert.deepEqual(plain(decodeEnvelope(encodeEnvelope(envelope))), plain(envelope));
      }),
    );
  });

  it("refuses every message that is cut short or too long", () => {
    fc.assert(
      fc.property(message, fc.nat(), (sent, cut) => {
        const bytes = encodeEnvelope({ message: sent, fromAddress: "m1" });
        assert.throws(() => decodeEnvelope(bytes.subarray(0, cut % bytes.length)), { kind: "invalid" });
        assert.throws(() => decodeEnvelope(Buffer.concat([bytes, Buffer.of(0)])), { kind: "invalid" });
      }),
    );
  });

  it("throws nothing but `invalid` at whatever bytes come", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        try {
          decodeEnvelope(Buffer.concat([Buffer.of(1, 0), bytes]));
        } catch (error) {
          assert.ok(error instanceof Error && "kind" in error && error.kind === "invalid", String(error));
        }
      }),
    );
  });

  it("is stable: other managers and old logs rely on it", () => {
    const sent: Message = { kind: "heartbeat", from: 1, to: 2, term: 300, commit: 5, readRound: 6 };
    assert.equal(Buffer.from(encodeEnvelope({ message: sent, fromAddress: "a" })).toString("hex"), "010161060102ac020506");
    assert.equal(Buffer.from(encodeMembers(membersOf([1], [2]))).toString("hex"), "0201026d310002026d3201");
    assert.throws(() => decodeEnvelope(Buffer.of(9, 0)), /unknown version 9/);
    assert.throws(() => decodeMembers(Buffer.of(1, 1, 0, 7)), /7 is no flag/);
  });
});

describe("ByteWriter and ByteReader", () => {
  for (const value of [0, 1, 127, 128, 255, 256, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
    it(`give back ${value}`, () => {
      const reader = new ByteReader(new ByteWriter(1).uint(value).finish());
      assert.equal(reader.uint(), value);
      reader.end();
    });
  }

  it("refuse what is no unsigned integer", () => {
    for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => new ByteWriter().uint(value), /no unsigned integer/);
    assert.throws(() => new ByteReader(new Uint8Array(9).fill(255)).uint(), /over 2\^53/);
    assert.throws(() => new ByteReader(Buffer.of(2, 0xc3, 0x28)).text(), /not UTF-8/);
  });
});
