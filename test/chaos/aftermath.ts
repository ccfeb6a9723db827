import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LocalControl } from "../../src/rpc/control-client.ts";
import { systemClock } from "../../src/system/clock.ts";
import { newRequestId, type NodeJson, ok, type TaskJson, type TestHost, type TestLab, until } from "../integration/lab/lab.ts";
import { NETWORK, WORKLOAD } from "./workload.ts";

interface ContainerJson {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

const TASK_LABEL = "com.docker.swarm.task.id";

/** What is not as it should be once all is healed, one line each; none when the cluster has come to rest. */
export async function unrest(lab: TestLab, { replicas }: { readonly replicas: number }): Promise<readonly string[]> {
  const [manager] = lab.managers;
  if (manager === undefined) throw new Error("no managers");
  const nodes = await ok<readonly NodeJson[]>(manager, "GET", "/nodes");
  const tasks = (await ok<readonly TaskJson[]>(manager, "GET", "/tasks")).filter(({ NodeID }) => NodeID !== "");
  return [
    ...nodes.filter(({ Status }) => Status.State !== "ready").map(node => `${node.Description.Hostname} is ${node.Status.State}`),
    ...(nodes.filter(({ ManagerStatus }) => ManagerStatus?.Leader === true).length === 1 ? [] : ["there is not one leader"]),
    ...slotTrouble(tasks, replicas),
    ...(await containerTrouble(lab, { nodes, tasks })),
    ...(await stateTrouble(lab)),
  ];
}

function slotTrouble(tasks: readonly TaskJson[], replicas: number): readonly string[] {
  const wanted = tasks.filter(({ DesiredState }) => DesiredState === "running");
  const waiting = wanted
    .filter(({ Status }) => Status.State !== "running")
    .map(task => `task ${task.ID} is ${task.Status.State}`);
  const slots = wanted.map(({ Slot }) => Slot).sort((a, b) => a - b);
  const isRight = slots.length === replicas && new Set(slots).size === replicas;
  return [...waiting, ...(isRight ? [] : [`${WORKLOAD} has tasks in slots ${slots.join(" ")}, not in ${replicas}`])];
}

/** Every host runs the containers of its running tasks, those alone, and holds none of a task that is gone. */
async function containerTrouble(
  lab: TestLab,
  { nodes, tasks }: { readonly nodes: readonly NodeJson[]; readonly tasks: readonly TaskJson[] },
): Promise<readonly string[]> {
  const trouble = await Promise.all(
    lab.hosts.map(async host => {
      const nodeId = nodes.find(({ Description }) => Description.Hostname === host.name)?.ID;
      const own = tasks.filter(({ NodeID }) => NodeID === nodeId);
      const containers = await ok<readonly ContainerJson[]>(host, "GET", "/containers/json?all=1");
      const running = containers.filter(({ State }) => State === "running").map(({ Labels }) => Labels[TASK_LABEL] ?? "");
      const expected = own.filter(({ Status }) => Status.State === "running").map(({ ID }) => ID);
      const known = new Set(own.map(({ ID }) => ID));
      return [
        ...expected.filter(id => !running.includes(id)).map(id => `${host.name} does not run task ${id}`),
        ...running.filter(id => !expected.includes(id)).map(id => `${host.name} runs task ${id}, which should not`),
        ...(new Set(running).size === running.length ? [] : [`${host.name} runs a task twice`]),
        ...containers
          .filter(({ Labels }) => !known.has(Labels[TASK_LABEL] ?? ""))
          .map(({ Id, State }) => `${host.name} has the ${State} container ${Id.slice(0, 12)} of no task`),
      ];
    }),
  );
  return trouble.flat();
}

/** Every manager has the same state. */
async function stateTrouble(lab: TestLab): Promise<readonly string[]> {
  const states = await Promise.all(lab.managers.map(manager => stateHash(lab, manager)));
  return new Set(states).size === 1 ? [] : [`the managers' states differ: ${states.join(", ")}`];
}

async function stateHash(lab: TestLab, { name }: TestHost): Promise<string> {
  await using control = new LocalControl({ path: lab.inside(name, "/run/shoal/manager.sock"), clock: systemClock });
  const requestId = newRequestId();
  const response = await control.call({ kind: "state-hash" }, { requestId });
  if (response.kind !== "state-hash") throw new Error(`answered ${response.kind}`);
  return `${response.index} ${response.hash}`;
}

/** Processes that ended because something in them was broken: what they wrote down. */
export function crashReports(directory: string, hosts: readonly TestHost[]): readonly string[] {
  return hosts.flatMap(({ name }) => {
    const folder = join(directory, name, "data/crash");
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter(file => !file.startsWith("state"))
      .map(file => `${name} crashed: ${file}: ${readFileSync(join(folder, file), "utf8").slice(0, 1_500)}`);
  });
}

/** By host: what it holds in its kernel and its daemon, as counts. */
export type Holdings = ReadonlyMap<string, string>;

const COUNTS = {
  veths: "ip -o link | grep -c veth",
  vxlans: "ip -d -o link | grep -c ' vxlan '",
  namespaces: "ls /run/netns | wc -l",
  mounts: "grep -c containers/ /proc/self/mountinfo",
  addresses: "ip -o -4 address | wc -l",
};

export async function holdings(lab: TestLab): Promise<Holdings> {
  const counted = Object.entries(COUNTS).map(([what, command]) => `echo ${what} $(${command});`);
  return new Map(
    await Promise.all(
      lab.hosts.map(async host => {
        const containers = await ok<readonly unknown[]>(host, "GET", "/containers/json?all=1");
        const output = await lab.sh(host.name, counted.join(" "));
        return [host.name, [`containers ${containers.length}`, ...output.trim().split("\n")].join(", ")] as const;
      }),
    ),
  );
}

/** All services and their network. @throws Error when they are not gone in time. */
export async function removeEverything(lab: TestLab): Promise<void> {
  const [manager] = lab.managers;
  if (manager === undefined) throw new Error("no managers");
  for (const { ID } of await ok<readonly { readonly ID: string }[]>(manager, "GET", "/services"))
    await ok(manager, "DELETE", `/services/${ID}`);
  await until("no tasks are left", 60_000, async () => (await ok<readonly unknown[]>(manager, "GET", "/tasks")).length === 0);
  await ok(manager, "DELETE", `/networks/${NETWORK}`);
}
