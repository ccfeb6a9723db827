import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveFrom, archiveOf, openBuildFolder } from "../../../src/cli/commands/build-context.ts";
import { TarParser } from "../../../src/lib/tar/parser.ts";
import { encodeMember, TAR_END } from "../../../src/lib/tar/writer.ts";

interface Member {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  content: string;
}

async function membersOf(archive: AsyncIterable<Uint8Array>): Promise<ReadonlyMap<string, Member>> {
  const parser = new TarParser();
  const members = new Map<string, Member>();
  let last: Member | undefined;
  for await (const chunk of archive) {
    for (const event of parser.push(chunk)) {
      if (event.kind === "entry") {
        const { type, mode, uid, path, linkPath } = event.entry;
        last = { type, mode, uid, content: linkPath.toString() };
        members.set(path.toString(), last);
      } else if (event.kind === "data" && last !== undefined) last.content += Buffer.from(event.bytes).toString();
    }
  }
  parser.finish();
  return members;
}

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array, void, void> {
  for (const part of parts) yield Buffer.from(part);
}

describe("a folder to build from", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "shoal-cli-build-"));
    mkdirSync(join(root, "d/deep"), { recursive: true });
    for (const name of ["Dockerfile", "a.log", "keep.log", "d/f", "d/deep/g"]) writeFileSync(join(root, name), name);
    chmodSync(join(root, "d/f"), 0o750);
    symlinkSync("../a.log", join(root, "d/link"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const names = async (file?: string): Promise<readonly string[]> => [
    ...(await membersOf(archiveOf(await openBuildFolder(root, file)))).keys(),
  ];

  it("is sent whole, as root's", async () => {
    const members = await membersOf(archiveOf(await openBuildFolder(root, undefined)));
    assert.deepEqual([...members.keys()], ["Dockerfile", "a.log", "d/", "d/deep/", "d/deep/g", "d/f", "d/link", "keep.log"]);
    assert.deepEqual(members.get("d/f"), { type: "file", mode: 0o750, uid: 0, content: "d/f" });
    assert.equal(members.get("d/link")?.content, "../a.log");
  });

  it("leaves out what .dockerignore says, but for what the builder needs", async () => {
    writeFileSync(join(root, ".dockerignore"), "*\n!keep.log\n!d/deep/g\n");
    assert.deepEqual(await names(), [".dockerignore", "Dockerfile", "d/deep/g", "keep.log"]);
    assert.deepEqual(await names(join(root, "d/f")), [".dockerignore", "d/deep/g", "d/f", "keep.log"]);
  });

  const refusals: readonly (readonly [what: string, open: () => Promise<unknown>, message: RegExp])[] = [
    ["a folder that is not there", () => openBuildFolder("nope", undefined), /path "nope" not found$/],
    [
      "a Dockerfile that is not there",
      () => openBuildFolder(root, join(root, "nope")),
      /lstat .*nope: no such file or directory$/,
    ],
    ["a Dockerfile elsewhere", () => openBuildFolder(root, "/etc/passwd"), /\(\/etc\/passwd\) must be within the build context$/],
  ];
  for (const [what, open, message] of refusals) it(`refuses ${what}`, () => assert.rejects(open, { name: "CliError", message }));
});

describe("what comes by a pipe to be built", () => {
  it("is a Dockerfile, where it is no archive", async () => {
    const members = await membersOf(archiveFrom(chunks("FROM a\n", "RUN b\n")));
    assert.deepEqual(
      [...members].map(([name, { content }]) => [name, content]),
      [["Dockerfile", "FROM a\nRUN b\n"]],
    );
  });

  it("is passed on as it is, where it is one, in whatever pieces", async () => {
    const archive = Buffer.concat([encodeMember({ type: "file", path: "x" }, Buffer.from("y")), TAR_END]);
    const passed: Uint8Array[] = [];
    for await (const chunk of archiveFrom(chunks(archive.subarray(0, 100), archive.subarray(100)))) passed.push(chunk);
    assert.deepEqual(Buffer.concat(passed), archive);
  });
});
