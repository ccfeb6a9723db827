import assert from "node:assert/strict";
import type { RaftCore } from "../../../src/raft/core.ts";
import type { RaftRules } from "../../../src/raft/state.ts";
import type { AppendRequest, Message } from "../../../src/raft/types.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { accept, aCore, type CoreSetup, drain, ELECTION_TICKS, entriesOf, ticks } from "./cores.ts";

/** The facts that the Raft paper states, one by one, with its section; nothing of the thesis changes them here. */
const PAPER: RaftRules = { hasPreVote: false, checksQuorum: false, leavesWhenRemoved: true };
const MEMBERS = [1, 2, 3, 4, 5];

const follower = (setup: CoreSetup = {}) => aCore({ rules: PAPER, ...setup });

function candidate(setup: CoreSetup = {}): RaftCore {
  const core = follower(setup);
  core.campaign();
  drain(core);
  return core;
}

function leader(setup: CoreSetup = {}): RaftCore {
  const core = candidate(setup);
  for (const { raftId } of core.members) if (raftId !== 1 && core.role !== "leader") vote(core, raftId, true);
  return core;
}

/** A leader whose first entry is written, sent, and held by all. */
function settledLeader(setup: CoreSetup = {}): RaftCore {
  const core = leader(setup);
  drain(core);
  for (const { raftId } of core.members) if (raftId !== 1) accept(core, raftId, core.lastIndex);
  drain(core);
  return core;
}

function vote(core: RaftCore, from: number, isGranted: boolean): void {
  core.step({ kind: "vote-response", from, to: 1, term: core.term, isGranted });
}

function append(core: RaftCore, over: Partial<AppendRequest>): void {
  const head = { kind: "append-request", from: 2, to: 1, term: core.term } as const;
  core.step({ ...head, prevIndex: 0, prevTerm: 0, commit: 0, entries: [], ...over });
}

function appendsOf(messages: readonly Message[]): readonly AppendRequest[] {
  return messages.filter((message): message is AppendRequest => message.kind === "append-request");
}

function termsOf({ inspected: { log } }: RaftCore): readonly (number | undefined)[] {
  return Array.from({ length: log.lastIndex }, (_, at) => log.termAt(at + 1));
}

const roles = [
  { role: "follower", make: follower },
  { role: "candidate", make: candidate },
  { role: "leader", make: leader },
];

describe("terms (5.1)", () => {
  for (const { role, make } of roles) {
    it(`a newer one makes a ${role} a follower in it`, () => {
      const core = make({ term: 1 });
      assert.equal(core.role, role);
      append(core, { term: 9 });
      assert.deepEqual([core.role, core.term, core.leaderId], ["follower", 9, 2]);
    });
  }

  it("what comes with an older one changes nothing", () => {
    const core = follower({ term: 2 });
    append(core, { term: 1, entries: entriesOf([1]) });
    core.step({ kind: "vote-request", from: 2, to: 1, term: 1, lastIndex: 0, lastTerm: 0, isTransfer: false });
    assert.deepEqual([core.term, core.lastIndex, core.inspected.vote, core.leaderId, drain(core).messages], [2, 0, 0, 0, []]);
  });
});

describe("leader election (5.2)", () => {
  it("all begin as followers", () => {
    assert.equal(follower().role, "follower");
  });

  it("a leader sends heartbeats, without entries, each period to all others", () => {
    const core = settledLeader();
    core.tick();
    assert.deepEqual(
      core.takeMessages().map(({ kind, to }) => [kind, to]),
      [
        ["heartbeat", 2],
        ["heartbeat", 3],
      ],
    );
  });

  for (const { role, make } of roles.slice(0, 2)) {
    it(`a ${role} that hears nobody in time stands for a new term, votes for itself and asks all others`, () => {
      const core = make({ term: 2 });
      const { term } = core;
      ticks(core, ELECTION_TICKS);
      assert.deepEqual([core.role, core.term, core.inspected.vote], ["candidate", term + 1, 1]);
      assert.deepEqual(
        drain(core).messages.map(message => [message.kind, message.to, message.term]),
        [
          ["vote-request", 2, term + 1],
          ["vote-request", 3, term + 1],
        ],
      );
    });
  }

  const elections = [
    { size: 1, yes: [], no: [], role: "leader" },
    { size: 3, yes: [2, 3], no: [], role: "leader" },
    { size: 3, yes: [2], no: [], role: "leader" },
    { size: 3, yes: [], no: [], role: "candidate" },
    { size: 3, yes: [], no: [2, 3], role: "follower" },
    { size: 5, yes: [2, 3, 4, 5], no: [], role: "leader" },
    { size: 5, yes: [2, 3, 4], no: [], role: "leader" },
    { size: 5, yes: [2, 3], no: [], role: "leader" },
    { size: 5, yes: [2], no: [], role: "candidate" },
    { size: 5, yes: [2], no: [3, 4, 5], role: "follower" },
    { size: 5, yes: [], no: [2, 3, 4, 5], role: "follower" },
  ];
  for (const { size, yes, no, role } of elections) {
    it(`of ${size}, with the votes of ${yes.join() || "no other"} and without those of ${no.join() || "none"}, one ends as ${role}`, () => {
      const core = candidate({ voters: MEMBERS.slice(0, size) });
      for (const from of no) vote(core, from, false);
      for (const from of yes) vote(core, from, true);
      assert.deepEqual([core.role, core.term], [role, 1]);
    });
  }

  for (const [voted, asks, isGranted] of [
    [0, 2, true],
    [0, 3, true],
    [2, 2, true],
    [3, 3, true],
    [2, 3, false],
    [3, 2, false],
  ] as const) {
    it(`who voted for ${voted || "nobody"} in a term ${isGranted ? "votes" : "does not vote"} for ${asks}: first come, first served`, () => {
      const core = follower({ term: 1, vote: voted });
      core.step({ kind: "vote-request", from: asks, to: 1, term: 1, lastIndex: 0, lastTerm: 0, isTransfer: false });
      assert.deepEqual(drain(core).messages, [{ kind: "vote-response", from: 1, to: asks, term: 1, isGranted }]);
    });
  }

  for (const newer of [0, 1]) {
    it(`a candidate yields to a leader of ${newer === 0 ? "its own" : "a newer"} term`, () => {
      const core = candidate();
      append(core, { term: core.term + newer });
      assert.deepEqual([core.role, core.term, core.leaderId], ["follower", 1 + newer, 2]);
    });
  }

  for (const { role, make } of roles.slice(0, 2)) {
    it(`a ${role} waits between one and two timeouts, each wait as likely`, () => {
      const random = new SeededRandom(7);
      const waits = new Map<number, number>();
      for (let round = 0; round < 2_000; round++) {
        const core = make({ draw: () => random.below(2 ** 32) });
        let wait = 0;
        for (const { term } = core; core.term === term; wait++) core.tick();
        waits.set(wait, (waits.get(wait) ?? 0) + 1);
      }
      assert.deepEqual(
        [...waits.keys()].sort((a, b) => a - b),
        Array.from({ length: ELECTION_TICKS }, (_, at) => ELECTION_TICKS + at),
      );
      assert.ok(Math.min(...waits.values()) > 140 && Math.max(...waits.values()) < 260, "about 200 each");
    });

    it(`of five ${role}s seldom two stand at once`, () => {
      const random = new SeededRandom(8);
      let conflicts = 0;
      for (let round = 0; round < 500; round++) {
        const cores = MEMBERS.map(() => make({ draw: () => random.below(2 ** 32) }));
        const { term = 0 } = cores[0] ?? {};
        const first = () => cores.filter(core => core.term > term).length;
        while (first() === 0) for (const core of cores) core.tick();
        if (first() > 1) conflicts += 1;
      }
      // Of five draws of ten, two are the lowest with a chance of 0.23.
      assert.ok(conflicts / 500 < 0.3, `${conflicts} of 500`);
    });
  }
});

describe("log replication (5.3)", () => {
  it("a proposal is appended and sent to all others at once, with the entry before it", () => {
    const core = settledLeader();
    core.propose(Buffer.from("a"));
    const sent = appendsOf(core.takeMessages());
    assert.deepEqual(
      sent.map(({ to, prevIndex, prevTerm, commit, entries }) => [to, prevIndex, prevTerm, commit, entries.length]),
      [
        [2, 1, 1, 1, 1],
        [3, 1, 1, 1, 1],
      ],
    );
    assert.deepEqual([core.lastIndex, core.commitIndex], [2, 1]);
  });

  it("an entry is committed once it is safely replicated, applied, and told to all with the next message", () => {
    const core = settledLeader();
    core.propose(Buffer.from("a"));
    drain(core);
    accept(core, 2, 2);
    const { messages, committed } = drain(core);
    assert.deepEqual(
      committed.map(({ index, data }) => [index, Buffer.from(data).toString()]),
      [[2, "a"]],
    );
    assert.deepEqual(
      appendsOf(messages).map(({ to, commit }) => [to, commit]),
      [
        [2, 2],
        [3, 2],
      ],
    );
  });

  const acknowledgements = [
    { size: 1, by: [], isCommitted: true },
    { size: 3, by: [], isCommitted: false },
    { size: 3, by: [2], isCommitted: true },
    { size: 3, by: [2, 3], isCommitted: true },
    { size: 5, by: [], isCommitted: false },
    { size: 5, by: [2], isCommitted: false },
    { size: 5, by: [2, 3], isCommitted: true },
    { size: 5, by: [2, 3, 4, 5], isCommitted: true },
  ];
  for (const { size, by, isCommitted } of acknowledgements) {
    it(`an entry that ${by.join() || "no other"} of ${size} acknowledged is ${isCommitted ? "" : "not "}committed`, () => {
      const core = settledLeader({ voters: MEMBERS.slice(0, size) });
      core.propose(Buffer.from("a"));
      drain(core);
      for (const from of by) accept(core, from, 2);
      assert.equal(core.commitIndex, isCommitted ? 2 : 1);
    });
  }

  for (const terms of [[], [2], [1, 2], [1]]) {
    it(`with its own entry a leader commits the entries before it, of terms ${terms.join() || "none"}`, () => {
      const core = leader({ terms, term: 2 });
      core.propose(Buffer.from("a"));
      drain(core);
      accept(core, 2, core.lastIndex);
      assert.deepEqual(
        drain(core).committed.map(({ term }) => term),
        [...terms, 3, 3],
      );
    });
  }

  for (const commit of [1, 2, 3, 4]) {
    it(`a follower that hears of ${commit} committed entries applies them in order`, () => {
      const core = follower({ term: 1 });
      append(core, { commit, entries: entriesOf([1, 1, 1, 1]) });
      assert.deepEqual(
        drain(core).committed.map(({ index }) => index),
        [1, 2, 3, 4].slice(0, commit),
      );
    });
  }

  const consistency = [
    { prev: [0, 0], isRejected: false },
    { prev: [1, 1], isRejected: false },
    { prev: [2, 2], isRejected: false },
    { prev: [1, 2], isRejected: true },
    { prev: [2, 1], isRejected: true },
    { prev: [3, 3], isRejected: true },
  ] as const;
  for (const { prev, isRejected } of consistency) {
    it(`a follower with a log of terms 1, 2 ${isRejected ? "refuses" : "accepts"} what follows entry ${prev[0]} of term ${prev[1]}`, () => {
      const core = follower({ terms: [1, 2], term: 2, commit: 1 });
      append(core, { prevIndex: prev[0], prevTerm: prev[1] });
      const [answer] = drain(core).messages;
      assert.equal(answer?.kind === "append-response" && answer.isRejected, isRejected);
    });
  }

  const appended = [
    { prev: [2, 2], offered: [3], log: [1, 2, 3], written: [3] },
    { prev: [1, 1], offered: [3, 4], log: [1, 3, 4], written: [3, 4] },
    { prev: [0, 0], offered: [1], log: [1, 2], written: [] },
    { prev: [0, 0], offered: [3], log: [3], written: [3] },
  ] as const;
  for (const { prev, offered, log, written } of appended) {
    it(`a follower with terms 1, 2 that is sent ${offered.join()} after entry ${prev[0]} then has ${log.join()}`, () => {
      const core = follower({ terms: [1, 2], term: 4 });
      append(core, { prevIndex: prev[0], prevTerm: prev[1], entries: entriesOf(offered, prev[0] + 1) });
      assert.deepEqual([termsOf(core), drain(core).written.map(({ term }) => term)], [log, written]);
    });
  }
});

describe("safety (5.4)", () => {
  for (const terms of [[1], [1, 2], [1, 2, 2]]) {
    it(`a request for a vote tells how far the log goes: ${terms.join()} (5.4.1)`, () => {
      const core = follower({ terms, term: 2 });
      core.campaign();
      assert.deepEqual(
        drain(core).messages.map(message => message.kind === "vote-request" && [message.lastIndex, message.lastTerm]),
        [2, 3].map(() => [terms.length, terms.at(-1)]),
      );
    });
  }

  const voters = [
    { terms: [1], last: [1, 1], isGranted: true },
    { terms: [1], last: [2, 1], isGranted: true },
    { terms: [1, 1], last: [1, 1], isGranted: false },
    { terms: [1], last: [1, 2], isGranted: true },
    { terms: [1], last: [2, 2], isGranted: true },
    { terms: [1, 1], last: [1, 2], isGranted: true },
    { terms: [2], last: [1, 1], isGranted: false },
    { terms: [2], last: [2, 1], isGranted: false },
    { terms: [2, 2], last: [1, 2], isGranted: false },
  ] as const;
  for (const { terms, last, isGranted } of voters) {
    it(`a log of terms ${terms.join()} is ${isGranted ? "no newer" : "newer"} than one that ends at ${last[0]} of term ${last[1]} (5.4.1)`, () => {
      const core = follower({ terms, term: 2 });
      core.step({ kind: "vote-request", from: 2, to: 1, term: 3, lastIndex: last[0], lastTerm: last[1], isTransfer: false });
      assert.deepEqual(drain(core).messages, [{ kind: "vote-response", from: 1, to: 2, term: 3, isGranted }]);
    });
  }

  for (const { index, commit } of [
    { index: 1, commit: 0 },
    { index: 2, commit: 0 },
    { index: 3, commit: 3 },
  ]) {
    it(`a leader of term 3 commits ${commit} when a majority holds entry ${index} of terms 1, 2, 3 (5.4.2)`, () => {
      const core = leader({ terms: [1, 2], term: 2 });
      drain(core);
      accept(core, 2, index);
      assert.equal(core.commitIndex, commit);
    });
  }
});
