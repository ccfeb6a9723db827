import assert from "node:assert/strict";
import { ENTRY_OVERHEAD_BYTES, entryBytes, RaftLog } from "../../../src/raft/log.ts";
import { entriesOf } from "./cores.ts";

function aLog(terms: readonly number[], { commit = 0, applied = 0 } = {}): RaftLog {
  return new RaftLog({ baseIndex: 0, baseTerm: 0, entries: entriesOf(terms), commit, applied });
}
const indexes = (entries: readonly { readonly index: number }[]) => entries.map(entry => entry.index);

describe("RaftLog", () => {
  it("knows its ends and the term of each entry, and of the one before the first", () => {
    const log = aLog([1, 1, 2]);
    assert.deepEqual([log.baseIndex, log.lastIndex, log.lastTerm], [0, 3, 2]);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map(index => log.termAt(index)),
      [0, 1, 1, 2, undefined],
    );
    assert.ok(log.matches(3, 2) && !log.matches(3, 1) && !log.matches(4, 2));
  });

  const upToDate = [
    { lastIndex: 3, lastTerm: 2, answer: true, why: "the same end" },
    { lastIndex: 2, lastTerm: 2, answer: false, why: "the same term, shorter" },
    { lastIndex: 4, lastTerm: 2, answer: true, why: "the same term, longer" },
    { lastIndex: 1, lastTerm: 3, answer: true, why: "a newer term, shorter" },
    { lastIndex: 9, lastTerm: 1, answer: false, why: "an older term, longer" },
  ];
  for (const { lastIndex, lastTerm, answer, why } of upToDate) {
    it(`${answer ? "finds" : "does not find"} a log with ${why} up to date (5.4.1)`, () => {
      assert.equal(aLog([1, 1, 2]).isUpToDate(lastIndex, lastTerm), answer);
    });
  }

  const fresh = [
    { terms: [1, 1], offered: [1, 1], from: 1, result: [] },
    { terms: [1, 1], offered: [1, 1, 2], from: 1, result: [3] },
    { terms: [1, 1], offered: [2], from: 2, result: [2] },
    { terms: [1, 1, 1], offered: [1, 2, 2], from: 1, result: [2, 3] },
    { terms: [1, 1, 1], offered: [1], from: 2, result: [] },
    { terms: [], offered: [1], from: 1, result: [1] },
  ];
  for (const { terms, offered, from, result } of fresh) {
    it(`takes from [${offered.join()}] at ${from} what [${terms.join()}] lacks`, () => {
      assert.deepEqual(indexes(aLog(terms).newAmong(entriesOf(offered, from))), result);
    });
  }

  it("appends only what follows, in terms that do not go back", () => {
    const log = aLog([2]);
    assert.throws(() => log.append(entriesOf([2], 3)), /does not follow/);
    assert.throws(() => log.append(entriesOf([1], 2)), /goes back to term/);
    log.append(entriesOf([2, 3], 2));
    assert.equal(log.lastIndex, 3);
  });

  it("replaces uncommitted entries and never committed ones", () => {
    const log = aLog([1, 1, 1], { commit: 1 });
    assert.throws(() => log.truncateFrom(1), /is committed/);
    log.truncateFrom(2);
    log.append(entriesOf([2], 2));
    assert.deepEqual([log.lastIndex, log.termAt(2), log.persisted], [2, 2, 1]);
    assert.deepEqual(indexes(log.takeUnpersisted()), [2]);
  });

  it("hands each entry to the disk once, and again when it was replaced", () => {
    const log = aLog([]);
    assert.ok(!log.hasUnpersisted);
    log.append(entriesOf([1, 1]));
    assert.ok(log.hasUnpersisted);
    assert.deepEqual(indexes(log.takeUnpersisted()), [1, 2]);
    assert.deepEqual(indexes(log.takeUnpersisted()), []);
    log.truncateFrom(2);
    log.append(entriesOf([2], 2));
    assert.deepEqual(indexes(log.takeUnpersisted()), [2]);
    log.persistedTo(2, 1); // The write of what was replaced.
    assert.equal(log.persisted, 0);
    log.persistedTo(2, 2);
    assert.equal(log.persisted, 2);
    log.persistedTo(1, 1);
    assert.equal(log.persisted, 2);
  });

  it("hands out what is committed and durable, once and in parts", () => {
    const log = aLog([]);
    log.append(entriesOf([1, 1, 1, 1]));
    assert.ok(log.commitTo(3));
    assert.ok(!log.commitTo(3) && !log.commitTo(2));
    assert.ok(!log.hasApplicable);
    assert.deepEqual(log.takeApplicable(10), []);
    log.takeUnpersisted();
    log.persistedTo(4, 1);
    assert.ok(log.hasApplicable);
    assert.deepEqual(indexes(log.takeApplicable(2)), [1, 2]);
    assert.equal(log.applied, 2);
    assert.deepEqual(indexes(log.takeApplicable(2)), [3]);
    assert.deepEqual(log.takeApplicable(2), []);
    assert.ok(!log.hasApplicable);
    assert.throws(() => log.commitTo(5), /past the last entry/);
  });

  it("reads at least one entry and then as many as fit", () => {
    const log = aLog([1, 1, 1]);
    const size = entryBytes(entriesOf([1])[0] ?? assert.fail());
    assert.equal(size, 3 + ENTRY_OVERHEAD_BYTES);
    assert.deepEqual(indexes(log.read(1, 0).entries), [1]);
    assert.deepEqual(indexes(log.read(1, 2 * size).entries), [1, 2]);
    assert.deepEqual(indexes(log.read(1, 2 * size - 1).entries), [1]);
    assert.deepEqual(log.read(2, 1_000).bytes, 2 * size);
    assert.deepEqual(log.read(4, 1_000), { entries: [], bytes: 0 });
  });

  const hints = [
    { terms: [1, 1, 3, 3], index: 4, term: 2, found: { index: 2, term: 1 } },
    { terms: [1, 1, 3, 3], index: 4, term: 3, found: { index: 4, term: 3 } },
    { terms: [1, 1, 3, 3], index: 9, term: 5, found: { index: 4, term: 3 } },
    { terms: [2, 2], index: 2, term: 1, found: { index: 0, term: 0 } },
    { terms: [1, 2], index: 1, term: 2, found: { index: 1, term: 1 } },
  ];
  for (const { terms, index, term, found } of hints) {
    it(`finds in [${terms.join()}] the last entry up to ${index} of term ${term} or older: ${found.index}`, () => {
      assert.deepEqual(aLog(terms).lastWithTermAtMost(index, term), found);
    });
  }

  it("compacts what is applied, keeping the term before the first entry", () => {
    const log = aLog([1, 1, 2, 2], { commit: 3, applied: 3 });
    assert.throws(() => log.compactTo(4), /not applied yet/);
    log.compactTo(3);
    log.compactTo(2);
    assert.deepEqual([log.baseIndex, log.lastIndex, log.termAt(3), log.termAt(2), log.termAt(4)], [3, 4, 2, undefined, 2]);
    assert.throws(() => log.read(3, 1), /compacted away/);
    assert.deepEqual(indexes(log.read(4, 1).entries), [4]);
    assert.deepEqual(log.lastWithTermAtMost(4, 1), { index: 3, term: 2 });
    assert.deepEqual(log.lastWithTermAtMost(3, 1), { index: 3, term: 2 });
    assert.deepEqual(log.lastWithTermAtMost(2, 1), { index: 2, term: 0 });
  });

  const kept = [
    { index: 6, entriesMax: 4, bytesMax: 1_000, begin: 2 },
    { index: 6, entriesMax: 4, bytesMax: 60, begin: 3 }, // An entry weighs 19 bytes, so three weigh 57.
    { index: 6, entriesMax: 100, bytesMax: 1_000, begin: 1 },
    { index: 6, entriesMax: 0, bytesMax: 1_000, begin: 6 },
    { index: 6, entriesMax: 4, bytesMax: 0, begin: 6 },
    { index: 3, entriesMax: 1, bytesMax: 1_000, begin: 2 },
  ];
  for (const { index, entriesMax, bytesMax, begin } of kept) {
    it(`begins the last ${entriesMax} entries and ${bytesMax} bytes up to ${index} after ${begin}`, () => {
      const log = aLog([1, 1, 1, 1, 1, 1], { commit: 6, applied: 6 });
      log.compactTo(1);
      assert.equal(log.beginOfLast(index, { entriesMax, bytesMax }), begin);
    });
  }

  it("starts over behind a snapshot that is ahead", () => {
    const log = aLog([1, 1], { commit: 1 });
    assert.throws(() => log.restore(1, 1), /behind the commit/);
    log.restore(9, 3);
    assert.deepEqual([log.baseIndex, log.lastIndex, log.lastTerm, log.commit, log.applied, log.persisted], [9, 9, 3, 9, 9, 9]);
    assert.ok(!log.hasUnpersisted && !log.hasApplicable);
  });

  it("refuses a beginning that cannot be", () => {
    assert.throws(() => aLog([1], { commit: 2 }), /out of order/);
    assert.throws(() => aLog([1], { commit: 0, applied: 1 }), /out of order/);
    const entries = entriesOf([1], 2);
    assert.throws(() => new RaftLog({ baseIndex: 0, baseTerm: 0, entries, commit: 0, applied: 0 }), /not contiguous/);
    assert.throws(() => new RaftLog({ baseIndex: 5, baseTerm: 0, entries: [], commit: 5, applied: 4 }), /out of order/);
  });
});
