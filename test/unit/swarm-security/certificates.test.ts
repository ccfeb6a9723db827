// Before the library that needs it.
import "reflect-metadata";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { FORMAT_LEVEL } from "../../../src/codec/entry.ts";
import { formatJoinToken, parseJoinToken } from "../../../src/model/join-token.ts";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import { enrol } from "../../../src/rpc/join-client.ts";
import { strangerCredentials, unaryCall } from "../../../src/rpc/channel.ts";
import { clientOptions } from "../../../src/rpc/limits.ts";
import { CaClient } from "../../../src/gen/ca.ts";
import { certificates, clock, HeldSession, startWorld, until, type World } from "./world.ts";

describe("attacks on the certificate authority", function () {
  this.timeout(30_000);
  let world: World;

  before(async () => {
    world = await startWorld();
  });
  after(async () => world[Symbol.asyncDispose]());

  const enrolWith = (joinToken: string) =>
    enrol({ addresses: [world.address], joinToken, availability: "active", certificates, clock });
  const renewal = async (asked: { readonly nodeId?: string; readonly csrPem?: string } = {}) => ({
    csrPem: asked.csrPem ?? (await certificates.createRequest()).csrPem,
    ...{ joinToken: "", availability: "active" as const },
    ...(asked.nodeId !== undefined && { nodeId: asked.nodeId as never }),
  });
  const nodes = async () => (await world.control({ kind: "list-nodes", filters: {} }, "nodes")).nodes.map(({ node }) => node);

  /** Another secret under the same root, or the same secret under another one. */
  async function tokenLike(change: "secret" | "root"): Promise<string> {
    const { rootCa } = await world.cluster();
    const digest = certificates.digest(rootCa.certificatePem);
    if (change === "secret") return formatJoinToken({ rootDigest: digest, secret: new Uint8Array(16).fill(7) });
    return rootCa.joinTokenWorker.replace(parseJoinToken(rootCa.joinTokenWorker).rootDigest, "0".repeat(50));
  }

  /** Past the client's own check of the root. */
  async function present(joinToken: string) {
    const client = new CaClient(world.address, strangerCredentials({ rootPem: world.root.certificatePem }), clientOptions);
    const { csrPem } = await certificates.createRequest();
    const message = { csrPem, joinToken, availability: "active", onBehalfOf: "" };
    return await unaryCall<{ readonly nodeId: string }>(tell => client.issueCertificate(message, tell)).finally(() =>
      client.close(),
    );
  }

  for (const [what, token] of [
    ["a made-up secret", () => tokenLike("secret")],
    ["the right secret under another root's digest", () => tokenLike("root")],
    ["nothing that is a token", async () => "SWMTKN-1-a-b"],
  ] as const) {
    it(`a join token with ${what} is refused, and no node is written down`, async () => {
      const before = (await nodes()).length;
      await assert.rejects(present(await token()), { kind: "invalid", message: /A valid join token is necessary/ });
      assert.equal((await nodes()).length, before);
    });
  }

  it("the join token of another cluster is refused", async () => {
    await using other = await startWorld();
    const { rootCa } = await other.cluster();
    await assert.rejects(present(rootCa.joinTokenManager), { kind: "invalid" });
    await assert.rejects(enrolWith(rootCa.joinTokenManager), { kind: "unauthorized" });
  });

  it("a join token that was replayed gives a node of its own, never the one it gave before", async () => {
    const { rootCa } = await world.cluster();
    const [first, again] = [await present(rootCa.joinTokenWorker), await present(rootCa.joinTokenWorker)];
    assert.notEqual(first.nodeId, again.nodeId);
  });

  it("a join token that was rotated is refused from then on", async () => {
    const { rootCa, version, spec } = await world.cluster();
    await present(rootCa.joinTokenManager);
    const tokens = { rotateWorkerToken: true, rotateManagerToken: true, rotateUnlockKey: false };
    await world.control({ kind: "update-cluster", version, spec, ...tokens }, "done");
    for (const old of [rootCa.joinTokenWorker, rootCa.joinTokenManager]) await assert.rejects(present(old), { kind: "invalid" });
  });

  it("a worker's token makes workers, whatever the request says", async () => {
    const { role, certificatePem } = await enrolWith((await world.cluster()).rootCa.joinTokenWorker);
    assert.deepEqual(
      [role, certificates.verify(certificatePem, { rootPem: world.root.certificatePem, nowMs: clock.nowMs() }).role],
      ["worker", "worker"],
    );
  });

  it("a request with another node's name, a manager's role, other hosts and a CA's rights gets none of them", async () => {
    const worker = await world.join("worker");
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const greedy = await x509.Pkcs10CertificateRequestGenerator.create({
      ...{
        keys,
        signingAlgorithm: algorithm,
        name: `CN=${world.nodeId}, OU=swarm-manager, O=${world.clusterId}, 2.5.4.5=7.999999`,
      },
      extensions: [
        new x509.BasicConstraintsExtension(true, 5, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: "swarm-manager" },
          { type: "ip", value: "10.0.0.1" },
        ]),
      ],
    });
    const issued = await world.clients(worker).issue(world.address, await renewal({ csrPem: greedy.toString("pem") }));
    const certificate = new X509Certificate(issued.certificatePem);
    const [position = "", ...names] = certificate.subject.split("\n").toSorted().toReversed();
    assert.match(position, /^serialNumber=0\.\d{1,5}$/);
    assert.deepEqual(names.toSorted(), [`CN=${worker.nodeId}`, `O=${world.clusterId}`, "OU=swarm-worker"]);
    assert.equal(certificate.subjectAltName, `DNS:swarm-worker, DNS:${worker.nodeId}`);
    assert.equal(certificate.ca, false);
  });

  it("a request that its own key did not sign, and one that is none, are refused", async () => {
    const worker = world.clients(await world.join("worker"));
    const { csrPem } = await certificates.createRequest();
    const forged = Buffer.from(csrPem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1); // The signature's last bit; all else is as it was.
    const unsigned = `-----BEGIN CERTIFICATE REQUEST-----\n${forged.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    for (const bad of [unsigned, "nonsense", "", world.root.certificatePem]) {
      await assert.rejects(worker.issue(world.address, await renewal({ csrPem: bad })), { kind: "invalid" });
    }
  });

  it("somebody without a certificate and without a token gets nothing", async () => {
    await assert.rejects(present(""), { kind: "unauthorized" });
  });

  it("a worker gets no certificate of another node", async () => {
    const worker = world.clients(await world.join("worker"));
    await assert.rejects(worker.issue(world.address, await renewal({ nodeId: world.nodeId })), { kind: "unavailable" });
  });

  it("a worker does not make itself a manager: neither by a call nor by a renewal", async () => {
    const identity = await world.join("worker");
    const worker = world.clients(identity);
    const node = (await nodes()).find(({ id }) => id === identity.nodeId) ?? assert.fail();
    const spec = { ...node.spec, role: "manager" } as const;
    const promotion = { kind: "update-node", id: node.id, version: node.version, spec } as const;
    await assert.rejects(worker.control(world.address, promotion, { requestId: "r1" as never }), { kind: "forbidden" });
    assert.equal((await worker.issue(world.address, await renewal())).role, "worker");
    await assert.rejects(worker.join(world.address, { own: "127.0.0.1:1" }), { kind: "forbidden" });
    assert.equal((await nodes()).find(({ id }) => id === node.id)?.role, "worker");
  });

  it("a worker does not say goodbye for another node, and for itself with its own certificate alone", async () => {
    const [attacker, victim] = [await world.join("worker"), await world.join("worker")];
    const stateOf = async (nodeId: string) => (await nodes()).find(({ id }) => id === nodeId)?.status.state;
    await using _ = await new HeldSession({ address: world.address, identity: victim }).opened();
    await until("the other is up", async () => (await stateOf(victim.nodeId)) === "ready");
    for (const onBehalfOf of [victim.nodeId, world.nodeId])
      await assert.rejects(world.clients(attacker).leave(world.address, { onBehalfOf }), { kind: "unavailable" });
    assert.deepEqual([await stateOf(victim.nodeId), await stateOf(world.nodeId)], ["ready", "unknown"]);
    await world.clients(attacker).leave(world.address);
    assert.deepEqual([await stateOf(attacker.nodeId), await stateOf(victim.nodeId)], ["down", "ready"]);
  });

  /** A node that joined and has since been taken out of the cluster. */
  async function removed(): Promise<NodeIdentity & { readonly nodeId: string; readonly session: HeldSession }> {
    const identity = await world.join("worker");
    const session = await new HeldSession({ address: world.address, identity }).opened();
    await world.control({ kind: "remove-node", idOrName: identity.nodeId, force: true }, "done");
    return { ...identity, session };
  }

  it("a node that was removed loses its session at once, and gets neither another one nor a certificate", async () => {
    const { session, ...identity } = await removed();
    assert.match(String(await session.refused()), /the node was removed/);
    await using another = new HeldSession({ address: world.address, identity });
    const kind = ((await another.refused()) as { readonly kind: string }).kind;
    assert.ok(kind === "forbidden" || kind === "not-found", kind);
    await assert.rejects(world.clients(identity).issue(world.address, await renewal()), { kind: "forbidden" });
    await session[Symbol.asyncDispose]();
  });

  /** A manager that was made a worker and keeps its old certificate. */
  async function demoted(): Promise<NodeIdentity> {
    const identity = await world.join("manager");
    await until("it is demoted", async () => {
      const { id, version, spec } = (await nodes()).find(node => node.id === identity.nodeId) ?? assert.fail();
      const request = { kind: "update-node", id, version, spec: { ...spec, role: "worker" } } as const;
      return (await world.control(request, "done")).kind === "done";
    });
    assert.equal((await world.clients(identity).issue(world.address, await renewal())).role, "worker");
    return identity;
  }

  it("a demoted manager's old certificate is good for no manager's call any more", async () => {
    const old = world.clients(await demoted());
    await assert.rejects(old.control(world.address, { kind: "get-cluster" }, { requestId: "r2" as never }), {
      kind: "forbidden",
    });
    await assert.rejects(old.issue(world.address, await renewal({ nodeId: world.nodeId })), { kind: "unavailable" });
  });

  it("a manager that was demoted and asks for no other certificate is no manager all the same", async () => {
    const identity = await world.join("manager");
    const manager = world.clients(identity);
    await manager.join(world.address, { own: "127.0.0.1:1", formatLevel: FORMAT_LEVEL });
    await using _founder = await new HeldSession({ address: world.address, identity: world.identity }).opened(); // A quorum has to be up.
    const node = async () => (await nodes()).find(({ id }) => id === identity.nodeId) ?? assert.fail();
    await until("it is demoted", async () => {
      const { id, version, spec } = await node();
      const request = { kind: "update-node", id, version, spec: { ...spec, role: "worker" } } as const;
      return (await world.control(request, "done")).kind === "done";
    });
    await until("it is out of Raft", async () => (await node()).manager === undefined);
    const again = world.clients(identity);
    await assert.rejects(again.control(world.address, { kind: "get-cluster" }, { requestId: "r6" as never }), {
      kind: "forbidden",
    });
  });

  it("a certificate that is newer than what a manager knows gets its holder no answer there", async () => {
    const position = { epoch: 0, index: 1e9 };
    const options = { signal: new AbortController().signal };
    for (const role of ["manager", "worker"] as const) {
      const identity = await world.forge({ nodeId: "of-the-future", role, position });
      const caller = world.clients(identity);
      const refused = { kind: role === "manager" ? "unavailable" : "forbidden" };
      await assert.rejects(caller.control(world.address, { kind: "get-cluster" }, { requestId: "r7" as never }), refused);
      await assert.rejects(caller.leader(world.address).writeStatuses({ nodeId: world.nodeId, statuses: [] }, options), refused);
      await assert.rejects(caller.join(world.address, { own: "127.0.0.1:1" }), refused);
      await assert.rejects(caller.leave(world.address), { kind: "unavailable" });
      await assert.rejects(caller.issue(world.address, await renewal()), { kind: "forbidden" });
      await assert.rejects(caller.issue(world.address, await renewal({ nodeId: world.nodeId })), { kind: "unavailable" });
      await using session = new HeldSession({ address: world.address, identity });
      assert.equal(((await session.refused()) as { readonly kind: string }).kind, "unavailable");
    }
  });

  it("a removed manager's certificate, which has not expired, is good for no call any more", async () => {
    const identity = await world.join("manager");
    const manager = world.clients(identity);
    assert.equal((await manager.control(world.address, { kind: "get-cluster" }, { requestId: "r3" as never })).kind, "cluster");
    await world.control({ kind: "remove-node", idOrName: identity.nodeId, force: true }, "done");
    const again = world.clients(identity);
    await assert.rejects(again.control(world.address, { kind: "get-cluster" }, { requestId: "r4" as never }), {
      kind: "forbidden",
    });
  });

  it("a connection that is open when its node is removed is cut within 5 s", async () => {
    const identity = await world.join("manager");
    const manager = world.clients(identity);
    const call = () => manager.control(world.address, { kind: "get-cluster" }, { requestId: "r5" as never });
    assert.equal((await call()).kind, "cluster");
    await world.control({ kind: "remove-node", idOrName: identity.nodeId, force: true }, "done");
    await until("its calls are refused", () =>
      call().then(
        () => false,
        () => true,
      ),
    );
  });

  it("the root's key, and the next root's, are in no answer", async () => {
    const { version, spec } = await world.cluster();
    const rotation = { ...spec, forceRotate: spec.forceRotate + 1 };
    const tokens = { rotateWorkerToken: false, rotateManagerToken: false, rotateUnlockKey: false };
    await world.control({ kind: "update-cluster", version, spec: rotation, ...tokens }, "done");
    const { rootCa } = await world.cluster();
    assert.deepEqual([rootCa.keyPem, rootCa.rotation?.keyPem], ["", ""]);
    assert.doesNotMatch(JSON.stringify([rootCa, world.log.lines]), /PRIVATE KEY/);
  });
});
