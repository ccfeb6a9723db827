import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { AttachByHand } from "../../../../src/engine/networks/attach-by-hand.ts";
import type { SandboxRecord } from "../../../../src/engine/networks/sandbox-record.ts";
import { asId, type ContainerId } from "../../../../src/model/ids.ts";

const ID = asId<ContainerId>("c");

/** What is done, in order, when a container of one network is released. */
async function released({
  scope,
  isAllocated,
}: {
  readonly scope: string;
  readonly isAllocated?: true;
}): Promise<readonly string[]> {
  const done: string[] = [];
  const byHand = new AttachByHand({
    table: { find: () => ({ scope }) },
    cluster: () => ({ letGo: async () => void done.push("let go") }),
    sandboxes: { released: async () => void (await turn(), done.push("taken down")) },
  } as never);
  const config = isAllocated === undefined ? {} : { isAllocated };
  await byHand.release(ID, { endpoints: [{ networkId: "n", config }] } as unknown as SandboxRecord);
  return done;
}

describe("the end of a container on a network of the cluster", () => {
  it("gives its place back once it has left the network: before, it is taken for one that is there", async () => {
    assert.deepEqual(await released({ scope: "swarm" }), ["taken down", "let go"]);
  });

  it("waits for nothing where it is a task, or the network is this host's", async () => {
    assert.deepEqual(await released({ scope: "swarm", isAllocated: true }), []);
    assert.deepEqual(await released({ scope: "local" }), []);
  });
});
