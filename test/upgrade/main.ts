// An upgrade on real processes: three managers and two workers go from an earlier build to this one, one after another, while the cluster is used.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parsed, refuse } from "../command-line.ts";
import {
  importBusybox,
  importDemoServer,
  type NodeJson,
  ok,
  runningTasks,
  serviceSpec,
  type TestHost,
  TestLab,
  until,
} from "../integration/lab/lab.ts";
import { Load } from "../integration/lab/load.ts";
import { EarlierBuild } from "./earlier-build.ts";
import { Writer } from "./writer.ts";

const REPLICAS = 10;
const PORT = 18_080;
const SETTLE_MS = 60_000;

const { values } = parsed({ options: { from: { type: "string" } } });
const { from } = values;
if (from === undefined) refuse("--from says which commit's build the cluster is upgraded from");

await using earlier = await EarlierBuild.of(from);
process.env["SHOAL_LAB_PROGRAM"] = earlier.program;
await using lab = await TestLab.up({ managers: 3, workers: 2 });
delete process.env["SHOAL_LAB_PROGRAM"];
const [first = refuse("no host came up")] = lab.hosts;
await Promise.all([importBusybox(lab.hosts), importDemoServer(lab.hosts)]);

const web = serviceSpec("web", { replicas: REPLICAS, image: "demo" }) as { TaskTemplate: { ContainerSpec: object } };
await ok(first, "POST", "/services/create", {
  ...web,
  TaskTemplate: { ...web.TaskTemplate, ContainerSpec: { ...web.TaskTemplate.ContainerSpec, Env: ["VERSION=1"] } },
  EndpointSpec: { Ports: [{ Protocol: "tcp", TargetPort: 8080, PublishedPort: PORT, PublishMode: "ingress" }] },
});
await until("the service runs", SETTLE_MS, async () => (await tasks()).length === REPLICAS);
const before = await tasks();

await using load = Load.begin(lab, { port: PORT });
await until("every host answers", SETTLE_MS, async () => load.answeredTargets === lab.hosts.length);
const writer = await Writer.begin(lab.managers);
for (const host of lab.hosts) {
  const tookMs = await upgrade(host);
  console.log(`${host.name} is ready again after ${Math.round(tookMs)} ms`);
}
await ok(first, "POST", "/services/create", ofThisVersion());
await until("what only this version knows runs", SETTLE_MS, async () => (await runningTasks(first, "newer")).length === 1);

const { written, tries, slowestMs } = await writer.end();
const requests = await load.end();
const failed = requests.filter(({ error }) => error !== undefined);
console.log(
  `${requests.length} requests, ${failed.length} failed${failed.length > 0 ? `: ${JSON.stringify(failed.slice(0, 3))}` : ""}`,
);
console.log(`${written} writes in ${tries} tries, all kept, none twice; the slowest after ${Math.round(slowestMs)} ms`);
assert.equal(failed.length, 0, "requests failed");
assert.deepEqual(await tasks(), before, "tasks were replaced");
console.log(`upgraded from ${from}: ${REPLICAS} tasks ran on`);

async function tasks(): Promise<readonly string[]> {
  return (await runningTasks(first, "web")).map(({ ID }) => ID).toSorted();
}

/** As a service manager does it: the daemon is told to stop, and the new one started when it has. @returns how long its node was not ready, in ms. */
async function upgrade(host: TestHost): Promise<number> {
  const beganMs = performance.now();
  const pidFile = `/var/lib/shoal-lab/${lab.name}/${host.name}/shoald.pid`;
  const pid = Number(readFileSync(pidFile, "utf8"));
  assert.ok(programOf(pid).includes(earlier.program), `${host.name} runs ${programOf(pid)}`);
  process.kill(pid, "SIGTERM");
  await until(`${host.name} has stopped`, SETTLE_MS, async () => !isAlive(pid));
  await lab.do("restart", host.name);
  const now = Number(readFileSync(pidFile, "utf8"));
  assert.ok(!programOf(now).includes(earlier.program), `${host.name} runs ${programOf(now)}`);
  const others = lab.managers.filter(({ name }) => name !== host.name);
  for (const witness of others) await until(`${witness.name} sees all nodes ready`, SETTLE_MS, () => areAllReady(witness));
  return performance.now() - beganMs;
}

async function areAllReady(witness: TestHost): Promise<boolean> {
  const nodes = await ok<readonly (NodeJson & { readonly ManagerStatus?: { readonly Reachability?: string } })[]>(
    witness,
    "GET",
    "/nodes",
  );
  return nodes.every(
    ({ Status, ManagerStatus }) => Status.State === "ready" && (ManagerStatus?.Reachability ?? "reachable") === "reachable",
  );
}

function programOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

function isAlive(pid: number): boolean {
  try {
    return programOf(pid) !== "";
  } catch {
    return false;
  }
}

/** A service with a field of the newest format. */
function ofThisVersion(): unknown {
  const spec = serviceSpec("newer", { replicas: 1, command: ["sleep", "1000"] }) as { TaskTemplate: { ContainerSpec: object } };
  const { TaskTemplate } = spec;
  return {
    ...spec,
    TaskTemplate: { ...TaskTemplate, ContainerSpec: { ...TaskTemplate.ContainerSpec, HostConfig: { ShmSize: 1 << 20 } } },
  };
}
