import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { StoreFixture } from "./store-fixture.ts";
import { skip } from "../../skip.ts";

const PROGRAM = fileURLToPath(new URL("./load-forever.ts", import.meta.url));

describe("image store after kill -9", function () {
  this.timeout(60_000); // Five programs are started from source, one after the other.
  let fixture: StoreFixture;
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "it needs root");
  });
  beforeEach(() => {
    fixture = new StoreFixture();
  });
  afterEach(() => fixture?.[Symbol.asyncDispose]());

  it("holds whole images only, and nothing else", async () => {
    const sizes: number[] = [];
    for (const afterMs of [3, 40, 85, 130, 170]) {
      const child = spawn(process.execPath, ["--import=tsx", PROGRAM, fixture.dataRoot], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = once(child, "exit");
      await once(child.stdout, "data");
      await new Promise(resolve => setTimeout(resolve, afterMs)); // The moment of the crash, not a wait for anything.
      child.kill("SIGKILL");
      await exited;

      const errors: unknown[] = [];
      const log = {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: (fields: unknown) => errors.push(fields),
      };
      const store = await fixture.open({ log });
      await store[Symbol.asyncDispose]();
      assert.deepEqual(errors, []);
      const images = await store.list({ all: true, filters: {} });
      const diffIds = new Set(images.flatMap(image => image.diffIds));
      const names = (folder: string): readonly string[] => readdirSync(`${fixture.dataRoot}/images/${folder}`);
      assert.equal(names("l").length, diffIds.size);
      for (const name of names("l"))
        assert.equal(readdirSync(`${fixture.dataRoot}/images/l/${name}`, { recursive: true }).length, 21);
      assert.deepEqual([...names("layers")].sort(), [...diffIds].map(diffId => `${diffId.slice(7)}.json`).sort());
      assert.equal(names("blobs/sha256").length, diffIds.size + images.length);
      assert.equal(names("images").length, images.length);
      assert.deepEqual(names("staging"), []);
      sizes.push(images.length);
    }
    assert.ok(
      sizes.some(size => size > 0),
      "nothing was ever loaded before the crash",
    );
  });
});
