import assert from "node:assert/strict";
import type { Message, VoteRequest } from "../../../src/raft/types.ts";
import { aCore, aLeader, brief, type CoreSetup, CoreNetwork, drain, ELECTION_TICKS, ticks } from "./cores.ts";

const voteRequest = (over: Partial<VoteRequest> = {}): VoteRequest => ({
  kind: "vote-request",
  from: 2,
  to: 1,
  term: 2,
  lastIndex: 0,
  lastTerm: 0,
  isTransfer: false,
  ...over,
});
const answers = (messages: readonly Message[]) =>
  messages.map(message => ("isGranted" in message ? [message.kind, message.to, message.term, message.isGranted] : message.kind));

describe("a Raft election", () => {
  for (const draw of [0, 1, 9, 10, 25]) {
    const timeout = ELECTION_TICKS + (draw % ELECTION_TICKS);
    it(`begins after ${timeout} silent ticks when ${draw} is drawn (5.2)`, () => {
      const core = aCore({ draw });
      ticks(core, timeout - 1);
      assert.deepEqual([core.role, drain(core).messages], ["follower", []]);
      core.tick();
      assert.equal(core.role, "pre-candidate");
    });
  }

  it("is won at once, with no tick, by the only voter there is, and by nobody else", () => {
    const cases = [
      { setup: { voters: [1] }, role: "leader" },
      { setup: { voters: [1], learners: [2] }, role: "leader" },
      { setup: { voters: [1, 2, 3] }, role: "follower" },
      { setup: { voters: [2], learners: [1] }, role: "follower" },
      { setup: { voters: [] }, role: "follower" },
    ] as const;
    for (const { setup, role } of cases) {
      const core = aCore(setup);
      core.campaignIfAlone();
      drain(core);
      assert.equal(core.role, role, JSON.stringify(setup));
    }
  });

  it("asks first without raising the term, then for votes (thesis 9.6)", () => {
    const core = aCore({ terms: [1, 2], term: 4 });
    ticks(core, ELECTION_TICKS);
    const { messages } = drain(core);
    const ask = { from: 1, term: 5, lastIndex: 2, lastTerm: 2, isTransfer: false };
    assert.deepEqual(
      messages,
      [2, 3].map(to => ({ kind: "pre-vote-request", to, ...ask })),
    );
    assert.deepEqual([core.term, core.inspected.vote], [4, 0]);
    core.step({ kind: "pre-vote-response", from: 3, to: 1, term: 5, isGranted: true });
    assert.deepEqual([core.role, core.term, core.inspected.vote], ["candidate", 5, 1]);
    assert.deepEqual(
      drain(core).messages,
      [2, 3].map(to => ({ kind: "vote-request", to, ...ask })),
    );
  });

  it("sends requests for votes only after its own vote is written", () => {
    const core = aCore({ term: 4 });
    ticks(core, ELECTION_TICKS);
    drain(core);
    core.step({ kind: "pre-vote-response", from: 3, to: 1, term: 5, isGranted: true });
    assert.deepEqual(core.takeMessages(), []);
    const ready = core.takeReady({ committedMax: 1 });
    assert.deepEqual(ready?.hardState, { term: 5, vote: 1, commit: 0 });
    assert.deepEqual(brief(ready?.messages ?? []), ["vote-request to 2", "vote-request to 3"]);
  });

  it("counts its own vote only once that is durable", () => {
    const core = aCore({ voters: [1] });
    ticks(core, ELECTION_TICKS);
    const ready = core.takeReady({ committedMax: 1 });
    assert.equal(core.role, "candidate");
    assert.ok(ready);
    core.persisted(ready);
    assert.equal(core.role, "leader");
  });

  const tallies = [
    { voters: [1, 2, 3], yes: [2], no: [], role: "leader" },
    { voters: [1, 2, 3], yes: [], no: [2], role: "candidate" },
    { voters: [1, 2, 3], yes: [], no: [2, 3], role: "follower" },
    { voters: [1, 2, 3], yes: [3], no: [2], role: "leader" },
    { voters: [1, 2, 3, 4], yes: [2], no: [], role: "candidate" },
    { voters: [1, 2, 3, 4], yes: [2, 3], no: [], role: "leader" },
    { voters: [1, 2, 3, 4, 5], yes: [2], no: [3, 4], role: "candidate" },
    { voters: [1, 2, 3, 4, 5], yes: [2], no: [3, 4, 5], role: "follower" },
  ] as const;
  for (const { voters, yes, no, role } of tallies) {
    it(`ends as ${role} with votes of ${yes.join() || "nobody"} and refusals of ${no.join() || "nobody"} among ${voters.length}`, () => {
      const core = aCore({ voters });
      ticks(core, ELECTION_TICKS);
      drain(core);
      for (const from of voters.slice(1)) core.step({ kind: "pre-vote-response", from, to: 1, term: 1, isGranted: true });
      drain(core);
      assert.equal(core.role, "candidate");
      for (const from of no) core.step({ kind: "vote-response", from, to: 1, term: 1, isGranted: false });
      for (const from of yes) core.step({ kind: "vote-response", from, to: 1, term: 1, isGranted: true });
      assert.deepEqual([core.role, core.term], [role, 1]);
    });
  }

  it("counts a voter's first answer, and answers of the right kind only", () => {
    const core = aCore({ voters: [1, 2, 3, 4, 5] });
    ticks(core, ELECTION_TICKS);
    drain(core);
    for (let time = 0; time < 3; time++) core.step({ kind: "pre-vote-response", from: 2, to: 1, term: 1, isGranted: true });
    assert.equal(core.role, "pre-candidate");
    core.step({ kind: "pre-vote-response", from: 3, to: 1, term: 1, isGranted: true });
    drain(core);
    core.step({ kind: "pre-vote-response", from: 4, to: 1, term: 1, isGranted: true });
    core.step({ kind: "pre-vote-response", from: 5, to: 1, term: 1, isGranted: true });
    assert.equal(core.role, "candidate");
  });

  it("forgets the answers of one round before the next", () => {
    const core = aCore();
    ticks(core, ELECTION_TICKS);
    drain(core);
    core.step({ kind: "pre-vote-response", from: 2, to: 1, term: 0, isGranted: false });
    ticks(core, ELECTION_TICKS);
    drain(core);
    assert.equal(core.role, "pre-candidate");
    core.step({ kind: "pre-vote-response", from: 2, to: 1, term: 1, isGranted: true });
    assert.equal(core.role, "candidate");
  });

  it("is begun anew when nobody won it", () => {
    const core = aCore();
    ticks(core, ELECTION_TICKS);
    drain(core);
    core.step({ kind: "pre-vote-response", from: 2, to: 1, term: 1, isGranted: true });
    drain(core);
    ticks(core, ELECTION_TICKS);
    assert.deepEqual([core.role, core.term], ["pre-candidate", 1]);
    assert.deepEqual(brief(drain(core).messages), ["pre-vote-request to 2", "pre-vote-request to 3"]);
  });

  const votes: readonly {
    readonly when: string;
    readonly setup: CoreSetup;
    readonly ask: Partial<VoteRequest>;
    readonly isGranted: boolean;
  }[] = [
    {
      when: "the term is new and the log as good",
      setup: { terms: [1], term: 1 },
      ask: { lastIndex: 1, lastTerm: 1 },
      isGranted: true,
    },
    {
      when: "the candidate's log is shorter",
      setup: { terms: [1, 1], term: 1 },
      ask: { lastIndex: 1, lastTerm: 1 },
      isGranted: false,
    },
    {
      when: "the candidate's last term is older",
      setup: { terms: [1, 2], term: 2 },
      ask: { term: 3, lastIndex: 9, lastTerm: 1 },
      isGranted: false,
    },
    {
      when: "the candidate's last term is newer",
      setup: { terms: [1, 1], term: 1 },
      ask: { term: 3, lastIndex: 1, lastTerm: 2 },
      isGranted: true,
    },
    { when: "it voted for another in this term", setup: { term: 2, vote: 3 }, ask: {}, isGranted: false },
    { when: "it voted for the same in this term", setup: { term: 2, vote: 2 }, ask: {}, isGranted: true },
    { when: "it voted for another in an older term", setup: { term: 1, vote: 3 }, ask: {}, isGranted: true },
    { when: "a learner is asked", setup: { voters: [2, 3], learners: [1] }, ask: {}, isGranted: true },
  ];
  for (const { when, setup, ask, isGranted } of votes) {
    it(`${isGranted ? "grants" : "refuses"} a vote when ${when} (5.2, 5.4.1)`, () => {
      const core = aCore(setup);
      const request = voteRequest(ask);
      core.step(request);
      assert.deepEqual(core.takeMessages(), [], "the answer waits for the disk");
      assert.deepEqual(answers(drain(core).messages), [["vote-response", 2, request.term, isGranted]]);
      assert.equal(core.inspected.vote, isGranted ? 2 : setup.term === request.term ? setup.vote : 0);
    });
    it(`${isGranted || setup.vote === 3 ? "would grant" : "would refuse"} its vote one term later when ${when}, and changes nothing`, () => {
      const core = aCore(setup);
      const before = [core.term, core.inspected.vote];
      const request = voteRequest({ ...ask, kind: "pre-vote-request", term: core.term + 1 });
      core.step(request);
      const would = isGranted || setup.vote === 3;
      assert.deepEqual(answers(drain(core).messages), [["pre-vote-response", 2, would ? request.term : core.term, would]]);
      assert.deepEqual([core.term, core.inspected.vote], before);
    });
  }

  it("ignores whoever asks while the leader was heard lately (thesis 4.2.3), unless the leader wants it", () => {
    const core = aCore({ term: 1 });
    const heartbeat: Message = { kind: "heartbeat", from: 3, to: 1, term: 1, commit: 0, readRound: 0 };
    core.step(heartbeat);
    drain(core);
    ticks(core, ELECTION_TICKS - 1);
    core.step(voteRequest({ term: 9 }));
    core.step(voteRequest({ kind: "pre-vote-request", term: 9 }));
    assert.deepEqual([core.term, drain(core).messages], [1, []]);
    core.step(voteRequest({ term: 9, isTransfer: true }));
    assert.deepEqual(answers(drain(core).messages), [["vote-response", 2, 9, true]]);
  });

  it("listens to candidates once the leader was silent for an election timeout", () => {
    const core = aCore({ term: 1, draw: 9 });
    core.step({ kind: "heartbeat", from: 3, to: 1, term: 1, commit: 0, readRound: 0 });
    drain(core);
    ticks(core, ELECTION_TICKS);
    core.step(voteRequest({ kind: "pre-vote-request", term: 2 }));
    assert.deepEqual(answers(drain(core).messages), [["pre-vote-response", 2, 2, true]]);
  });

  it("does not vote for another where it leads or knows the leader of this very term", () => {
    const core = aCore({ term: 2 });
    core.step({ kind: "heartbeat", from: 3, to: 1, term: 2, commit: 0, readRound: 0 });
    drain(core);
    core.step(voteRequest({ term: 2 }));
    assert.deepEqual(answers(drain(core).messages), [["vote-response", 2, 2, false]]);
  });

  it("starts its wait anew when it grants a vote, not when it refuses", () => {
    for (const { lastTerm, isGranted } of [
      { lastTerm: 1, isGranted: true },
      { lastTerm: 0, isGranted: false },
    ]) {
      const core = aCore({ terms: [1], term: 2 });
      ticks(core, ELECTION_TICKS - 1);
      core.step(voteRequest({ term: 2, lastIndex: 1, lastTerm }));
      core.tick();
      assert.equal(core.role, isGranted ? "follower" : "pre-candidate");
    }
  });

  it("gives up its candidacy for a leader of its term, and for any newer term", () => {
    for (const term of [5, 6]) {
      const core = aCore({ term: 4 });
      ticks(core, ELECTION_TICKS);
      drain(core);
      core.step({ kind: "pre-vote-response", from: 3, to: 1, term: 5, isGranted: true });
      core.step({ kind: "heartbeat", from: 2, to: 1, term, commit: 0, readRound: 0 });
      assert.deepEqual([core.role, core.term, core.leaderId], ["follower", term, 2]);
    }
  });

  it("learns of a newer term from a refused pre-vote", () => {
    const core = aCore({ term: 4 });
    ticks(core, ELECTION_TICKS);
    drain(core);
    core.step({ kind: "pre-vote-response", from: 3, to: 1, term: 8, isGranted: false });
    assert.deepEqual([core.role, core.term], ["follower", 8]);
  });

  it("tells a stale leader and a stale pre-candidate the newer term", () => {
    const core = aCore({ term: 7 });
    core.step({ kind: "heartbeat", from: 2, to: 1, term: 3, commit: 0, readRound: 0 });
    core.step({ kind: "append-request", from: 2, to: 1, term: 3, prevIndex: 0, prevTerm: 0, commit: 0, entries: [] });
    core.step(voteRequest({ kind: "pre-vote-request", term: 3 }));
    core.step(voteRequest({ term: 3 }));
    const { messages } = drain(core);
    assert.deepEqual(
      messages.map(message => [message.kind, message.term, "isGranted" in message && message.isGranted]),
      [
        ["append-response", 7, false],
        ["append-response", 7, false],
        ["pre-vote-response", 7, false],
      ],
    );
    assert.deepEqual([core.term, core.leaderId], [7, 0]);
  });

  it("is not for learners, nor for those that are no members", () => {
    for (const setup of [{ voters: [2, 3], learners: [1] }, { voters: [2, 3] }, { voters: [] }]) {
      const core = aCore(setup);
      ticks(core, 100);
      assert.deepEqual([core.role, core.term, drain(core).messages], ["follower", 0, []]);
      core.step({ kind: "timeout-now", from: 2, to: 1, term: 0 });
      assert.equal(core.role, "follower");
    }
  });

  it("waits a whole timeout when this process was the one that stood still", () => {
    const core = aCore();
    ticks(core, ELECTION_TICKS - 1);
    core.stalled();
    ticks(core, ELECTION_TICKS - 1);
    assert.equal(core.role, "follower");
    core.tick();
    assert.equal(core.role, "pre-candidate");
  });

  it("ends the office of a leader that hears no majority for an election timeout (thesis 6.2)", () => {
    const leader = aLeader({ voters: [1, 2, 3, 4, 5] });
    drain(leader);
    const hear = (from: number) => leader.step({ kind: "heartbeat-response", from, to: 1, term: leader.term, readRound: 0 });
    hear(2);
    hear(3);
    ticks(leader, ELECTION_TICKS);
    assert.equal(leader.role, "leader");
    hear(2);
    ticks(leader, ELECTION_TICKS - 1);
    assert.equal(leader.role, "leader");
    leader.tick();
    assert.deepEqual([leader.role, leader.leaderId, leader.term], ["follower", 0, 1]);
  });

  it("gives a new leader a whole election timeout to be answered, however long its election took", () => {
    const core = aCore();
    ticks(core, ELECTION_TICKS);
    drain(core);
    core.step({ kind: "pre-vote-response", from: 2, to: 1, term: 1, isGranted: true });
    drain(core);
    ticks(core, ELECTION_TICKS - 1);
    core.step({ kind: "vote-response", from: 2, to: 1, term: 1, isGranted: true });
    ticks(core, ELECTION_TICKS - 1);
    assert.equal(core.role, "leader");
    core.tick();
    assert.equal(core.role, "follower");
  });

  it("ends the office of a leader whose disk takes nothing, and of nobody else", () => {
    const leader = aLeader();
    leader.setWritable(true);
    assert.equal(leader.role, "leader");
    leader.setWritable(false);
    assert.deepEqual([leader.role, leader.leaderId], ["follower", 0]);
    const follower = aCore({ raftId: 2 });
    follower.step({ kind: "heartbeat", from: 1, to: 2, term: 1, commit: 0, readRound: 0 });
    follower.setWritable(false);
    assert.equal(follower.leaderId, 1);
  });

  it("lets a follower give its leader up, not a leader itself", () => {
    const leader = aLeader();
    leader.forgetLeader();
    assert.equal(leader.leaderId, 1);
    const follower = aCore({ raftId: 2 });
    follower.step({ kind: "heartbeat", from: 1, to: 2, term: 1, commit: 0, readRound: 0 });
    follower.forgetLeader();
    assert.equal(follower.leaderId, 0);
  });

  it("keeps a manager that was cut off from raising terms or disturbing anyone", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.isLost = message => message.from === 3 || message.to === 3;
    network.tick(100);
    assert.deepEqual([network.core(3).term, network.core(1).role], [1, "leader"]);
    network.isLost = () => false;
    network.tick(5);
    assert.deepEqual(
      [...network.cores.values()].map(core => [core.leaderId, core.term]),
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    );
  });

  it("finds a new leader when the old one is gone", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.isLost = message => message.from === 1 || message.to === 1;
    network.tick(40);
    assert.deepEqual([network.core(1).role, network.core(2).role, network.core(3).leaderId], ["pre-candidate", "leader", 2]);
  });

  it("stops at two leaders of one term", () => {
    const leader = aLeader();
    const { term } = leader;
    assert.throws(() => leader.step({ kind: "heartbeat", from: 2, to: 1, term, commit: 0, readRound: 0 }), /both lead term/);
    const follower = aCore({ term: 3 });
    follower.step({ kind: "heartbeat", from: 2, to: 1, term: 3, commit: 0, readRound: 0 });
    assert.throws(() => follower.step({ kind: "heartbeat", from: 3, to: 1, term: 3, commit: 0, readRound: 0 }), /both lead term/);
  });

  it("refuses a message that is not for it", () => {
    assert.throws(() => aCore().step(voteRequest({ to: 9 })), /came to 1/);
  });
});
