import assert from "node:assert/strict";
// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import { nextStep, renewalTimeMs, type Standing, type Step, type StepKind, Upkeep } from "../../../src/daemon/swarm/upkeep.ts";
import { OperationError } from "../../../src/lib/errors.ts";
import { asId } from "../../../src/model/ids.ts";
import { readCertificate, systemCertificates } from "../../../src/system/certificates.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const worker: Standing = {
  role: "worker",
  renewAtMs: 1_000,
  wantedRole: undefined,
  isRefused: false,
  isInRaft: false,
  isElsewhere: false,
  hasKeysToSettle: false,
};
const manager: Standing = { ...worker, role: "manager", isInRaft: true };

describe("the next step of a node's membership", () => {
  const cases: readonly { readonly of: string; readonly standing: Standing; readonly nowMs?: number; readonly is: Step }[] = [
    { of: "a worker", standing: worker, is: { kind: "wait", untilMs: 1_000 } },
    { of: "a manager", standing: manager, is: { kind: "wait", untilMs: 1_000 } },
    { of: "a worker told what it is", standing: { ...worker, wantedRole: "worker" }, is: { kind: "wait", untilMs: 1_000 } },
    { of: "a worker whose certificate is due", standing: worker, nowMs: 1_000, is: { kind: "renew" } },
    { of: "a manager whose certificate is due", standing: manager, nowMs: 5_000, is: { kind: "renew" } },
    { of: "a worker that is to be a manager", standing: { ...worker, wantedRole: "manager" }, is: { kind: "renew" } },
    {
      of: "a node with a manager's certificate, not in Raft",
      standing: { ...manager, isInRaft: false },
      is: { kind: "join-raft" },
    },
    { of: "a manager that is to be a worker", standing: { ...manager, wantedRole: "worker" }, is: { kind: "renew" } },
    {
      of: "a manager demoted before it was in Raft",
      standing: { ...manager, isInRaft: false, wantedRole: "worker" },
      is: { kind: "renew" },
    },
    {
      of: "a node with a worker's certificate and a manager",
      standing: { ...manager, role: "worker" },
      is: { kind: "end-manager" },
    },
    {
      of: "a manager that is to be locked",
      standing: { ...manager, hasKeysToSettle: true },
      nowMs: 5_000,
      is: { kind: "settle-keys" },
    },
    { of: "a manager that has moved", standing: { ...manager, isElsewhere: true }, nowMs: 5_000, is: { kind: "tell-address" } },
    {
      of: "a manager that has moved and is to be a worker",
      standing: { ...manager, isElsewhere: true, wantedRole: "worker" },
      is: { kind: "renew" },
    },
    { of: "a worker that has moved", standing: { ...worker, isElsewhere: true }, is: { kind: "wait", untilMs: 1_000 } },
    { of: "a node that was refused", standing: { ...worker, isRefused: true }, is: { kind: "renew" } },
  ];
  for (const { of, standing, nowMs = 0, is } of cases) {
    it(`of ${of} is to ${is.kind}`, () => assert.deepEqual(nextStep(standing, nowMs), is));
  }
});

describe("the renewal of a certificate", () => {
  it("comes around two thirds of its life, spread by a tenth of it each way", async () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const root = await systemCertificates.createRoot({ nowMs });
    const { csrPem } = await systemCertificates.createRequest();
    const names = { nodeId: asId<never>("n1"), clusterId: asId<never>("c1"), role: "worker" as const };
    const pem = await systemCertificates.issue({ csrPem, root, ...names, nowMs, lifetimeMs: 29 * HOUR_MS });
    const certificate = readCertificate(pem); // Valid for an hour before and 29 after.
    assert.deepEqual([certificate.nodeId, certificate.role], ["n1", "worker"]);
    const hours = [0, 0.5, 1].map(draw => Math.round((renewalTimeMs(certificate, draw) - nowMs) / HOUR_MS));
    assert.deepEqual(hours, [16, 19, 22]);
  });

  it("happens on time, again and again, each time for the new certificate", async () => {
    const { time, steps } = start({ standing: { ...worker, renewAtMs: HOUR_MS }, nextRenewalMs: 40 * 24 * HOUR_MS });
    await time.runUntil(HOUR_MS - MINUTE_MS);
    assert.deepEqual(steps, []);
    await time.runUntil(79 * 24 * HOUR_MS);
    assert.deepEqual(
      steps.map(({ kind, atMs }) => [kind, Math.round(atMs / HOUR_MS)]),
      [
        ["renew", 1],
        ["renew", 1 + 40 * 24],
      ],
    );
  });

  it("is tried again ever later while no manager answers, up to some minutes, and says so each time", async () => {
    const { time, steps, warnings } = start({ standing: { ...worker, renewAtMs: MINUTE_MS }, failures: 30 });
    await time.runUntil(6 * HOUR_MS);
    assert.equal(steps.length, 31);
    assert.equal(warnings.length, 30);
    const gaps = steps.slice(1).map(({ atMs }, index) => atMs - (steps[index]?.atMs ?? 0));
    assert.ok((gaps[0] ?? 0) <= 200 && (gaps[0] ?? 0) >= 100, `first ${gaps[0]}`);
    assert.ok(Math.max(...gaps) <= 5 * MINUTE_MS && Math.max(...gaps) > 2 * MINUTE_MS, `longest ${Math.max(...gaps)}`);
  });

  it("is tried every few seconds when a change of role waits for it", async () => {
    const { time, steps, warnings } = start({ standing: { ...manager, renewAtMs: Infinity, wantedRole: "worker" }, notYet: 20 });
    await time.runUntil(2 * MINUTE_MS);
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      [...Array.from({ length: 21 }, () => "renew"), "end-manager"],
    );
    assert.deepEqual(warnings, [], "waiting to be taken out of Raft is no failure");
  });

  it("is given up for good when the swarm knows the node no more", async () => {
    const { time, steps, expelled } = start({ standing: { ...worker, renewAtMs: Infinity, isRefused: true }, isForbidden: true });
    await time.runUntil(HOUR_MS);
    assert.equal(steps.length, 1);
    assert.deepEqual(expelled, ["this node is not a member of the swarm"]);
  });
});

describe("a change of role", () => {
  it("is noticed at once, and goes through its steps in order", async () => {
    const { time, steps, tell } = start({ standing: { ...worker, renewAtMs: Infinity } });
    await time.runUntil(1_000);
    tell("manager");
    await time.runUntil(1_010);
    tell("worker");
    await time.runUntil(2_000);
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      ["renew", "join-raft", "renew", "end-manager"],
    );
  });
});

/** A node in virtual time whose managers give it what it wants, or fail as told. */
function start(options: {
  readonly standing: Standing;
  readonly nextRenewalMs?: number;
  readonly failures?: number;
  readonly notYet?: number;
  readonly isForbidden?: boolean;
}) {
  const time = new VirtualTime();
  const clock = simulatedClock(time);
  const originMs = clock.nowMs();
  let standing: Standing = { ...options.standing, renewAtMs: originMs + options.standing.renewAtMs };
  let failures = options.failures ?? 0;
  let notYet = options.notYet ?? 0;
  const steps: { readonly kind: StepKind; readonly atMs: number }[] = [];
  const warnings: string[] = [];
  const expelled: string[] = [];
  const did = (kind: StepKind, change: () => Partial<Standing>) => async () => {
    steps.push({ kind, atMs: time.nowMs });
    if (options.isForbidden === true) throw new OperationError("forbidden", "this node is not a member of the swarm");
    if (failures-- > 0) throw new OperationError("unavailable", "no manager answers");
    if (notYet-- > 0) return false;
    standing = { ...standing, ...change() };
    return true;
  };
  const upkeep = new Upkeep({
    clock,
    random: new SeededRandom(1),
    log: { debug() {}, info() {}, error() {}, warn: (_fields, message) => warnings.push(message) },
    standing: () => standing,
    steps: {
      renew: did("renew", () => ({
        role: standing.wantedRole ?? standing.role,
        renewAtMs: clock.nowMs() + (options.nextRenewalMs ?? Infinity),
        isRefused: false,
      })),
      "join-raft": did("join-raft", () => ({ isInRaft: true })),
      "tell-address": did("tell-address", () => ({ isElsewhere: false })),
      "end-manager": did("end-manager", () => ({ isInRaft: false })),
      "settle-keys": did("settle-keys", () => ({ hasKeysToSettle: false })),
    },
    onExpelled: error => expelled.push(error instanceof Error ? error.message : ""),
  });
  const tell = (wantedRole: Standing["wantedRole"]) => {
    standing = { ...standing, wantedRole };
    upkeep.wake();
  };
  return { time, steps, warnings, expelled, tell };
}
