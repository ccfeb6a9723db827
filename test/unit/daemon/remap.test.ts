import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataRootFor, makeDataRoot } from "../../../src/daemon/remap/data-root.ts";
import { idMapOf } from "../../../src/daemon/remap/id-map-of.ts";
import { remappedUser } from "../../../src/daemon/remap/remapped-user.ts";
import { idRangesOf, nextRangeStart, parseSubordinateIds } from "../../../src/daemon/remap/subordinate-ids.ts";
import { createRuntimeHost } from "../../../src/system/runtime-host.ts";
import { skip } from "../../skip.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\nbob:x:1001:1002::/home/bob:/bin/sh\n";
const GROUP = "root:x:0:\nada:x:1000:\nstaff:x:1002:ada\n";
const accounts = { passwd: PASSWD, group: GROUP };
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe("the user of --userns-remap", () => {
  const known: Readonly<Record<string, object>> = {
    ada: { name: "ada", uid: 1000 },
    "1000": { name: "ada", uid: 1000 },
    "ada:staff": { name: "ada", uid: 1000 },
    "bob:1002": { name: "bob", uid: 1001 },
    "1001:staff": { name: "bob", uid: 1001 },
    root: { name: "root", uid: 0 },
    default: { name: "dockremap", isDefault: true },
  };
  for (const [spec, user] of Object.entries(known)) {
    it(`is found by ${spec}`, () => assert.deepEqual(remappedUser(spec, accounts), user));
  }

  it("is the one of that name for `default`, once it is there", () => {
    const passwd = `${PASSWD}dockremap:x:107:113::/nonexistent:/bin/false\n`;
    assert.deepEqual(remappedUser("default", { passwd, group: `${GROUP}dockremap:x:113:\n` }), {
      name: "dockremap",
      uid: 107,
      isDefault: true,
    });
  });

  const refused: Readonly<Record<string, string>> = {
    "a:b:c": 'Invalid user/group specification in --userns-remap: "a:b:c"',
    eve: 'Error during uid lookup for "eve": no matching entries in passwd file',
    ":staff": 'Error during uid lookup for "": no matching entries in passwd file',
    "77": "Uid 77 has no entry in /etc/passwd: no matching entries in passwd file",
    "-1": "Uid -1 has no entry in /etc/passwd: no matching entries in passwd file",
    "1001": "Gid 1001 has no entry in /etc/group: no matching entries in group file",
    bob: 'Error during gid lookup for "bob": no matching entries in group file',
    "ada:wheel": 'Error during groupname lookup for "wheel": no matching entries in group file',
    "ada:": 'Error during groupname lookup for "": no matching entries in group file',
    "ada:77": "Gid 77 has no entry in /etc/passwd: no matching entries in group file",
  };
  for (const [spec, message] of Object.entries(refused)) {
    it(`is refused for ${spec}, in dockerd's words`, () =>
      assert.throws(() => remappedUser(spec, accounts), { kind: "invalid", message }));
  }
});

describe("subordinate ids", () => {
  const TEXT = "# a note\nada:100000:65536\n1000:300000:10\nbob:165536:65536\nada:nonsense:1\nada:1\n\n";

  it("are those of the user's name and number, one range after the other", () => {
    assert.deepEqual(idRangesOf(parseSubordinateIds(TEXT), { name: "ada", uid: 1000 }), [
      { containerId: 0, hostId: 100_000, count: 65_536 },
      { containerId: 65_536, hostId: 300_000, count: 10 },
    ]);
  });

  it("that are new begin where nobody's are", () => {
    const next = (text: string) => nextRangeStart(parseSubordinateIds(text));
    assert.equal(next(""), 100_000);
    assert.equal(next("ada:1000:10\n"), 100_000);
    assert.equal(next("bob:165536:65536\nada:100000:65536\n"), 231_072);
    assert.equal(next("ada:120000:10\n"), 120_010);
    assert.equal(next("ada:300000:65536\n"), 100_000);
  });
});

describe("the mapping of --userns-remap", () => {
  let directory: string;
  const { exec } = createRuntimeHost();
  const load = (spec: string) => idMapOf(spec, { exec, log: silent, directory });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "shoal-remap-"));
    await writeFile(join(directory, "passwd"), PASSWD);
    await writeFile(join(directory, "group"), `${GROUP}bob:x:1001:\n`);
    await writeFile(join(directory, "subuid"), "ada:100000:65536\nbob:200000:65536\n");
    await writeFile(join(directory, "subgid"), "ada:500000:65536\n");
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("is of both files, for users and for groups", async () => {
    assert.deepEqual(await load("ada"), {
      uids: [{ containerId: 0, hostId: 100_000, count: 65_536 }],
      gids: [{ containerId: 0, hostId: 500_000, count: 65_536 }],
    });
  });

  it("is none for nobody, and for root, who is root already", async () => {
    assert.deepEqual([await load(""), await load("root")], [undefined, undefined]);
  });

  it("is refused where a user has no ids, and then nothing has changed", async () => {
    await assert.rejects(load("bob"), {
      kind: "invalid",
      message: 'Can\'t create ID mappings: no subuid ranges found for user "bob"',
    });
    assert.equal(await readFile(join(directory, "subgid"), "utf8"), "ada:500000:65536\n");
  });
});

describe("the data root of mapped ids", function () {
  const idMap = {
    uids: [{ containerId: 0, hostId: 100_000, count: 65_536 }],
    gids: [{ containerId: 0, hostId: 100_007, count: 65_536 }],
  };
  let directory: string;
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "shoal-remap-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("lies in a folder of its own, which containers' root may pass and not read", async () => {
    await chmod(directory, 0o711);
    const root = join(directory, "data");
    await mkdir(root, { mode: 0o700 });
    await makeDataRoot(root, idMap);
    for (const path of [root, dataRootFor(root, idMap)]) {
      const { mode, uid, gid } = await stat(path);
      assert.deepEqual([path, (mode & 0o777).toString(8), uid, gid], [path, "710", 0, 100_007]);
    }
    assert.equal(dataRootFor(root, idMap), `${root}/100000.100007`);
    assert.equal(dataRootFor(root, undefined), root);
  });

  it("is refused where a folder above keeps containers' root out", async () => {
    const root = join(directory, "data");
    await assert.rejects(makeDataRoot(root, idMap), {
      kind: "invalid",
      message: `a subdirectory in your graphroot path (${root}/100000.100007) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories`,
    });
  });
});
