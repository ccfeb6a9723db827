import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { ContainerLog } from "../../../../src/engine/logs/container-log.ts";
import { LogFiles } from "./log-files.ts";

describe("a compressed log", () => {
  const SETTINGS = { isKept: true, isReadable: true, fileBytesMax: 1000, filesMax: 3, compresses: true };

  async function written(): Promise<LogFiles> {
    const files = await LogFiles.create({ compresses: true });
    for (const first of [1, 51]) {
      files.lines(50, first);
      await files.rotate();
    }
    files.lines(2, 101);
    await files.log.compress();
    return files;
  }

  it("keeps its finished files packed, and reads as before", async () => {
    await using files = await written();
    assert.equal(existsSync(`${files.path}.1`), false);
    assert.match(
      gunzipSync(readFileSync(`${files.path}.1.gz`)).toString(),
      /^2026-11-21T00:00:00.000000001\+00:00 stdout F line 1\n/,
    );
    const lines = await files.read();
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [102, "line 1\n", "line 102\n"]);
    assert.deepEqual(await files.read({ tail: 4 }), ["line 99\n", "line 100\n", "line 101\n", "line 102\n"]);
    assert.equal((await files.read({ sinceNs: BigInt(Date.UTC(2026, 10, 21, 0, 1, 30)) * 1_000_000n })).length, 12);
  });

  it("drops packed files when there are too many", async () => {
    await using files = await written();
    files.lines(50, 103);
    await files.rotate();
    assert.equal(existsSync(`${files.path}.1.gz`), false);
    assert.equal((await files.read())[0], "line 51\n");
  });

  it("leaves nothing of a file that is dropped while the one before it is packed", async () => {
    await using files = await LogFiles.create({ compresses: true });
    for (const first of [1, 51]) {
      files.lines(50, first);
      await files.rotate();
    }
    const compression = files.log.compress();
    for (const first of [101, 151]) {
      files.lines(50, first);
      await files.rotate();
    }
    await compression;
    const left = readdirSync(dirname(files.path)).filter(name => /\.[12]\b|\.new$/.test(name));
    assert.deepEqual(left, []);
  });

  it("is taken up by the next daemon, without what was left half done", async () => {
    await using files = await written();
    writeFileSync(`${files.path}.2.gz.new`, "half");
    const log = await ContainerLog.open(files.path, SETTINGS);
    assert.deepEqual([log.oldestFile, log.currentFile], [1, 3]);
    assert.equal(existsSync(`${files.path}.2.gz.new`), false);
  });
});
