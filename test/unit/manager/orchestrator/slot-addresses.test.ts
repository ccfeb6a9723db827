import assert from "node:assert/strict";
import type { Task } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";
import { decide, type Situation, task } from "./situation.ts";

const NETWORKS = [{ target: "app-id", addresses: ["10.9.0.1-10.9.0.4"] }];
const STARTED = { state: "updating", startedAtMs: 0, message: "" } as const;

/** `a1 1@n1 running/running r0 .2`: as `task` reads it, with the address 10.9.0.2. */
function at(words: string): Task {
  const [, rest = "", last] = /^(.*?)(?: \.(\d))?$/.exec(words) ?? [];
  const networks = [{ networkId: asId<never>("app-id"), addresses: [`10.9.0.${last}/24`], aliases: [] }];
  return { ...task(rest), networks: last === undefined ? [] : networks };
}

function does(tasks: readonly string[], more: Situation = {}): readonly string[] {
  const mode = { kind: "replicated", replicas: new Set(tasks.map(words => words.split(" ")[1]?.[0])).size } as const;
  return decide({ mode, template: { networks: NETWORKS }, ...more, tasks: tasks.map(at) }).does;
}

describe("slots with addresses", () => {
  const three = ["a1 1@n1 running/starting .1", "a2 2@n2 running/running .2", "a3 3@n3 running/running .3"];

  it("go from the last when there are too many, whatever runs in them", () => {
    const mode = { kind: "replicated", replicas: 1 } as const;
    assert.deepEqual(does(three, { mode }), ["a2: remove", "a3: remove"]);
    assert.deepEqual(does(three, { mode, template: {} }), ["a3: remove", "a1: remove"], "without addresses what does not run");
  });

  it("are updated from the one whose next address is free", () => {
    const tasks = ["a1 1@n1 running/running r0 .3", "a2 2@n2 running/running r0 .1", "a3 3@n3 running/running r0 .4"];
    // 1 is to have .1, which 2 has; 2 is to have .2, which is free.
    assert.deepEqual(does(tasks), ["a2: shutdown", "+2 ready", "web: updating"]);
  });

  it("are updated before those that run where nothing does, though a task of these failed before and the others have to wait", () => {
    const tasks = ["a0 1@n1 shutdown/failed r0", "a1 1@n1 running/running r0 .2", "a2 2@n2 running/starting r0 .4"];
    // 2 is to have .2, which 1 has; 1 is to have .1, which is free.
    assert.deepEqual(does(tasks), ["a2: shutdown", "+2 ready", "web: updating"]);
  });

  it("are stopped besides where another waits for their address, whatever the parallelism", () => {
    const tasks = [
      "a1 1@n1 shutdown/shutdown r0 .2",
      "b1 1@- running/new made=10",
      "a2 2@n2 running/running r0 .1",
      "a3 3@n3 running/running r0 .3",
    ];
    const service = { updateStatus: STARTED };
    assert.deepEqual(does(tasks, { service }), ["a2: shutdown", "+2 ready"]);
    assert.deepEqual(does(tasks, { service, template: {} }), [], "without addresses of slots nobody waits for one");
  });

  it("of a drained node are stopped first", () => {
    const nodes = [{ id: "n1", availability: "drain" as const }];
    assert.deepEqual(does(["a1 1@n1 running/running .1"], { nodes }), ["a1: shutdown", "+1 ready"]);
    const [mark] = does(["a1 1@n1 running/running"], { nodes, template: {} });
    assert.match(mark ?? "", /a1: stays/);
  });
});
