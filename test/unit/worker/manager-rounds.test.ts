import assert from "node:assert/strict";
import { ManagerRounds } from "../../../src/worker/manager-rounds.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";

const MANAGERS = ["10.0.0.1:2377", "10.0.0.2:2377", "10.0.0.3:2377"];

describe("a worker that looks for a manager", () => {
  it("tries each one that it knows once before it waits longer", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const rounds = new ManagerRounds(new SeededRandom(seed));
      const tries = Array.from({ length: 12 }, () => rounds.next(MANAGERS));
      for (let round = 0; round < 12; round += 3) {
        const addresses = tries.slice(round, round + 3).map(({ address }) => address ?? "");
        assert.deepEqual(addresses.toSorted(), MANAGERS, `seed ${seed}, try ${round}`);
      }
      assert.equal(tries[0]?.delayMs, 0);
      for (const { delayMs } of tries.slice(1, 6)) assert.ok(delayMs >= 50 && delayMs <= 100, `${delayMs} ms`);
      for (const { delayMs } of tries.slice(7, 9)) assert.ok(delayMs >= 50 && delayMs <= 100, `${delayMs} ms within a round`);
      assert.ok((tries[9]?.delayMs ?? 0) > 150, `${tries[9]?.delayMs} ms`);
    }
  });

  it("leaves one that says nothing after 2 s as long as there are others, and gives all of them 4 s when none was so fast", () => {
    const rounds = new ManagerRounds(new SeededRandom(7));
    const patience = Array.from({ length: 9 }, () => rounds.next(MANAGERS).connectMs);
    assert.deepEqual(patience, [2_000, 2_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000]);
    rounds.succeeded(MANAGERS[0] ?? "");
    assert.equal(rounds.next(MANAGERS).connectMs, 2_000);
  });

  it("waits at most half a second as long as it may not count as down yet, and at most 5 s later", () => {
    const rounds = new ManagerRounds(new SeededRandom(7));
    const delays = Array.from({ length: 80 }, () => rounds.next(MANAGERS.slice(0, 1)).delayMs);
    const urgent = delays.slice(0, 20);
    assert.ok(Math.max(...urgent) <= 500);
    assert.ok(urgent.reduce((sum, ms) => sum + ms, 0) > 5_000, "that lasts until it counts as down");
    assert.ok(Math.max(...delays) <= 5_000);
    assert.ok(Math.min(...delays.slice(30)) >= 2_500);
    assert.ok(new Set(delays.slice(30)).size > 5, "workers do not come all at once");
  });

  it("goes to another one when the one that took it is lost", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const rounds = new ManagerRounds(new SeededRandom(seed));
      for (let failures = 0; failures < seed; failures++) rounds.next(MANAGERS);
      const [lost = ""] = MANAGERS;
      rounds.succeeded(lost);
      const others = [rounds.next(MANAGERS), rounds.next(MANAGERS)];
      assert.ok(others.every(({ address }) => address !== lost));
      assert.ok(others.every(({ delayMs }) => delayMs <= 100));
      assert.equal(rounds.next(MANAGERS).address === undefined, false);
    }
  });

  it("tries at once when something has changed", () => {
    const rounds = new ManagerRounds(new SeededRandom(3));
    for (let failures = 0; failures < 40; failures++) rounds.next(MANAGERS);
    rounds.restart();
    assert.equal(rounds.next(MANAGERS).delayMs, 0);
    assert.ok(rounds.next(MANAGERS).delayMs <= 100);
  });

  it("looks again later when it knows nobody", () => {
    const rounds = new ManagerRounds(new SeededRandom(3));
    const { address, delayMs } = rounds.next([]);
    assert.deepEqual({ address, delayMs }, { address: undefined, delayMs: 0 });
    assert.ok(rounds.next([]).delayMs > 0);
    assert.equal(rounds.next(MANAGERS.slice(1, 2)).address, MANAGERS[1]);
  });
});
