// Chaos on real processes: hosts are killed, crashed, paused, cut off, their disks fill and stall and their clocks step, while users work.
import { mkdirSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parsed, refuse } from "../command-line.ts";
import { call, importBusybox, TestLab } from "../integration/lab/lab.ts";
import { checkByPart } from "../sim/linearizability/checker.ts";
import { objectModel, type ObjectInput } from "../sim/linearizability/cluster-objects.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { crashReports, type Holdings, holdings, removeEverything, unrest } from "./aftermath.ts";
import { ControlClient } from "./client.ts";
import { enableHostClocks, setClock } from "./clock.ts";
import { HostDisk, removeDiskFolder } from "./disk.ts";
import { describeFault, drawFaults, FAULT_KINDS, type FaultKind } from "./fault.ts";
import { History } from "./history.ts";
import { inflict, sleep } from "./inflict.ts";
import { FIRST_REPLICAS, Workload } from "./workload.ts";

const OUTPUT = ".chaos";
const LAB_ROOT = process.env["SHOAL_LAB_ROOT"] ?? "/var/lib/shoal-lab";
const CLIENTS = 4;
const REPLICAS = 5;
const QUIET_MS = 10_000;
/** Between two rounds of faults at most: time for what was hidden to show. */
const CALM_MAX_MS = 8_000;
/** Everything is as its users asked so long after all is healed. */
const SETTLE_MS = 90_000;
const GONE_MS = 30_000;

const { values } = parsed({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    managers: { type: "string", default: "3" },
    workers: { type: "string", default: "2" },
    only: { type: "string", default: FAULT_KINDS.join(",") },
  },
});
const seed = Number(values.seed);
const forMs = Number(values.minutes) * 60_000;
const startMs = performance.now();
const disks = new Map<string, HostDisk>();
const findings: string[] = [];
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort()).once("SIGTERM", () => interrupted.abort());

async function main(): Promise<void> {
  if (!(forMs > 0)) refuse(`--minutes is a number above 0, not ${values.minutes}`);
  if (!Number.isInteger(seed)) refuse(`--seed is a whole number, not ${values.seed}`);
  for (const option of ["managers", "workers"] as const)
    if (!/^\d+$/.test(values[option])) refuse(`--${option} is a whole number, not ${values[option]}`);
  mkdirSync(OUTPUT, { recursive: true });
  const kinds = faultKinds();
  say(`seed ${seed}, ${values.minutes} min, faults: ${kinds.join(", ")}`);
  let labName = "";
  try {
    await using lab = await TestLab.up({
      managers: Number(values.managers),
      workers: Number(values.workers),
      beforeBoot: (name, hosts) => {
        labName = name;
        for (const host of hosts) {
          const disk = new HostDisk(name, host);
          disks.set(host, disk);
          disk.mount();
        }
      },
    });
    try {
      await play(lab, kinds);
    } finally {
      for (const disk of disks.values()) disk.unmount();
    }
  } finally {
    for (const disk of disks.values()) disk.unmount();
    if (labName !== "") removeDiskFolder(labName);
  }
  say(findings.length === 0 ? "nothing found" : `FOUND:\n${findings.join("\n")}`);
  if (findings.length > 0) process.exitCode = 1;
}

function faultKinds(): readonly FaultKind[] {
  const asked = values.only.split(",");
  const unknown = asked.filter(kind => !(FAULT_KINDS as readonly string[]).includes(kind));
  if (unknown.length > 0) refuse(`no such faults: ${unknown.join(", ")} (there are ${FAULT_KINDS.join(", ")})`);
  const hasClocks = asked.includes("clock step") && enableHostClocks();
  if (asked.includes("clock step") && !hasClocks) say("no clock steps: they need Debian's libfaketime");
  return FAULT_KINDS.filter(kind => asked.includes(kind) && (kind !== "clock step" || hasClocks));
}

async function play(lab: TestLab, kinds: readonly FaultKind[]): Promise<void> {
  const random = new SeededRandom(seed);
  await importBusybox(lab.hosts);
  const workload = new Workload({ managers: lab.managers, random: random.fork() });
  const history = new History(join(OUTPUT, `history-${seed}.jsonl`));
  // Once up and down: what stays of the first service stays for good, the ingress network for one.
  await workload.begin();
  await untilNone("the workload does not run", SETTLE_MS, () => unrest(lab, { replicas: FIRST_REPLICAS }));
  await removeEverything(lab);
  await sleep(QUIET_MS, interrupted.signal);
  const atFirst = await holdings(lab);
  await workload.begin();
  const over = new AbortController();
  const users = [
    workload.run({ signal: over.signal }),
    ...Array.from({ length: CLIENTS }, (_, number) =>
      new ControlClient(`c${number + 1}`, { hosts: lab.managers, random: random.fork(), history }).run({ signal: over.signal }),
    ),
  ];
  const failed = Promise.all(users).then(
    () => undefined,
    (error: unknown) => findings.push(`a client was answered what it should not: ${String(error)}`),
  );
  await rounds(lab, { kinds, random: random.fork() });
  say("all healed");
  over.abort();
  await failed;
  await history.close();
  await judge(lab, { workload, history, atFirst });
}

/** Faults, then calm, until the time is over. Each round ends with everything healed. */
async function rounds(
  lab: TestLab,
  { kinds, random }: { readonly kinds: readonly FaultKind[]; readonly random: SeededRandom },
): Promise<void> {
  const { signal } = interrupted;
  const hosts = lab.hosts.map(({ name }) => name);
  while (performance.now() - startMs < forMs && !signal.aborted) {
    const faults = drawFaults(random, { hosts, kinds });
    say(faults.map(describeFault).join(" + "));
    const outcomes = await Promise.allSettled(
      faults.map(fault => {
        const disk = disks.get(fault.host);
        if (disk === undefined) throw new Error(`${fault.host} has no disk`);
        return inflict(fault, { lab, disk, signal });
      }),
    );
    for (const outcome of outcomes)
      if (outcome.status === "rejected") findings.push(`in ${faults.map(describeFault).join(" + ")}: ${outcome.reason}`);
    await lab.do("restart", ...hosts); // What ended by itself, as a service manager would; why it did is among the crash reports.
    await sleep(random.below(CALM_MAX_MS), signal);
  }
}

async function judge(
  lab: TestLab,
  { workload, history, atFirst }: { readonly workload: Workload; readonly history: History; readonly atFirst: Holdings },
): Promise<void> {
  for (const { name } of lab.hosts) setClock(lab.name, name, 0);
  await workload.settleAt(REPLICAS);
  const settledMs = await untilNone("the cluster did not come to rest", SETTLE_MS, () => unrest(lab, { replicas: REPLICAS }));
  say(`came to rest ${Math.round(settledMs)} ms after the last change`);
  judgeHistory(history);
  for (const line of crashReports(join(LAB_ROOT, lab.name), lab.hosts)) findings.push(line);
  if (findings.length > 0) await keepState(lab, "unrest");
  await judgeRemoval(lab, atFirst).catch((error: unknown) => findings.push(String(error)));
  if (findings.length > 0) await keepState(lab, "end");
}

function judgeHistory({ calls }: History): void {
  const unknown = calls.filter(({ output }) => output === undefined).length;
  say(`${calls.length} calls, ${unknown} without an answer; looking for an order`);
  const operations = calls.map(recorded => ({ ...recorded, output: recorded.output }));
  const verdict = checkByPart(operations, objectModel({ isWrittenByCluster: true }), partOf);
  if (verdict.isLinearizable) return say("the answers are linearizable");
  const shown = [...verdict.order.slice(-8), "--- none of these can come next:", ...verdict.stuck].map(call =>
    JSON.stringify(call),
  );
  findings.push(`the answers are not linearizable:\n${shown.join("\n")}`);
}

function partOf(input: ObjectInput): string {
  return "name" in input ? input.name : "";
}

/** All services go; then nothing of theirs is anywhere. */
async function judgeRemoval(lab: TestLab, atFirst: Holdings): Promise<void> {
  await removeEverything(lab);
  await untilNone("after all services were removed", GONE_MS, async () => {
    const now = await holdings(lab);
    return [...now]
      .filter(([host, held]) => held !== atFirst.get(host))
      .map(([host, held]) => `${host} holds ${held}, at first ${atFirst.get(host)}`);
  });
}

/** What a finding is explained by: every host's log, and what the managers and engines tell. */
async function keepState(lab: TestLab, moment: string): Promise<void> {
  for (const { name } of lab.hosts)
    await copyFile(join(LAB_ROOT, lab.name, name, "shoald.log"), join(OUTPUT, `${seed}-${name}.log`));
  for (const host of lab.hosts) {
    const paths = ["/containers/json?all=1", ...(host.name.startsWith("m") ? ["/nodes", "/services", "/tasks"] : [])];
    const answers = await Promise.all(
      paths.map(async path => [path, await call(host, "GET", path).catch((error: unknown) => String(error))] as const),
    );
    await writeFile(join(OUTPUT, `${seed}-${moment}-${host.name}.json`), JSON.stringify(Object.fromEntries(answers), null, 1));
  }
  say(`logs, states and history are in ${OUTPUT}`);
}

/** Waits until a check finds nothing; what it found last is a finding then. @returns how long it took, in ms. */
async function untilNone(what: string, ms: number, check: () => Promise<readonly string[]>): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const found = await check().catch((error: unknown) => [String(error)]);
    if (found.length === 0) return performance.now() - beganMs;
    if (performance.now() - beganMs > ms) {
      findings.push(`${what} within ${ms / 1_000} s:`, ...found.map(line => `  ${line}`));
      return ms;
    }
    await sleep(300, new AbortController().signal);
  }
}

function say(text: string): void {
  console.log(`[${((performance.now() - startMs) / 1_000).toFixed(1)} s] ${text}`);
}

await main();
