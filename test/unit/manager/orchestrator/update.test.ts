import assert from "node:assert/strict";
import type { Service, UpdateConfig, UpdateStatus } from "../../../../src/model/cluster.ts";
import { endOf } from "../../../../src/manager/orchestrator/elapsed.ts";
import { decide, NOW, SECOND_NS, viewOf } from "./situation.ts";
import type { Decision, Situation } from "./situation.ts";
import { planService } from "../../../../src/manager/orchestrator/plan-service.ts";
import { ServiceTasks } from "../../../../src/manager/orchestrator/service-tasks.ts";

const CONFIG: UpdateConfig = { parallelism: 1, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" };
const STARTED: UpdateStatus = { state: "updating", startedAtMs: 100, message: "update in progress" };
const BACK: UpdateStatus = { state: "rollback_started", startedAtMs: 100, message: "" };
const PREVIOUS = { previousSpec: viewOf({})[1].spec, previousRevisionId: "r0" } as unknown as Partial<Service>;

interface Case extends Situation, Decision {
  readonly when: string;
  readonly config?: Partial<UpdateConfig>;
  readonly status?: UpdateStatus;
  readonly replicas?: number;
}

function situationOf({ config = {}, status, replicas = 2, service = {}, ...situation }: Omit<Case, "when" | "does">): Situation {
  const update = { ...CONFIG, ...config };
  return {
    mode: { kind: "replicated", replicas },
    spec: { update, rollback: update },
    service: { ...(status !== undefined && { updateStatus: status }), ...service },
    ...situation,
  };
}

function table(cases: readonly Case[]): void {
  for (const { when, does, wakeAtMs, isPartial, ...situation } of cases) {
    it(when, () => {
      const expected = { does, ...(wakeAtMs !== undefined && { wakeAtMs }), ...(isPartial && { isPartial }) };
      assert.deepEqual(decide(situationOf(situation)), expected);
    });
  }
}

/** What the update says of itself after this turn. */
function statusAfter(situation: Omit<Case, "when" | "does">): Partial<Service> | undefined {
  const [view, service] = viewOf(situationOf(situation));
  const context = { nowMs: NOW, newTaskId: () => "new" as never, budget: 100, tasks: ServiceTasks.of(view, service) };
  const { changes } = planService(view, service, context);
  for (const change of changes) if (change.kind === "put" && change.table === "service") return change.object;
  return undefined;
}

const old = ["a1 1@n1 running/running r0", "a2 2@n2 running/running r0"];
/** Made and told of after the update began. */
const since = "made=200 told=300";
const long = "made=200 told=300 at=300";

describe("an update", () => {
  table([
    {
      when: "goes on while tasks end faster than turns replace them",
      tasks: ["a1 1@n1 running/running r0", ...[2, 3, 4].map(slot => `a${slot} ${slot}@n1 running/failed`)],
      replicas: 4,
      config: { parallelism: 0 },
      template: { restart: { condition: "any", delayNs: 0 } },
      status: { state: "updating", startedAtMs: 100, message: "" },
      budget: 5,
      does: ["a2: shutdown", "+2 running", "a3: shutdown", "+3 running", "a1: shutdown", "+1 ready"],
      isPartial: true,
    },
    {
      when: "begins with as many instances as it may",
      tasks: old,
      does: ["a1: shutdown", "+1 ready", "web: updating"],
    },
    {
      when: "begins with all of them when it may",
      tasks: old,
      config: { parallelism: 0 },
      does: ["a1: shutdown", "+1 ready", "a2: shutdown", "+2 ready", "web: updating"],
    },
    {
      when: "starts the new task first when it is told to",
      tasks: old,
      config: { order: "start-first" },
      does: ["+1 running", "web: updating"],
    },
    {
      when: "does not wait for what does not serve, though it is to start first",
      tasks: ["a1 1@n1 running/starting r0", "a2 2@n2 running/running r0"],
      config: { order: "start-first" },
      does: ["a1: shutdown", "+1 ready", "web: updating"],
    },
    {
      when: "begins with what does not run",
      tasks: ["a1 1@n1 running/running r0", "a2 2@n2 running/starting r0"],
      does: ["a2: shutdown", "+2 ready", "web: updating"],
    },
    {
      when: "takes a slot for one that runs though a task of it failed before",
      tasks: ["a0 1@n1 shutdown/failed r0", "a1 1@n1 running/running r0", "a2 2@n2 running/starting r0"],
      does: ["a2: shutdown", "+2 ready", "web: updating"],
    },
    {
      when: "waits for the tasks that it began with",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 running/starting ${since}`, "a2 2@n2 running/running r0"],
      status: STARTED,
      does: [],
    },
    {
      when: "goes on when they run",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 running/running ${long}`, "a2 2@n2 running/running r0"],
      status: STARTED,
      does: ["a2: shutdown", "+2 ready"],
    },
    {
      when: "waits for its delay after that",
      tasks: [
        "a1 1@n1 shutdown/shutdown r0",
        `b1 1@n1 running/running made=200 told=${NOW - 4_000}`,
        "a2 2@n2 running/running r0",
      ],
      status: STARTED,
      config: { delayNs: 10 * SECOND_NS },
      does: [],
      wakeAtMs: NOW + 6_000,
    },
    {
      when: "goes on as soon as its delay is over",
      tasks: [
        "a1 1@n1 shutdown/shutdown r0",
        `b1 1@n1 running/running made=200 told=${NOW - 10_000}`,
        "a2 2@n2 running/running r0",
      ],
      status: STARTED,
      config: { delayNs: 10 * SECOND_NS },
      does: ["a2: shutdown", "+2 ready"],
    },
    {
      when: "counts what the update before it had begun",
      tasks: ["a1 1@n1 shutdown/shutdown r0", "b1 1@n1 running/starting made=50", "a2 2@n2 running/running r0"],
      status: STARTED,
      does: [],
    },
    {
      when: "goes no further than the turn has room",
      tasks: old,
      config: { parallelism: 0 },
      budget: 2,
      does: ["a1: shutdown", "+1 ready", "web: updating"],
      isPartial: true,
    },
    {
      when: "lets the old task go when the new one runs",
      tasks: ["a1 1@n1 running/running r0", `b1 1@n2 running/running ${long}`],
      replicas: 1,
      status: STARTED,
      config: { order: "start-first" },
      does: ["a1: shutdown", "web: completed"],
    },
    {
      when: "pauses when a new task fails",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: STARTED,
      does: ["web: paused"],
    },
    {
      when: "pauses when a new task ends though it did not fail",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/complete ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: STARTED,
      does: ["web: paused"],
    },
    {
      when: "goes on after failures when it is told to",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: STARTED,
      config: { failureAction: "continue" },
      does: ["a2: shutdown", "+2 ready"],
    },
    ...[
      { when: "pauses when one fails while it is watched", ran: 5_000, does: ["web: paused"] },
      { when: "goes on when one fails that was watched for long enough", ran: 5_001, does: ["a2: shutdown", "+2 ready"] },
      {
        when: "watches each for as long as it was told to",
        ran: 7_001,
        monitorNs: 7 * SECOND_NS,
        does: ["a2: shutdown", "+2 ready"],
      },
      { when: "pauses when one fails within that", ran: 7_000, monitorNs: 7 * SECOND_NS, does: ["web: paused"] },
    ].map(({ ran, monitorNs, ...each }) => ({
      ...each,
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since} ran=${ran}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } } as const,
      status: STARTED,
      ...(monitorNs !== undefined && { config: { monitorNs } }),
    })),
    {
      when: "is not failed by a restart of one that ended when it had been watched",
      tasks: [
        "a1 1@n1 shutdown/shutdown r0",
        `b1 1@n1 shutdown/failed ${since} ran=60000`,
        `b2 1@n1 shutdown/failed made=400 ran=10`,
        "a2 2@n2 running/running r0",
      ],
      template: { restart: { condition: "none" } },
      status: STARTED,
      does: ["a2: shutdown", "+2 ready"],
    },
    {
      when: "bears as many failures as it was told to",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: STARTED,
      config: { maxFailureRatio: 0.5 },
      does: ["a2: shutdown", "+2 ready"],
    },
    {
      when: "goes back when it is told to",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: STARTED,
      service: PREVIOUS,
      config: { failureAction: "rollback" },
      does: ["web: rollback_started at r0 back"],
    },
    {
      when: "pauses when there is nothing to go back to",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: STARTED,
      config: { failureAction: "rollback" },
      does: ["web: paused"],
    },
    {
      when: "that goes back already goes no further back",
      tasks: ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"],
      template: { restart: { condition: "none" } },
      status: BACK,
      service: { ...PREVIOUS, isRollingBack: true },
      config: { failureAction: "rollback" },
      does: ["web: rollback_paused back"],
    },
    ...[
      {
        when: "is not failed by what had ended before its spec was given, by a clock that ran ahead",
        at: 50,
        does: ["a2: shutdown", "+2 ready"],
      },
      { when: "is failed by what was written since", at: 51, does: ["web: rollback_paused back"] },
    ].map(({ at, ...each }) => ({
      ...each,
      tasks: [
        "b1 1@n1 running/running made=200 told=300 version=60",
        `a1 1@n1 shutdown/failed ${since} ran=10 version=${at}`,
        "a2 2@n2 running/running r0",
      ],
      status: BACK,
      service: { ...PREVIOUS, isRollingBack: true, specChangedAfter: 50 },
    })),
    {
      when: "that is paused does nothing",
      tasks: old,
      status: { state: "paused", message: "" },
      does: [],
    },
    {
      when: "that is paused on its way back does nothing",
      tasks: old,
      status: { state: "rollback_paused", message: "" },
      does: [],
    },
    {
      when: "back that a user asked for says so",
      tasks: old,
      service: { isRollingBack: true },
      does: ["a1: shutdown", "+1 ready", "web: rollback_started back"],
    },
    {
      when: "watches the last tasks for a while",
      tasks: ["b1 1@n1 running/running made=200 told=300", `b2 2@n2 running/running made=200 told=${NOW - 4_000}`],
      status: STARTED,
      does: [],
      wakeAtMs: NOW + 1_000,
    },
    {
      when: "watches them for as long as it was told to",
      tasks: ["b1 1@n1 running/running made=200 told=300", `b2 2@n2 running/running made=200 told=${NOW - 4_000}`],
      status: STARTED,
      config: { monitorNs: 7 * SECOND_NS },
      does: [],
      wakeAtMs: NOW + 3_000,
    },
    {
      when: "is complete after that",
      tasks: ["b1 1@n1 running/running made=200 told=300", `b2 2@n2 running/running made=200 told=${NOW - 5_000}`],
      status: STARTED,
      does: ["web: completed"],
    },
    {
      when: "is not complete while a task does not run",
      tasks: ["b1 1@n1 running/running made=200 told=300", `b2 2@n2 running/starting made=200 told=300`],
      status: STARTED,
      does: [],
    },
    {
      when: "back is complete as such",
      tasks: ["b1 1@n1 running/running made=200 told=300", `b2 2@n2 running/running made=200 told=300`],
      status: BACK,
      service: { isRollingBack: true },
      does: ["web: rollback_completed"],
    },
    {
      when: "does not begin where nothing is outdated",
      tasks: ["b1 1@n1 running/running", "b2 2@n2 running/running"],
      does: [],
    },
  ]);

  it("counts what it makes from now on when the clock of the leader that began it ran ahead", () => {
    const ahead = { ...STARTED, startedAtMs: NOW + 3_600_000 };
    const service = statusAfter({ tasks: [...old, `b1 1@n1 ready/ready made=${NOW + 3_600_001}`], status: ahead });
    assert.equal(service?.updateStatus?.startedAtMs, NOW);
    const template = { restart: { condition: "none" } } as const;
    for (const madeMs of [NOW, NOW + 3_600_001]) {
      const tasks = [
        "a1 1@n1 shutdown/shutdown r0",
        `b1 1@n1 shutdown/failed made=${madeMs} told=${madeMs}`,
        "a2 2@n2 running/running r0",
      ];
      assert.equal(statusAfter({ tasks, template, status: ahead })?.updateStatus?.state, "paused", `made at ${madeMs}`);
    }
  });

  it("sees a task that failed also where no history is kept", () => {
    const tasks = ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 running/failed ${since}`, "a2 2@n2 running/running r0"];
    const template = { restart: { condition: "any", delayNs: 0 } } as const;
    const service = statusAfter({ tasks, template, historyLimit: 0, status: STARTED });
    assert.equal(service?.updateStatus?.state, "paused");
  });

  it("says when it began and ended, and why it stopped", () => {
    assert.deepEqual(statusAfter({ tasks: old })?.updateStatus, {
      state: "updating",
      startedAtMs: NOW,
      message: "update in progress",
    });
    const running = ["b1 1@n1 running/running made=200 told=300", "b2 2@n2 running/running made=200 told=300"];
    assert.deepEqual(statusAfter({ tasks: running, status: STARTED })?.updateStatus, {
      state: "completed",
      startedAtMs: 100,
      completedAtMs: NOW,
      message: "update completed",
    });
    assert.deepEqual(
      statusAfter({ tasks: running, status: BACK, service: { isRollingBack: true } })?.updateStatus?.message,
      "rollback completed",
    );
    const failed = ["a1 1@n1 shutdown/shutdown r0", `b1 1@n1 shutdown/failed ${since}`, "a2 2@n2 running/running r0"];
    const template = { restart: { condition: "none" } } as const;
    assert.deepEqual(statusAfter({ tasks: failed, template, status: STARTED })?.updateStatus, {
      state: "paused",
      startedAtMs: 100,
      message: "update paused due to failure or early termination of task b1",
    });
    assert.equal(
      statusAfter({ tasks: failed, template, status: BACK })?.updateStatus?.message,
      "rollback paused due to failure or early termination of task b1",
    );
    const back = statusAfter({
      tasks: failed,
      template,
      status: STARTED,
      service: PREVIOUS,
      config: { failureAction: "rollback" },
    });
    assert.deepEqual(back?.updateStatus, {
      state: "rollback_started",
      startedAtMs: NOW,
      message: "update rolled back due to failure or early termination of task b1",
    });
    assert.deepEqual([back?.previousSpec, back?.previousRevisionId, back?.isRollingBack], [undefined, undefined, true]);
  });
});

describe("the end of a wait", () => {
  for (const { when, fromMs, nowMs, endMs } of [
    { when: "is its beginning and how long it takes", fromMs: 1_000, nowMs: 1_000, endMs: 6_000 },
    { when: "stays so when the clock that told of it ran a little ahead", fromMs: 11_000, nowMs: 1_000, endMs: 16_000 },
    { when: "is now when that clock was set back since", fromMs: 11_001, nowMs: 1_000, endMs: 1_000 },
  ])
    it(when, () => assert.equal(endOf({ fromMs, durationMs: 5_000 }, nowMs), endMs));
});
