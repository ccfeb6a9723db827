import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSource } from "../../../src/cli/commands/container/copy-source.ts";
import { lookAt, unpackTo } from "../../../src/cli/commands/container/copy-target.ts";
import { CliError } from "../../../src/cli/context.ts";
import { encodeMember, TAR_END } from "../../../src/lib/tar/writer.ts";

const LONG = "x".repeat(300);

describe("the places of a copy", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "shoal-copy-"));
    symlinkSync("loop", join(directory, "loop"));
    writeFileSync(join(directory, "file"), "");
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("are missing where nothing is, also below a file", async () => {
    const missing = { isThere: false, isDirectory: false };
    assert.deepEqual(await lookAt(join(directory, "none")), { path: join(directory, "none"), ...missing });
    await assert.rejects(lookAt(join(directory, "none/deeper")), /invalid output path: directory .*none" does not exist/);
    const source = join(directory, "file/below");
    await assert.rejects(openSource(source, { followsLink: false }), { message: `lstat ${source}: no such file or directory` });
  });

  it("are not called missing where they cannot be looked at", async () => {
    const [loop, long] = [join(directory, "loop"), join(directory, LONG)];
    await assert.rejects(openSource(loop, { followsLink: true }), {
      constructor: CliError,
      message: `stat ${loop}: too many levels of symbolic links`,
    });
    await assert.rejects(lookAt(loop), { message: `stat ${loop}: too many levels of symbolic links` });
    await assert.rejects(lookAt(long), { message: `stat ${long}: file name too long` });
  });

  it("are not made anew on the way of an archive either", async () => {
    const archive = async function* () {
      yield Buffer.concat([encodeMember({ type: "file", path: Buffer.from(`${LONG}/file`) }), TAR_END]);
    };
    const unpacked = unpackTo(archive(), { folder: directory, rename: name => name });
    await assert.rejects(unpacked, { constructor: CliError, message: `lstat ${join(directory, LONG)}: file name too long` });
  });
});
