import assert from "node:assert/strict";
import type { BuildImages } from "../../../../src/engine/build/effects.ts";
import { SourceTrees } from "../../../../src/engine/build/source-trees.ts";
import { CommandFailure } from "../../../../src/engine/build/build-request.ts";
import type { ContainerId, ImageId } from "../../../../src/model/ids.ts";

describe("trees of a build", () => {
  let there: Set<ContainerId>;
  let stuck: Set<ContainerId>;
  let trees: SourceTrees;

  beforeEach(() => {
    there = new Set();
    stuck = new Set();
    let count = 0;
    const images = {
      createRootfs: async (id: ContainerId) => void there.add(id),
      mountRootfs: async (id: ContainerId) => `/roots/${id}`,
      removeRootfs: async (id: ContainerId) => {
        if (stuck.has(id)) throw new Error(`${id.slice(0, 2)} is busy`);
        there.delete(id);
      },
    } as unknown as BuildImages;
    const random = { uint32: () => 0, bytes: (length: number) => new Uint8Array(length).fill(++count) };
    trees = new SourceTrees({ images, random });
  });

  it("all go at its end, but for those that cannot, and a second time takes what is left", async () => {
    for (const image of ["a", "b", "c"]) await trees.of(image as ImageId);
    const [first] = there;
    stuck.add(first as ContainerId);
    await assert.rejects(trees[Symbol.asyncDispose](), /^Error: 01 is busy$/);
    assert.deepEqual([...there], [first]);
    stuck.clear();
    await trees[Symbol.asyncDispose]();
    assert.deepEqual([...there], []);
  });

  it("that cannot be taken away do not hide why a step failed", async () => {
    const failed = trees.over("a" as ImageId, async (_root, id) => {
      stuck.add(id);
      throw new CommandFailure("it returned 7", 7);
    });
    await assert.rejects(failed, (error: unknown) => {
      assert.ok(error instanceof CommandFailure);
      assert.deepEqual([error.message, error.exitCode], ["it returned 7; 01 is busy", 7]);
      return true;
    });
  });
});
