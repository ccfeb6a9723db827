import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { CertificateAuthority } from "../../../../src/manager/ca/authority.ts";
import { runRootRotation } from "../../../../src/manager/ca/root-rotation.ts";
import type { ExternalCa } from "../../../../src/model/cluster.ts";
import { asId, type NodeId } from "../../../../src/model/ids.ts";
import type { CertificateWithKey } from "../../../../src/ports/certificates.ts";
import { tlsOf } from "../../../../src/system/certificate-chain.ts";
import { systemClock } from "../../../../src/system/clock.ts";
import { CfsslSigner } from "../../../../src/system/external-signer.ts";
import { aCluster, expectKind } from "../control-api/cluster.ts";
import { type Mood, SigningServer } from "./signing-server.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const CURRENT = "there must be at least one valid, reachable external CA corresponding to the current CA certificate";
const refused = (what: string) => ({ kind: "invalid", message: `rpc error: code = InvalidArgument desc = ${what}` });

interface Wanted {
  readonly externalCas?: readonly ExternalCa[];
  readonly signingCa?: CertificateWithKey;
  readonly rotate?: boolean;
}

async function setUp() {
  const cluster = await aCluster();
  const { store, call, certificates, clock, proposals } = cluster;
  const rootCa = () => ([...store.view().all("cluster")][0] ?? assert.fail()).rootCa;
  const present = rootCa();
  const authority = new CertificateAuthority({ ...cluster, forward: async () => assert.fail("it leads") });
  const callersPem = present.certificatePem;
  const nowMs = () => clock.nowMs();
  const own = await SigningServer.listen(present, { callersPem, nowMs });
  const elsewhere = await certificates.createRoot({ nowMs: clock.nowMs() });
  const other = await SigningServer.listen(elsewhere, { callersPem, nowMs });
  const { csrPem, keyPem } = await certificates.createRequest();
  const join = () => authority.issue({ csrPem, joinToken: rootCa().joinTokenWorker, availability: "active" });

  async function update({ externalCas, signingCa, rotate = false }: Wanted) {
    const { cluster: now } = expectKind(await call({ kind: "get-cluster" }), "cluster");
    const { externalCas: _, ...spec } = now.spec;
    const wanted = { ...spec, forceRotate: spec.forceRotate + Number(rotate), ...(externalCas && { externalCas }) };
    const tokens = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey: false };
    await call({ kind: "update-cluster", version: now.version, spec: wanted, ...tokens, ...(signingCa && { signingCa }) });
  }

  /** Every node with a certificate as it is given out now; then the leader looks. */
  async function renewAll(): Promise<void> {
    for (const { id } of [...store.view().all("node")]) {
      const issued = await authority.issue({ csrPem, joinToken: "", availability: "active", nodeId: id });
      const node = store.view().get("node", id) ?? assert.fail();
      const description = {
        ...{ hostname: id, platform: { architecture: "x86_64", os: "linux" }, resources: { nanoCpus: 1, memoryBytes: 1 } },
        ...{ engine: { version: "1", labels: {}, plugins: [] }, tls: tlsOf({ ...issued, keyPem }) },
      };
      const change = { kind: "put", table: "node", object: { ...node, description }, basedOn: node.version } as const;
      await proposals.propose({ changes: [change], reliesOn: [] });
    }
    const over = new AbortController();
    const propose = proposals.propose.bind(proposals);
    const running = runRootRotation({ ...cluster, propose, log }, { signal: over.signal });
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve));
    over.abort(new Error("looked"));
    await assert.rejects(running, { message: "looked" });
  }

  const dispose = async () => void (await Promise.all([own, other].map(server => server[Symbol.asyncDispose]())));
  return { ...cluster, authority, rootCa, own, other, elsewhere, csrPem, join, update, renewAll, [Symbol.asyncDispose]: dispose };
}

const ca = (server: SigningServer, certificatePem = ""): ExternalCa => ({ url: server.url, certificatePem });

describe("an external CA", () => {
  it("is asked in cfssl's words, as a manager, and what it signs is the node's certificate", async () => {
    await using world = await setUp();
    const { own, join, update, certificates, clock, rootCa, csrPem } = world;
    await update({ externalCas: [ca(own)] });
    const { certificatePem, nodeId, rootPem } = await join();
    assert.equal(rootPem, rootCa().certificatePem);
    assert.equal(certificates.verify(certificatePem, { rootPem, nowMs: clock.nowMs() }).nodeId, nodeId);
    assert.deepEqual(own.asked, [
      {
        hosts: ["swarm-worker", nodeId],
        certificate_request: csrPem,
        subject: { CN: nodeId, names: [{ O: "cluster1", OU: "swarm-worker" }] },
        ...{ profile: "", crl_override: "", label: "" },
      },
    ]);
    assert.deepEqual(own.callers, ["O=cluster1\nOU=swarm-manager\nCN=node1"]);
  });

  it("names a manager as an authority too, and is not asked for another root's certificates", async () => {
    await using world = await setUp();
    const { own, other, update, authority, csrPem, elsewhere } = world;
    await update({ externalCas: [ca(other, elsewhere.certificatePem), ca(own)] });
    await authority.issue({ csrPem, joinToken: "", availability: "active", nodeId: asId<NodeId>("node1") });
    assert.deepEqual(own.asked[0]?.hosts, ["swarm-manager", "node1", "swarm-ca"]);
    assert.deepEqual(other.asked, []);
  });

  const failures: [string, Mood, RegExp, string][] = [
    [
      "an error of the server",
      { kind: "status", status: 503, body: "later" },
      /^failed to sign CSR: unexpected status code in CSR response: 503 - later$/,
      "unavailable",
    ],
    [
      "no JSON",
      { kind: "status", status: 200, body: "<html>" },
      /^failed to sign CSR: unable to parse JSON response: /,
      "unavailable",
    ],
    [
      "a refusal",
      { kind: "answer", answer: { success: false, result: null, errors: [{ code: 5100, message: "no" }] } },
      /^failed to sign CSR: response errors: \[\{5100 no\}\]$/,
      "internal",
    ],
    [
      "a refusal without a word",
      { kind: "answer", answer: { success: false } },
      /: certificate signing request failed$/,
      "internal",
    ],
    [
      "a certificate that is none",
      { kind: "answer", answer: { success: true, result: { certificate: 5 } } },
      /: invalid result certificate field type: number$/,
      "internal",
    ],
    [
      "an empty certificate",
      { kind: "answer", answer: { success: true, result: { certificate: "" } } },
      /: malformed certificate$/,
      "internal",
    ],
    [
      "another node's certificate",
      { kind: "other node", nodeId: "node1" },
      /: the external CA gave a certificate of another node$/,
      "internal",
    ],
    [
      "an endless answer",
      { kind: "status", status: 200, body: "x".repeat(300_000) },
      /: an answer of more than 262144 bytes$/,
      "unavailable",
    ],
  ];
  for (const [what, mood, message, kind] of failures) {
    it(`that gives ${what} lets nobody in`, async () => {
      await using world = await setUp();
      const { own, join, update, store } = world;
      await update({ externalCas: [ca(own)] });
      own.mood = mood;
      await assert.rejects(join(), { kind, message });
      assert.equal(store.view().count("node"), 1);
    });
  }

  it("that signs another key, or with another root, lets nobody in", async () => {
    await using world = await setUp();
    const { own, other, join, update, certificates, store } = world;
    await update({ externalCas: [ca(own)] });
    own.mood = { kind: "other key", csrPem: (await certificates.createRequest()).csrPem };
    await assert.rejects(join(), { message: /the external CA gave a certificate for another key$/ });
    await update({ externalCas: [ca(other)] });
    // Its own certificate is of that other root: nothing is sent there.
    await assert.rejects(join(), { message: /unable to perform certificate signing request: / });
    assert.deepEqual([other.asked, store.view().count("node")], [[], 1]);
  });

  it("is one of several, tried in turn; an answer that does not come is not waited for", async () => {
    await using world = await setUp();
    const { own, join, update, rootCa, identity, csrPem } = world;
    await update({ externalCas: [{ url: "https://localhost:1/sign", certificatePem: "" }, ca(own)] });
    await join();
    own.mood = { kind: "silent" };
    const waits: number[] = [];
    const timeout = (ms: number) => (waits.push(ms), systemClock.timeout(ms / 50));
    const external = new CfsslSigner({ identity: () => identity, clock: { ...systemClock, timeout } });
    const hasty = new CertificateAuthority({ ...world, external, forward: async () => assert.fail() });
    const joining = hasty.issue({ csrPem, joinToken: rootCa().joinTokenWorker, availability: "active" });
    await assert.rejects(joining, {
      kind: "unavailable",
      message: /^failed to sign CSR: unable to perform certificate signing request: /,
    });
    assert.deepEqual(waits, [5_000, 5_000]);
  });

  it("has an address with TLS, or is refused", async () => {
    await using world = await setUp();
    for (const url of ["http://ca.example/sign", "ca.example", ""])
      await assert.rejects(
        world.update({ externalCas: [{ url, certificatePem: "" }] }),
        refused(`invalid external CA URL ${JSON.stringify(url)}: it must begin with https://`),
      );
    await assert.rejects(
      world.update({ externalCas: [{ url: "https://a", certificatePem: "x" }] }),
      refused("CA cert for external CA must be in PEM format"),
    );
  });

  it("becomes the cluster's: a rotation to its root, whose key no manager has", async () => {
    await using world = await setUp();
    const { other, elsewhere, join, update, renewAll, rootCa, certificates, clock } = world;
    await join();
    const signingCa = { certificatePem: elsewhere.certificatePem, keyPem: "" };
    const desired = "there must be at least one valid, reachable external CA corresponding to the desired CA certificate";
    await assert.rejects(update({ signingCa }), refused(desired));
    await assert.rejects(
      update({ signingCa, externalCas: [ca(other)] }),
      refused(desired),
      "it signs for another root by its own word",
    );
    const before = rootCa();
    const externalCas = [ca(other, elsewhere.certificatePem)];
    await update({ signingCa, externalCas });
    assert.equal(rootCa().rotation?.keyPem, "");
    await assert.rejects(
      update({}),
      refused("there must be at least one valid, reachable external CA corresponding to the next CA certificate"),
    );
    await renewAll();
    const after = rootCa();
    assert.deepEqual([after.certificatePem, after.keyPem, after.rotation], [elsewhere.certificatePem, "", undefined]);
    assert.notEqual(after.joinTokenWorker, before.joinTokenWorker);
    const issued = await join();
    assert.equal(issued.rootPem, elsewhere.certificatePem);
    assert.equal(
      new X509Certificate(issued.certificatePem).verify(new X509Certificate(elsewhere.certificatePem).publicKey),
      true,
    );
    certificates.verify(issued.certificatePem, { rootPem: elsewhere.certificatePem, nowMs: clock.nowMs() });
    assert.deepEqual(other.asked.length, 3, "two renewals and a join");
  });

  it("cannot be taken away from a cluster that lives by it, nor changed for another, until a root with a key takes over", async () => {
    await using world = await setUp();
    const { other, elsewhere, join, update, renewAll, rootCa, certificates, clock } = world;
    const externalCas = [ca(other, elsewhere.certificatePem)];
    const callersPem = rootCa().certificatePem;
    await update({ signingCa: { ...elsewhere, keyPem: "" }, externalCas });
    await renewAll();
    await assert.rejects(update({}), refused(CURRENT));
    await assert.rejects(update({ externalCas: [{ url: "https://localhost:1", certificatePem: "" }] }), refused(CURRENT));
    const third = await certificates.createRoot({ nowMs: clock.nowMs() });
    await using another = await SigningServer.listen(third, { callersPem });
    const toAnother = { signingCa: { ...third, keyPem: "" }, externalCas: [...externalCas, ca(another, third.certificatePem)] };
    await assert.rejects(update(toAnother), refused("rotating from one external CA to a different external CA is not supported"));
    const { asked } = other;
    const asks = asked.length;
    await update({ externalCas, rotate: true });
    const { rotation } = rootCa();
    assert.ok(rotation && rotation.keyPem !== "");
    assert.equal(asked.length, asks + 1);
    const { profile, hosts, subject, extensions } = asked.at(-1) ?? assert.fail();
    assert.deepEqual({ profile, hosts, subject }, { profile: "CA", hosts: null, subject: { CN: "swarm-ca", names: [] } });
    assert.deepEqual(extensions, [{ id: "2.5.29.19", critical: true, value: "30060101ff020101" }]);
    await renewAll();
    assert.deepEqual([rootCa().certificatePem, rootCa().rotation], [rotation.certificatePem, undefined]);
    await join();
    assert.equal(asked.length, asks + 1, "the managers sign again");
    await update({});
  });

  it("gives its key to the managers, without a rotation", async () => {
    await using world = await setUp();
    const { other, elsewhere, join, update, renewAll, rootCa } = world;
    await update({ signingCa: { ...elsewhere, keyPem: "" }, externalCas: [ca(other, elsewhere.certificatePem)] });
    await renewAll();
    await update({ signingCa: elsewhere });
    assert.deepEqual([rootCa().keyPem, rootCa().rotation], [elsewhere.keyPem, undefined]);
    const asks = other.asked.length;
    await join();
    assert.equal(other.asked.length, asks);
  });
});
