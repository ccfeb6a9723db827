import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFrozen, pidsInCgroup, wasOomKilled } from "../../../../src/engine/runtime/cgroups.ts";
import { findConmon } from "../../../../src/engine/runtime/conmon-shim.ts";
import { ExitDirectory } from "../../../../src/engine/runtime/exit-directory.ts";
import { readKernelFile } from "../../../../src/engine/runtime/kernel-file.ts";
import { readProcessStat } from "../../../../src/engine/runtime/process-stat.ts";
import { asId, type ContainerId } from "../../../../src/model/ids.ts";
import { quietLog } from "../containers/fake-world.ts";

const ID = asId<ContainerId>("c1");
const UNREADABLE = { code: "ELOOP" };

/** As with a process that has no file left to open others with: what is there cannot be read. */
describe("what cannot be read is not taken for what is not there", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "shoal-not-there-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const unreadable = (path: string): void => {
    rmSync(join(directory, path), { recursive: true, force: true });
    symlinkSync(join(directory, path), join(directory, path));
  };
  const cgroup = (version: 1 | 2) => ({ version, pids: directory, memory: directory, freezer: directory, all: [directory] });

  it("of a file of the kernel's", () => {
    unreadable("file");
    assert.throws(() => readKernelFile(join(directory, "file")), UNREADABLE);
    for (const path of ["missing", "missing/below"]) assert.equal(readKernelFile(join(directory, path)), undefined);
    assert.equal(readProcessStat(2 ** 22 + 1), undefined);
  });

  it("of a cgroup's processes", async () => {
    unreadable("cgroup.procs");
    await assert.rejects(pidsInCgroup(directory), UNREADABLE);
    assert.deepEqual(await pidsInCgroup(join(directory, "missing")), []);
    rmSync(join(directory, "cgroup.procs"));
    mkdirSync(join(directory, "below"));
    writeFileSync(join(directory, "cgroup.procs"), "1\n");
    writeFileSync(join(directory, "below/cgroup.procs"), "2\n3\n");
    assert.deepEqual(await pidsInCgroup(directory), [1, 2, 3]);
    unreadable("below/cgroup.procs");
    await assert.rejects(pidsInCgroup(directory), UNREADABLE);
  });

  for (const [version, freezer, memory] of [
    [1, "freezer.state", "memory.oom_control"],
    [2, "cgroup.freeze", "memory.events"],
  ] as const) {
    it(`of a pause and of an end for want of memory, cgroups of version ${version}`, async () => {
      assert.deepEqual([await isFrozen(cgroup(version)), wasOomKilled(cgroup(version))], [false, false]);
      for (const name of [freezer, memory]) unreadable(name);
      await assert.rejects(isFrozen(cgroup(version)), UNREADABLE);
      assert.throws(() => wasOomKilled(cgroup(version)), UNREADABLE);
    });
  }

  it("of conmon's pid", async () => {
    assert.equal(await findConmon({ id: ID, bundlePath: directory }), undefined);
    unreadable("conmon.pid");
    await assert.rejects(findConmon({ id: ID, bundlePath: directory }), UNREADABLE);
  });

  describe("of an exit code", () => {
    let exits: ExitDirectory;
    let errors: string[];
    beforeEach(async () => {
      errors = [];
      const log = { ...quietLog, error: (_fields: unknown, message: string) => void errors.push(message) };
      exits = await ExitDirectory.open(join(directory, "exits"), { log });
      symlinkSync("../code", join(directory, "exits", ID));
    });
    afterEach(() => exits[Symbol.dispose]());
    /** Of which the folder that is watched tells nothing. */
    const becomeReadable = (): void => {
      writeFileSync(join(directory, "other"), "7");
      renameSync(join(directory, "other"), join(directory, "code"));
    };

    it("when it is asked for", async () => {
      assert.equal(await exits.read(ID), undefined);
      unreadable("code");
      await assert.rejects(exits.read(ID), UNREADABLE);
      becomeReadable();
      assert.equal(await exits.read(ID), 7);
    });

    it("when it is waited for: it is told once it can be read", async () => {
      unreadable("code");
      const told = new Promise(resolve => exits.onExit(ID, resolve));
      const read = exits.readAtLast(ID);
      await assert.rejects(exits.read(ID), UNREADABLE); // By now both have tried.
      becomeReadable();
      assert.deepEqual(await Promise.all([told, read]), [7, 7]);
      assert.deepEqual(new Set(errors), new Set(["a container's exit code cannot be read at the moment"]));
    });
  });
});
