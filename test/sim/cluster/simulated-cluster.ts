import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { entryBytes, FORMAT_LEVEL } from "../../../src/codec/entry.ts";
import { OperationError } from "../../../src/lib/errors.ts";
import type { Cluster, Network, Node, Revision, Service, ServiceSpec, Task } from "../../../src/model/cluster.ts";
import { asId, clusterIdFrom } from "../../../src/model/ids.ts";
import type {
  ClusterId,
  ClusterObjectId,
  NetworkId,
  NodeId,
  RevisionId,
  SecretId,
  ServiceId,
  SessionId,
} from "../../../src/model/ids.ts";
import type { Change } from "../../../src/model/entry.ts";
import type { SessionDown, SessionUp } from "../../../src/model/session.ts";
import type { GenericResource } from "../../../src/model/resources.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Consensus } from "../../../src/ports/consensus.ts";
import type { Log } from "../../../src/ports/log.ts";
import type { Random } from "../../../src/ports/random.ts";
import { runControlLoop } from "../../../src/manager/control-loop.ts";
import { Dispatcher } from "../../../src/manager/dispatcher/dispatcher.ts";
import { LeaderDuties } from "../../../src/manager/dispatcher/leader-duties.ts";
import { Proposals } from "../../../src/manager/store/proposals.ts";
import { Store } from "../../../src/manager/store/store.ts";
import { Agent } from "../../../src/worker/agent.ts";
import { MemoryTaskDb } from "./memory-task-db.ts";
import { SimulatedExecutor } from "./simulated-executor.ts";
import { SeededRandom } from "../seeded-random.ts";
import { VirtualTime, settle, simulatedClock } from "../virtual-time.ts";

const TERM = 1;

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface SimulatedNode {
  readonly id: NodeId;
  readonly executor: SimulatedExecutor;
  readonly db: MemoryTaskDb;
  /** What it says that it has, when a session begins. */
  genericResources: readonly GenericResource[];
  /** Its link to the managers. */
  isCut: boolean;
  /** Until then its sessions find no way, though the node is reached: as a connection that waits before it sends again. */
  deafUntilMs: number;
  sessions: Set<AbortController>;
  agent: AbortController | undefined;
  ended: Promise<unknown>;
}

/** One leading manager (store, loop, dispatcher; a log that never fails) and its workers, on one virtual clock. */
export class SimulatedCluster {
  readonly time = new VirtualTime();
  /** What everybody's wall clock is off by, in ms. */
  wallSkewMs = 0;
  readonly #steady = simulatedClock(this.time);
  readonly clock: Clock = { ...this.#steady, nowMs: () => this.#steady.nowMs() + this.wallSkewMs };
  readonly random: Random;
  readonly store = new Store();
  readonly nodes = new Map<NodeId, SimulatedNode>();
  readonly #stop = new AbortController();
  readonly #proposals: Proposals;
  readonly #dispatcher: Dispatcher;
  readonly #ended: Promise<unknown>[] = [];
  #leader = new AbortController();
  #index = 0;
  term = TERM;
  /** Where every part's log goes. */
  log: Log = silentLog;
  readonly #log: Log = {
    debug: (fields, message) => this.log.debug(fields, message),
    info: (fields, message) => this.log.info(fields, message),
    warn: (fields, message) => this.log.warn(fields, message),
    error: (fields, message) => this.log.error(fields, message),
  };
  /** Looked at after every entry: what must never be. */
  onApplied: (() => void) | undefined;

  constructor({ seed = 1 }: { readonly seed?: number } = {}) {
    this.random = new SeededRandom(seed);
    const consensus = { propose: (data: Uint8Array) => this.#commit(data) } as unknown as Consensus;
    this.#proposals = new Proposals({ consensus, clock: this.clock, level: () => FORMAT_LEVEL });
    const { clock, store } = this;
    const propose = this.#proposals.propose.bind(this.#proposals);
    this.#duties = new LeaderDuties({
      ...{ view: () => store.view(), propose, clock, log: this.#log, beatPeriodMs: 1_000 },
      readBarrier: async () => {},
      reaches: ({ nodeId }, { signal }) => this.#reaches(nodeId, signal),
    });
    this.#dispatcher = new Dispatcher({
      store,
      clock,
      log: this.#log,
      newSessionId: () => this.id<SessionId>(),
      managerId: asId("manager-one"),
      leader: this.#duties,
      readBarrier: async () => {},
      beatPeriodMs: 1_000,
    });
    this.#ended.push(this.#dispatcher.run({ signal: this.#stop.signal }).catch(() => undefined));
    this.lead();
  }

  readonly #duties: LeaderDuties;

  /** Ends the leader's loops, if they run, and begins a new term. */
  lead(): void {
    this.#leader.abort();
    this.#leader = new AbortController();
    const signal = AbortSignal.any([this.#leader.signal, this.#stop.signal]);
    this.term++;
    const { clock, store, term } = this;
    const log = this.#log;
    const propose = this.#proposals.propose.bind(this.#proposals);
    const loop = runControlLoop({ store, clock, log, term, signal, propose, newTaskId: () => this.id() });
    this.#ended.push(loop.catch((error: unknown) => this.#report(error, signal)));
    this.#ended.push(this.#duties.run({ signal }).catch((error: unknown) => this.#report(error, signal)));
  }

  failure: unknown;

  #report(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.failure ??= error;
  }

  async #commit(data: Uint8Array): Promise<unknown> {
    await this.clock.sleep(2); // A disk and a majority.
    const result = this.store.apply({ index: ++this.#index, term: this.term, data });
    this.onApplied?.();
    return result;
  }

  /** Entries that a manager which lagged applies in one go. */
  applyTogether(entries: readonly (readonly Change[])[]): void {
    for (const changes of entries) {
      const data = entryBytes.encode({ changes, reliesOn: [], atMs: this.clock.nowMs() });
      const result = this.store.apply({ index: ++this.#index, term: this.term, data });
      if (result.kind !== "applied") throw new OperationError("conflict", result.message);
    }
  }

  async advance(ms: number): Promise<void> {
    await settle();
    await this.time.runUntil(this.time.nowMs + ms);
    await settle();
  }

  id<Id extends ClusterObjectId | SessionId>(): Id {
    return clusterIdFrom<Id>(this.random.bytes(25));
  }

  async propose(changes: readonly Change[]): Promise<void> {
    const pending = this.#proposals.propose({ changes, reliesOn: [] });
    await this.advance(5);
    const result = await pending;
    if (result.kind !== "applied") throw new OperationError("conflict", result.message);
  }

  async addCluster(): Promise<void> {
    const object: Cluster = {
      id: asId<ClusterId>("the-cluster"),
      version: 0,
      createdAtMs: 0,
      updatedAtMs: 0,
      spec: {
        name: "default",
        labels: {},
        taskHistoryLimit: 5,
        heartbeatPeriodNs: 1e9,
        nodeCertExpiryNs: 0,
        autoLockManagers: false,
        snapshotInterval: 10_000,
        logEntriesForSlowFollowers: 500,
        forceRotate: 0,
      },
      rootCa: { certificatePem: "", keyPem: "", joinTokenWorker: "", joinTokenManager: "" },
      defaultAddressPool: ["10.0.0.0/8"],
      subnetSize: 24,
      dataPathPort: 4789,
      formatLevel: FORMAT_LEVEL,
    };
    await this.propose([{ kind: "put", table: "cluster", object, basedOn: 0 }]);
    await this.addNetwork("ingress", { isIngress: true });
  }

  async addNetwork(
    name: string,
    { isIngress = false, subnet }: { readonly isIngress?: boolean; readonly subnet?: string } = {},
  ): Promise<NetworkId> {
    const id = this.id<NetworkId>();
    const spec = {
      name,
      labels: {},
      driver: "overlay",
      driverOptions: {},
      isInternal: false,
      isAttachable: false,
      isIngress,
      isIpv6: false,
      ipam: subnet === undefined ? [] : [{ subnet }],
      scope: "swarm",
    } as const;
    const object: Network = { id, version: 0, createdAtMs: 0, updatedAtMs: 0, spec, ipam: [] };
    await this.propose([{ kind: "put", table: "network", object, basedOn: 0 }]);
    return id;
  }

  async addNode(
    hostname: string,
    {
      labels = {},
      genericResources = [],
    }: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly genericResources?: readonly GenericResource[];
    } = {},
  ): Promise<SimulatedNode> {
    const id = asId<NodeId>(`node-${hostname}`);
    const object: Node = {
      id,
      version: 0,
      createdAtMs: 0,
      updatedAtMs: 0,
      role: "worker",
      spec: { labels, role: "worker", availability: "active" },
      status: { state: "unknown", message: "", address: "" },
    };
    await this.propose([{ kind: "put", table: "node", object, basedOn: 0 }]);
    const node: SimulatedNode = {
      id,
      executor: new SimulatedExecutor(this.clock),
      db: new MemoryTaskDb(),
      genericResources,
      isCut: false,
      deafUntilMs: 0,
      sessions: new Set(),
      agent: undefined,
      ended: Promise.resolve(),
    };
    this.nodes.set(id, node);
    this.startAgent(node, hostname);
    return node;
  }

  startAgent(node: SimulatedNode, hostname: string): void {
    node.agent = new AbortController();
    const { clock, random } = this;
    const agent = new Agent({
      executor: node.executor,
      db: node.db,
      clock,
      random,
      log: this.#log,
      managers: () => ["manager"],
      onManagers: () => {},
      onAuthority: () => {},
      describe: async () => ({
        address: "192.0.2.1",
        description: {
          hostname,
          platform: { architecture: "x86_64", os: "linux" },
          resources: { nanoCpus: 4e9, memoryBytes: 8e9, generic: node.genericResources },
          engine: { version: "1", labels: {}, plugins: [] },
        },
      }),
      openSession: (_address, { up, signal }) => this.#connect(node, { up, signal }),
    });
    node.ended = agent.run({ signal: AbortSignal.any([node.agent.signal, this.#stop.signal]) }).catch(() => undefined);
  }

  async *#connect(
    node: SimulatedNode,
    { up, signal }: { readonly up: AsyncIterable<SessionUp>; readonly signal: AbortSignal },
  ): AsyncGenerator<SessionDown> {
    if (node.isCut || this.time.nowMs < node.deafUntilMs) throw new OperationError("unavailable", "no route to host");
    const link = new AbortController();
    node.sessions.add(link);
    const joined = AbortSignal.any([signal, link.signal]);
    try {
      for await (const message of this.#dispatcher.session({ nodeId: node.id }, up, { signal: joined })) {
        await this.clock.sleep(1, { signal: joined });
        yield message;
      }
    } finally {
      node.sessions.delete(link);
    }
  }

  /** Takes the node's link down; its containers run on. */
  cut(node: SimulatedNode): void {
    node.isCut = true;
    for (const link of node.sessions) link.abort();
  }

  /** As a node's daemon does it for `swarm leave`: its worker ends, then the managers are told. */
  async leave(node: SimulatedNode): Promise<void> {
    node.agent?.abort();
    const told = this.#duties.nodeLeft(node.id);
    await this.advance(5);
    await told;
  }

  async #reaches(id: NodeId, signal: AbortSignal): Promise<boolean> {
    await this.clock.sleep(1, { signal });
    const node = this.nodes.get(id);
    return node !== undefined && !node.isCut && node.agent?.signal.aborted === false;
  }

  heal(node: SimulatedNode, { isDeafForMs = 0 }: { readonly isDeafForMs?: number } = {}): void {
    node.isCut = false;
    node.deafUntilMs = this.time.nowMs + isDeafForMs;
  }

  async addService(
    spec: Partial<ServiceSpec> & { readonly name: string },
    { image = "app:1" }: { readonly image?: string } = {},
  ): Promise<ServiceId> {
    const id = this.id<ServiceId>();
    const full: ServiceSpec = { labels: {}, mode: { kind: "replicated", replicas: 1 }, task: taskSpec(image), ...spec };
    const revisionId = this.id<RevisionId>();
    const revision: Revision = {
      id: revisionId,
      version: 0,
      createdAtMs: 0,
      updatedAtMs: 0,
      serviceId: id,
      task: full.task,
      endpoint: full.endpoint ?? { mode: "vip", ports: [] },
    };
    const service: Service = {
      id,
      version: 0,
      createdAtMs: 0,
      updatedAtMs: 0,
      spec: full,
      revisionId,
      endpoint: { ports: [], virtualIps: [] },
      isRemoving: false,
      isRollingBack: false,
      ...(full.mode.kind.endsWith("job") && { job: { iteration: 0, lastExecutedAtMs: this.clock.nowMs() } }),
    };
    await this.propose([
      { kind: "put", table: "revision", object: revision, basedOn: 0 },
      { kind: "put", table: "service", object: service, basedOn: 0 },
    ]);
    return id;
  }

  /** As the control API does it. */
  async updateService(id: ServiceId, change: (spec: ServiceSpec) => ServiceSpec): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const service = this.service(id);
      const spec = change(service.spec);
      const isNewTask = hash([spec.task, spec.endpoint]) !== hash([service.spec.task, service.spec.endpoint]);
      const revisionId = isNewTask ? this.id<RevisionId>() : service.revisionId;
      const { updateStatus: _, ...rest } = service;
      const object: Service = {
        ...rest,
        spec,
        revisionId,
        isRollingBack: false,
        ...(service.job !== undefined && { job: { ...service.job, iteration: service.job.iteration + 1 } }),
        ...(isNewTask && { previousSpec: service.spec, previousRevisionId: service.revisionId }),
      };
      const revision: Revision = {
        id: revisionId,
        version: 0,
        createdAtMs: 0,
        updatedAtMs: 0,
        serviceId: id,
        task: spec.task,
        endpoint: spec.endpoint ?? { mode: "vip", ports: [] },
      };
      try {
        await this.propose([
          ...(isNewTask ? [{ kind: "put", table: "revision", object: revision, basedOn: 0 } as const] : []),
          { kind: "put", table: "service", object, basedOn: service.version },
        ]);
        return;
      } catch (error) {
        if (!(error instanceof OperationError) || error.kind !== "conflict") throw error;
      }
    }
    throw new Error("the service changes too fast");
  }

  /** As the control API does `service rollback`. */
  async rollBack(id: ServiceId): Promise<void> {
    await this.#retry(() => {
      const { updateStatus: _, ...service } = this.service(id);
      const { previousSpec: spec, previousRevisionId: revisionId } = service;
      if (spec === undefined || revisionId === undefined) throw new Error("there is nothing to go back to");
      const previous = { previousSpec: service.spec, previousRevisionId: service.revisionId };
      return {
        kind: "put",
        table: "service",
        object: { ...service, spec, revisionId, ...previous, isRollingBack: true },
        basedOn: service.version,
      };
    });
  }

  async setLabels(id: NodeId, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#patchNode(id, node => ({ ...node, spec: { ...node.spec, labels } }));
  }

  async removeNode(id: NodeId): Promise<void> {
    await this.#retry(() => ({ kind: "remove", table: "node", id, basedOn: this.store.view().get("node", id)?.version ?? 0 }));
  }

  /** As the control API does it. */
  async replaceSecret(id: SecretId, text: string, options: { readonly reloadSignal?: string } = {}): Promise<void> {
    const { reloadSignal: _, ...secret } = this.store.view().get("secret", id) ?? assert.fail("no such secret");
    const object = { ...secret, ...options, spec: { ...secret.spec, data: Buffer.from(text) } };
    await this.propose([{ kind: "put", table: "secret", object, basedOn: secret.version }]);
  }

  async addSecret(name: string, text: string): Promise<SecretId> {
    const id = this.id<SecretId>();
    const spec = { name, labels: {}, data: Buffer.from(text) };
    await this.propose([
      { kind: "put", table: "secret", object: { id, version: 0, createdAtMs: 0, updatedAtMs: 0, spec }, basedOn: 0 },
    ]);
    return id;
  }

  async removeService(id: ServiceId): Promise<void> {
    await this.#retry(() => {
      const service = this.service(id);
      return { kind: "put", table: "service", object: { ...service, isRemoving: true }, basedOn: service.version };
    });
  }

  async setAvailability(id: NodeId, availability: Node["spec"]["availability"]): Promise<void> {
    await this.#patchNode(id, node => ({ ...node, spec: { ...node.spec, availability } }));
  }

  async #patchNode(id: NodeId, change: (node: Node) => Node): Promise<void> {
    await this.#retry(() => {
      const node = this.store.view().get("node", id);
      if (node === undefined) throw new Error(`node ${id} is gone`);
      return { kind: "put", table: "node", object: change(node), basedOn: node.version };
    });
  }

  async #retry(change: () => Change): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        await this.propose([change()]);
        return;
      } catch (error) {
        if (!(error instanceof OperationError) || error.kind !== "conflict") throw error;
      }
    }
  }

  service(id: ServiceId): Service {
    const service = this.store.view().get("service", id);
    if (service === undefined) throw new Error(`service ${id} is gone`);
    return service;
  }

  tasks(id: ServiceId): readonly Task[] {
    return [...this.store.view().tasksOfService(id)];
  }

  running(id: ServiceId): readonly Task[] {
    return this.tasks(id).filter(task => task.status.state === "running" && task.desiredState === "running");
  }

  /** Lets time pass until `isTrue`, at most `withinMs`. @returns how long it took. */
  async until(
    isTrue: () => boolean,
    { withinMs = 60_000, what = isTrue.toString() }: { readonly withinMs?: number; readonly what?: string } = {},
  ): Promise<number> {
    const startMs = this.clock.nowMs();
    while (!isTrue()) {
      if (this.failure !== undefined) throw this.failure;
      if (this.clock.nowMs() - startMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}\n${this.#describe()}`);
      await this.advance(20);
    }
    return this.clock.nowMs() - startMs;
  }

  #describe(): string {
    const view = this.store.view();
    const nodes = [...view.all("node")].map(({ id, status, ingressAddress }) => `${id} ${status.state} ${ingressAddress}`);
    const services = [...view.all("service")].map(
      service => `${service.spec.name} ${JSON.stringify(service.updateStatus)} ${JSON.stringify(service.endpoint)}`,
    );
    const tasks = [...view.all("task")].map(
      ({ slot, nodeId, desiredState, status }) => `${slot} ${nodeId} ${desiredState} ${status.state} ${status.error ?? ""}`,
    );
    return [...nodes, ...services, ...tasks.slice(0, 30)].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (let round = 0; round < 3; round++) await this.advance(10);
    await Promise.all([...this.#ended, ...[...this.nodes.values()].map(({ ended }) => ended)]);
  }
}

export function taskSpec(image: string): ServiceSpec["task"] {
  return { container: { image, labels: {} }, networks: [], forceUpdate: 0 };
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
