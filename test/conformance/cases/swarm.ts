import { type Case, GONE, shows } from "../case.ts";
import type { CaseStage } from "../common.ts";
import type { Call, Json, Stage } from "../stage.ts";

const VERSION = { query: { version: "1" } };
const SERVICE = { Name: "any", TaskTemplate: { ContainerSpec: { Image: "busybox" } } };
const DATA = { Name: "any", Data: "eA==" };

/** Everything that only a manager answers, as it is asked where there is none. */
const OF_MANAGERS: readonly (readonly [operation: string, call: Call])[] = [
  ...["SwarmInspect", "SwarmLeave", "SwarmUnlockkey", "NodeList", "NodeInspect", "NodeDelete"].map(name => [name, {}] as const),
  ...["ServiceList", "ServiceInspect", "ServiceDelete", "TaskList", "TaskInspect"].map(name => [name, {}] as const),
  ...["SecretList", "SecretInspect", "SecretDelete", "ConfigList", "ConfigInspect", "ConfigDelete"].map(
    name => [name, {}] as const,
  ),
  ["SwarmUpdate", { ...VERSION, body: {} }],
  ["SwarmUnlock", { body: { UnlockKey: "SWMKEY-1-7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZu8" } }],
  ["NodeUpdate", { ...VERSION, body: {} }],
  ["ServiceCreate", { body: SERVICE }],
  ["ServiceUpdate", { ...VERSION, body: SERVICE }],
  ["ServiceLogs", { query: { stdout: "1" } }],
  ["TaskLogs", { query: { stdout: "1" } }],
  ["SecretCreate", { body: DATA }],
  ["SecretUpdate", { ...VERSION, body: DATA }],
  ["ConfigCreate", { body: DATA }],
  ["ConfigUpdate", { ...VERSION, body: DATA }],
];

export const NO_SWARM_CASES: readonly Case[] = [
  ...OF_MANAGERS.map(([operation, call]) => shows(operation, 503, "the node is in no swarm", s => s.call(GONE, call))),
  shows("SwarmInit", 400, "its address is none", s =>
    s.call({}, { body: { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "nothing" } }),
  ),
  shows("SwarmJoin", 400, "it names no manager", s => s.call({}, { body: { ListenAddr: "0.0.0.0:2377", JoinToken: "x" } })),
];

const manager = (operation: string, status: number, when: string, run: Case["run"]): Case =>
  shows(operation, status, when, run, { onManager: true });

async function service(s: Stage, spec: Json = {}): Promise<string> {
  const { ID } = await s.need("ServiceCreate", {}, { body: serviceSpec(s, spec) });
  s.later("ServiceDelete", { id: String(ID) });
  return String(ID);
}

function serviceSpec(s: Stage, spec: Json = {}): Json {
  const ContainerSpec = { Image: "busybox", Command: ["sleep", "300"], StopGracePeriod: 0 };
  return { Name: s.newName(), TaskTemplate: { ContainerSpec }, Mode: { Replicated: { Replicas: 0 } }, ...spec };
}

async function data(
  s: Stage,
  kind: "Secret" | "Config",
): Promise<{ readonly id: string; readonly version: string; readonly spec: Json }> {
  const spec = { Name: s.newName(), Labels: { one: "1" }, Data: "eA==" };
  const { ID } = await s.need(`${kind}Create`, {}, { body: spec });
  s.later(`${kind}Delete`, { id: String(ID) });
  return { id: String(ID), version: await versionOf(s, `${kind}Inspect`, String(ID)), spec };
}

async function versionOf(s: Stage, inspect: string, id: string): Promise<string> {
  const { Version } = await s.need(inspect, { id });
  return String((Version as { readonly Index: number }).Index);
}

async function self(s: Stage): Promise<string> {
  const { Swarm } = await s.need("SystemInfo");
  return String((Swarm as { readonly NodeID: string }).NodeID);
}

const TASK_MS = 20_000;
const PAUSE_MS = 50;

/** Waits for a task of a service to run. @returns its id. */
async function runningTask(s: Stage, service: string): Promise<string> {
  const query = { filters: JSON.stringify({ service: [service], "desired-state": ["running"] }) };
  const deadlineMs = performance.now() + TASK_MS;
  while (performance.now() < deadlineMs) {
    const { body } = await s.ask("TaskList", {}, { query });
    const tasks = JSON.parse(body.toString()) as readonly { readonly ID: string; readonly Status: { readonly State: string } }[];
    const running = tasks.find(({ Status }) => Status.State === "running");
    if (running !== undefined) return running.ID;
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`no task of ${service} came to run within ${TASK_MS / 1000} s`);
}

function runningService(s: CaseStage): Promise<string> {
  return s.common.of("service", async stage => {
    const id = await service(stage, { Mode: { Replicated: { Replicas: 1 } } });
    await runningTask(stage, id);
    return id;
  });
}

const dataCases = (kind: "Secret" | "Config"): readonly Case[] => [
  manager(`${kind}List`, 200, "there is one", async s => {
    const { id } = await data(s, kind);
    return s.call({}, { query: { filters: JSON.stringify({ id: [id] }) } });
  }),
  manager(`${kind}Create`, 201, "the name is free", async s => {
    const answer = await s.call({}, { body: { Name: s.newName(), Data: "eA==" } });
    s.later(`${kind}Delete`, { id: String((JSON.parse(answer.body.toString()) as Json)["ID"]) });
    return answer;
  }),
  manager(`${kind}Create`, 409, "the name is in use", async s => s.call({}, { body: (await data(s, kind)).spec })),
  manager(`${kind}Inspect`, 200, "it is there", async s => s.call({ id: (await data(s, kind)).id })),
  manager(`${kind}Inspect`, 404, "there is none", s => s.call(GONE)),
  manager(`${kind}Delete`, 204, "it is there", async s => s.call({ id: (await data(s, kind)).id })),
  manager(`${kind}Delete`, 404, "there is none", s => s.call(GONE)),
  manager(`${kind}Update`, 200, "a label changes", async s => {
    const { id, version, spec } = await data(s, kind);
    return s.call({ id }, { query: { version }, body: { ...spec, Labels: { two: "2" } } });
  }),
  manager(`${kind}Update`, 400, "its data changes", async s => {
    const { id, version, spec } = await data(s, kind);
    return s.call({ id }, { query: { version }, body: { ...spec, Data: "eQ==" } });
  }),
  manager(`${kind}Update`, 404, "there is none", s => s.call(GONE, { query: { version: "1" }, body: { Name: "any" } })),
];

export const MANAGER_CASES: readonly Case[] = [
  manager("SwarmInit", 503, "it is in a swarm", s =>
    s.call({}, { body: { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: s.host.address } }),
  ),
  manager("SwarmJoin", 503, "it is in a swarm", s =>
    s.call({}, { body: { ListenAddr: "0.0.0.0:2377", RemoteAddrs: [s.host.address], JoinToken: "x" } }),
  ),
  manager("SwarmInspect", 200, "it is a manager", s => s.call()),
  manager("SwarmUnlockkey", 200, "managers are not locked", s => s.call()),
  manager("SwarmUpdate", 200, "nothing changes", async s => {
    const { Version, Spec } = await s.need("SwarmInspect");
    return s.call({}, { query: { version: String((Version as { readonly Index: number }).Index) }, body: Spec });
  }),
  manager("SwarmUpdate", 400, "no version is said", async s => s.call({}, { body: (await s.need("SwarmInspect"))["Spec"] })),

  manager("NodeList", 200, "there is one", s => s.call()),
  manager("NodeInspect", 200, "it is itself", async s => s.call({ id: await self(s) })),
  manager("NodeInspect", 404, "there is none", s => s.call(GONE)),
  manager("NodeDelete", 404, "there is none", s => s.call(GONE)),
  shows(
    "NodeUpdate",
    200,
    "a label is added",
    async s => {
      const id = await self(s);
      const body = { Role: "manager", Availability: "active", Labels: { one: "1" } };
      return s.call({ id }, { query: { version: await versionOf(s, "NodeInspect", id) }, body });
    },
    { onManager: true, isAlone: true },
  ),
  manager("NodeUpdate", 400, "no version is said", async s =>
    s.call({ id: await self(s) }, { body: { Role: "manager", Availability: "active" } }),
  ),
  manager("NodeUpdate", 404, "there is none", s =>
    s.call(GONE, { query: { version: "1" }, body: { Role: "worker", Availability: "active" } }),
  ),

  manager("ServiceCreate", 201, "the name is free", async s => {
    const answer = await s.call({}, { body: serviceSpec(s) });
    s.later("ServiceDelete", { id: String((JSON.parse(answer.body.toString()) as Json)["ID"]) });
    return answer;
  }),
  manager("ServiceCreate", 400, "it has no image", s =>
    s.call({}, { body: { Name: s.newName(), TaskTemplate: { ContainerSpec: {} } } }),
  ),
  manager("ServiceCreate", 403, "a network of it is one host's own", async s => {
    const network = s.newName();
    await s.need("NetworkCreate", {}, { body: { Name: network } });
    s.later("NetworkDelete", { id: network });
    const ContainerSpec = { Image: "busybox" };
    return s.call({}, { body: serviceSpec(s, { TaskTemplate: { ContainerSpec, Networks: [{ Target: network }] } }) });
  }),
  manager("ServiceCreate", 409, "the name is in use", async s => {
    const Name = s.newName();
    await service(s, { Name });
    return s.call({}, { body: serviceSpec(s, { Name }) });
  }),
  manager("ServiceList", 200, "there is one", async s =>
    s.call({}, { query: { status: "1", filters: JSON.stringify({ id: [await service(s)] }) } }),
  ),
  manager("ServiceInspect", 200, "it says little", async s => s.call({ id: await service(s) })),
  manager("ServiceInspect", 200, "defaults are asked for", async s =>
    s.call({ id: await service(s) }, { query: { insertDefaults: "1" } }),
  ),
  manager("ServiceInspect", 404, "there is none", s => s.call(GONE)),
  manager("ServiceUpdate", 200, "it has one replica more", async s => {
    const Name = s.newName();
    const id = await service(s, { Name });
    const body = serviceSpec(s, { Name, Mode: { Replicated: { Replicas: 1 } } });
    return s.call({ id }, { query: { version: await versionOf(s, "ServiceInspect", id) }, body });
  }),
  manager("ServiceUpdate", 400, "no version is said", async s => s.call({ id: await service(s) }, { body: serviceSpec(s) })),
  manager("ServiceUpdate", 404, "there is none", s => s.call(GONE, { query: { version: "1" }, body: serviceSpec(s) })),
  manager("ServiceDelete", 200, "it is there", async s => s.call({ id: await service(s) })),
  manager("ServiceDelete", 404, "there is none", s => s.call(GONE)),
  manager("ServiceLogs", 200, "it has one task", async s =>
    s.call({ id: await runningService(s) }, { query: { stdout: "1", stderr: "1" } }),
  ),
  manager("ServiceLogs", 404, "there is none", s => s.call(GONE, { query: { stdout: "1" } })),

  manager("TaskList", 200, "a service has one that runs", async s => {
    const filters = JSON.stringify({ service: [await runningService(s)], "desired-state": ["running"] });
    return s.call({}, { query: { filters } });
  }),
  manager("TaskInspect", 200, "it runs", async s => s.call({ id: await runningTask(s, await runningService(s)) })),
  manager("TaskInspect", 404, "there is none", s => s.call(GONE)),
  manager("TaskLogs", 200, "it runs", async s =>
    s.call({ id: await runningTask(s, await runningService(s)) }, { query: { stdout: "1" } }),
  ),
  manager("TaskLogs", 404, "there is none", s => s.call(GONE, { query: { stdout: "1" } })),
  ...dataCases("Secret"),
  ...dataCases("Config"),
];
