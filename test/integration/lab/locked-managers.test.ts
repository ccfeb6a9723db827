import assert from "node:assert/strict";
// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import { keyFileOf, keysOf, filesWith, unsealedRaftData } from "./sealed-files.ts";
import { call, ok, type TestHost, TestLab, until } from "./lab.ts";

const SETTLE_MS = 15_000;
const MARKER = "a marker that is in a secret and nowhere else";
const LOCKED =
  'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.';
const WRONG_KEY = `SWMKEY-1-${"A".repeat(43)}`;

interface SwarmJson {
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly EncryptionConfig: { readonly AutoLockManagers: boolean } };
  readonly JoinTokens: { readonly Manager: string };
}
interface InfoJson {
  readonly Swarm: { readonly LocalNodeState: string; readonly NodeID: string; readonly Error: string };
}

describe("managers that are locked", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let m1: TestHost;
  let m2: TestHost;
  let m3: TestHost;
  let firstKey: string;

  before(async () => {
    lab = await TestLab.up({ managers: 3, workers: 0, isEmpty: true });
    [m1, m2, m3] = ["m1", "m2", "m3"].map(name => lab.host(name)) as [TestHost, TestHost, TestHost];
    const Spec = { EncryptionConfig: { AutoLockManagers: true } };
    await ok(m1, "POST", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: m1.address, Spec });
    for (const host of [m2, m3]) await join(host);
    await ok(m1, "POST", "/secrets/create", { Name: "marked", Data: Buffer.from(MARKER).toString("base64") });
    await until("three managers", SETTLE_MS, async () => (await reachableManagers()) === 3);
    firstKey = await unlockKey(m1);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  it("hold nothing on their disks that can be read without the key, and all of it with the key", async () => {
    assert.match(firstKey, /^SWMKEY-1-\S{43}$/);
    for (const host of [m1, m2, m3]) {
      assert.equal(await unlockKey(host), firstKey);
      const secret = [MARKER, "PRIVATE KEY", firstKey, firstKey.slice("SWMKEY-1-".length)];
      await until(`the secret is in the log of ${host.name}`, SETTLE_MS, async () => raftDataOf(host, firstKey).includes(MARKER));
      assert.deepEqual(filesWith(`/var/lib/shoal-lab/${lab.name}/${host.name}`, secret), []);
      assert.ok(raftDataOf(host, firstKey).includes("-----BEGIN PRIVATE KEY-----"), "the root's key");
      assert.equal(keysOf(folderOf(host), WRONG_KEY), undefined);
    }
  });

  it("take no part after a restart, and refuse everything in Docker's words", async () => {
    await restart(m2);
    const { LocalNodeState, NodeID, Error: error } = await swarmOf(m2);
    assert.deepEqual([LocalNodeState, NodeID, error], ["locked", "", LOCKED]);
    for (const [method, path, body] of [
      ["GET", "/swarm", undefined],
      ["GET", "/swarm/unlockkey", undefined],
      ["GET", "/nodes", undefined],
      ["GET", "/services", undefined],
      ["POST", "/secrets/create", { Name: "late", Data: "" }],
      ["POST", "/swarm/update?version=1", {}],
    ] as const) {
      const answer = await call(m2, method, path, body === undefined ? {} : { body });
      assert.deepEqual([answer.status, answer.body], [503, { message: LOCKED }], `${method} ${path}`);
    }
    assert.deepEqual(await ok(m2, "GET", "/containers/json"), [], "the engine is not locked");
  });

  it("refuse what is no key and the wrong key, and take part again with the right one", async () => {
    assert.deepEqual(await unlock(m2, "nonsense"), [400, { message: "invalid key string" }]);
    assert.deepEqual(await unlock(m2, WRONG_KEY), [401, { message: "swarm could not be unlocked: invalid key provided" }]);
    assert.equal((await swarmOf(m2)).LocalNodeState, "locked");
    assert.deepEqual(await unlock(m2, firstKey), [200, ""]);
    assert.equal((await swarmOf(m2)).LocalNodeState, "active");
    await until("three managers", SETTLE_MS, async () => (await reachableManagers(m2)) === 3);
    assert.deepEqual(await unlock(m2, firstKey), [409, { message: "swarm is not locked" }]);
  });

  it("take over a new key; one that was away needs the old one once more, and seals nothing with the old data key from then on", async () => {
    await lab.do("kill", "m3");
    await update(m1, true, "&rotateManagerUnlockKey=true");
    const secondKey = await unlockKey(m1);
    assert.notEqual(secondKey, firstKey);
    for (const host of [m1, m2]) await untilKept(host, secondKey);
    await lab.do("restart", "m3");
    assert.equal((await unlock(m3, secondKey))[0], 401);
    assert.deepEqual(await unlock(m3, firstKey), [200, ""]);
    await untilKept(m3, secondKey);
    await restart(m3);
    assert.equal((await unlock(m3, firstKey))[0], 401);
    assert.deepEqual(await unlock(m3, secondKey), [200, ""]);
    await until("three managers", SETTLE_MS, async () => (await reachableManagers()) === 3);
    assert.deepEqual(await secretNames(m3), ["marked"]);
  });

  it("come up by themselves once they are not to be locked", async () => {
    await update(m1, false);
    assert.equal(await unlockKey(m1), "");
    for (const host of [m1, m2, m3])
      await until(`${host.name} is open`, SETTLE_MS, async () => keyFileOf(folderOf(host)).kind === "open");
    await restart(m2);
    assert.equal((await swarmOf(m2)).LocalNodeState, "active");
    await until("three managers", SETTLE_MS, async () => (await reachableManagers()) === 3);
  });

  it("are locked again under another key, with certificates whose keys never lay in the open, and leave with force only", async () => {
    const before = keysOf(folderOf(m3))?.identity.keyPem;
    await update(m1, true);
    const thirdKey = await unlockKey(m1);
    for (const host of [m1, m2, m3]) await untilKept(host, thirdKey);
    await until("m3 has another key", SETTLE_MS, async () => {
      const keys = keysOf(folderOf(m3), thirdKey);
      return keys !== undefined && !keys.isExposed && keys.identity.keyPem !== before;
    });
    await restart(m3);
    const refused = await call(m3, "POST", "/swarm/leave");
    const message = "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.";
    assert.deepEqual([refused.status, refused.body], [503, { message }]);
    await ok(m3, "POST", "/swarm/leave?force=true");
    assert.equal((await swarmOf(m3)).LocalNodeState, "inactive");
    await join(m3);
    assert.equal(keyFileOf(folderOf(m3)).kind, "locked");
  });

  // ---- ----

  function folderOf(host: TestHost): string {
    return `/var/lib/shoal-lab/${lab.name}/${host.name}/data/swarm`;
  }

  function raftDataOf(host: TestHost, key: string): Buffer {
    return unsealedRaftData(folderOf(host), keysOf(folderOf(host), key) ?? assert.fail("it is not the key"));
  }

  async function restart(host: TestHost): Promise<void> {
    await lab.do("kill", host.name);
    await lab.do("restart", host.name);
  }

  /** Its keys are under the unlock key, and its data under one data key, that of the last lock or rotation. */
  async function untilKept(host: TestHost, key: string): Promise<void> {
    await until(`${host.name} has the key, and one data key`, SETTLE_MS, async () => {
      return keysOf(folderOf(host), key)?.dataKeys.length === 1;
    });
    assert.ok(raftDataOf(host, key).length > 0, "all of its data is under that data key");
  }

  async function swarm(host: TestHost): Promise<SwarmJson> {
    return await ok(host, "GET", "/swarm");
  }

  async function join(host: TestHost): Promise<void> {
    const JoinToken = (await swarm(m1)).JoinTokens.Manager;
    const body = { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: host.address, RemoteAddrs: [m1.address], JoinToken };
    await ok(host, "POST", "/swarm/join", body);
  }

  async function update(host: TestHost, AutoLockManagers: boolean, query = ""): Promise<void> {
    const { Version, Spec } = await swarm(host);
    await ok(host, "POST", `/swarm/update?version=${Version.Index}${query}`, { ...Spec, EncryptionConfig: { AutoLockManagers } });
  }

  async function unlockKey(host: TestHost): Promise<string> {
    return (await ok<{ readonly UnlockKey: string }>(host, "GET", "/swarm/unlockkey")).UnlockKey;
  }

  async function unlock(host: TestHost, UnlockKey: string): Promise<readonly [status: number, body: unknown]> {
    const { status, body } = await call(host, "POST", "/swarm/unlock", { body: { UnlockKey } });
    return [status, body];
  }

  async function swarmOf(host: TestHost): Promise<InfoJson["Swarm"]> {
    return (await ok<InfoJson>(host, "GET", "/info")).Swarm;
  }

  async function reachableManagers(host = m1): Promise<number> {
    const nodes = await ok<readonly { readonly ManagerStatus?: { readonly Reachability: string } }[]>(host, "GET", "/nodes");
    return nodes.filter(({ ManagerStatus }) => ManagerStatus?.Reachability === "reachable").length;
  }

  async function secretNames(host: TestHost): Promise<readonly string[]> {
    const secrets = await ok<readonly { readonly Spec: { readonly Name: string } }[]>(host, "GET", "/secrets");
    return secrets.map(({ Spec }) => Spec.Name);
  }
});
