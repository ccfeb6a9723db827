import assert from "node:assert/strict";
import type { ControlRequest } from "../../../../src/model/control.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";
import { parseJoinToken, rootDigestText } from "../../../../src/model/join-token.ts";
import type { NetworkSpec, Node } from "../../../../src/model/cluster.ts";
import { aSpec } from "../store/objects.ts";
import { aCluster, created, expectKind, type TestCluster } from "./cluster.ts";

const network = (more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  ...{ name: "back", labels: {}, driver: "overlay", driverOptions: {}, scope: "swarm" },
  ...{ isInternal: false, isAttachable: false, isIngress: false, isIpv6: false, ipam: [] },
  ...more,
});
const blob = (name: string, bytes = 4) => ({ name, labels: {}, data: new Uint8Array(bytes).fill(1) });

describe("control API", () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await aCluster();
  });

  const refusals: [string, ControlRequest, string][] = [
    [
      "an empty secret",
      { kind: "create-secret", spec: blob("s", 0) },
      "InvalidArgument desc = secret data must be larger than 0 and less than 512000 bytes",
    ],
    [
      "a large config",
      { kind: "create-config", spec: blob("c", 1_024_000) },
      "InvalidArgument desc = config data must be larger than 0 and less than 1024000 bytes",
    ],
    [
      "a secret's bad name",
      { kind: "create-secret", spec: blob("-s") },
      "InvalidArgument desc = invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]",
    ],
    [
      "a second ingress network",
      { kind: "create-network", spec: network({ isIngress: true }) },
      "AlreadyExists desc = ingress network (ingress1) is already present",
    ],
    [
      "an attachable ingress network",
      { kind: "create-network", spec: network({ isIngress: true, isAttachable: true }) },
      "InvalidArgument desc = ingress network cannot be attachable",
    ],
    [
      "a bad subnet",
      { kind: "create-network", spec: network({ ipam: [{ subnet: "10.0.0.0/99" }] }) },
      "InvalidArgument desc = ipam configuration: invalid subnet 10.0.0.0/99",
    ],
    [
      "a gateway outside",
      { kind: "create-network", spec: network({ ipam: [{ subnet: "10.9.0.0/24", gateway: "10.8.0.1" }] }) },
      "InvalidArgument desc = ipam configuration: subnet 10.9.0.0/24 does not contain gateway 10.8.0.1",
    ],
    [
      "the removal of a manager",
      { kind: "remove-node", idOrName: "node1", force: true },
      "FailedPrecondition desc = node node1 is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal",
    ],
  ];
  for (const [what, request, description] of refusals) {
    it(`refuses ${what} in Swarm's words`, async () => {
      await assert.rejects(cluster.call(request), { message: `rpc error: code = ${description}` });
    });
  }

  it("starts with a cluster, its node and the ingress network", async () => {
    const { cluster: object } = expectKind(await cluster.call({ kind: "get-cluster" }), "cluster");
    assert.equal(object.rootCa.keyPem, "", "the root key stays inside");
    const { rootDigest, secret } = parseJoinToken(object.rootCa.joinTokenWorker);
    assert.equal(rootDigest, rootDigestText(cluster.certificates.digest(object.rootCa.certificatePem)));
    assert.notEqual(secret, parseJoinToken(object.rootCa.joinTokenManager).secret);
    const { networks } = expectKind(await cluster.call({ kind: "get-network", idOrName: "ingress" }), "networks");
    assert.deepEqual(networks[0]?.spec.ipam, [{ subnet: "10.0.0.0/24", gateway: "10.0.0.1" }]);
    const { nodes } = expectKind(await cluster.call({ kind: "list-nodes", filters: { role: ["manager"] } }), "nodes");
    assert.deepEqual(
      nodes.map(({ node, isLeader, isReachable }) => [node.id, isLeader, isReachable]),
      [["node1", true, true]],
    );
  });

  it("keeps secrets while a service needs them, and shows their data to nobody", async () => {
    const id = await created(cluster, { kind: "create-secret", spec: blob("key") });
    await assert.rejects(cluster.call({ kind: "create-secret", spec: blob("key") }), {
      kind: "conflict",
      message: "rpc error: code = AlreadyExists desc = secret key already exists",
    });
    const spec = aSpec("web");
    const secrets = [{ id: asId<never>(id), name: "key", file: { name: "key", uid: "0", gid: "0", mode: 0o444 } }];
    const withSecret = { ...spec, task: { ...spec.task, container: { ...spec.task.container, secrets } } };
    await created(cluster, { kind: "create-service", spec: withSecret });
    await assert.rejects(cluster.call({ kind: "remove-secret", idOrName: "key" }), {
      message: "rpc error: code = InvalidArgument desc = secret 'key' is in use by the following service: web",
    });
    const answer = expectKind(await cluster.call({ kind: "list-secrets", filters: { name: ["key"] } }), "secrets");
    assert.equal(answer.secrets[0]?.spec.data.length, 0);
    await cluster.call({ kind: "remove-service", idOrName: "web" });
    assert.deepEqual(await cluster.call({ kind: "remove-secret", idOrName: "key" }), { kind: "done" });
    await assert.rejects(cluster.call({ kind: "get-secret", idOrName: "key" }), { message: "secret key not found" });
  });

  it("updates a config's labels and nothing else", async () => {
    const id = asId<never>(await created(cluster, { kind: "create-config", spec: blob("c") }));
    const [config] = expectKind(await cluster.call({ kind: "get-config", idOrName: "c" }), "configs").configs;
    const version = config?.version ?? 0;
    const spec = { ...blob("c"), labels: { a: "b" } };
    await assert.rejects(cluster.call({ kind: "update-config", id, version, spec: { ...spec, data: Uint8Array.of(9) } }), {
      message: "rpc error: code = InvalidArgument desc = only updates to Labels are allowed",
    });
    await cluster.call({ kind: "update-config", id, version, spec });
    const filters = { label: ["a=b"] };
    assert.equal(expectKind(await cluster.call({ kind: "list-configs", filters }), "configs").configs.length, 1);
    await assert.rejects(cluster.call({ kind: "update-config", id, version, spec }), /update out of sequence/);
  });

  it("replaces a secret's data when asked to, within the limits and with the version that was read", async () => {
    const id = asId<never>(await created(cluster, { kind: "create-secret", spec: blob("s") }));
    const stored = () => cluster.store.view().get("secret", id);
    const { version = 0 } = stored() ?? {};
    const kind = "replace-secret";
    await assert.rejects(cluster.call({ kind, id, version, data: new Uint8Array(500 * 1024) }), /less than 512000 bytes/);
    await assert.rejects(cluster.call({ kind, id, version, data: new Uint8Array() }), /larger than 0/);
    await cluster.call({ kind, id, version, data: Uint8Array.of(7), reloadSignal: "HUP" });
    assert.deepEqual([stored()?.spec, stored()?.reloadSignal], [{ ...blob("s"), data: Uint8Array.of(7) }, "HUP"]);
    await assert.rejects(cluster.call({ kind, id, version, data: Uint8Array.of(8) }), /update out of sequence/);
    await cluster.call({ kind, id, version: stored()?.version ?? 0, data: Uint8Array.of(9) });
    assert.deepEqual([stored()?.spec.data, stored()?.reloadSignal], [Uint8Array.of(9), undefined]);
  });

  it("rotates one join token and leaves the other", async () => {
    const { cluster: before } = expectKind(await cluster.call({ kind: "get-cluster" }), "cluster");
    const request = { kind: "update-cluster", spec: before.spec, version: before.version } as const;
    await cluster.call({ ...request, rotateWorkerToken: true, rotateManagerToken: false, rotateUnlockKey: false });
    const { cluster: after } = expectKind(await cluster.call({ kind: "get-cluster" }), "cluster");
    assert.notEqual(after.rootCa.joinTokenWorker, before.rootCa.joinTokenWorker);
    assert.equal(after.rootCa.joinTokenManager, before.rootCa.joinTokenManager);
    const [stored] = cluster.store.view().all("cluster");
    assert.notEqual(stored?.rootCa.keyPem, "", "the root key is not lost on the way");
  });

  it("has an unlock key while managers are locked, another one after each rotation, and shows it to those alone who ask for it", async () => {
    const unlockKey = async () => expectKind(await cluster.call({ kind: "get-unlock-key" }), "unlock-key");
    const update = async (autoLockManagers: boolean, { rotateUnlockKey = false } = {}) => {
      const { cluster: before } = expectKind(await cluster.call({ kind: "get-cluster" }), "cluster");
      const rotation = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey };
      const spec = { ...before.spec, autoLockManagers };
      await cluster.call({ kind: "update-cluster", spec, version: before.version, ...rotation });
      const { key, version } = await unlockKey();
      assert.ok(version > before.version, "a later key is known by its version");
      return key && Buffer.from(key).toString("hex");
    };
    assert.equal((await unlockKey()).key, undefined);
    assert.equal(await update(false, { rotateUnlockKey: true }), undefined);
    const first = await update(true);
    assert.equal(first?.length, 64);
    assert.equal(await update(true), first);
    const second = await update(true, { rotateUnlockKey: true });
    assert.notEqual(second, first);
    const { cluster: shown } = expectKind(await cluster.call({ kind: "get-cluster" }), "cluster");
    assert.equal(shown.unlockKey, undefined);
    assert.equal(await update(false), undefined);
    assert.ok(![undefined, first, second].includes(await update(true)), "an old key is not used again");
  });

  it("drains, demotes and removes nodes, but never the last manager or a quorum", async () => {
    const node = (id: string, role: Node["role"], state: Node["status"]["state"]): Node => ({
      ...{ id: asId<NodeId>(id), version: 0, createdAtMs: 0, updatedAtMs: 0, role },
      spec: { labels: {}, role, availability: "active" },
      status: { state, message: "", address: "" },
      ...(role === "manager" ? { manager: { raftId: id.length, address: id } } : {}),
    });
    const [first] = expectKind(await cluster.call({ kind: "get-node", idOrName: "node1" }), "nodes").nodes;
    assert.ok(first);
    const demote = {
      kind: "update-node",
      id: first.node.id,
      version: first.node.version,
      spec: { ...first.node.spec, role: "worker" },
    } as const;
    await assert.rejects(cluster.call(demote), /attempting to demote the last manager of the swarm/);
    const nodes = [node("m22", "manager", "down"), node("m333", "manager", "ready"), node("w1", "worker", "ready")];
    await cluster.proposals.propose({
      changes: nodes.map(object => ({ kind: "put", table: "node", object, basedOn: 0 })),
      reliesOn: [],
    });
    await assert.rejects(cluster.call(demote), /this would result in a loss of quorum/);
    await assert.rejects(cluster.call({ kind: "remove-node", idOrName: "w1", force: false }), {
      message: "rpc error: code = FailedPrecondition desc = node w1 is not down and can't be removed",
    });
    await cluster.call({ kind: "remove-node", idOrName: "w1", force: true });
    await assert.rejects(cluster.call({ kind: "get-node", idOrName: "w1" }), { message: "node w1 not found" });
  });

  it("hashes its own state", async () => {
    const { hash, index } = expectKind(await cluster.call({ kind: "state-hash" }), "state-hash");
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.equal(index, cluster.store.view().index);
  });
});
