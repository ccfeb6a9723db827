import assert from "node:assert/strict";
import { pruneNetworks } from "../../../../src/engine/networks/prune-networks.ts";

describe("pruning networks", () => {
  it("goes on after one that cannot be removed, and tells of it", async () => {
    const warnings: unknown[] = [];
    const log = { debug() {}, info() {}, error() {}, warn: (fields: unknown) => void warnings.push(fields) };
    const remove = async ({ name }: { readonly name: string }): Promise<void> => {
      if (name === "b") throw new Error("the bridge is stuck");
    };
    const networks = ["a", "b", "c"].map(name => ({ name }));
    assert.deepEqual(await pruneNetworks(networks, { remove, log }), ["a", "c"]);
    assert.deepEqual(warnings, [{ network: "b", error: "the bridge is stuck" }]);
  });
});
