import assert from "node:assert/strict";
import { readdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { until } from "../containers/fake-world.ts";
import { LogFiles } from "./log-files.ts";

describe("logs", () => {
  let files: LogFiles;
  beforeEach(async () => {
    files = await LogFiles.create();
  });
  afterEach(() => files[Symbol.asyncDispose]());

  it("join the pieces of a line, stream by stream", async () => {
    files.write("a", { tag: "P" });
    files.write("x", { stream: "stderr", tag: "P" });
    files.write("b", { tag: "P" });
    files.write("c");
    files.write("y", { stream: "stderr" });
    files.write("rest", { tag: "P" });
    assert.deepEqual(await files.read(), ["abc\n", "xy\n", "rest"]);
    assert.deepEqual(await files.read({ wantsStdout: false }), ["xy\n"]);
  });

  it("hand a very long line on in parts, with one time in front", async () => {
    const piece = "z".repeat(8192);
    for (let count = 0; count < 20; count++) files.write(piece, { tag: "P" });
    files.write("");
    const parts = await files.read({ timestamps: true });
    assert.equal(parts.join(""), `2026-11-21T00:00:00.000000001Z ${piece.repeat(20)}\n`);
    assert.ok(parts.length > 1);
  });

  const tails = [
    { tail: 0, found: [] },
    { tail: 1, found: ["c\n"] },
    { tail: 2, found: ["bb\n", "c\n"] },
    { tail: 3, found: ["a\n", "bb\n", "c\n"] },
    { tail: 9, found: ["a\n", "bb\n", "c\n"] },
  ];
  for (const { tail, found } of tails) {
    it(`show the last ${tail} lines, pieces counted together`, async () => {
      files.write("a");
      files.write("b", { tag: "P" });
      files.write("b");
      files.write("c");
      assert.deepEqual(await files.read({ tail }), found);
    });
  }

  it("count only the wanted stream's lines for a tail", async () => {
    files.write("out 1");
    files.write("out 2");
    files.write("err", { stream: "stderr" });
    assert.deepEqual(await files.read({ tail: 1, wantsStderr: false }), ["out 2\n"]);
  });

  it("find a tail across files and blocks", async () => {
    files.lines(3000);
    await files.rotate();
    files.lines(10, 3001);
    for (const tail of [5, 10, 11, 2000, 3010]) {
      const found = await files.read({ tail });
      assert.equal(found.length, tail);
      assert.equal(found[0], `line ${3011 - tail}\n`);
    }
  });

  it("show what lies between two times", async () => {
    files.lines(5);
    const secondNs = (second: number) =>
      BigInt(Date.parse("2026-11-21T00:00:00Z")) * 1_000_000n + BigInt(second) * 1_000_000_000n;
    assert.deepEqual(await files.read({ sinceNs: secondNs(1), untilNs: secondNs(3) }), ["line 2\n", "line 3\n"]);
  });

  it("are followed until the run is over", async () => {
    files.log.begin();
    files.lines(2);
    const found: string[] = [];
    const reading = (async () => {
      for await (const line of files.stream({ follow: true })) found.push(line);
    })();
    await until(() => found.length === 2, "what is there was read");
    files.lines(1, 3);
    await until(() => found.length === 3, "what came was read");
    files.lines(1, 4);
    files.log.finish();
    await reading;
    assert.deepEqual(found, ["line 1\n", "line 2\n", "line 3\n", "line 4\n"]);
  });

  it("are followed across rotations, nothing lost or doubled", async () => {
    files.log.begin();
    const found: string[] = [];
    const reading = (async () => {
      for await (const line of files.stream({ follow: true })) found.push(line);
    })();
    const LINES = 400;
    for (let number = 1; number <= LINES; number++) {
      files.lines(1, number);
      if (number % 40 === 0) {
        await files.rotate();
        await until(() => found.length >= number - 40, "the reader is not too far behind");
      }
    }
    files.log.finish();
    await reading;
    assert.deepEqual(
      found,
      Array.from({ length: LINES }, (_, index) => `line ${index + 1}\n`),
    );
    assert.equal(readdirSync(dirname(files.path)).length, 3); // `max-file`: the others are gone.
  });

  it("are whole after a rotation that failed half-way", async () => {
    files.lines(100);
    const rotation = files.log.rotateIfFull(async rotatedPath => {
      renameSync(files.path, rotatedPath);
      throw new Error("nobody is there");
    });
    await assert.rejects(rotation, { message: "nobody is there" });
    assert.equal((await files.read()).length, 100);
  });

  it("end when the reader leaves", async () => {
    files.log.begin();
    const leave = new AbortController();
    const reading = files.read({ follow: true, signal: leave.signal });
    files.lines(1);
    leave.abort();
    assert.ok((await reading).length <= 1);
  });
});
