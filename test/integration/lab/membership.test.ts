import assert from "node:assert/strict";
// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import { readCertificate, systemCertificates } from "../../../src/system/certificates.ts";
import { keysOf, unsealedRaftData } from "./sealed-files.ts";
import { call, importBusybox, ok, runningTasks, serviceSpec, type TestHost, TestLab, until } from "./lab.ts";

interface SwarmNodeJson {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly Role: string; readonly Availability: string };
  readonly Description: { readonly Hostname: string; readonly TLSInfo: TlsInfoJson };
  readonly Status: { readonly State: string };
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability: string };
}

interface TlsInfoJson {
  readonly TrustRoot: string;
  readonly CertIssuerPublicKey: string;
}

interface SwarmJson {
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly CAConfig: { readonly ForceRotate?: number } };
  readonly TLSInfo: TlsInfoJson;
  readonly RootRotationInProgress: boolean;
  readonly JoinTokens: { readonly Worker: string };
}

interface InfoJson {
  readonly Swarm: {
    readonly NodeID: string;
    readonly LocalNodeState: string;
    readonly ControlAvailable: boolean;
    readonly Error: string;
  };
}

const NO_LEADER = /The swarm does not have a leader\. It's possible that too few managers are online\./;
const DAY_MS = 24 * 3600_000;
/** It takes about one second; a machine that is busy with other things takes longer. */
const INIT_MAX_MS = 5_000;
const SETTLE_MS = 20_000;
/** A node that was removed finds out with its next sessions, a few seconds apart at most. */
const QUIET_MS = 2_000;

describe("the members of a swarm", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let m1: TestHost;
  let m2: TestHost;
  let m3: TestHost;
  let w1: TestHost;
  let w2: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 3, workers: 2, isEmpty: true });
    [m1, m2, m3, w1, w2] = ["m1", "m2", "m3", "w1", "w2"].map(name => lab.host(name)) as [
      TestHost,
      TestHost,
      TestHost,
      TestHost,
      TestHost,
    ];
    await importBusybox([w1, w2]);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  it(`begin with one, which is ready when init returns, within ${INIT_MAX_MS} ms and without a complaint in its log`, async () => {
    const startedMs = performance.now();
    await ok(m1, "POST", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: m1.address });
    const tookMs = performance.now() - startedMs;
    const [node] = await nodes();
    assert.equal(node?.Status.State, "ready");
    assert.equal(node.ManagerStatus?.Leader, true);
    console.log(`note: swarm init took ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < INIT_MAX_MS, `${tookMs} ms`);
    assert.doesNotMatch(logOf(m1), /"level":(40|50|60)/);
  });

  it("join with the newest token only", async () => {
    const old = await tokens();
    const { Version, Spec } = await ok<{ Version: { Index: number }; Spec: unknown }>(m1, "GET", "/swarm");
    await ok(m1, "POST", `/swarm/update?version=${Version.Index}&rotateWorkerToken=true&rotateManagerToken=true`, Spec);
    for (const token of [old.Worker, old.Manager]) {
      const refused = await join(w1, token);
      assert.ok(refused.status >= 400, `status ${refused.status}`);
      assert.match(message(refused), /A valid join token is necessary to join this cluster/);
    }
    assert.equal((await swarmOf(w1)).LocalNodeState, "inactive");
    const { Worker, Manager } = await tokens();
    for (const host of [m2, m3]) assert.equal((await join(host, Manager)).status, 200);
    for (const host of [w1, w2]) assert.equal((await join(host, Worker)).status, 200);
    await until("all are ready", SETTLE_MS, async () => (await nodes()).every(({ Status }) => Status.State === "ready"));
    assert.equal((await nodes()).length, 5);
  });

  for (const delayMs of [0, 150]) {
    it(`become managers and workers again though the daemon is killed ${delayMs} ms after the order`, async () => {
      await setRole(w1, "manager");
      await new Promise(resolve => setTimeout(resolve, delayMs));
      await lab.do("kill", "w1");
      await lab.do("restart", "w1");
      await until("w1 is a reachable manager", SETTLE_MS, async () => {
        const { ManagerStatus, Status } = await nodeOf(w1);
        return ManagerStatus?.Reachability === "reachable" && Status.State === "ready" && (await swarmOf(w1)).ControlAvailable;
      });
      assert.equal((await nodes(w1)).length, 5);
      await setRole(w1, "worker");
      await new Promise(resolve => setTimeout(resolve, delayMs));
      await lab.do("kill", "w1");
      await lab.do("restart", "w1");
      await until("w1 is a worker", SETTLE_MS, async () => {
        const { ManagerStatus, Status } = await nodeOf(w1);
        return ManagerStatus === undefined && Status.State === "ready" && !(await swarmOf(w1)).ControlAvailable;
      });
      await until("its Raft data is gone", SETTLE_MS, async () => !existsSync(swarmFolder(w1, "manager/raft")));
    });
  }

  it("renew a certificate that is near its end, on a worker and on a manager, and show the new one", async () => {
    const key = rootKey();
    for (const host of [w2, m2]) {
      await lab.do("kill", host.name);
      const path = swarmFolder(host, "identity.json");
      const old = JSON.parse(readFileSync(path, "utf8")) as NodeIdentity;
      const { nodeId, clusterId, role } = readCertificate(old.certificatePem);
      const { csrPem, keyPem } = await systemCertificates.createRequest();
      const root = { certificatePem: old.rootPem, keyPem: key };
      const nowMs = Date.now();
      const certificatePem = await systemCertificates.issue({ csrPem, root, nodeId, clusterId, role, nowMs, lifetimeMs: 60_000 });
      writeFileSync(path, JSON.stringify({ ...old, certificatePem, keyPem }));
      await lab.do("restart", host.name);
      await until("it has a new certificate, for 90 days", SETTLE_MS, async () => {
        const now = JSON.parse(readFileSync(path, "utf8")) as NodeIdentity;
        const { notAfterMs } = readCertificate(now.certificatePem);
        return now.keyPem !== keyPem && notAfterMs > Date.now() + 89 * DAY_MS;
      });
      await until("it is ready", SETTLE_MS, async () => (await nodeOf(host)).Status.State === "ready");
    }
    await until("the manager port shows it", SETTLE_MS, async () => {
      const command = `openssl s_client -connect ${m2.address}:2377 </dev/null 2>/dev/null | openssl x509 -noout -checkend 86400`;
      return (await lab.sh("m1", command)).includes("will not expire");
    });
  });

  it("get certificates of a new root while a worker is away, and that one finds its way back", async () => {
    const before = await ok<SwarmJson>(m1, "GET", "/swarm");
    await lab.do("kill", "w2");
    await rotateRoot();
    await rotateRoot(); // Another one before the first is over.
    await until("all but w2 have certificates of the next root", SETTLE_MS, async () => (await untouched()).join() === "w2");
    const during = await ok<SwarmJson>(m1, "GET", "/swarm");
    assert.deepEqual([during.RootRotationInProgress, during.TLSInfo.TrustRoot], [true, before.TLSInfo.TrustRoot]);
    await lab.do("kill", "m2");
    await lab.do("restart", "m2", "w2");
    await until("the next root is the root, and trusted alone", SETTLE_MS, async () => {
      const { RootRotationInProgress, TLSInfo } = await ok<SwarmJson>(m1, "GET", "/swarm");
      const trusted = new Set((await nodes()).map(({ Description }) => Description.TLSInfo.TrustRoot));
      return (
        !RootRotationInProgress && TLSInfo.TrustRoot !== before.TLSInfo.TrustRoot && [...trusted].join() === TLSInfo.TrustRoot
      );
    });
    await until("all are ready", SETTLE_MS, async () => (await nodes()).every(({ Status }) => Status.State === "ready"));
    assert.notEqual((await tokens()).Worker, before.JoinTokens.Worker);
  });

  it("hand leadership over when the leader is demoted", async () => {
    assert.equal((await nodeOf(m1)).ManagerStatus?.Leader, true);
    await setRole(m1, "worker");
    await until("m1 is a worker", SETTLE_MS, async () => {
      const { ManagerStatus, Status } = await nodeOf(m1, m2);
      return ManagerStatus === undefined && Status.State === "ready" && !(await swarmOf(m1)).ControlAvailable;
    });
    assert.ok((await nodes(m2)).some(({ ManagerStatus }) => ManagerStatus?.Leader === true));
    const refused = await call(m1, "GET", "/nodes");
    assert.equal(refused.status, 503);
    assert.match(message(refused), /Worker nodes can't be used to view or modify cluster state/);
    await setRole(m1, "manager", m2);
    await until("m1 is a manager again", SETTLE_MS, async () => (await nodeOf(m1)).ManagerStatus?.Reachability === "reachable");
  });

  it("refuse a demotion that would lose the majority, and everything once it is lost, until it is back", async () => {
    await lab.do("kill", "m3");
    await until("m3 is down", SETTLE_MS, async () => (await nodeOf(m3)).Status.State === "down");
    const refused = await tryRole(m2, "worker");
    assert.match(message(refused), /can't remove member from the raft: this would result in a loss of quorum/);
    await lab.do("kill", "m2");
    await until("the leader has stepped down", SETTLE_MS, async () => (await call(m1, "GET", "/nodes")).status === 503);
    for (const [method, path, body] of [
      ["GET", "/nodes", undefined],
      ["GET", "/services", undefined],
      ["POST", "/services/create", serviceSpec("lost", { replicas: 0, command: ["true"] })],
    ] as const) {
      const answer = await call(m1, method, path, body === undefined ? {} : { body });
      assert.equal(answer.status, 503, `${method} ${path}`);
      assert.match(message(answer), NO_LEADER);
    }
    await lab.do("restart", "m2");
    await until("m2 is back", SETTLE_MS, async () => (await nodeOf(m2)).ManagerStatus?.Reachability === "reachable");
    assert.deepEqual(await ok(m1, "GET", "/services"), []);
  });

  it("lose a crashed manager by demotion and removal; it sees that it was removed, and can come back as another", async () => {
    const { ID: NodeID, Status } = await nodeOf(m3);
    assert.equal(Status.State, "down", "it crashed in the test before");
    const early = await call(m1, "DELETE", `/nodes/${NodeID}?force=true`);
    assert.match(message(early), /must be demoted to worker before removal/);
    await setRole(m3, "worker");
    await until("it has left Raft", SETTLE_MS, async () => (await nodeOf(m3)).ManagerStatus === undefined);
    assert.equal(await isHeardByNode(m2), true);
    await ok(m1, "DELETE", `/nodes/${NodeID}?force=true`);
    assert.equal((await nodes()).length, 4);
    await until("no worker hears it any more, though its certificate is good", SETTLE_MS, async () => !(await isHeardByNode(m3)));
    assert.equal(await isHeardByNode(m2), true);

    await lab.do("restart", "m3");
    await until("it knows", SETTLE_MS, async () => (await swarmOf(m3)).LocalNodeState === "error");
    assert.match((await swarmOf(m3)).Error, /not a member of the swarm/);
    const before = logOf(m3).length;
    await new Promise(resolve => setTimeout(resolve, QUIET_MS));
    assert.doesNotMatch(logOf(m3).slice(before), /session|renew/, "nobody is asked any more");
    await ok(m3, "POST", "/swarm/leave");
    assert.equal((await swarmOf(m3)).LocalNodeState, "inactive");
    assert.equal((await join(m3, (await tokens()).Manager)).status, 200);
    assert.notEqual((await swarmOf(m3)).NodeID, NodeID);
    await until("three managers", SETTLE_MS, async () => (await reachableManagers()) === 3);
  });

  it("leave, their tasks with them, and join again as others", async () => {
    await ok(
      m1,
      "POST",
      "/services/create",
      serviceSpec("web", { replicas: 4, command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"] }),
    );
    for (const host of [m1, m2, m3]) await setAvailability(host, "drain");
    await until("4 tasks run", SETTLE_MS, async () => (await runningTasks(m1, "web")).length === 4);
    const { ID } = await nodeOf(w2);
    await ok(w2, "POST", "/swarm/leave");
    assert.deepEqual(await ok(w2, "GET", "/containers/json?all=true"), []);
    assert.equal(existsSync(swarmFolder(w2, "")), false);
    assert.equal((await nodeOf(w2)).Status.State, "down", "it said goodbye");
    await until("4 tasks run on w1", 4_000, async () => {
      const running = await runningTasks(m1, "web");
      return running.length === 4 && running.every(({ NodeID }) => NodeID !== ID);
    });
    await ok(m1, "DELETE", `/nodes/${ID}`);
    assert.equal((await join(w2, (await tokens()).Worker)).status, 200);
    assert.notEqual((await swarmOf(w2)).NodeID, ID);
    await until("4 tasks run", SETTLE_MS, async () => (await runningTasks(m1, "web")).length === 4);
    await until("w2 is ready", SETTLE_MS, async () => (await nodeOf(w2)).Status.State === "ready");
    await until("it serves published ports", SETTLE_MS, async () => (await lab.sh("w2", "ip addr show ing0")).includes("inet "));
  });

  it("leave as the leading manager with force only, out of Raft too", async () => {
    const leader = await leaderHost();
    const { ID } = await nodeOf(leader, leader);
    const other = [m1, m2, m3].find(host => host !== leader) ?? m1;
    const refused = await call(leader, "POST", "/swarm/leave");
    assert.equal(refused.status, 503);
    assert.match(message(refused), /participating as a manager\. .*Use `--force` to suppress this message/);
    await ok(leader, "POST", "/swarm/leave?force=true");
    assert.equal((await nodeById(ID, other))?.Status.State, "down", "it said goodbye");
    assert.equal((await nodeById(ID, other))?.ManagerStatus, undefined);
    await ok(other, "DELETE", `/nodes/${ID}`);
    assert.equal((await join(leader, (await tokens(other)).Manager, other)).status, 200);
    await until("three managers", SETTLE_MS, async () => (await reachableManagers(other)) === 3);
  });

  it("are kept by one manager that goes on alone; the others come back as workers", async () => {
    await lab.do("kill", "m2", "m3");
    await until("the majority is lost", SETTLE_MS, async () => (await call(m1, "GET", "/nodes")).status === 503);
    await ok(m1, "POST", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: m1.address, ForceNewCluster: true });
    assert.equal((await nodeOf(m1)).ManagerStatus?.Leader, true);
    assert.equal(await reachableManagers(), 1);
    assert.equal((await nodes()).length, 5);
    await until("4 tasks run", SETTLE_MS, async () => (await runningTasks(m1, "web")).length === 4);
    const refused = await tryRole(m1, "worker");
    assert.match(message(refused), /attempting to demote the last manager of the swarm/);
    await lab.do("restart", "m2");
    await until("m2 is a worker", SETTLE_MS, async () => {
      const { ManagerStatus, Status } = await nodeOf(m2);
      return Status.State === "ready" && ManagerStatus === undefined && !(await swarmOf(m2)).ControlAvailable;
    });
    await setRole(m2, "manager");
    await until("two managers", SETTLE_MS, async () => (await reachableManagers()) === 2);
  });

  // ---- ----

  /** Whether w1 keeps a connection of whoever has this host's certificate, at the port for other nodes. */
  async function isHeardByNode(host: TestHost): Promise<boolean> {
    const { certificatePem, keyPem } = JSON.parse(readFileSync(swarmFolder(host, "identity.json"), "utf8")) as NodeIdentity;
    const file = `/var/lib/shoal-lab/${lab.name}/m1/stolen.pem`;
    writeFileSync(file, certificatePem + keyPem);
    const dial = `openssl s_client -connect ${w1.address}:2378 -alpn h2 -cert ${file} -cert_chain ${file} -key ${file}`;
    // "DONE" is said when it is this end that had enough.
    return (await lab.sh("m1", `(sleep 1 | ${dial}) 2>&1 || true`)).includes("DONE");
  }

  async function rotateRoot(): Promise<void> {
    await until("a rotation begins", 5_000, async () => {
      const { Version, Spec } = await ok<SwarmJson>(m1, "GET", "/swarm");
      const CAConfig = { ...Spec.CAConfig, ForceRotate: (Spec.CAConfig.ForceRotate ?? 0) + 1 };
      return (await call(m1, "POST", `/swarm/update?version=${Version.Index}`, { body: { ...Spec, CAConfig } })).status === 200;
    });
  }

  /** The nodes that have no certificate of the root that is to be. */
  async function untouched(): Promise<readonly string[]> {
    const { TLSInfo } = await ok<SwarmJson>(m1, "GET", "/swarm");
    const isOther = ({ Description: { TLSInfo: own } }: SwarmNodeJson) => own.CertIssuerPublicKey !== TLSInfo.CertIssuerPublicKey;
    return (await nodes()).filter(isOther).map(({ Description }) => Description.Hostname);
  }

  async function nodes(at = m1): Promise<readonly SwarmNodeJson[]> {
    return await ok(at, "GET", "/nodes");
  }

  /** By id: host names outlive memberships. */
  async function nodeById(id: string, at = m1): Promise<SwarmNodeJson | undefined> {
    return (await nodes(at)).find(({ ID }) => ID === id);
  }

  async function nodeOf(host: TestHost, at = m1): Promise<SwarmNodeJson> {
    const found = (await nodes(at)).find(({ Description }) => Description.Hostname === host.name);
    assert.ok(found, `no node ${host.name}`);
    return found;
  }

  async function reachableManagers(at = m1): Promise<number> {
    return (await nodes(at)).filter(({ ManagerStatus }) => ManagerStatus?.Reachability === "reachable").length;
  }

  async function leaderHost(): Promise<TestHost> {
    const name = (await nodes()).find(({ ManagerStatus }) => ManagerStatus?.Leader === true)?.Description.Hostname ?? "";
    return lab.host(name);
  }

  async function swarmOf(host: TestHost): Promise<InfoJson["Swarm"]> {
    return (await ok<InfoJson>(host, "GET", "/info")).Swarm;
  }

  async function tokens(at = m1): Promise<{ readonly Worker: string; readonly Manager: string }> {
    return (await ok<{ JoinTokens: { Worker: string; Manager: string } }>(at, "GET", "/swarm")).JoinTokens;
  }

  async function join(host: TestHost, token: string, at = m1) {
    const body = { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: host.address, RemoteAddrs: [at.address], JoinToken: token };
    return await call(host, "POST", "/swarm/join", { body, timeoutMs: 30_000 });
  }

  async function tryRole(host: TestHost, role: string, at = m1) {
    const { ID, Version, Spec } = await nodeOf(host, at);
    return await call(at, "POST", `/nodes/${ID}/update?version=${Version.Index}`, { body: { ...Spec, Role: role } });
  }

  /** Tried again when the node changes meanwhile, as it does while it comes up. */
  async function setRole(host: TestHost, role: string, at = m1): Promise<void> {
    await until(`${host.name} is to be a ${role}`, 5_000, async () => (await tryRole(host, role, at)).status === 200);
  }

  async function setAvailability(host: TestHost, availability: string): Promise<void> {
    await until(`${host.name} is to ${availability}`, 5_000, async () => {
      const { ID, Version, Spec } = await nodeOf(host);
      const body = { ...Spec, Availability: availability };
      return (await call(m1, "POST", `/nodes/${ID}/update?version=${Version.Index}`, { body })).status === 200;
    });
  }

  function message({ body }: { readonly body: unknown }): string {
    return (body as { message?: string }).message ?? "";
  }

  function logOf(host: TestHost): string {
    return readFileSync(`/var/lib/shoal-lab/${lab.name}/${host.name}/shoald.log`, "utf8");
  }

  /** Of the cluster's CA: no call gives it away, so it is looked for in the founder's log, with the key to that. */
  function rootKey(): string {
    const folder = swarmFolder(m1, "");
    const data = unsealedRaftData(folder, keysOf(folder) ?? assert.fail("the founder is locked"));
    const [key] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(data.toString("latin1")) ?? [];
    return key ?? assert.fail("no key in the founder's log");
  }

  function swarmFolder(host: TestHost, path: string): string {
    return `/var/lib/shoal-lab/${lab.name}/${host.name}/data/swarm/${path}`;
  }
});
