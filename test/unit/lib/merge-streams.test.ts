import assert from "node:assert/strict";
import { MergedStreams } from "../../../src/lib/merge-streams.ts";

async function* numbers(count: number, onTaken: () => void = () => {}): AsyncGenerator<number> {
  for (let number = 0; number < count; number++) {
    onTaken();
    yield number;
  }
}

describe("MergedStreams", () => {
  it("gives every item of every source, in each one's order, also of those that come later", async () => {
    const merged = new MergedStreams<number>();
    merged.add(numbers(500));
    const seen: number[] = [];
    for await (const item of merged.read()) {
      seen.push(item);
      if (seen.length === 100) {
        merged.add(numbers(300));
        merged.close();
      }
    }
    assert.equal(seen.length, 800);
    assert.deepEqual(seen.toSorted((a, b) => a - b).slice(0, 4), [0, 0, 1, 1]);
  });

  it("holds the sources back while nobody reads", async () => {
    const merged = new MergedStreams<number>();
    let taken = 0;
    merged.add(numbers(10_000, () => taken++));
    const reader = merged.read();
    await reader.next();
    await new Promise(resolve => setImmediate(resolve));
    assert.ok(taken < 100, `${taken} were taken`);
    await reader.return(undefined);
  });

  it("fails with the first source that fails, after what came before", async () => {
    const merged = new MergedStreams<number>();
    merged.add(
      (async function* () {
        yield 1;
        throw new Error("broken");
      })(),
    );
    const reader = merged.read();
    assert.deepEqual(await reader.next(), { done: false, value: 1 });
    await assert.rejects(reader.next(), /broken/);
  });

  it("ends at once without sources", async () => {
    const merged = new MergedStreams<number>();
    merged.close();
    assert.equal((await merged.read().next()).done, true);
  });
});
