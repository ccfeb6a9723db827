import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { idleEndpoint } from "../../../src/engine/containers/record.ts";
import { EngineNetworks } from "../../../src/engine/networks/engine-networks.ts";
import { NETWORK_DEFAULTS, withUniqueLocalPool } from "../../../src/engine/networks/network-defaults.ts";
import { StateDatabase } from "../../../src/engine/state/database.ts";
import type { Container } from "../../../src/model/container.ts";
import { asId, type ContainerId, type NodeId } from "../../../src/model/ids.ts";
import { type Assignment, assignmentId } from "../../../src/model/session.ts";
import { ClusterNetwork } from "../../../src/network/cluster-network.ts";
import { createExec } from "../../../src/system/exec.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { openKernelNetwork } from "../../../src/system/kernel-network.ts";
import { systemRandom } from "../../../src/system/random.ts";

/** One host of a test: the real engine networks inside the namespace this process was started in, told what to do line by line. */
const [, , directory = ""] = process.argv;
const events: unknown[] = [];
const log = { debug() {}, info() {}, warn: tell, error: tell };
function tell(fields: object, message: string): void {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
}

const kernel = await openKernelNetwork();
const database = await StateDatabase.open(`${directory}/db`);
const exec = createExec();
const networks = await EngineNetworks.create({
  kernel,
  exec,
  log,
  clock: systemClock,
  random: systemRandom,
  database,
  execRoot: `${directory}/exec`,
  defaults: withUniqueLocalPool(NETWORK_DEFAULTS, directory),
  publish: event => void events.push(event),
});

let cluster: ClusterNetwork | undefined;
const children = new Set<ChildProcess>();
const paths = new Map<string, string>();

const calls: Record<string, (argument: never) => Promise<unknown>> = {
  create: networks.create.bind(networks),
  list: networks.list.bind(networks),
  inspect: networks.inspect.bind(networks),
  remove: networks.remove.bind(networks),
  prune: networks.prune.bind(networks),
  async restore(containers: Container[]) {
    await networks.restore(await Promise.all(containers.map(asRecorded)));
    for (const file of await readdir(`${directory}/exec/sandboxes`).catch(() => [])) {
      const { containerId, path } = JSON.parse(await readFile(`${directory}/exec/sandboxes/${file}`, "utf8")) as Record<
        string,
        string
      >;
      paths.set(containerId ?? "", path ?? "");
    }
  },
  async connect(container: Container) {
    const sandbox = await networks.connect(container);
    await sandbox.isUp;
    if (sandbox.namespacePath !== undefined) paths.set(container.id, sandbox.namespacePath);
    return sandbox;
  },
  attach: ({ container, network, endpoint }: { container: Container; network: string; endpoint: object }) =>
    networks.attach(container, network, endpoint),
  detach: ({ container, network }: { container: Container; network: string }) => networks.detach(container, network),
  release: (id: ContainerId) => networks.release(asId(id)),
  async joinCluster(nodeId: NodeId) {
    cluster = await ClusterNetwork.create({
      kernel,
      exec,
      clock: systemClock,
      random: systemRandom,
      log,
      networks,
      nodeId,
      execRoot: `${directory}/exec`,
    });
  },
  apply: (assignments: Assignment[]) =>
    cluster?.apply(
      new Map(assignments.map(assignment => [`${assignment.kind}/${assignmentId(assignment)}`, assignment as never])),
    ) ?? Promise.resolve(),
  leaveCluster: () => cluster?.leaveCluster() ?? Promise.resolve(),
  settle: () => networks.settle(),
  async events() {
    return events;
  },
  /** Runs a program to its end, in a container's namespace or the host's. */
  async run({ inside, command, stdin }: { inside?: string; command: string[]; stdin?: string }) {
    const [file = "", ...args] = within(inside, command);
    return exec.run(file, args, { allowFailure: true, ...(stdin === undefined ? {} : { stdin }) });
  },
  /** Starts a program that runs until the test ends; resolves with its first line. */
  async start({ inside, command }: { inside?: string; command: string[] }) {
    const [file = "", ...args] = within(inside, command);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    children.add(child);
    return new Promise((resolve, reject) => {
      child.stdout.once("data", (data: Buffer) => resolve({ pid: child.pid, line: data.toString().trim() }));
      child.once("exit", code => reject(new Error(`${command.join(" ")} ended with ${String(code)}`)));
    });
  },
  async kill(pid: number) {
    for (const child of children) if (child.pid === pid) child.kill("SIGKILL");
  },
};

function within(inside: string | undefined, command: readonly string[]): readonly string[] {
  return inside === undefined ? command : ["nsenter", `--net=${paths.get(inside) ?? ""}`, ...command];
}

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, argument } = JSON.parse(line) as { id: number; call: string; argument: never };
  void (calls[call]?.(argument) ?? Promise.reject(new Error(`no call ${call}`))).then(
    result => process.stdout.write(`${JSON.stringify({ id, result: result ?? null })}\n`),
    (error: Error) => process.stdout.write(`${JSON.stringify({ id, error: error.message, stack: error.stack })}\n`),
  );
}
for (const child of children) child.kill("SIGKILL");
await cluster?.[Symbol.asyncDispose]();
await networks[Symbol.asyncDispose]();
await database[Symbol.asyncDispose]();
process.exit(0);

/** With the networks that the engine recorded when it was started. */
async function asRecorded(container: Container): Promise<Container> {
  const text = await readFile(`${directory}/exec/sandboxes/${container.id}.json`, "utf8").catch(() => '{"endpoints":[]}');
  const { endpoints } = JSON.parse(text) as {
    readonly endpoints: readonly { readonly networkName: string; readonly endpointId: string; readonly address: string }[];
  };
  const recorded = endpoints.map(
    ({ networkName, endpointId, address }) => [networkName, { ...idleEndpoint({}), endpointId, ipAddress: address }] as const,
  );
  return { ...container, networks: { ...container.networks, endpoints: Object.fromEntries(recorded) } };
}
