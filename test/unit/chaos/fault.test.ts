import assert from "node:assert/strict";
import { Deck } from "../../chaos/deck.ts";
import { drawFaults, FAULT_KINDS, type FaultKind } from "../../chaos/fault.ts";
import { Tally } from "../../chaos/tally.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";

const HOSTS = ["m1", "m2", "m3", "w1", "w2"];
const KINDS = FAULT_KINDS as unknown as readonly [FaultKind, ...FaultKind[]];

function faultsOf(seed: number, rounds: number) {
  const random = new SeededRandom(seed);
  const kinds = new Deck(random.fork(), KINDS);
  return Array.from({ length: rounds }, () => drawFaults(random, { hosts: HOSTS, kinds }));
}

describe("the faults of a chaos run", () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`are of each kind within so many rounds as there are kinds, SEED=${seed}`, () => {
      const kinds = faultsOf(seed, FAULT_KINDS.length)
        .flat()
        .map(({ kind }) => kind);
      assert.deepEqual(new Set(kinds), new Set(FAULT_KINDS));
    });

  it("are the same for the same seed, and others for another", () => {
    assert.deepEqual(faultsOf(7, 20), faultsOf(7, 20));
    assert.notDeepEqual(faultsOf(7, 20), faultsOf(8, 20));
  });

  it("have workers leave, never managers", () => {
    const left = faultsOf(4, 200)
      .flat()
      .filter(({ kind }) => kind === "leave");
    assert.deepEqual(new Set(left.map(({ host }) => host)), new Set(["w1", "w2"]));
  });

  it("hit each host once in a round, for 0.3 to 15 s", () => {
    const rounds = faultsOf(3, 200);
    for (const round of rounds) assert.equal(new Set(round.map(({ host }) => host)).size, round.length);
    assert.ok(rounds.some(round => round.length === 3));
    assert.ok(rounds.flat().every(({ forMs }) => forMs >= 300 && forMs <= 15_000));
  });
});

describe("the tally of a chaos run", () => {
  it("misses what was never felt, however often it was inflicted", () => {
    const tally = new Tally(["kill", "cut", "pause"]);
    tally.note("kill", { wasFelt: true });
    tally.note("cut", { wasFelt: false });
    tally.note("cut", { wasFelt: false });
    assert.deepEqual(tally.missing, ["cut", "pause"]);
    assert.deepEqual(tally.counts, {
      kill: { inflicted: 1, felt: 1 },
      cut: { inflicted: 2, felt: 0 },
      pause: { inflicted: 0, felt: 0 },
    });
  });
});
