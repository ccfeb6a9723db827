import assert from "node:assert/strict";
import { Liveness, silenceLimitMs } from "../../../../src/manager/dispatcher/liveness.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId } from "../../../../src/model/ids.ts";

const M1 = asId<NodeId>("m1");
const M2 = asId<NodeId>("m2");

/** Those who lost the last leader have come. */
const LONG_AGO = -60_000;

function nodes(ids: readonly string[], state = "ready") {
  return ids.map(id => ({ id: asId<NodeId>(id), status: { state }, role: id.startsWith("m") ? "manager" : "worker" }) as const);
}

interface Beat {
  readonly nodeId: string;
  readonly sessionId?: string;
  readonly ageMs?: number;
  readonly silenceMs?: number;
}

function report(managerId: NodeId, beats: readonly Beat[]): Parameters<Liveness["report"]>[0] {
  return {
    managerId,
    sessions: beats.map(({ nodeId, sessionId = `${nodeId}-session`, ageMs = 0, silenceMs = 0 }) => ({
      nodeId: asId(nodeId),
      sessionId: asId(sessionId),
      ageMs,
      silenceMs,
    })),
  };
}

function elected(electedAtMs = 0): Liveness {
  return new Liveness({ electedAtMs, beatPeriodMs: 1_000 });
}

describe("the silence a worker is allowed", () => {
  for (const { periodMs, limitMs } of [
    { periodMs: 500, limitMs: 5_000 },
    { periodMs: 1_000, limitMs: 5_000 },
    { periodMs: 5_000, limitMs: 15_000 },
  ]) {
    it(`is ${limitMs} ms at a period of ${periodMs} ms`, () => assert.equal(silenceLimitMs(periodMs), limitMs));
  }
});

describe("the leader's judgement", () => {
  it("takes a node that is heard for up, and one that has been silent for over 5 s for down", () => {
    const liveness = elected();
    const three = ["a", "b", "c"];
    liveness.report(
      report(
        M1,
        three.map(nodeId => ({ nodeId })),
      ),
      1_000,
    );
    assert.deepEqual(liveness.judge(nodes(three, "unknown"), 1_000), { down: [], up: three, left: [] });
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }]), 6_000);
    assert.deepEqual(liveness.judge(nodes(three), 6_000), { down: [], up: [], left: [] });
    assert.deepEqual(liveness.judge(nodes(three), 6_001), { down: ["c"], up: [], left: [] });
  });

  it("asks a silent node 1.5 s before it would be down, and gives one that answered 3 s more at most", () => {
    const liveness = elected(LONG_AGO);
    const three = nodes(["a", "b", "c"]);
    const beats = (atMs: number, ids: readonly string[]) =>
      liveness.report(
        report(
          M1,
          ids.map(nodeId => ({ nodeId })),
        ),
        atMs,
      );
    const a = asId<NodeId>("a");
    beats(0, ["a", "b", "c"]);
    beats(3_500, ["b", "c"]);
    assert.deepEqual(liveness.suspects(three, 3_500), []);
    assert.deepEqual(liveness.suspects(three, 3_501), ["a"]);
    assert.deepEqual(liveness.suspects(nodes(["a"], "down"), 3_501), [], "who is down already is not asked");
    liveness.answered(a, 4_000);
    beats(5_500, ["b", "c"]);
    assert.deepEqual(liveness.judge(three, 5_500).down, []);
    liveness.answered(a, 5_500);
    beats(7_000, ["b", "c"]);
    assert.deepEqual(liveness.judge(three, 7_000).down, []);
    liveness.answered(a, 7_900);
    assert.deepEqual(liveness.judge(three, 8_000).down, []);
    assert.deepEqual(liveness.suspects(three, 8_001), []);
    assert.deepEqual(liveness.judge(three, 8_001).down, ["a"], "it answers, but is of no use");
  });

  it("takes an answer for nothing 1.5 s later", () => {
    const liveness = elected();
    liveness.report(
      report(
        M1,
        ["a", "b", "c"].map(nodeId => ({ nodeId })),
      ),
      0,
    );
    liveness.answered(asId("a"), 4_000);
    liveness.report(report(M1, [{ nodeId: "b" }, { nodeId: "c" }]), 5_501);
    assert.deepEqual(liveness.judge(nodes(["a", "b", "c"]), 5_501).down, ["a"]);
  });

  it("counts from its election what it has not heard itself, and gives 3 s more to workers, who had to move", () => {
    const liveness = elected(100_000);
    const all = nodes(["a", "b", "c", "d", "m2"]);
    const heard = report(
      M1,
      ["b", "c", "d"].map(nodeId => ({ nodeId })),
    );
    liveness.report(heard, 101_000);
    liveness.report(heard, 104_000);
    assert.deepEqual(liveness.judge(all, 105_000).down, []);
    assert.deepEqual(liveness.judge(all, 105_001).down, ["m2"]);
    liveness.report(heard, 107_000);
    const staying = all.filter(({ id }) => id !== M2);
    assert.deepEqual(liveness.suspects(staying, 106_500), []);
    assert.deepEqual(liveness.suspects(staying, 106_501), ["a"]);
    assert.deepEqual(liveness.judge(staying, 108_000).down, []);
    assert.deepEqual(liveness.judge(staying, 108_001).down, ["a"]);
    assert.deepEqual(liveness.judge(nodes(["d"], "unknown"), 200_000), { down: [], up: [], left: [] });
  });

  it("gives the workers of a manager it cannot hear 5 s more, but not that manager's own node", () => {
    const liveness = elected();
    const all = nodes(["m1", "m2", "w", "x", "y", "z"]);
    liveness.report(report(M2, [{ nodeId: "m2" }, { nodeId: "w" }]), 0);
    for (const atMs of [0, 5_000, 9_000]) {
      liveness.report(
        report(
          M1,
          ["m1", "x", "y", "z"].map(nodeId => ({ nodeId })),
        ),
        atMs,
      );
    }
    assert.deepEqual(liveness.judge(all, 9_999).down, ["m2"]);
    assert.deepEqual(
      liveness.judge(
        all.filter(({ id }) => id !== M2),
        10_001,
      ).down,
      ["w"],
    );
  });

  describe("while workers that lost their manager arrive at another, at most 5 s apart,", () => {
    const all = nodes(["a", "b", "c", "d", "e", "f"]);
    const beats = (liveness: Liveness, atMs: number, ids: readonly string[], managerId = M1) =>
      liveness.report(
        report(
          managerId,
          ids.map(nodeId => ({ nodeId, sessionId: `${nodeId}-${managerId}` })),
        ),
        atMs,
      );

    it("takes those for being on their way that have not arrived since the election", () => {
      const liveness = elected();
      beats(liveness, 1_000, ["a", "b", "c", "d"]);
      beats(liveness, 7_000, ["a", "b", "c", "d", "e"]);
      beats(liveness, 11_000, ["a", "b", "c", "d", "e"]);
      assert.deepEqual(liveness.judge(all, 12_000).down, [], "e has just arrived");
      assert.deepEqual(liveness.judge(all, 12_001).down, ["f"]);
    });

    it("takes those for being on their way whose manager fell silent", () => {
      const liveness = elected();
      beats(liveness, 0, ["a", "b", "c", "d"]);
      beats(liveness, 0, ["e", "f"], M2);
      beats(liveness, 9_000, ["a", "b", "c", "d", "e"]);
      beats(liveness, 13_000, ["a", "b", "c", "d", "e"]);
      assert.deepEqual(liveness.judge(all, 14_000).down, [], "e has just arrived");
      assert.deepEqual(liveness.judge(all, 14_001).down, ["f"]);
    });

    it("judges those as ever that have a session, and are silent", () => {
      const liveness = elected();
      beats(liveness, 0, ["a", "b", "c", "d"]);
      const silent = { nodeId: "d", sessionId: `d-${M1}`, silenceMs: 5_000 };
      const heard = ["a", "b", "c", "e"].map(nodeId => ({ nodeId, sessionId: `${nodeId}-${M1}` }));
      liveness.report(report(M1, [...heard, silent]), 5_000);
      assert.deepEqual(liveness.judge(all, 5_001).down, ["d"]);
    });

    it("takes those for being on their way whose session broke meanwhile, but not for longer than 30 s", () => {
      const liveness = elected();
      beats(liveness, 0, ["a", "b", "c", "d"]);
      for (let atMs = 5_000; atMs < 30_000; atMs += 5_000) {
        beats(liveness, atMs, ["a", "b", "c", ...Array.from({ length: atMs / 5_000 }, (_, index) => `late${index}`)]);
        assert.deepEqual(liveness.judge(nodes(["a", "b", "c", "d"]), atMs + 5_000).down, [], `at ${atMs}`);
      }
      beats(liveness, 30_000, ["a", "b", "c", "last"]);
      assert.deepEqual(liveness.judge(nodes(["a", "b", "c", "d"]), 30_001).down, ["d"]);
    });

    it("takes a manager's own node for none of them, at its manager or another", () => {
      for (const home of [M2, M1]) {
        const liveness = elected();
        beats(liveness, 0, ["a", "b", "c", "d"]);
        beats(liveness, 4_500, [], M2);
        beats(liveness, 4_500, ["a", "b", "c", ...(home === M1 ? ["m2"] : [])]);
        if (home === M2) beats(liveness, 4_500, ["m2"], M2);
        assert.deepEqual(liveness.judge(nodes(["a", "b", "c", "d"]), 5_001).down, ["d"], `m2 at ${home}`);
      }
    });

    it("judges those as ever whose session broke while none arrives", () => {
      const liveness = elected();
      beats(liveness, 0, ["a", "b", "c", "d"]);
      beats(liveness, 5_000, ["a", "b", "c"]);
      assert.deepEqual(liveness.judge(nodes(["a", "b", "c", "d"]), 5_001).down, ["d"]);
    });

    it("waits for no other for longer than 30 s", () => {
      const liveness = elected();
      const many = Array.from({ length: 20 }, (_, index) => `w${index}`);
      beats(liveness, 1_000, many);
      for (let atMs = 2_000; atMs <= 30_000; atMs += 1_000) {
        beats(liveness, atMs, [...many, ...Array.from({ length: atMs / 1_000 }, (_, index) => `late${index}`)]);
        assert.deepEqual(liveness.judge(nodes([...many, "x"]), atMs).down, [], `at ${atMs}`);
      }
      beats(liveness, 30_001, [...many, "last"]);
      assert.deepEqual(liveness.judge(nodes([...many, "x"]), 30_001).down, ["x"]);
    });

    it("takes no node for one of them that opens a session elsewhere without need", () => {
      const liveness = elected();
      beats(liveness, 1_000, ["a", "b", "c", "d", "e"]);
      beats(liveness, 7_000, ["a", "b", "c", "d"]);
      beats(liveness, 7_500, ["e"], M2);
      assert.deepEqual(liveness.judge(all, 8_001).down, ["f"]);
    });
  });

  it("evicts nobody for 60 s when more than half fall silent at once", () => {
    const liveness = elected();
    const all = nodes(["a", "b", "c"]);
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }, { nodeId: "c" }]), 0);
    liveness.report(report(M1, [{ nodeId: "a" }]), 5_500);
    assert.deepEqual(liveness.judge(all, 5_600).down, []);
    for (let atMs = 6_000; atMs < 65_000; atMs += 1_000) {
      liveness.report(report(M1, [{ nodeId: "a" }]), atMs);
      assert.deepEqual(liveness.judge(all, atMs).down, [], `at ${atMs}`);
    }
    liveness.report(report(M1, [{ nodeId: "a" }]), 65_599);
    assert.deepEqual(liveness.judge(all, 65_599).down, []);
    assert.deepEqual(liveness.judge(all, 65_600).down, ["b", "c"]);
  });

  it("holds back until all of those are heard again, also for one that answers without sending beats", () => {
    const liveness = elected();
    const all = nodes(["a", "b", "c"]);
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }, { nodeId: "c" }]), 0);
    liveness.report(report(M1, [{ nodeId: "a" }]), 5_500);
    assert.deepEqual(liveness.judge(all, 5_600).down, []);
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }]), 7_000);
    liveness.answered(asId("c"), 7_000);
    assert.deepEqual(liveness.judge(all, 7_000).down, [], "it has a respite");
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }]), 8_500);
    liveness.answered(asId("c"), 8_500);
    assert.deepEqual(liveness.judge(all, 8_500).down, [], "which is over");
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }, { nodeId: "c" }]), 9_000);
    assert.deepEqual(liveness.judge(all, 9_000).down, []);
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }]), 40_000);
    assert.deepEqual(liveness.judge(all, 40_000).down, ["c"], "by itself, later");
  });

  it("holds back anew when most fall silent again, after a time without them", () => {
    const liveness = elected();
    const all = nodes(["a", "b", "c", "d", "e"]);
    const beat = (ids: readonly string[], atMs: number) =>
      liveness.report(
        report(
          M1,
          ids.map(nodeId => ({ nodeId })),
        ),
        atMs,
      );
    beat(["a", "b", "c", "d", "e"], 0);
    beat(["a"], 5_500);
    assert.deepEqual(liveness.judge(all, 5_600).down, []);
    beat(["a", "b", "c"], 65_000);
    assert.deepEqual(liveness.judge(all, 65_600).down, ["d", "e"]);
    const left = [...nodes(["a", "b", "c"]), ...nodes(["d", "e"], "down")];
    beat(["a"], 95_700);
    beat(["b", "c"], 90_000);
    assert.deepEqual(liveness.judge(left, 95_700).down, []);
  });

  it("counts a node as silent with the others when it was not heard for over 2.5 s", () => {
    for (const [nowMs, down] of [
      [5_001, ["c"]],
      [5_002, []],
    ] as const) {
      const liveness = elected(LONG_AGO);
      liveness.report(report(M1, [{ nodeId: "c" }]), 0);
      liveness.report(report(M1, [{ nodeId: "b" }]), 2_501);
      liveness.report(report(M1, [{ nodeId: "a" }]), 5_001);
      assert.deepEqual(liveness.judge(nodes(["a", "b", "c"]), nowMs).down, down, `at ${nowMs}`);
    }
  });

  it("counts those that fell silent within 30 s together", () => {
    for (const [lastMs, down] of [
      [35_000, []],
      [35_001, ["d", "e"]],
    ] as const) {
      const liveness = elected(LONG_AGO);
      const heard = (atMs: number, ids: readonly string[]) =>
        liveness.report(
          report(
            M1,
            ids.map(nodeId => ({ nodeId })),
          ),
          atMs,
        );
      heard(0, ["c"]);
      heard(5_001, ["a", "b", "d", "e"]);
      assert.deepEqual(liveness.judge(nodes(["a", "b", "c", "d", "e"]), 5_001).down, ["c"]);
      heard(lastMs, ["a", "b"]);
      assert.deepEqual(liveness.judge(nodes(["a", "b", "d", "e"]), lastMs).down, down, `at ${lastMs}`);
    }
  });

  /** `last`: when each was heard last, in ms; the others are heard all the time. */
  function downAt(last: Readonly<Record<string, number>>, moments: readonly number[], all = ["a", "b", "c", "d", "e"]): unknown {
    const liveness = elected();
    const gone = new Set<string>();
    return moments.map(nowMs => {
      const beats = all.map(nodeId => ({ nodeId, silenceMs: nowMs - Math.min(nowMs, last[nodeId] ?? nowMs) }));
      liveness.report(report(M1, beats), nowMs);
      const { down } = liveness.judge(nodes(all.filter(id => !gone.has(id))), nowMs);
      for (const id of down) gone.add(id);
      return down;
    });
  }

  it("counts those that fell silent one after the other within 30 s as if they had at once", () => {
    assert.deepEqual(downAt({ a: 0, b: 3_000, c: 6_000 }, [5_001, 8_001, 11_001]), [["a"], ["b"], []]);
    assert.deepEqual(downAt({ a: 0, b: 3_000, c: 29_999 }, [5_001, 8_001, 35_000]), [["a"], ["b"], []]);
    assert.deepEqual(downAt({ a: 0, b: 3_000, c: 30_000 }, [5_001, 8_001, 35_001]), [["a"], ["b"], ["c"]]);
  });

  it("counts those as silent that have been so for over half of what is allowed", () => {
    assert.deepEqual(downAt({ a: 0, b: 2_501 }, [5_001], ["a", "b", "c"]), [["a"]]);
    assert.deepEqual(downAt({ a: 0, b: 2_500 }, [5_001], ["a", "b", "c"]), [[]]);
  });

  it("expects nothing of a node that said goodbye, and hears its last session no more", () => {
    const liveness = elected(LONG_AGO);
    const all = nodes(["a", "b", "c"]);
    const a = asId<NodeId>("a");
    liveness.report(report(M1, [{ nodeId: "a" }, { nodeId: "b" }, { nodeId: "c" }]), 0);
    liveness.left(a, 1_000);
    assert.deepEqual(liveness.judge(all, 1_000), { down: [], up: [], left: ["a"] });
    // On its way since before the goodbye, or of a manager that has not seen the end of the session yet.
    assert.deepEqual(liveness.report(report(M1, [{ nodeId: "a", ageMs: 1_500 }, { nodeId: "b" }]), 1_500), ["a-session"]);
    const afterwards = [...nodes(["a"], "down"), ...nodes(["b", "c"])];
    assert.deepEqual(liveness.judge(afterwards, 1_500), { down: [], up: [], left: [] });
    liveness.report(report(M1, [{ nodeId: "b" }]), 4_500);
    assert.deepEqual(liveness.suspects(all, 4_500), ["c"], "it is not asked");
    liveness.report(report(M1, [{ nodeId: "b" }]), 5_001);
    // The silence of one of two, not that of two of three; also while the goodbye could not be written down.
    assert.deepEqual(liveness.judge(all, 5_001).down, ["c"]);
  });

  it("counts a node that said goodbye and opens another session", () => {
    const liveness = elected();
    liveness.report(report(M1, [{ nodeId: "a" }]), 0);
    liveness.left(asId("a"), 1_000);
    assert.deepEqual(liveness.report(report(M2, [{ nodeId: "a", sessionId: "next", ageMs: 100 }]), 1_200), []);
    assert.deepEqual(liveness.judge(nodes(["a"], "down"), 1_200), { down: [], up: ["a"], left: [] });
  });

  it("fences the older of a node's two sessions, whichever manager tells of it first", () => {
    const liveness = elected();
    assert.deepEqual(liveness.report(report(M1, [{ nodeId: "a", sessionId: "old", ageMs: 9_000 }]), 10_000), []);
    assert.deepEqual(liveness.report(report(M2, [{ nodeId: "a", sessionId: "new", ageMs: 100 }]), 10_000), []);
    assert.deepEqual(liveness.report(report(M1, [{ nodeId: "a", sessionId: "old", ageMs: 9_500 }]), 10_500), ["old"]);
    assert.deepEqual(liveness.report(report(M2, [{ nodeId: "a", sessionId: "new", ageMs: 600 }]), 10_500), []);
  });

  it("knows the newer of two sessions that a node had at one manager, and hears by it", () => {
    const liveness = elected(LONG_AGO);
    liveness.report(report(M1, [{ nodeId: "a", sessionId: "old", ageMs: 9_000 }]), 10_000);
    liveness.report(report(M1, [{ nodeId: "a", sessionId: "new", ageMs: 100 }]), 10_500);
    assert.deepEqual(liveness.report(report(M1, [{ nodeId: "a", sessionId: "old", ageMs: 10_000 }]), 11_000), ["old"]);
    assert.deepEqual(liveness.report(report(M1, [{ nodeId: "a", sessionId: "new", ageMs: 600 }]), 11_000), []);
    // A report that was under way for long takes back nothing.
    liveness.report(report(M1, [{ nodeId: "a", sessionId: "new", ageMs: 600, silenceMs: 900 }]), 11_000);
    const one = nodes(["a", "b", "c"]);
    liveness.report(report(M1, [{ nodeId: "b" }, { nodeId: "c" }]), 16_000);
    assert.deepEqual(liveness.judge(one, 16_000).down, []);
    assert.deepEqual(liveness.judge(one, 16_001).down, ["a"]);
  });
});
