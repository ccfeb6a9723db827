import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labHost } from "../../deploy/lab/paths.ts";
import { type NodeJson, ok, runningTasks, serviceSpec, type TestHost, type TestLab, until } from "../integration/lab/lab.ts";
import type { Load } from "../integration/lab/load.ts";
import type { EarlierBuild } from "./earlier-build.ts";
import { Writer } from "./writer.ts";

const REPLICAS = 10;
/** Published on every host. */
export const PORT = 18_080;
const SETTLE_MS = 60_000;

interface Spec {
  readonly TaskTemplate: { readonly ContainerSpec: object };
}

/** The service that the load asks. */
export async function deployWeb(lab: TestLab): Promise<void> {
  const Ports = [{ Protocol: "tcp", TargetPort: 8080, PublishedPort: PORT, PublishMode: "ingress" }];
  const web = withContainer(serviceSpec("web", { replicas: REPLICAS, image: "demo" }) as Spec, { Env: ["VERSION=1"] });
  await ok(firstOf(lab), "POST", "/services/create", { ...web, EndpointSpec: { Ports } });
  await until("the service runs", SETTLE_MS, async () => (await webTasks(lab)).length === REPLICAS);
}

/** @throws Error when a request failed, a write was lost or done twice, or a task was replaced. */
export async function upgradeAll(
  lab: TestLab,
  { earlier, load }: { readonly earlier: EarlierBuild; readonly load: Load },
): Promise<void> {
  const before = await webTasks(lab);
  await until("every host answers", SETTLE_MS, async () => load.answeredTargets === lab.hosts.length);
  const writer = await Writer.begin(lab.managers);
  for (const host of lab.hosts) {
    const tookMs = await upgrade(lab, host, earlier);
    console.log(`${host.name} is ready again after ${Math.round(tookMs)} ms`);
  }
  await ok(firstOf(lab), "POST", "/services/create", ofThisVersion());
  const isNewerThere = async () => (await runningTasks(firstOf(lab), "newer")).length === 1;
  await until("what only this version knows runs", SETTLE_MS, isNewerThere);

  const { written, tries, slowestMs } = await writer.end();
  const requests = await load.end();
  const failed = requests.filter(({ error }) => error !== undefined);
  console.log(`${requests.length} requests, ${failed.length} failed`);
  console.log(`${written} writes in ${tries} tries, all kept, none twice; the slowest after ${Math.round(slowestMs)} ms`);
  assert.equal(failed.length, 0, `requests failed: ${JSON.stringify(failed.slice(0, 3))}`);
  assert.deepEqual(await webTasks(lab), before, "tasks were replaced");
}

/** As a service manager does it: the daemon is told to stop, and the new one started when it has. @returns how long its node was not ready, in ms. */
async function upgrade(lab: TestLab, host: TestHost, earlier: EarlierBuild): Promise<number> {
  const beganMs = performance.now();
  const pidFile = join(labHost(lab.name, host.name).directory, "shoald.pid");
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
  type Reachable = NodeJson & { readonly ManagerStatus?: { readonly Reachability?: string } };
  const nodes = await ok<readonly Reachable[]>(witness, "GET", "/nodes");
  return nodes.every(
    ({ Status, ManagerStatus }) => Status.State === "ready" && (ManagerStatus?.Reachability ?? "reachable") === "reachable",
  );
}

async function webTasks(lab: TestLab): Promise<readonly string[]> {
  return (await runningTasks(firstOf(lab), "web")).map(({ ID }) => ID).toSorted();
}

function firstOf(lab: TestLab): TestHost {
  return lab.host("m1");
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
  const spec = serviceSpec("newer", { replicas: 1, command: ["sleep", "1000"] }) as Spec;
  return withContainer(spec, { HostConfig: { ShmSize: 1 << 20 } });
}

function withContainer(spec: Spec, more: object): Spec {
  return { ...spec, TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: { ...spec.TaskTemplate.ContainerSpec, ...more } } };
}
