import assert from "node:assert/strict";
import { ApiClient } from "../../../src/api/client/client.ts";
import { type OriginFlags, TaskOrigins, withOrigin } from "../../../src/cli/commands/task-origins.ts";
import type { Json } from "../../../src/cli/context.ts";

const TASK = "b6p8dw0zq5f0k1u1n2m3x4y5z";
const GLOBAL = "c6p8dw0zq5f0k1u1n2m3x4y5z";
const ORPHAN = "d6p8dw0zq5f0k1u1n2m3x4y5z";
const NODE = "n6p8dw0zq5f0k1u1n2m3x4y5z";
const KNOWN: Readonly<Record<string, Json>> = {
  [`/tasks/${TASK}`]: { ID: TASK, ServiceID: "s1", NodeID: NODE, Slot: 2 },
  [`/tasks/${GLOBAL}`]: { ID: GLOBAL, ServiceID: "s1", NodeID: NODE },
  [`/tasks/${ORPHAN}`]: { ID: ORPHAN, ServiceID: "gone", NodeID: "gone", Slot: 10 },
  "/services/s1": { ID: "s1", Spec: { Name: "web" } },
  [`/nodes/${NODE}`]: { ID: NODE, Spec: {}, Description: { Hostname: "m1" } },
};

async function shown(
  line: string,
  flags: OriginFlags & { readonly timestamps?: boolean; readonly details?: boolean; readonly replicas?: number } = {},
): Promise<{ readonly text: string; readonly asked: number }> {
  let asked = 0;
  const cli = {
    api: {
      json: async (_method: string, path: string) => {
        asked++;
        return KNOWN[path] ?? Promise.reject(new Error("not found"));
      },
    },
    client: new ApiClient({ kind: "unix", path: "/nonexistent/socket" }),
    ...{ contextName: "default", defaultHost: "unix:///a", nowMs: () => 0, sleep: () => Promise.resolve() },
    stdout: assert.fail,
    stderr: assert.fail,
  } as const;
  const origins = new TaskOrigins(cli, { ...flags, replicas: flags.replicas ?? 1 });
  const once = await withOrigin(Buffer.from(line), { flags, origins });
  const again = await withOrigin(Buffer.from(line), { flags, origins });
  assert.deepEqual(again, once);
  return { text: Buffer.from(once).toString(), asked };
}

function details(taskId: string, more = ""): string {
  return `com.docker.swarm.node.id=${NODE},com.docker.swarm.service.id=s1,com.docker.swarm.task.id=${taskId}${more}`;
}

describe("a line of a service's logs", () => {
  const line = `${details(TASK)} two words\n`;

  it("says which task it is of and where, and asks for that once", async () =>
    assert.deepEqual(await shown(line), { text: "web.2.b6p8dw0zq5f0@m1    | two words\n", asked: 3 }));

  for (const [what, flags, text] of [
    ["room for the other slots' numbers", { replicas: 100 }, "web.2.b6p8dw0zq5f0@m1      | two words\n"],
    ["no ids", { taskIds: false }, "web.2@m1    | two words\n"],
    ["ids in full", { trunc: false }, `web.2.${TASK}@m1    | two words\n`],
    ["ids in place of names", { resolve: false }, `s1.2.b6p8dw0zq5f0@${NODE}    | two words\n`],
  ] as const) {
    it(`has ${what} where that is asked for`, async () => assert.equal((await shown(line, flags)).text, text));
  }

  it("has its time before that, and what else is told of it after", async () => {
    const told = `2026-01-02T03:04:05.000000000Z ${details(TASK, ",a+b=c%3Dd")} x`;
    const flags = { timestamps: true, details: true };
    assert.equal((await shown(told, flags)).text, "2026-01-02T03:04:05.000000000Z web.2.b6p8dw0zq5f0@m1    | a b=c=d x");
  });

  it("names the node of a global service's task", async () =>
    assert.equal((await shown(`${details(GLOBAL)} x`)).text, `web.${NODE}.c6p8dw0zq5f0@m1    | x`));

  it("has ids where service and node are gone", async () =>
    assert.equal((await shown(`${details(ORPHAN)} x`)).text, "gone.10.d6p8dw0zq5f0@gone    | x"));

  it("without its task is no such line", async () => {
    await assert.rejects(shown("a=b x"), /does not say which task/);
    await assert.rejects(shown("nothing"), /without its details/);
  });
});
