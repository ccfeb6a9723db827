import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disk } from "../../../src/ports/disk.ts";
import { openDisk } from "../../../src/system/disk.ts";
import { SimulatedDisk } from "../../sim/disk.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { VirtualTime } from "../../sim/virtual-time.ts";

/** `pass` lets the disk's time go by while the work waits for it. */
interface Subject extends AsyncDisposable {
  readonly disk: Disk;
  readonly pass: <T>(work: Promise<T>) => Promise<T>;
}

const subjects: readonly { readonly name: string; readonly make: () => Promise<Subject> }[] = [
  {
    name: "the real disk",
    make: async () => {
      const root = await mkdtemp(join(tmpdir(), "shoal-disk-"));
      return { disk: openDisk({ root }), pass: work => work, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
    },
  },
  {
    name: "the simulated disk",
    make: async () => {
      const time = new VirtualTime();
      const disk = new SimulatedDisk({ time, random: new SeededRandom(1), syncMsMax: 5 });
      const pass = async <T>(work: Promise<T>) => {
        work.catch(() => undefined);
        await time.runUntil(time.nowMs + 10_000);
        return await work;
      };
      return { disk: disk.mount({ pass: run => run() }), pass, [Symbol.asyncDispose]: async () => undefined };
    },
  },
];
const textOf = async (disk: Disk, path: string) => {
  const bytes = await disk.read(path);
  return bytes && Buffer.from(bytes).toString();
};

for (const { name, make } of subjects) {
  describe(`Disk: ${name}`, () => {
    const cases: Readonly<Record<string, (disk: Disk) => Promise<void>>> = {
      "has no names in a missing folder and no content in a missing file": async disk => {
        assert.deepEqual(await disk.list("none"), []);
        assert.equal(await disk.read("none/file"), undefined);
      },
      "appends, tells the size, and goes on where it was when opened again": async disk => {
        await disk.makeDirectory("a/b");
        await disk.makeDirectory("a/b");
        await using first = await disk.openAppend("a/b/log");
        assert.deepEqual([await first.append(Buffer.from("one")), await first.append(Buffer.from("two"))], [3, 6]);
        await first.sync();
        await using second = await disk.openAppend("a/b/log");
        assert.equal(await second.append(Buffer.from("!")), 7);
        assert.equal(await textOf(disk, "a/b/log"), "onetwo!");
        assert.deepEqual(await disk.list("a/b"), ["log"]);
      },
      "truncates, and appends behind what is left": async disk => {
        await disk.makeDirectory("a");
        await using file = await disk.openAppend("a/log");
        await file.append(Buffer.from("onetwo"));
        await file.truncate(3);
        assert.equal(await file.append(Buffer.from("!")), 4);
        await file.sync();
        assert.equal(await textOf(disk, "a/log"), "one!");
      },
      "has zeros ahead behind what it appended, writes over them, and lets them go": async disk => {
        await disk.makeDirectory("a");
        await using file = await disk.openAppend("a/log", { aheadBytes: 4 });
        assert.equal(await file.append(Buffer.from("one")), 3);
        assert.equal(await textOf(disk, "a/log"), "one\0\0\0\0");
        assert.equal(await file.append(Buffer.from("two")), 6);
        await file.sync();
        assert.equal(await textOf(disk, "a/log"), "onetwo\0");
        assert.equal(await file.append(Buffer.from("three")), 11);
        assert.equal(await textOf(disk, "a/log"), "onetwothree\0\0\0\0");
        await file.truncate(6);
        assert.equal(await textOf(disk, "a/log"), "onetwo");
        assert.equal(await file.append(Buffer.from("!")), 7);
        await using second = await disk.openAppend("a/log");
        assert.equal(await second.append(Buffer.from("?")), 12);
        assert.equal(await textOf(disk, "a/log"), "onetwo!\0\0\0\0?");
      },
      "appends, truncates and syncs alike when each append is to be synced": async disk => {
        await disk.makeDirectory("a");
        await using file = await disk.openAppend("a/log", { aheadBytes: 4, syncsAppends: true });
        assert.equal(await file.append(Buffer.from("one")), 3);
        await file.sync();
        assert.equal(await textOf(disk, "a/log"), "one\0\0\0\0");
        assert.equal(await file.append(Buffer.from("two!")), 7);
        await file.truncate(6);
        await file.sync();
        assert.equal(await file.append(Buffer.from("three")), 11);
        await file.sync();
        assert.equal(await textOf(disk, "a/log"), "onetwothree\0\0\0\0");
      },
      "replaces a file whole, and shows no temporary one": async disk => {
        await disk.makeDirectory("a");
        for (const text of ["first, which is longer", "second"]) {
          await disk.replace("a/file", Buffer.from(text));
          assert.equal(await textOf(disk, "a/file"), text);
        }
        assert.deepEqual(await disk.list("a"), ["file"]);
      },
      "renames over what is there, and removes what may be missing": async disk => {
        await disk.makeDirectory("a");
        await disk.replace("a/x", Buffer.from("x"));
        await disk.replace("a/y", Buffer.from("y"));
        await disk.rename("a/x", "a/y");
        assert.deepEqual([await disk.list("a"), await textOf(disk, "a/y")], [["y"], "x"]);
        await assert.rejects(disk.rename("a/x", "a/z"), { code: "ENOENT" });
        await disk.remove("a/y");
        await disk.remove("a/y");
        await disk.syncDirectory("a");
        assert.deepEqual(await disk.list("a"), []);
      },
      "lists names in order, of this folder alone": async disk => {
        await disk.makeDirectory("a/inner");
        for (const file of ["a/2", "a/10", "a/1"]) await disk.replace(file, Buffer.from(file));
        await disk.replace("a/inner/3", Buffer.from("3"));
        assert.deepEqual(
          (await disk.list("a")).filter(each => each !== "inner"),
          ["1", "10", "2"],
        );
      },
      "gives content that later writes do not change": async disk => {
        await disk.makeDirectory("a");
        await using file = await disk.openAppend("a/log");
        await file.append(Buffer.from("one"));
        const read = await disk.read("a/log");
        await file.truncate(0);
        await file.append(Buffer.from("two"));
        assert.equal(Buffer.from(read ?? []).toString(), "one");
      },
    };
    for (const [what, run] of Object.entries(cases)) {
      it(what, async () => {
        await using subject = await make();
        await subject.pass(run(subject.disk));
      });
    }
  });
}

describe("SimulatedDisk after power loss", () => {
  it("has what was synced, and of the rest a beginning or zeros", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const time = new VirtualTime();
      const disk = new SimulatedDisk({ time, random: new SeededRandom(seed), syncMsMax: 5 });
      const before = disk.mount({ pass: run => run() });
      const work = (async () => {
        const file = await before.openAppend("a/log");
        await file.append(Buffer.from("kept"));
        await file.sync();
        await before.syncDirectory("a");
        await file.append(Buffer.from("lost"));
        await before.openAppend("a/other");
      })();
      await time.runUntil(1_000);
      await work;
      disk.crash();
      const after = disk.mount({ pass: run => run() });
      const text = (await textOf(after, "a/log")) ?? "";
      assert.match(text, /^kept(l?o?s?t?|[lost]*\0+)$/);
      outcomes.add(JSON.stringify([text, await after.list("a")]));
    }
    assert.ok(outcomes.size > 6, `${outcomes.size} outcomes`);
  });

  it("has zeros ahead that were synced, and in their place what was synced there", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const time = new VirtualTime();
      const disk = new SimulatedDisk({ time, random: new SeededRandom(seed), syncMsMax: 5 });
      const before = disk.mount({ pass: run => run() });
      const work = (async () => {
        const file = await before.openAppend("a/log", { aheadBytes: 8 });
        await file.append(Buffer.from("kept"));
        await file.sync();
        await file.append(Buffer.from("too"));
        await file.sync();
        await before.syncDirectory("a");
        await file.append(Buffer.from("lost"));
      })();
      await time.runUntil(1_000);
      await work;
      disk.crash();
      const text = (await textOf(disk.mount({ pass: run => run() }), "a/log")) ?? "";
      assert.match(text, /^kepttool?o?s?t?\0+$/);
      assert.equal(text.length, 12);
      outcomes.add(text);
    }
    assert.ok(outcomes.size > 3, `${outcomes.size} outcomes`);
  });
});
