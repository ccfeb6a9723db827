import assert from "node:assert/strict";
import { formatKeyFile, type KeyFile, openKeyFile, parseKeyFile } from "../../../src/daemon/swarm/key-file.ts";
import {
  managerKeys,
  nextKeys,
  type NodeKeys,
  withDataKey,
  withIdentity,
  workerKeys,
} from "../../../src/daemon/swarm/node-keys.ts";
import { formatUnlockKey, parseUnlockKey } from "../../../src/model/unlock-key.ts";
import { systemRandom as random } from "../../../src/system/random.ts";

const identity = { certificatePem: "CERTIFICATE", keyPem: "PRIVATE KEY of the node", rootPem: "ROOT" };
const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const open = managerKeys(identity, { version: 0 }, random);
const locked = managerKeys(identity, { version: 7, key: one }, random);
const ids = (keys: NodeKeys | undefined) => keys?.dataKeys.map(({ id }) => id);

function lockedFile(keys: NodeKeys): Extract<KeyFile, { kind: "locked" }> {
  const file = parseKeyFile(formatKeyFile(keys, random));
  assert.ok(file.kind === "locked");
  return file;
}

describe("an unlock key", () => {
  it("is a text that it can be had back from", () => {
    const text = formatUnlockKey(one);
    assert.match(text, /^SWMKEY-1-[A-Za-z0-9+/]{43}$/);
    assert.deepEqual(parseUnlockKey(text), one);
  });

  for (const text of ["", "SWMKEY-1", "SWMTKN-1-abc", "SWMKEY-1-***", "SWMKEY-1-abc=", "swmkey-1-AQEB", "SWMKEY-1-A"]) {
    it(`is not "${text}"`, () => {
      assert.throws(() => parseUnlockKey(text), { kind: "invalid", message: "invalid key string" });
    });
  }
});

describe("a node's keys on disk", () => {
  it("are as they were, in the open or with the unlock key", () => {
    assert.deepEqual(parseKeyFile(formatKeyFile(open, random)), { kind: "open", keys: open });
    const exposed = { ...locked, isExposed: true };
    assert.deepEqual(openKeyFile(lockedFile(exposed), one, random), exposed);
  });

  it("show nothing while they are locked, but the certificate", () => {
    const text = formatKeyFile(locked, random);
    const [{ key: dataKey } = { key: new Uint8Array() }] = locked.dataKeys;
    for (const secret of [identity.keyPem, Buffer.from(dataKey).toString("base64"), Buffer.from(one).toString("base64")]) {
      assert.ok(!text.includes(secret) && !text.includes(Buffer.from(secret).toString("base64")), secret);
    }
    assert.ok(text.includes(identity.certificatePem));
  });

  it("do not open with any other key, of whatever length", () => {
    for (const key of [other, new Uint8Array(), one.subarray(1)])
      assert.equal(openKeyFile(lockedFile(locked), key, random), undefined);
  });

  it("are refused when the file is damaged, rather than taken for locked with another key", () => {
    const text = formatKeyFile(locked, random);
    const at = text.indexOf('"sealed":"') + 60;
    const flipped = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    for (const bad of [flipped, text.slice(0, -5), "", "{}"]) {
      assert.throws(() => parseKeyFile(bad), /the node's keys on disk are damaged/);
    }
  });

  it("are read as the first version wrote them, and get a data key before a manager starts with them", () => {
    const file = parseKeyFile(JSON.stringify(identity));
    assert.deepEqual(file, { kind: "open", keys: workerKeys(identity) });
    const keys = withDataKey(workerKeys(identity), random);
    assert.deepEqual(ids(keys), [1]);
    assert.equal(withDataKey(keys, random), keys);
  });

  it("are refused in a later format", () => {
    assert.throws(() => parseKeyFile(JSON.stringify({ ...identity, format: 3 })), /format 3, which a later version wrote/);
  });
});

describe("what a manager tells of the keys", () => {
  const cases: readonly {
    readonly when: string;
    readonly keys: NodeKeys;
    readonly report: Parameters<typeof nextKeys>[1];
    /** Data keys, version and key they are under, whether the certificate's key was exposed; missing: nothing is to be done. */
    readonly gives?: readonly [ids: readonly number[], version: number, key: Uint8Array | undefined, isExposed: boolean];
  }[] = [
    { when: "nothing was told", keys: locked, report: {} },
    { when: "the key is the one that is known", keys: locked, report: { unlock: { version: 9, key: one } } },
    { when: "it is of an older state", keys: locked, report: { unlock: { version: 6, key: other } } },
    { when: "an older state had no key", keys: locked, report: { unlock: { version: 6 } } },
    {
      when: "managers are to be locked",
      keys: open,
      report: { unlock: { version: 8, key: one } },
      gives: [[1, 2], 8, one, true],
    },
    {
      when: "the key was rotated",
      keys: locked,
      report: { unlock: { version: 8, key: other } },
      gives: [[1, 2], 8, other, false],
    },
    {
      when: "managers are not to be locked",
      keys: locked,
      report: { unlock: { version: 8 } },
      gives: [[1], 8, undefined, false],
    },
    {
      when: "nothing is sealed with the first key any more",
      keys: nextKeys(locked, { unlock: { version: 8, key: other } }, random) ?? assert.fail(),
      report: { oldestDataKeyId: 2 },
      gives: [[2], 8, other, false],
    },
    { when: "the only key is needed no more yet, as nothing is sealed", keys: locked, report: { oldestDataKeyId: 2 } },
  ];
  for (const { when, keys, report, gives } of cases) {
    it(`changes ${gives === undefined ? "nothing" : "them"} when ${when}`, () => {
      const next = nextKeys(keys, report, random);
      assert.deepEqual(next && [ids(next), next.unlock.version, next.unlock.key, next.isExposed], gives);
    });
  }

  it("has the certificate's key replaced after it lay in the open, once", () => {
    const exposed = nextKeys(open, { unlock: { version: 8, key: one } }, random) ?? assert.fail();
    assert.equal(withIdentity(exposed, { ...identity, keyPem: "ANOTHER" }).isExposed, false);
  });
});
