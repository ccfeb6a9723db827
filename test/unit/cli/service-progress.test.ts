import assert from "node:assert/strict";
import { ApiClient } from "../../../src/api/client/client.ts";
import { waitForService } from "../../../src/cli/commands/service-progress.ts";
import type { Json } from "../../../src/cli/context.ts";

/** What a job's user is told while its status goes through these counts; it is over when no more is asked. */
async function told(mode: Json, counts: readonly (readonly [running: number, desired: number, completed: number])[]) {
  let said = "";
  let asked = 0;
  const left = [...counts];
  await waitForService(
    {
      api: {
        json: (_method, path) => {
          const service = { ID: "s1", Spec: { Mode: mode } };
          if (path === "/services/s1") return Promise.resolve(service);
          const [RunningTasks, DesiredTasks, CompletedTasks] = left.shift() ?? assert.fail("it is asked once more");
          asked++;
          return Promise.resolve([{ ...service, ServiceStatus: { RunningTasks, DesiredTasks, CompletedTasks } }]);
        },
      },
      client: new ApiClient({ kind: "unix", path: "/nonexistent/socket" }),
      ...{ contextName: "default", defaultHost: "unix:///a", nowMs: () => 0, sleep: () => Promise.resolve() },
      stdout: text => (said += text),
      stderr: text => assert.fail(text),
    },
    "s1",
    { isQuiet: false },
  );
  return { said, asked };
}

describe("waiting for a job", () => {
  it("goes on until all of it is done, and says each step once", async () =>
    assert.deepEqual(
      await told({ ReplicatedJob: { MaxConcurrent: 2, TotalCompletions: 3 } }, [
        [0, 2, 0],
        [2, 2, 0],
        [2, 2, 0],
        [1, 1, 2],
        [0, 0, 3],
      ]),
      {
        said: [
          "job progress: 0 out of 3 complete\nactive tasks: 0 out of 2 tasks\n",
          "job progress: 0 out of 3 complete\nactive tasks: 2 out of 2 tasks\n",
          "job progress: 2 out of 3 complete\nactive tasks: 1 out of 1 tasks\n",
          "job progress: 3 out of 3 complete\nactive tasks: 0 out of 0 tasks\n",
          "job complete\n",
        ].join(""),
        asked: 5,
      },
    ));

  it("does not take a global job for done before its tasks are made", async () =>
    assert.equal(
      (
        await told({ GlobalJob: {} }, [
          [0, 0, 0],
          [0, 2, 0],
          [0, 1, 1],
          [0, 0, 2],
        ])
      ).asked,
      4,
    ));
});
