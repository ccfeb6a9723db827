import assert from "node:assert/strict";
import { tasksWithoutResources } from "../../../../src/manager/orchestrator/node-resources.ts";
import type { Task } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";
import { task, viewOf } from "./situation.ts";

const RESOURCES = { nanoCpus: 4e9, memoryBytes: 8e9 };

function withGpus(words: string, count: number): Task {
  return { ...task(words), genericResources: [{ kind: "gpu", value: count }] };
}

/** Of a node that has so many left. */
function lacking(gpus: number, tasks: readonly Task[]): readonly string[] {
  const resources = { ...RESOURCES, generic: [{ kind: "gpu", value: gpus }] };
  const [view] = viewOf({ mode: { kind: "replicated", replicas: tasks.length }, tasks, nodes: [{ id: "n1", resources }] });
  return [...tasksWithoutResources(view, asId("n1"))];
}

describe("tasks whose node has no longer what they were given", () => {
  const older = withGpus("t2 1@n1 running/running made=1", 2);
  const newer = withGpus("t1 2@n1 running/running made=2", 2);

  it("go when they are the newest, whatever they are called", () => {
    assert.deepEqual(
      [lacking(4, [newer, older]), lacking(3, [newer, older]), lacking(1, [newer, older])],
      [[], ["t1"], ["t2", "t1"]],
    );
  });

  it("go by their ids when they are of one age", () => {
    assert.deepEqual(lacking(2, [withGpus("b 1@n1 running/running", 2), withGpus("a 2@n1 running/running", 2)]), ["b"]);
  });

  it("count while they are wanted and have not ended", () => {
    const gone = [withGpus("a 3@n1 shutdown/running", 2), withGpus("b 4@n1 running/failed", 2)];
    assert.deepEqual(lacking(2, [...gone, older]), []);
  });
});
