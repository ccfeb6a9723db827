import assert from "node:assert/strict";
import { readlinkSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { Staging } from "../../../../src/engine/images/staging.ts";
import { decompress } from "../../../../src/system/archive/decompress.ts";

const LIMIT = 1 << 20;

describe("a staged archive", () => {
  it("that is compressed is not opened where nobody comes to read it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "shoal-staging-"));
    const refusal = new Error("no helper can be started");
    const staging = await Staging.create(join(directory, "staging"), {
      archives: {
        decompress,
        unpack: async () => Promise.reject(refusal),
        remove: async (paths: readonly string[]) => void (await Promise.all(paths.map(path => rm(path, { recursive: true })))),
      } as never,
      limits: { archiveBytesMax: LIMIT, layerBytesMax: LIMIT, layerEntriesMax: 10 },
    });
    try {
      const file = await staging.receive([gzipSync("layer")] as never);
      await assert.rejects(staging.unpack(file), refusal);
      for (let turns = 0; turns < 20; turns++) await turn(); // Time for a file to be opened.
      const open = readdirSync("/proc/self/fd").map(fd => linkOf(fd));
      assert.deepEqual(
        open.filter(path => path.startsWith(directory)),
        [],
      );
    } finally {
      await staging[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    }
  });
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // That of the listing.
  }
}
