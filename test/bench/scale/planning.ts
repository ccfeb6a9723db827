import { entryBytes } from "../../../src/codec/entry.ts";
import { LoopMemory } from "../../../src/manager/control-loop-memory.ts";
import { planTurn } from "../../../src/manager/control-loop-turn.ts";
import type { Change, TableName } from "../../../src/manager/store/change.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { Network, Node, Service, Task, TaskSpec } from "../../../src/model/cluster.ts";
import { asId, clusterIdFrom } from "../../../src/model/ids.ts";
import type { RevisionId, ServiceId, TaskId } from "../../../src/model/ids.ts";
import type { Reliance } from "../../../src/model/entry.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { aNode } from "../../unit/scheduler/fixtures.ts";
import { round } from "../statistics.ts";
import type { Report } from "./report.ts";
import { ThreadTime } from "./thread-time.ts";

const NEW = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
const CHANGES_MAX = 500;
const BATCH = 500;
const SINGLES = 20;
const UPDATE = { parallelism: 100, delayNs: 0, failureAction: "continue", maxFailureRatio: 0, order: "stop-first" } as const;
const UPDATE_TURNS = 200;
/** Turns without a change after which there is nothing left: more than a large service is looked at in. */
const IDLE_TURNS = 120;
/** Between two turns. */
const TURN_MS = 20;
const CONTAINER = { image: "app:1", labels: {} };
/** Large enough for every task. */
const NETWORK: Network = {
  ...NEW,
  ...{ id: asId("app"), vxlanId: 4_097, ipam: [{ subnet: "10.0.0.0/8", gateway: "10.0.0.1" }] },
  spec: {
    ...{ name: "app", labels: {}, driver: "overlay", driverOptions: {}, ipam: [], scope: "swarm" },
    ...{ isInternal: false, isAttachable: false, isIngress: false, isIpv6: false },
  },
};

/** The loop's decisions and the store alone, in this process and by the thread's own time, so that a busy machine does not count. */
export async function measurePlanning(
  {
    nodes,
    tasks,
    secondsMax,
    oneMsMax,
    isOnNetwork = false,
  }: {
    readonly nodes: number;
    readonly tasks: number;
    readonly secondsMax?: number;
    readonly oneMsMax?: number;
    /** Each task has an address on an overlay network. */
    readonly isOnNetwork?: boolean;
  },
  report: Report,
): Promise<void> {
  const name = `planning alone, ${tasks} tasks on ${nodes} nodes${isOnNetwork ? ", on a network" : ""}`;
  const world = await Planning.begin(nodes, { isOnNetwork });
  world.scale(tasks);
  while (world.turn() > 0);
  const { planMs, worstMs, turns, applyMs } = world.take();
  report.say(`${name}: ${turns} turns, the longest ${round(worstMs)} ms; applied in ${round(applyMs / 1_000, 2)} s`);
  if (secondsMax === undefined) report.say(`${name}: ${round(planMs / 1_000, 2)} s`);
  else report.atMost(name, planMs / 1_000, secondsMax, "s");
  for (let more = 1; more <= SINGLES; more++) {
    world.scale(tasks + more);
    while (world.turn() > 0);
  }
  // The kernel counts by the tick: one alone says little.
  const oneMs = world.take().planMs / SINGLES;
  if (oneMsMax === undefined) report.say(`${name}: one replica more ${round(oneMs, 2)} ms`);
  else report.atMost(`${name}: one replica more`, oneMs, oneMsMax, "ms");
  world.reportRunning();
  const reports = world.take();
  report.say(
    `${name}: ${tasks} reports that they run: applied in ${round(reports.applyMs / 1_000, 2)} s, looked at in ${round(reports.planMs / 1_000, 2)} s`,
  );
  const change = (what: string): void => {
    const { planMs, worstMs, turns } = world.take();
    report.say(
      `${name}: ${what}: ${turns} turns, the longest ${round(worstMs)} ms, the others ${round((planMs - worstMs) / Math.max(1, turns - 1), 2)} ms`,
    );
  };
  world.update();
  for (let turn = 0; turn < UPDATE_TURNS; turn++) world.elapse();
  change(`the first turns of an update, ${UPDATE.parallelism} at a time`);
  world.scale(tasks - 1);
  world.settle();
  change("all the rest, and one replica less");
  world.remove();
  world.settle();
  change("its removal");
}

class Planning {
  readonly #template: TaskSpec;
  readonly #store = new Store();
  readonly #time = new ThreadTime();
  readonly #serviceId = newId<ServiceId>();
  readonly #revisionId = newId<RevisionId>();
  #memory: LoopMemory | undefined;
  #touched = new Map<TableName, Set<string>>();
  /** What the simulated workers have to look at. */
  #told = new Set<TaskId>();
  #nowMs = 1;
  #index = 0;
  #figures = { planMs: 0, worstMs: 0, turns: 0, applyMs: 0 };

  private constructor(template: TaskSpec) {
    this.#template = template;
  }

  static async begin(nodes: number, { isOnNetwork }: { readonly isOnNetwork: boolean }): Promise<Planning> {
    const networks = isOnNetwork ? [{ target: NETWORK.id }] : [];
    const planning = new Planning({ container: CONTAINER, networks, forceUpdate: 0 });
    planning.#apply([put("network", NETWORK)]);
    for (let at = 0; at < nodes; at += BATCH)
      planning.#apply(Array.from({ length: Math.min(BATCH, nodes - at) }, () => put("node", node())));
    planning.#memory = await LoopMemory.read(planning.#store.view(), { pause: async () => {} });
    planning.#store.listen(
      {
        touched: ({ ids }) => {
          for (const id of ids.get("task") ?? []) planning.#told.add(id as TaskId);
          for (const [table, touched] of ids) {
            const known = planning.#touched.get(table) ?? new Set();
            for (const id of touched) known.add(id);
            planning.#touched.set(table, known);
          }
        },
        replaced: () => {},
      },
      { signal: new AbortController().signal },
    );
    return planning;
  }

  scale(replicas: number): void {
    const known = this.#store.view().get("service", this.#serviceId);
    const plain = { name: "web", labels: {}, task: this.#template };
    const spec: Service["spec"] = { ...(known?.spec ?? plain), mode: { kind: "replicated", replicas } };
    const [id, revisionId] = [this.#serviceId, this.#revisionId];
    if (known === undefined)
      this.#apply([
        put("revision", { ...NEW, id: revisionId, serviceId: id, task: this.#template, endpoint: { mode: "vip", ports: [] } }),
      ]);
    const service: Service = {
      ...NEW,
      id,
      revisionId,
      spec,
      endpoint: { ports: [], virtualIps: [] },
      isRemoving: false,
      isRollingBack: false,
    };
    this.#apply([put("service", { ...(known ?? service), spec })]);
  }

  /** @returns how many changes it made. */
  turn(): number {
    const { changes, reliesOn } = this.#plan();
    if (changes.length > 0) this.#apply(changes, reliesOn);
    return changes.length;
  }

  #plan(): { readonly changes: readonly Change[]; readonly reliesOn: readonly Reliance[] } {
    const memory = this.#memory;
    if (memory === undefined) throw new Error("nothing was read");
    const beganMs = this.#time.ranMs;
    const view = this.#store.view();
    memory.refresh(view, this.#touched);
    this.#touched = new Map();
    const turn = planTurn(view, {
      ...{ nowMs: this.#nowMs, newTaskId: () => newId<TaskId>(), services: [this.#serviceId], memory, changesMax: CHANGES_MAX },
      ...{ sweepsRevisions: false, looksAtNodes: false },
    });
    const tookMs = this.#time.ranMs - beganMs;
    this.#figures.turns++;
    this.#figures.planMs += tookMs;
    this.#figures.worstMs = Math.max(this.#figures.worstMs, tookMs);
    return turn;
  }

  reportRunning(): void {
    const tasks = [...this.#store.view().all("task")];
    for (let at = 0; at < tasks.length; at += BATCH) {
      this.#apply(
        tasks
          .slice(at, at + BATCH)
          .map((task: Task) => put("task", { ...task, status: { state: "running", atMs: 2, message: "started" } })),
      );
      this.turn();
    }
    this.#told.clear();
  }

  /** Another revision, a few tasks at a time. */
  update(): void {
    const known = this.#service();
    const id = newId<RevisionId>();
    this.#apply([
      put("revision", { ...NEW, id, serviceId: known.id, task: this.#template, endpoint: { mode: "vip", ports: [] } }),
    ]);
    const spec = { ...known.spec, update: UPDATE };
    this.#apply([put("service", { ...known, spec, revisionId: id, previousRevisionId: known.revisionId })]);
  }

  remove(): void {
    this.#apply([put("service", { ...this.#service(), isRemoving: true })]);
  }

  #service(): Service {
    const known = this.#store.view().get("service", this.#serviceId);
    if (known === undefined) throw new Error("there is no service");
    return known;
  }

  /** A turn, and the workers do as they are told. @returns how many changes that made. */
  elapse(): number {
    this.#nowMs += TURN_MS;
    return this.turn() + this.#obey();
  }

  #obey(): number {
    const changes: Change[] = [];
    for (const id of this.#told) {
      const task = this.#store.view().get("task", id);
      if (task === undefined) continue;
      const { desiredState, status } = task;
      const is = (state: "running" | "shutdown") =>
        changes.push(put("task", { ...task, status: { state, atMs: this.#nowMs, message: "" } }));
      if (desiredState === "running" && status.state === "assigned") is("running");
      else if ((desiredState === "shutdown" || desiredState === "remove") && status.state === "running") is("shutdown");
    }
    this.#told.clear();
    if (changes.length > 0) this.#apply(changes);
    return changes.length;
  }

  settle(): void {
    for (let idle = 0; idle < IDLE_TURNS; ) idle = this.elapse() === 0 ? idle + 1 : 0;
  }

  #apply(changes: readonly Change[], reliesOn: readonly Reliance[] = []): void {
    const data = entryBytes.encode({ changes, reliesOn, atMs: 1 });
    const beganMs = this.#time.ranMs;
    const result = this.#store.apply({ index: ++this.#index, term: 1, data });
    this.#figures.applyMs += this.#time.ranMs - beganMs;
    if (result.kind !== "applied") throw new Error(result.message);
  }

  take(): { readonly planMs: number; readonly worstMs: number; readonly turns: number; readonly applyMs: number } {
    const figures = this.#figures;
    this.#figures = { planMs: 0, worstMs: 0, turns: 0, applyMs: 0 };
    return figures;
  }
}

function put<Name extends "network" | "node" | "service" | "revision" | "task">(
  table: Name,
  object: Extract<Change, { kind: "put"; table: Name }>["object"],
): Change {
  return { kind: "put", table, object, basedOn: object.version } as Change;
}

function node(): Node {
  return { ...aNode({ resources: { nanoCpus: 64e9, memoryBytes: 256e9 } }), id: newId(), version: 0 };
}

function newId<Id extends ServiceId | RevisionId | TaskId | Node["id"]>(): Id {
  return clusterIdFrom<Id>(systemRandom.bytes(25));
}
