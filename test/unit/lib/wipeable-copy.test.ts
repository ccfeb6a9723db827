import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { createInterface } from "node:readline";

/** Makes a copy of a secret (that it is told masked), gives it to a system call as a task's file is written, and wipes it. */
const PROGRAM = `
const { wipeableCopy } = await import("./src/lib/wipeable-copy.ts");
const { writeFile } = await import("node:fs/promises");
const masked = Buffer.from(process.argv[1], "hex");
const secret = Buffer.alloc(4096).subarray(0, masked.length);
masked.forEach((byte, at) => { secret[at] = byte ^ 0xff; });
const copy = MAKE(secret);
await writeFile("/dev/null", copy);
console.log("made");
await new Promise(resolve => process.stdin.once("data", resolve));
copy.fill(0);
secret.fill(0);
console.log("wiped");
await new Promise(resolve => process.stdin.once("data", resolve));
process.exit();
`;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** In how many places of a process's own memory the bytes are. */
function placesIn(pid: number, bytes: Buffer): number {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  let places = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from = "", to = "", rights = ""] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
      if (!rights.startsWith("rw")) continue;
      const end = Number.parseInt(to, 16);
      for (let at = Number.parseInt(from, 16); at < end; at += CHUNK_BYTES - bytes.length) {
        const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, end - at));
        try {
          readSync(memory, chunk, 0, chunk.length, at);
        } catch {
          break; // Reserved, with nothing behind it.
        }
        for (let found = chunk.indexOf(bytes); found >= 0; found = chunk.indexOf(bytes, found + 1)) places++;
      }
    }
  } finally {
    closeSync(memory);
  }
  return places;
}

describe("a copy that can be wiped", function () {
  this.timeout(20_000);
  for (const [what, make, leaves] of [
    ["leaves nothing in memory", "wipeableCopy", false],
    ["is needed: a plain copy of so few bytes leaves some", "Uint8Array.from", true],
  ] as const) {
    it(what, async () => {
      const secret = randomBytes(55);
      const masked = Buffer.from(secret.map(byte => byte ^ 0xff)).toString("hex");
      const program = PROGRAM.replace("MAKE", make);
      const args = ["--import=tsx", "--input-type=module", "-e", program, masked];
      const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      try {
        assert.equal((await lines.next()).value, "made");
        assert.ok(placesIn(child.pid ?? 0, secret) > 0, "the search finds what is there");
        child.stdin.write("go\n");
        assert.equal((await lines.next()).value, "wiped");
        assert.equal(placesIn(child.pid ?? 0, secret) > 0, leaves);
      } finally {
        child.stdin.end("end\n");
        await once(child, "exit");
      }
    });
  }
});
