// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { asId, type ClusterId, type NodeId } from "../../../../src/model/ids.ts";
import { formatJoinToken, parseJoinToken, rootDigestText } from "../../../../src/model/join-token.ts";
import { systemCertificates as certificates } from "../../../../src/system/certificates.ts";

describe("systemCertificates", () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const lifetimeMs = 90 * 24 * 3600 * 1000;
  const nodeId = asId<NodeId>("node1");
  const clusterId = asId<ClusterId>("cluster1");

  it("issues what it verifies: node, cluster and role", async () => {
    const root = await certificates.createRoot({ nowMs });
    const { csrPem } = await certificates.createRequest();
    const pem = await certificates.issue({ csrPem, root, nodeId, clusterId, role: "worker", nowMs, lifetimeMs });
    const { notAfterMs, ...identity } = certificates.verify(pem, { rootPem: root.certificatePem, nowMs });
    assert.deepEqual(identity, { nodeId, clusterId, role: "worker", notBeforeMs: nowMs - 3600_000 });
    assert.equal(notAfterMs, nowMs + lifetimeMs);
  });

  it("refuses an expired certificate and one of another root", async () => {
    const root = await certificates.createRoot({ nowMs });
    const other = await certificates.createRoot({ nowMs });
    const { csrPem } = await certificates.createRequest();
    const pem = await certificates.issue({ csrPem, root, nodeId, clusterId, role: "manager", nowMs, lifetimeMs });
    const late = { rootPem: root.certificatePem, nowMs: nowMs + lifetimeMs + 1000 };
    assert.throws(() => certificates.verify(pem, late), { kind: "unauthorized" });
    assert.throws(() => certificates.verify(pem, { rootPem: other.certificatePem, nowMs }), { kind: "unauthorized" });
    assert.throws(() => certificates.verify(root.certificatePem, { rootPem: root.certificatePem, nowMs }), {
      kind: "unauthorized",
    });
  });

  it("refuses a malformed request", async () => {
    const root = await certificates.createRoot({ nowMs });
    const request = { csrPem: "nonsense", root, nodeId, clusterId, role: "worker" as const, nowMs, lifetimeMs };
    await assert.rejects(certificates.issue(request), { kind: "invalid" });
  });
});

describe("join tokens", () => {
  it("have Docker's form and pin the root", () => {
    const rootDigest = new Uint8Array(32).fill(1);
    const token = formatJoinToken({ rootDigest, secret: new Uint8Array(16).fill(2) });
    assert.match(token, /^SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}$/);
    assert.equal(parseJoinToken(token).rootDigest, rootDigestText(rootDigest));
  });

  for (const bad of ["", "SWMTKN-1-short-secret", `SWMTKN-2-${"0".repeat(50)}-${"0".repeat(25)}`]) {
    it(`refuse "${bad}"`, () => assert.throws(() => parseJoinToken(bad), { kind: "invalid" }));
  }
});
