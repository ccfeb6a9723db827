import assert from "node:assert/strict";
import fc from "fast-check";
import { OperationError } from "../../../../src/lib/errors.ts";
import { TarParser } from "../../../../src/lib/tar/parser.ts";
import { readTar } from "../../../../src/lib/tar/reader.ts";
import { encodeHeader, encodeMember, TAR_END, tarEntry, type TarEntryInit } from "../../../../src/lib/tar/writer.ts";
import { readMembers } from "./read-members.ts";

const archive = (...members: readonly Uint8Array[]): Buffer => Buffer.concat([...members, TAR_END]);
const invalid = (message: RegExp) => (error: unknown) =>
  error instanceof OperationError && error.kind === "invalid" && message.test(error.message);

describe("tar codec", () => {
  const cases: readonly { readonly what: string; readonly entry: TarEntryInit; readonly content?: Buffer }[] = [
    {
      what: "a file",
      entry: { type: "file", path: "a/b", mode: 0o4755, uid: 1, gid: 2, mtimeSeconds: 1_700_000_000 },
      content: Buffer.from("x"),
    },
    { what: "a file of whole blocks", entry: { type: "file", path: "b" }, content: Buffer.alloc(1024, 7) },
    { what: "a folder", entry: { type: "directory", path: "d/", userName: "root", groupName: "wheel" } },
    { what: "a link", entry: { type: "symlink", path: "l", linkPath: "../x" } },
    { what: "a hard link", entry: { type: "hard-link", path: "h", linkPath: "a/b" } },
    { what: "a device", entry: { type: "block-device", path: "dev", deviceMajor: 259, deviceMinor: 70_000 } },
    { what: "a pipe", entry: { type: "fifo", path: "p" } },
    { what: "a name split at a slash", entry: { type: "file", path: `${"p".repeat(120)}/${"n".repeat(90)}` } },
    { what: "a name too long for that", entry: { type: "file", path: "n".repeat(300) } },
    { what: "a long link", entry: { type: "symlink", path: "l", linkPath: "t".repeat(300) } },
    { what: "a name that is no UTF-8", entry: { type: "file", path: Buffer.from([0x66, 0xff, 0xfe, 0x80]) } },
    { what: "a long name that is no UTF-8", entry: { type: "file", path: Buffer.alloc(200, 0xe9) } },
    { what: "large ids", entry: { type: "file", path: "u", uid: 3_000_000, gid: 4_294_967_294 } },
    { what: "a fraction of a second", entry: { type: "file", path: "t", mtimeSeconds: 1_700_000_000.25 } },
    { what: "a time before 1970", entry: { type: "file", path: "t", mtimeSeconds: -5 } },
    {
      what: "attributes of raw bytes",
      entry: {
        type: "file",
        path: "x",
        xattrs: new Map([
          ["security.capability", Buffer.from([1, 0, 0, 2, 0xff, 0x80, 0xfe, 0x0a])],
          ["user.empty", Buffer.alloc(0)],
        ]),
      },
    },
  ];
  for (const { what, entry, content = Buffer.alloc(0) } of cases) {
    for (const chunkBytes of [1, 513, 1 << 20]) {
      it(`reads back ${what} in chunks of ${chunkBytes}`, () => {
        const expected = { ...tarEntry(entry), sizeBytes: content.length };
        assert.deepEqual(readMembers(archive(encodeMember(entry, content)), chunkBytes), [
          { entry: expected, content, segments: content.length > 0 ? [[0, content.length]] : [] },
        ]);
      });
    }
  }

  it("writes a size over 8 GiB so that it is read back", () => {
    const parser = new TarParser();
    const [event] = [...parser.push(encodeHeader({ type: "file", path: "big", sizeBytes: 2 ** 40 }))];
    assert.equal(event?.kind === "entry" && event.entry.sizeBytes, 2 ** 40);
  });

  it("reads back whatever it wrote", () => {
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map(array => Buffer.from(array.map(byte => (byte === 0 ? 1 : byte))));
    const init: fc.Arbitrary<TarEntryInit> = fc.record({
      type: fc.constant("symlink" as const),
      path: bytes,
      linkPath: bytes,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      mtimeSeconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    });
    fc.assert(
      fc.property(fc.array(init, { maxLength: 4 }), fc.integer({ min: 1, max: 2000 }), (entries, chunkBytes) => {
        const read = readMembers(archive(...entries.map(entry => encodeMember(entry))), chunkBytes);
        assert.deepEqual(
          read.map(({ entry }) => entry),
          entries.map(tarEntry),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("never fails but with its own error, whatever it is fed", () => {
    const whole = archive(
      encodeMember(
        { type: "file", path: "n".repeat(200), xattrs: new Map([["user.a", Buffer.from("b")]]) },
        Buffer.alloc(700, 1),
      ),
    );
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.boolean(), (changes, fixChecksums) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        if (fixChecksums) for (const at of [0, 1024]) sign(bytes, at);
        try {
          readMembers(bytes, 600);
        } catch (error) {
          assert.ok(error instanceof OperationError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("passes over data that nobody reads", async () => {
    const bytes = archive(
      encodeMember({ type: "file", path: "a" }, Buffer.alloc(5000)),
      encodeMember({ type: "file", path: "b" }, Buffer.from("x")),
    );
    const names: string[] = [];
    for await (const { entry } of readTar(
      (async function* () {
        yield bytes;
      })(),
    ))
      names.push(entry.path.toString());
    assert.deepEqual(names, ["a", "b"]);
  });

  const broken: readonly { readonly what: string; readonly bytes: () => Buffer; readonly message: RegExp }[] = [
    {
      what: "a wrong checksum",
      bytes: () => changed(block => block.write("z", 0, "latin1"), { isSigned: false }),
      message: /checksum/,
    },
    {
      what: "a size that is no number",
      bytes: () => changed(block => block.write("abc", 124, "latin1")),
      message: /size is not a number/,
    },
    { what: "a negative size", bytes: () => changed(block => block.fill(0xff, 124, 136)), message: /negative size/ },
    {
      what: "a size beyond counting",
      bytes: () => changed(block => block.fill(0x7f, 125, 136).writeUInt8(0x80, 124)),
      message: /too large/,
    },
    {
      what: "a long name of a gigabyte",
      bytes: () =>
        changed(block => {
          block.write("10000000000\0", 124, "latin1");
          block.write("L", 156, "latin1");
        }),
      message: /extension is too large/,
    },
    {
      what: "a cut data area",
      bytes: () => encodeMember({ type: "file", path: "a" }, Buffer.alloc(600)).subarray(0, 700),
      message: /unexpected EOF/,
    },
    { what: "a cut header", bytes: () => encodeMember({ type: "file", path: "a" }).subarray(0, 100), message: /unexpected EOF/ },
  ];
  for (const { what, bytes, message } of broken) {
    it(`refuses ${what}`, () => assert.throws(() => readMembers(bytes(), 4096), invalid(message)));
  }
});

function changed(change: (block: Buffer) => unknown, { isSigned = true } = {}): Buffer {
  const block = encodeMember({ type: "file", path: "a" });
  change(block);
  if (isSigned) sign(block, 0);
  return block;
}

function sign(bytes: Buffer, at: number): void {
  bytes.write("        ", at + 148, "latin1");
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
}
