import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WindowSize } from "../../../../src/engine/runtime/window-size.ts";

const SIZE = { heightCells: 24, widthCells: 80 };
const allRead = { unreadBytes: () => 0 };

describe("the size of a terminal", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "shoal-winsz-"))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const pipe = () => join(directory, "winsz");
  const size = () => new WindowSize(allRead, pipe());

  it("is a line for who reads the pipe", async () => {
    execFileSync("mkfifo", [pipe()]);
    await using reader = await open(pipe(), constants.O_RDONLY | constants.O_NONBLOCK);
    await size().setUnlessGone(SIZE);
    assert.equal((await reader.read(Buffer.alloc(100))).buffer.toString("latin1", 0, 6), "24 80\n");
  });

  for (const [name, make] of [
    ["has left", () => execFileSync("mkfifo", [pipe()])],
    ["is gone with all its files", () => undefined],
  ] as const) {
    it(`is nothing to a terminal that ${name}`, async () => {
      make();
      await assert.rejects(size().set(SIZE), { code: /^(ENXIO|ENOENT)$/ });
      await size().setUnlessGone(SIZE);
    });
  }

  it("that cannot be set for any other reason is told", async () => {
    mkdirSync(pipe());
    await assert.rejects(size().setUnlessGone(SIZE), { code: "EISDIR" });
  });
});
