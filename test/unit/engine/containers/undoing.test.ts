import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { volumesToUndo } from "../../../../src/engine/containers/undo-file.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { HostConfig } from "../../../../src/model/container.ts";
import { listenAtFailpoints } from "../../../../src/ports/failpoint.ts";
import { aRequest, FakeWorld } from "./fake-world.ts";

const twoParts: HostConfig["mounts"] = ["one", "two"].map(name => ({
  ...{ type: "volume", source: "shared", target: `/${name}` },
  volume: { subpath: name },
}));
const twoImages: HostConfig["mounts"] = ["/a", "/b"].map(target => ({ type: "image", source: "busybox", target }));

describe("what cannot be undone", () => {
  let world: FakeWorld;
  beforeEach(async () => void (world = await FakeWorld.create()));
  afterEach(() => world[Symbol.asyncDispose]());

  const bundleOf = (id: string) => join(world.directory, "exec/containers", id);

  it("keeps nothing else mounted after a look at a container's files, and is told with what failed before", async () => {
    const { id } = await world.engine.create(aRequest({ hostConfig: { mounts: [...twoImages, ...twoParts] } }));
    let held = 0;
    world.holdPath = (folder, path) => {
      held++;
      const letGo = (): void => {
        if (path === "one") throw new OperationError("internal", "the first part is busy");
        held--;
      };
      return { path: `${folder}/${path}`, [Symbol.dispose]: letGo };
    };
    world.images.stuck.add(id);
    const looked = world.engine.withFileSystem(id, async () => {
      throw new OperationError("conflict", "the look itself failed");
    });
    await assert.rejects(looked, {
      kind: "conflict",
      message: "the look itself failed; the first part is busy; device or resource busy",
    });
    assert.deepEqual([...world.images.mounted], [id]);
    assert.equal(held, 1);
    world.images.stuck.clear();
  });

  it("of a look at a container's files fails it", async () => {
    const { id } = await world.engine.create(aRequest());
    world.images.stuck.add(id);
    await assert.rejects(
      world.engine.withFileSystem(id, async () => "seen"),
      { message: "device or resource busy" },
    );
    world.images.stuck.clear();
  });

  it("is left for the next start when the runtime keeps what it knows of a failed start", async () => {
    const { id } = await world.engine.create(aRequest({ hostConfig: { runtime: "runc" } }));
    world.host.onCreate = () => {
      throw new Error("no space left on device");
    };
    world.host.failDiscard = true;
    await assert.rejects(world.engine.start(id), /no space left on device/);
    assert.ok(existsSync(bundleOf(id)), "nothing tells that the runtime has something of it");
    await assert.rejects(world.engine.start(id), /too many open files/);
    assert.ok(existsSync(bundleOf(id)), "nothing tells that the runtime has something of it still");
    world.host.failDiscard = false;
    world.host.onCreate = undefined;
    await world.engine.start(id);
    assert.deepEqual(world.host.discarded, [{ id, runtime: "runc" }]);
  });

  it("keeps a container paused that could not be thawed to be stopped", async () => {
    const { id, process } = await world.run();
    await world.engine.pause(id);
    process.failResume = true;
    await assert.rejects(world.engine.stop(id, {}), /too many open files/);
    assert.equal(await world.status(id), "paused");
    process.failResume = false;
    await world.engine.stop(id, {});
    assert.equal(await world.status(id), "exited");
  });

  it("of a pause that could not be recorded is told with it, and its health is watched on", async () => {
    const { id, process } = await world.run();
    listenAtFailpoints((name, moment) => {
      if (name !== "state/container.sync" || moment !== "before") return undefined;
      process.failResume = true;
      throw new OperationError("internal", "no space left on device");
    });
    try {
      await assert.rejects(world.engine.pause(id), { message: "no space left on device; too many open files" });
    } finally {
      listenAtFailpoints(undefined);
    }
    assert.equal(await world.status(id), "running");
  });

  it("does not keep the engine from starting", async () => {
    const { id } = await world.engine.create(aRequest());
    world.images.stuck.add(id);
    await world.close();
    await world.open();
    assert.equal(await world.status(id), "created");
    world.images.stuck.clear();
  });
});

describe("the volumes that a creation or a removal noted", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "shct-undo-"))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const path = () => join(directory, "undo.json");

  it("are none where nothing was noted, or not to the end", async () => {
    assert.deepEqual(await volumesToUndo(directory), []);
    writeFileSync(path(), '{"volumes": ["a');
    assert.deepEqual(await volumesToUndo(directory), []);
  });

  it("are not taken for none where they cannot be read", async () => {
    mkdirSync(path());
    await assert.rejects(volumesToUndo(directory), { code: "EISDIR" });
  });
});
