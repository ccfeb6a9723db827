import assert from "node:assert/strict";
import { entryBytes } from "../../../../src/codec/entry.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NetworkId, NodeId } from "../../../../src/model/ids.ts";
import type { Network, Node, PortConfig, Service, Task } from "../../../../src/model/cluster.ts";
import { assignmentId, peerOf } from "../../../../src/model/session.ts";
import type { Assignment } from "../../../../src/model/session.ts";
import { isTerminal, isToRun, TASK_STATES } from "../../../../src/model/task-state.ts";
import { route } from "../../../../src/manager/dispatcher/router.ts";
import { Session } from "../../../../src/manager/dispatcher/session.ts";
import { SessionTable } from "../../../../src/manager/dispatcher/session-table.ts";
import type { Seat } from "../../../../src/manager/dispatcher/session-table.ts";
import type { Change } from "../../../../src/manager/store/change.ts";
import type { Snapshot, Touched } from "../../../../src/manager/store/snapshot.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { SeededRandom } from "../../../sim/seeded-random.ts";
import { settle } from "../../../sim/virtual-time.ts";
import { aNode } from "../../scheduler/fixtures.ts";
import { aNetwork, aService, aSpec, aTask } from "../store/objects.ts";

const NODES = ["n1", "n2", "n3", "n4"];
/** It is there and gone again, and has no session. */
const GUEST = "guest";
const SERVICES = ["s1", "s2", "s3"];
const NETWORKS = ["ingress", "a", "b"];
const STEPS = 300;

/** What one node was told so far. */
interface Listener {
  readonly nodeId: NodeId;
  readonly session: Session;
  readonly seat: Seat;
  readonly known: Map<string, Assignment>;
  /** Nobody waits for its news just now. */
  isIdle: boolean;
}

const networkId = (name: string): NetworkId => aNetwork(name).id;

/** A cluster that changes at random, and sessions that are told of it. */
class World {
  readonly store = new Store();
  readonly signal = new AbortController().signal;
  readonly random: SeededRandom;
  readonly table = new SessionTable();
  readonly listeners: Listener[];
  #before: Snapshot = this.store.view();
  #nextAddress = 10;
  #nextTask = 1;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const touched = ({ ids, view }: Touched): void => {
      route({ before: this.#before, after: view }, ids, this.table);
      this.#before = view;
    };
    this.store.listen({ touched, replaced: () => {} }, { signal: this.signal });
    this.#apply(
      [...NODES, GUEST].map(id => ({ kind: "put", table: "node", object: { ...aNode({ id }), version: 0 }, basedOn: 0 })),
    );
    for (const name of NETWORKS) this.#putNetwork(aNetwork(name), name === "ingress");
    for (const name of SERVICES) this.#makeService(name);
    this.listeners = NODES.map(id => this.#listen(asId(id)));
  }

  #listen(nodeId: NodeId): Listener {
    const session = new Session({ id: asId(`${nodeId}-session`), nodeId, nowMs: 0 });
    return { nodeId, session, seat: this.table.open(session), known: new Map(), isIdle: true };
  }

  /** Refused entries change nothing, and nobody hears of them. */
  #apply(changes: readonly Change[]): void {
    const data = entryBytes.encode({ changes, reliesOn: [], atMs: 1 });
    this.store.apply({ index: this.store.view().index + 1, term: 1, data });
  }

  #putNetwork(network: Network, isIngress: boolean, more: Partial<Network> = {}): void {
    const object = { ...network, spec: { ...network.spec, isIngress }, ...more };
    this.#apply([{ kind: "put", table: "network", object, basedOn: network.version }]);
  }

  #makeService(name: string): void {
    const service = aService(name);
    const container = { ...service.spec.task.container, secrets: [used(`${name}-secret`)], configs: [used(`${name}-config`)] };
    const spec = (text: string) => ({ name: text, labels: {}, data: Buffer.from(text) });
    const meta = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
    const task = name === "s1" ? service.spec.task : { ...service.spec.task, container };
    this.#apply([
      { kind: "put", table: "secret", object: { ...meta, id: asId(`${name}-secret`), spec: spec(`${name}-secret`) }, basedOn: 0 },
      { kind: "put", table: "config", object: { ...meta, id: asId(`${name}-config`), spec: spec(`${name}-config`) }, basedOn: 0 },
      { kind: "put", table: "service", object: service, basedOn: 0 },
      {
        kind: "put",
        table: "revision",
        object: { ...meta, id: service.revisionId, serviceId: service.id, task, endpoint: { mode: "vip", ports: [] } },
        basedOn: 0,
      },
    ]);
  }

  step(): void {
    const tasks = [...this.store.view().all("task")];
    const task = this.random.pick(tasks);
    const dice = this.random.below(20);
    if (dice < 3) this.#changeService();
    else if (dice < 6) this.#changeNode();
    else if (dice === 6) this.#changeNetwork();
    else if (dice < 12 || task === undefined) this.#putTask(this.#freshTask());
    else if (dice < 14 && isTerminal(task.status.state))
      this.#apply([{ kind: "remove", table: "task", id: task.id, basedOn: task.version }]);
    else this.#putTask(task);
  }

  #freshTask(): Task {
    const name = this.random.pick([...SERVICES, ""]) ?? "";
    const networks = NETWORKS.filter(() => this.random.chance(0.4));
    const id = `t${this.#nextTask++}`;
    const { id: serviceId, revisionId } = aService(name);
    return aTask(id, {
      ...(name === "" ? { serviceId: asId(""), revisionId: asId(""), attachment: attachment(id) } : { serviceId, revisionId }),
      slot: this.random.below(3),
      // A global service's tasks have a node from the first.
      ...(this.random.chance(0.3) && { nodeId: this.#anyNode() }),
      networks: networks.map(network => ({
        networkId: networkId(network),
        addresses: [`10.0.0.${this.#nextAddress++}/24`],
        aliases: [],
      })),
    });
  }

  #anyNode(): NodeId {
    return asId(this.random.pick([...NODES, GUEST]) ?? "");
  }

  /** As a task's life goes: forward, and from its placement on its own node. */
  #putTask(task: Task): void {
    const from = TASK_STATES.indexOf(task.status.state);
    const state = TASK_STATES[Math.min(TASK_STATES.length - 1, from + this.random.below(4))] ?? "new";
    const nodeId = task.nodeId ?? (state === "new" ? undefined : this.#anyNode());
    const desiredState = this.random.chance(0.8)
      ? task.desiredState
      : (this.random.pick(["shutdown", "remove"] as const) ?? "remove");
    const object = { ...task, desiredState, status: { ...task.status, state }, ...(nodeId !== undefined && { nodeId }) };
    this.#apply([{ kind: "put", table: "task", object, basedOn: task.version }]);
  }

  #changeService(): void {
    const name = this.random.pick(SERVICES) ?? "";
    const service = this.store.view().get("service", aService(name).id) ?? assert.fail();
    const networks = NETWORKS.slice(1).filter(() => this.random.chance(0.5));
    const publishMode = this.random.pick(["ingress", "host"] as const) ?? "host";
    const ports: readonly PortConfig[] = this.random.chance(0.3) ? [{ protocol: "tcp", targetPort: 80, publishMode }] : [];
    const mode = this.random.pick(["vip", "dnsrr"] as const) ?? "vip";
    const virtualIps = networks
      .filter(() => mode === "vip" && this.random.chance(0.5))
      .map(network => ({ networkId: networkId(network), address: `10.0.0.${this.#nextAddress++}/24` }));
    const spec = { ...service.spec, ...aSpec(name, { networks }), endpoint: { mode, ports } };
    const object: Service = { ...service, spec, endpoint: { ports, virtualIps } };
    this.#apply([{ kind: "put", table: "service", object, basedOn: service.version }]);
  }

  #changeNode(): void {
    const id = this.#anyNode();
    const known = this.store.view().get("node", id);
    if (known !== undefined && id === GUEST && this.random.chance(0.3)) {
      this.#apply([{ kind: "remove", table: "node", id, basedOn: known.version }]);
      return;
    }
    const node = known ?? { ...aNode({ id }), version: 0 };
    const state = this.random.pick(["ready", "down"] as const) ?? "ready";
    const number = [...NODES, GUEST].indexOf(id) + 1;
    const numbers = this.random.chance(0.7) && { ingressNumber: number, ingressAddress: `10.1.0.${number}/24` };
    const address = `192.0.2.${this.random.below(2)}`;
    const object: Node = { ...node, ...numbers, status: { ...node.status, state, address } };
    this.#apply([{ kind: "put", table: "node", object, basedOn: node.version }]);
  }

  #changeNetwork(): void {
    const name = this.random.pick(NETWORKS) ?? "";
    const network = this.store.view().get("network", networkId(name));
    if (network === undefined) return;
    this.#putNetwork(network, network.spec.isIngress, { vxlanId: 4096 + NETWORKS.indexOf(name) });
  }

  /** As the dispatcher does it for a session that has news. */
  tell({ session, seat, known }: Listener): void {
    const next = session.next(this.store.view());
    seat.reindex();
    assert.equal(session.hasNews, false);
    if (next === undefined) return;
    if (next.isFull) known.clear();
    for (const { kind, id } of next.removed) known.delete(`${kind}/${id}`);
    for (const assignment of next.put) known.set(`${assignment.kind}/${assignmentId(assignment)}`, assignment);
  }
}

function used(id: string) {
  return { id, name: id, file: { name: id, uid: "0", gid: "0", mode: 0o444 } } as never;
}

function attachment(id: string): NonNullable<Task["attachment"]> {
  return { containerId: `${id}-container`, containerName: `${id}-name`, wantedAddresses: [] } as never;
}

/** What a node has to know, said once more and without any haste. @see ../../../../src/model/session.ts */
function allThatConcerns(view: Snapshot, nodeId: NodeId): Map<string, unknown> {
  const isPlaced = ({ nodeId: on, status }: Task): boolean =>
    on !== undefined && status.state !== "new" && status.state !== "pending";
  const tasks = [...view.all("task")].filter(isPlaced);
  const live = tasks.filter(({ status }) => !isTerminal(status.state));
  const own = live.filter(task => task.nodeId === nodeId);
  const ingress = [...view.all("network")].find(({ spec }) => spec.isIngress);
  const networks = new Set(own.flatMap(task => task.networks.map(each => each.networkId)));
  if (ingress?.vxlanId !== undefined) networks.add(ingress.id);
  const isNear = (task: Task): boolean => task.networks.some(each => networks.has(each.networkId));
  const takesFromAll = own.some(task => task.networks.some(each => each.networkId === ingress?.id));
  const known = new Map<string, unknown>();
  for (const task of tasks) {
    const service = view.get("service", task.serviceId);
    if (task.nodeId === nodeId && service !== undefined) known.set(`task/${task.id}`, task.desiredState);
  }
  for (const id of networks) known.set(`network/${id}`, view.get("network", id));
  for (const { revisionId } of own) {
    const container = view.get("revision", revisionId)?.task.container;
    for (const { id } of container?.secrets ?? []) known.set(`secret/${id}`, view.get("secret", asId(id))?.spec.data);
    for (const { id } of container?.configs ?? []) known.set(`config/${id}`, view.get("config", asId(id))?.spec.data);
  }
  for (const { id, spec, endpoint } of view.all("service")) {
    const isOnThem = spec.task.networks.some(({ target }) => networks.has(asId(target)));
    if (isOnThem || endpoint.ports.some(({ publishMode }) => publishMode === "ingress"))
      known.set(`service/${id}`, { id, name: spec.name, endpointMode: spec.endpoint?.mode ?? "vip", ...endpoint });
  }
  for (const task of live.filter(isNear)) known.set(`endpoint/${task.id}`, endpoint(view, task));
  const meets = (node: Node): boolean => live.some(task => task.nodeId === node.id && isNear(task));
  for (const node of view.all("node")) {
    const peer = takesFromAll || node.id === nodeId || meets(node) ? peerOf(node) : undefined;
    if (peer !== undefined) known.set(`peer/${node.id}`, peer);
  }
  return known;
}

function endpoint(view: Snapshot, task: Task): unknown {
  const { id: taskId, serviceId, nodeId, slot, desiredState, status } = task;
  const networks = task.networks.flatMap(({ networkId: on, addresses: [address], aliases }) =>
    address === undefined ? [] : [{ networkId: on, address, aliases }],
  );
  const { containerId, containerName } = task.attachment ?? {};
  if (containerId !== undefined)
    return { taskId, serviceId, taskName: containerName, nodeId, networks, isServing: false, containerId };
  const taskName = `${view.get("service", serviceId)?.spec.name}.${slot === 0 ? nodeId : slot}.${taskId}`;
  return { taskId, serviceId, taskName, nodeId, networks, isServing: status.state === "running" && isToRun(desiredState) };
}

/** Statuses of a node's own tasks come from it: it is not told of them. */
function contentOf(assignment: Assignment): unknown {
  switch (assignment.kind) {
    case "task":
      return assignment.task.task.desiredState;
    case "secret":
      return assignment.secret.data;
    case "config":
      return assignment.config.data;
    case "network":
      return assignment.network;
    case "peer":
      return assignment.peer;
    case "service":
      return assignment.service;
    case "endpoint":
      return assignment.endpoint;
  }
}

function wait(listener: Listener, signal: AbortSignal): void {
  if (!listener.isIdle) return;
  listener.isIdle = false;
  void listener.seat.news(signal).then(() => (listener.isIdle = true));
}

const ids = (known: Iterable<readonly [string, unknown]>): readonly (readonly [string, unknown])[] =>
  [...known].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe("what workers are told", () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`is all that concerns them and nothing else, whatever happens in whatever order, seed ${seed}`, async () => {
      const world = new World(seed);
      for (let step = 0; step < STEPS; step++) {
        for (const listener of world.listeners) wait(listener, world.signal);
        world.step();
        await settle();
        for (const listener of world.listeners) {
          assert.equal(listener.isIdle, listener.session.hasNews, `step ${step}: ${listener.nodeId} is woken when there is news`);
          if (world.random.chance(0.5)) continue; // Several entries may come between two messages.
          world.tell(listener);
          const known = [...listener.known].map(([key, assignment]) => [key, contentOf(assignment)] as const);
          assert.deepEqual(
            ids(known),
            ids(allThatConcerns(world.store.view(), listener.nodeId)),
            `step ${step}: ${listener.nodeId}`,
          );
        }
      }
    });
  }
});
