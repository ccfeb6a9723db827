import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { encodeMember, TAR_END } from "../../../src/lib/tar/writer.ts";
import { readMembers } from "../../unit/lib/tar/read-members.ts";

describe("tar codec beside GNU tar", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync("/tmp/shim-tar-");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const format of [
    "--format=gnu",
    "--format=posix --sparse-version=0.0",
    "--format=posix --sparse-version=0.1",
    "--format=posix --sparse-version=1.0",
  ]) {
    it(`reads a sparse file of 40 pieces in ${format}`, () => {
      const fd = openSync(`${folder}/sparse`, "w");
      for (let piece = 0; piece < 40; piece++) writeSync(fd, Buffer.alloc(4096, piece + 1), 0, 4096, piece * 65_536 + 8192);
      ftruncateSync(fd, 3_000_000);
      closeSync(fd);
      writeFileSync(`${folder}/after`, "still in step");
      const archive = execFileSync("tar", ["-cS", ...format.split(" "), "-C", folder, "sparse", "after"], { maxBuffer: 1 << 24 });
      assert.ok(archive.length < 400_000, "the archive is not sparse");
      const [sparse, after] = readMembers(archive, 10_000);
      assert.equal(sparse?.entry.path.toString(), "sparse");
      assert.equal(sparse?.entry.sizeBytes, 3_000_000);
      assert.ok(sparse?.content.equals(readFileSync(`${folder}/sparse`)));
      assert.ok((sparse?.segments.length ?? 0) >= 40);
      assert.equal(after?.content.toString(), "still in step");
    });
  }

  for (const format of ["v7", "ustar", "gnu", "oldgnu", "posix"]) {
    it(`reads names, links and times in format ${format}`, () => {
      const long =
        format === "gnu" || format === "oldgnu" || format === "posix" ? `${"d".repeat(120)}/${"f".repeat(140)}` : "d/f";
      execFileSync(
        "bash",
        [
          "-c",
          `mkdir -p "$(dirname ${long})" && echo hi > ${long} && ln ${long} hard && ln -s ${long} soft && touch -d @1600000000 ${long}`,
        ],
        { cwd: folder },
      );
      const archive = execFileSync("tar", ["-c", `--format=${format}`, "--sort=name", long, "hard", "soft"], { cwd: folder });
      const read = readMembers(archive, 777).map(({ entry, content }) => [
        entry.type,
        entry.path.toString(),
        entry.linkPath.toString(),
        content.toString(),
      ]);
      assert.deepEqual(read, [
        ["file", long, "", "hi\n"],
        ["hard-link", "hard", long, ""],
        ["symlink", "soft", long, ""],
      ]);
      assert.equal(readMembers(archive, 777)[0]?.entry.mtimeSeconds, 1_600_000_000);
    });
  }

  it("is read by GNU tar", () => {
    const name = "n".repeat(220);
    const archive = Buffer.concat([
      encodeMember({ type: "file", path: name, mode: 0o640, mtimeSeconds: 1_600_000_000.5 }, Buffer.from("hello")),
      TAR_END,
    ]);
    mkdirSync(`${folder}/out`);
    execFileSync("tar", ["-x", "-C", `${folder}/out`], { input: archive });
    assert.equal(readFileSync(`${folder}/out/${name}`, "utf8"), "hello");
    assert.equal(execFileSync("stat", ["-c", "%a %.1Y", `${folder}/out/${name}`], { encoding: "utf8" }), "640 1600000000.5\n");
  });
});
