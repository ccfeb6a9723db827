import assert from "node:assert/strict";
import type { RaftCore } from "../../../src/raft/core.ts";
import { DEFAULT_OPTIONS } from "../../../src/raft/driver-options.ts";
import type { AppendRequest, AppendResponse, Entry, Message } from "../../../src/raft/types.ts";
import { accept, aCore, aLeader, brief, CoreNetwork, drain, ELECTION_TICKS, entriesOf, membersOf, ticks } from "./cores.ts";

const appends = (messages: readonly Message[], to?: number): readonly AppendRequest[] =>
  messages.filter(
    (message): message is AppendRequest => message.kind === "append-request" && (to === undefined || message.to === to),
  );
const answer = (messages: readonly Message[]): AppendResponse | undefined =>
  messages.find((message): message is AppendResponse => message.kind === "append-response");
const termsOf = ({ inspected: { log } }: RaftCore) => Array.from({ length: log.lastIndex }, (_, at) => log.termAt(at + 1));
const append = (over: Partial<AppendRequest>): AppendRequest => ({
  kind: "append-request",
  from: 2,
  to: 1,
  term: 3,
  prevIndex: 0,
  prevTerm: 0,
  commit: 0,
  entries: [],
  ...over,
});

describe("a Raft follower", () => {
  // Figure 7 of the paper, seen from the follower: the leader's log is 1 1 1 4 4 5 5 6 6 6.
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const figure7 = [
    { name: "a", terms: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
    { name: "b", terms: [1, 1, 1, 4] },
    { name: "c", terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
    { name: "d", terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
    { name: "e", terms: [1, 1, 1, 4, 4, 4, 4] },
    { name: "f", terms: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
  ];
  for (const { name, terms } of figure7) {
    it(`of the paper's figure 7 (${name}) comes to hold the leader's log (5.3)`, () => {
      const network = new CoreNetwork([
        aCore({ raftId: 1, terms: leaderTerms, term: 7 }),
        aCore({ raftId: 2, terms, term: 7, draw: 9 }),
        aCore({ raftId: 3, term: 7, draw: 9 }),
      ]);
      network.elect(1);
      assert.equal(network.core(1).role, "leader");
      network.tick(3);
      for (const core of network.cores.values()) assert.deepEqual(termsOf(core), [...leaderTerms, 8]);
    });
  }

  const cases = [
    {
      when: "the entry before is missing",
      terms: [1],
      commit: 0,
      prev: [2, 1],
      offered: [1],
      accepted: false,
      index: 2,
      hint: [1, 1],
      log: [1],
    },
    {
      when: "the entry before is of another term",
      terms: [1, 2, 2],
      commit: 0,
      prev: [3, 1],
      offered: [3],
      accepted: false,
      index: 3,
      hint: [1, 1],
      log: [1, 2, 2],
    },
    {
      when: "the log parts at once",
      terms: [2, 2],
      commit: 0,
      prev: [2, 1],
      offered: [],
      accepted: false,
      index: 2,
      hint: [0, 0],
      log: [2, 2],
    },
    {
      when: "the entries follow",
      terms: [1],
      commit: 0,
      prev: [1, 1],
      offered: [2, 3],
      accepted: true,
      index: 3,
      hint: [0, 0],
      log: [1, 2, 3],
    },
    {
      when: "they are there already",
      terms: [1, 1, 1],
      commit: 0,
      prev: [1, 1],
      offered: [1],
      accepted: true,
      index: 2,
      hint: [0, 0],
      log: [1, 1, 1],
    },
    {
      when: "they replace others",
      terms: [1, 2, 2, 2],
      commit: 0,
      prev: [1, 1],
      offered: [3],
      accepted: true,
      index: 2,
      hint: [0, 0],
      log: [1, 3],
    },
    {
      when: "some are there and some replace others",
      terms: [1, 1, 2],
      commit: 0,
      prev: [1, 1],
      offered: [1, 3, 3],
      accepted: true,
      index: 4,
      hint: [0, 0],
      log: [1, 1, 3, 3],
    },
    {
      when: "nothing is sent",
      terms: [1, 1],
      commit: 0,
      prev: [1, 1],
      offered: [],
      accepted: true,
      index: 1,
      hint: [0, 0],
      log: [1, 1],
    },
    {
      when: "all that is old and committed",
      terms: [1, 1, 1],
      commit: 2,
      prev: [1, 1],
      offered: [1],
      accepted: true,
      index: 2,
      hint: [0, 0],
      log: [1, 1, 1],
    },
  ] as const;
  for (const { when, terms, commit, prev, offered, accepted, index, hint, log } of cases) {
    it(`${accepted ? "accepts" : "refuses"} when ${when} (5.3)`, () => {
      const core = aCore({ terms, commit, term: 3 });
      core.step(append({ prevIndex: prev[0], prevTerm: prev[1], entries: entriesOf(offered, prev[0] + 1) }));
      assert.deepEqual(core.takeMessages(), [], "the answer waits for the disk");
      const { kind, ...rest } = answer(drain(core).messages) ?? assert.fail();
      const expected = { from: 1, to: 2, term: 3, index, isRejected: !accepted, hintIndex: hint[0], hintTerm: hint[1] };
      assert.deepEqual({ kind, ...rest }, { kind: "append-response", ...expected });
      assert.deepEqual(termsOf(core), log);
    });
  }

  it("answers for entries after they are written, and applies them after that", () => {
    const core = aCore({ term: 3 });
    core.step(append({ commit: 1, entries: entriesOf([3]) }));
    const ready = core.takeReady({ committedMax: 10 });
    assert.deepEqual([ready?.entries.length, ready?.committed.length, ready?.messages.length], [1, 0, 1]);
    assert.deepEqual(ready?.hardState, { term: 3, vote: 0, commit: 1 });
    core.persisted(ready ?? assert.fail());
    assert.deepEqual(
      core.takeReady({ committedMax: 10 })?.committed.map(entry => entry.index),
      [1],
    );
    assert.equal(core.takeReady({ committedMax: 10 }), undefined);
  });

  const commits = [
    { told: 5, offered: 2, commit: 3, why: "no further than what this message reaches" },
    { told: 2, offered: 2, commit: 2, why: "as far as it is told" },
    { told: 0, offered: 2, commit: 0, why: "not at all when it is told nothing" },
  ];
  for (const { told, offered, commit, why } of commits) {
    it(`commits ${why} (5.3)`, () => {
      const core = aCore({ terms: [1, 1, 1, 1, 1], term: 3 });
      core.step(append({ prevIndex: 1, prevTerm: 1, commit: told, entries: entriesOf([1, 1], 2).slice(0, offered) }));
      assert.equal(core.commitIndex, commit);
    });
  }

  it("waits anew for each message of the leader's", () => {
    const core = aCore({ term: 3 });
    for (const message of [append({}), { kind: "heartbeat", from: 2, to: 1, term: 3, commit: 0, readRound: 0 }] as const) {
      ticks(core, ELECTION_TICKS - 1);
      core.step(message);
      ticks(core, ELECTION_TICKS - 1);
      assert.deepEqual([core.role, core.leaderId], ["follower", 2]);
    }
    core.tick();
    assert.deepEqual([core.role, core.leaderId], ["pre-candidate", 0]);
  });

  it("answers a heartbeat at once with its round, and commits what it is told", () => {
    const core = aCore({ terms: [3, 3], term: 3 });
    core.step({ kind: "heartbeat", from: 2, to: 1, term: 3, commit: 1, readRound: 6 });
    assert.deepEqual(core.takeMessages(), [{ kind: "heartbeat-response", from: 1, to: 2, term: 3, readRound: 6 }]);
    assert.equal(core.commitIndex, 1);
  });

  it("stops rather than commit or replace what it cannot", () => {
    const core = () => aCore({ terms: [1, 1], commit: 2, term: 3 });
    const heartbeat: Message = { kind: "heartbeat", from: 2, to: 1, term: 3, commit: 9, readRound: 0 };
    assert.throws(() => core().step(heartbeat), /past the last entry/);
  });

  it("forgets entries that were being written when they were replaced", () => {
    const core = aCore({ term: 1 });
    core.step(append({ term: 1, entries: entriesOf([1, 1]) }));
    const first = core.takeReady({ committedMax: 10 }) ?? assert.fail();
    core.step(append({ term: 2, from: 3, prevIndex: 1, prevTerm: 1, commit: 2, entries: entriesOf([2], 2) }));
    core.persisted(first);
    assert.equal(core.inspected.log.persisted, 0);
    const { written, committed } = drain(core);
    assert.deepEqual([written.map(entry => entry.term), committed.map(entry => entry.term)], [[2], [1, 2]]);
  });
});

describe("a Raft leader", () => {
  it("begins with an empty entry of its term, sent to all, before its own disk has it (thesis 10.2.1)", () => {
    const leader = aLeader({ terms: [1, 1] });
    const messages = leader.takeMessages();
    const entries: readonly Entry[] = [{ index: 3, term: 2, kind: "empty", data: new Uint8Array(0) }];
    assert.deepEqual(
      messages,
      [2, 3].map(to => append({ from: 1, to, term: 2, prevIndex: 2, prevTerm: 1, entries })),
    );
    assert.equal(leader.inspected.log.persisted, 2);
  });

  it("counts itself only when its own disk has the entry", () => {
    const leader = aLeader();
    leader.takeMessages();
    const ready = leader.takeReady({ committedMax: 10 }) ?? assert.fail();
    accept(leader, 2, 1);
    assert.equal(leader.commitIndex, 0);
    leader.persisted(ready);
    assert.equal(leader.commitIndex, 1);
  });

  it("commits by the others alone and applies when its own disk is there too", () => {
    const leader = aLeader();
    leader.takeMessages();
    const ready = leader.takeReady({ committedMax: 10 }) ?? assert.fail();
    accept(leader, 2, 1);
    accept(leader, 3, 1);
    assert.equal(leader.commitIndex, 1);
    assert.equal(leader.takeReady({ committedMax: 10 }), undefined);
    leader.persisted(ready);
    assert.deepEqual(
      leader.takeReady({ committedMax: 10 })?.committed.map(entry => entry.index),
      [1],
    );
  });

  const commits = [
    { voters: [1], matches: {}, commit: 3 },
    { voters: [1, 2, 3], matches: { 2: 3 }, commit: 3 },
    { voters: [1, 2, 3], matches: { 2: 2, 3: 1 }, commit: 2 },
    { voters: [1, 2, 3, 4, 5], matches: { 2: 3 }, commit: 0 },
    { voters: [1, 2, 3, 4, 5], matches: { 2: 3, 3: 2 }, commit: 2 },
    { voters: [1, 2, 3, 4], matches: { 2: 3 }, commit: 0 },
    { voters: [1, 2, 3, 4], matches: { 2: 3, 3: 3 }, commit: 3 },
  ];
  for (const { voters, matches, commit } of commits) {
    it(`of ${voters.length} voters commits ${commit} when others hold ${JSON.stringify(matches)}`, () => {
      const leader = aLeader({ voters });
      leader.propose(Buffer.from("a"));
      leader.propose(Buffer.from("b"));
      drain(leader);
      for (const [from, index] of Object.entries(matches)) accept(leader, Number(from), index);
      assert.equal(leader.commitIndex, commit);
    });
  }

  it("does not commit entries of older terms by counting them (5.4.2, figure 8)", () => {
    const leader = aLeader({ terms: [1, 2], term: 3 });
    drain(leader);
    accept(leader, 2, 2);
    assert.equal(leader.commitIndex, 0);
    accept(leader, 2, 3);
    assert.equal(leader.commitIndex, 3);
  });

  it("does not count learners", () => {
    const leader = aLeader({ voters: [1, 2, 3], learners: [4, 5] });
    drain(leader);
    accept(leader, 4, 1);
    accept(leader, 5, 1);
    assert.equal(leader.commitIndex, 0);
    assert.equal(leader.lagOf(4), 0);
  });

  it("tells all of a commit at once", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 2, 1);
    accept(leader, 3, 1);
    const told = appends(leader.takeMessages());
    assert.deepEqual(
      told.map(({ to, commit, entries }) => [to, commit, entries.length]),
      [
        [2, 1, 0],
        [3, 1, 0],
      ],
    );
    assert.deepEqual(leader.takeMessages(), []);
  });

  it("lets commits wait for entries to ride along with, when asked to", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 2, 1);
    assert.deepEqual([leader.hasCommitNews, leader.takeMessages({ tellsCommits: false })], [true, []]);
    leader.propose(Buffer.from("next"));
    assert.deepEqual(
      appends(leader.takeMessages({ tellsCommits: false }), 2).map(({ commit, entries }) => [commit, entries.length]),
      [[1, 1]],
    );
    assert.equal(leader.hasCommitNews, false);
  });

  it("has no commits to tell where the window is full, until an answer opens it", () => {
    const leader = aLeader({ inflightMessagesMax: 1 });
    drain(leader);
    for (const member of [2, 3]) accept(leader, member, 1);
    leader.propose(Buffer.from("next"));
    drain(leader);
    accept(leader, 2, 2);
    assert.deepEqual([leader.commitIndex, leader.hasCommitNews], [2, true]);
    assert.deepEqual(
      appends(leader.takeMessages()).map(({ to, commit }) => [to, commit]),
      [[2, 2]],
    );
    assert.deepEqual([leader.hasCommitNews, leader.takeMessages()], [false, []]);
    accept(leader, 3, 2);
    assert.equal(leader.hasCommitNews, true);
  });

  it("sends ahead of answers, in messages of limited size, until the window is full", () => {
    const leader = aLeader({ messageBytesMax: 50, inflightMessagesMax: 2 });
    drain(leader);
    accept(leader, 2, 1);
    for (let at = 0; at < 10; at++) leader.propose(Buffer.alloc(9)); // 25 bytes each.
    const first = appends(leader.takeMessages(), 2);
    assert.deepEqual(
      first.map(({ prevIndex, entries }) => [prevIndex, entries.length]),
      [
        [1, 2],
        [3, 2],
      ],
    );
    assert.deepEqual(appends(leader.takeMessages(), 2), []);
    accept(leader, 2, 3);
    assert.deepEqual(
      appends(leader.takeMessages(), 2).map(({ prevIndex }) => prevIndex),
      [5],
    );
  });

  it("sends up to 8 MiB ahead of answers, where nothing else is set", () => {
    const { messageBytesMax, inflightMessagesMax, inflightBytesMax } = DEFAULT_OPTIONS;
    const leader = aLeader({ messageBytesMax, inflightMessagesMax, inflightBytesMax });
    drain(leader);
    accept(leader, 2, 1);
    for (let at = 0; at < 10; at++) leader.propose(Buffer.alloc(2 ** 20)); // A message each.
    assert.equal(appends(leader.takeMessages(), 2).length, 8);
    accept(leader, 2, 2);
    assert.equal(appends(leader.takeMessages(), 2).length, 1);
  });

  it("sends a new proposal to a probed member only after it answered", () => {
    const leader = aLeader();
    leader.takeMessages();
    leader.propose(Buffer.from("a"));
    assert.deepEqual(leader.takeMessages(), []);
    accept(leader, 2, 1);
    assert.deepEqual(brief(leader.takeMessages()), ["append-request to 2"]);
  });

  it("steps back where a member refuses, a whole term at a time", () => {
    const leader = aLeader({ terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], term: 7 });
    drain(leader);
    const refuse = (index: number, hintIndex: number, hintTerm: number) =>
      leader.step({ kind: "append-response", from: 2, to: 1, term: 8, index, isRejected: true, hintIndex, hintTerm });
    refuse(10, 10, 3); // Its log goes 1 1 1 2 2 2 3 3 3 3.
    assert.deepEqual(
      appends(leader.takeMessages(), 2).map(({ prevIndex, prevTerm }) => [prevIndex, prevTerm]),
      [[3, 1]],
    );
  });

  it("heartbeats every tick, with the commit index that the member surely holds", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 2, 1);
    drain(leader);
    leader.tick();
    const beats = leader
      .takeMessages()
      .map(message => (message.kind === "heartbeat" ? [message.to, message.commit] : message.kind));
    assert.deepEqual(beats, [
      [2, 1],
      [3, 0],
    ]);
  });

  it("sends again what was lost once a heartbeat is answered", () => {
    const leader = aLeader({ inflightMessagesMax: 1 });
    leader.takeMessages();
    const beat = () => leader.step({ kind: "heartbeat-response", from: 2, to: 1, term: 1, readRound: 0 });
    beat();
    assert.deepEqual(
      appends(leader.takeMessages(), 2).map(({ prevIndex, entries }) => [prevIndex, entries.length]),
      [[0, 1]],
    );
    accept(leader, 2, 1);
    leader.propose(Buffer.from("lost"));
    assert.equal(appends(leader.takeMessages(), 2).length, 1);
    beat(); // The window is full; the answer to an empty message will show the gap.
    assert.deepEqual(
      appends(leader.takeMessages(), 2).map(({ prevIndex, entries }) => [prevIndex, entries.length]),
      [[2, 0]],
    );
    leader.step({ kind: "append-response", from: 2, to: 1, term: 1, index: 2, isRejected: true, hintIndex: 1, hintTerm: 1 });
    assert.deepEqual(
      appends(leader.takeMessages(), 2).map(({ prevIndex, entries }) => [prevIndex, entries.length]),
      [[1, 1]],
    );
  });

  it("has nothing to say to a member that has all when it answers a heartbeat", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 2, 1);
    drain(leader);
    leader.step({ kind: "heartbeat-response", from: 2, to: 1, term: 1, readRound: 0 });
    assert.deepEqual(leader.takeMessages(), []);
  });

  it("steps down for a newer term", () => {
    const leader = aLeader();
    leader.step({ kind: "append-response", from: 2, to: 1, term: 9, index: 0, isRejected: false, hintIndex: 0, hintTerm: 0 });
    assert.deepEqual([leader.role, leader.term, leader.leaderId], ["follower", 9, 0]);
    assert.deepEqual(leader.propose(Buffer.from("a")), { kind: "not-leader" });
  });

  it("ignores answers of strangers, and stops at an answer for what was never sent", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 9, 1);
    leader.step({ kind: "heartbeat-response", from: 9, to: 1, term: 1, readRound: 1 });
    assert.throws(() => accept(leader, 2, 5), /never sent/);
  });

  it("keeps the log in memory only as far as it must", () => {
    const leader = aLeader({ voters: [1] });
    for (let at = 0; at < 5; at++) leader.propose(Buffer.from("a"));
    drain(leader);
    const snapshot = { index: 6, term: 1, members: membersOf([1]) };
    assert.throws(() => leader.snapshotTaken(snapshot, { compactTo: 7 }), /not compacted past/);
    leader.snapshotTaken(snapshot, { compactTo: 4 });
    assert.deepEqual([leader.inspected.log.baseIndex, leader.inspected.snapshot.index], [4, 6]);
    leader.snapshotTaken({ ...snapshot, index: 5 }, { compactTo: 5 });
    assert.deepEqual([leader.inspected.log.baseIndex, leader.inspected.snapshot.index], [4, 6]);
  });
});
