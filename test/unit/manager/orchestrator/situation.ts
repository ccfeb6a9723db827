import { FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import type { Cluster, Node, Revision, Service, ServiceSpec, Task, TaskSpec } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId } from "../../../../src/model/ids.ts";
import { TASK_STATES } from "../../../../src/model/task-state.ts";
import type { TaskState } from "../../../../src/model/task-state.ts";
import { planService } from "../../../../src/manager/orchestrator/plan-service.ts";
import { ServiceTasks } from "../../../../src/manager/orchestrator/service-tasks.ts";
import type { Change } from "../../../../src/manager/store/change.ts";
import type { Snapshot } from "../../../../src/manager/store/snapshot.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { aNode } from "../../scheduler/fixtures.ts";
import type { NodeOptions } from "../../scheduler/fixtures.ts";
import { aService, aTask } from "../store/objects.ts";

/** When everything in a situation is looked at, in ms; tasks were made at 0 unless they say otherwise. */
export const NOW = 1_000_000;
export const SECOND_NS = 1e9;

/** One service named `web` with its tasks and nodes; what is left out is ordinary. */
export interface Situation {
  readonly mode?: ServiceSpec["mode"];
  /** As `task` reads them. */
  readonly tasks?: readonly (string | Task)[];
  /** Those that are not named `n1` to `n3`, or are not ready and active. */
  readonly nodes?: readonly (NodeOptions & { readonly updatedAtMs?: number })[];
  readonly template?: Partial<TaskSpec>;
  readonly spec?: Partial<ServiceSpec>;
  readonly service?: Partial<Service>;
  readonly historyLimit?: number;
  /** What all managers read. */
  readonly formatLevel?: number;
  readonly budget?: number;
  readonly moves?: Map<NodeId, number>;
  /** Nodes that are not there. */
  readonly gone?: readonly string[];
}

/**
 * `t1 2@n1 running/starting r2`: the task t1 in slot 2 on node n1, of which `running` is wanted and which is `starting`, of revision r2.
 * `@-`: on no node yet; `r1` is the present revision. `made=5 told=7 at=6 from=9 till=11 ran=3 run=1 version=2`: its times in ms, a job's iteration and its version.
 */
export function task(words: string): Task {
  const [id = "", place = "", states = "", ...more] = words.split(" ");
  const [slot = "", node = ""] = place.split("@");
  const [desiredState, state] = states.split("/").map(isState);
  const numbers = new Map(more.filter(each => each.includes("=")).map(each => each.split("=") as [string, string]));
  const number = (name: string): number => Number(numbers.get(name) ?? 0);
  return aTask(id, {
    slot: Number(slot),
    serviceId: asId("web-id"),
    revisionId: asId(more.find(each => /^r\d$/.test(each)) ?? "r1"),
    version: number("version"),
    createdAtMs: number("made"),
    updatedAtMs: number("told"),
    desiredState: desiredState ?? "running",
    status: { state: state ?? "new", atMs: number("at"), message: "" },
    ...(node !== "-" && { nodeId: asId(node) }),
    ...(numbers.has("from") && { startNotBeforeMs: number("from") }),
    ...(numbers.has("ran") && { ranForMs: number("ran") }),
    ...(numbers.has("till") && { stopNotAfterMs: number("till") }),
    ...(numbers.has("run") && { jobIteration: number("run") }),
  });
}

function isState(word: string): TaskState {
  const state = TASK_STATES.find(each => each === word);
  if (state === undefined) throw new Error(`there is no state ${word}`);
  return state;
}

export interface Decision {
  readonly does: readonly string[];
  /** Look again then; missing: not before something changes. */
  readonly wakeAtMs?: number;
  readonly isPartial?: true;
}

/** What the orchestrator makes of it, in words: `t1: shutdown`, `+2@n1 ready` for a new task in slot 2, `-t3`, `web: paused`. */
export function decide(situation: Situation): Decision {
  const { budget = 100, moves } = situation;
  const [view, service] = viewOf(situation);
  let made = 0;
  const { changes, wakeAtMs, isPartial } = planService(view, service, {
    nowMs: NOW,
    newTaskId: () => asId(`new${++made}`),
    budget,
    tasks: ServiceTasks.of(view, service),
    ...(moves !== undefined && { moves }),
  });
  return {
    does: changes.map(change => told(view, change)),
    ...(wakeAtMs !== Infinity && { wakeAtMs }),
    ...(isPartial && { isPartial }),
  };
}

export function viewOf(situation: Situation): readonly [Snapshot, Service] {
  const { mode = { kind: "replicated", replicas: 1 }, tasks = [], nodes = [], template = {}, spec, gone = [] } = situation;
  const meta = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
  const plain = aService("web");
  const taskSpec: TaskSpec = { ...plain.spec.task, ...template };
  const service: Service = {
    ...plain,
    revisionId: asId("r1"),
    spec: { ...plain.spec, task: taskSpec, mode, ...spec },
    ...(mode.kind.endsWith("job") && { job: { iteration: 0, lastExecutedAtMs: 0 } }),
    ...situation.service,
  };
  const revision = (id: string): Revision => {
    const given = { ...meta, id: asId<Revision["id"]>(id), serviceId: service.id, task: taskSpec };
    return { ...given, endpoint: { mode: "vip", ports: [] } };
  };
  const others = ["n1", "n2", "n3"].filter(id => !gone.includes(id) && !nodes.some(node => node.id === id));
  const all: readonly Node[] = [...nodes, ...others.map(id => ({ id }))].map(
    ({ updatedAtMs = 0, ...node }: NodeOptions & { readonly updatedAtMs?: number }) => ({
      ...aNode(node),
      updatedAtMs,
    }),
  );
  const put = (table: Change["table"], object: { readonly id: string }, basedOn = 0): Change =>
    ({ kind: "put", table, object, basedOn }) as never;
  const changes = [
    put("service", service),
    ...["r0", "r1"].map(id => put("revision", revision(id))),
    ...all.map(node => put("node", node)),
    ...tasks.map(each => (typeof each === "string" ? task(each) : each)).map(each => put("task", each, each.version)),
  ];
  changes.push(put("cluster", clusterWith(situation)));
  return [new Store().view().with(changes), service];
}

function clusterWith({ historyLimit: taskHistoryLimit = 5, formatLevel = FORMAT_LEVEL }: Situation): Cluster {
  return { id: "cluster", version: 0, formatLevel, spec: { taskHistoryLimit } } as never;
}

function told(view: Snapshot, change: Change): string {
  if (change.kind === "remove") return change.table === "task" ? `-${change.id}` : `-${change.table} ${change.id}`;
  if (change.table === "service") {
    const { updateStatus, isRollingBack, revisionId } = change.object;
    return [`web: ${updateStatus?.state}`, revisionId === "r1" ? "" : `at ${revisionId}`, isRollingBack ? "back" : ""]
      .filter(Boolean)
      .join(" ");
  }
  if (change.table !== "task") return `${change.table} ${change.object.id}`;
  const { id, slot, nodeId, desiredState, status, startNotBeforeMs, stopNotAfterMs, jobIteration } = change.object;
  const known = view.get("task", id);
  if (known === undefined) {
    const place = nodeId === undefined ? `${slot}` : `${slot}@${nodeId}`;
    const run = jobIteration === undefined || jobIteration === 0 ? "" : ` run ${jobIteration}`;
    return `+${place} ${desiredState}${startNotBeforeMs === undefined ? "" : ` from ${startNotBeforeMs - NOW}`}${run}`;
  }
  const said = [];
  if (desiredState !== known.desiredState) said.push(desiredState);
  if (status.state !== known.status.state) said.push(`is ${status.state}`);
  if (stopNotAfterMs !== known.stopNotAfterMs)
    said.push(stopNotAfterMs === undefined ? "stays" : `stays for ${stopNotAfterMs - NOW}`);
  return `${id}: ${said.join(", ")}`;
}
