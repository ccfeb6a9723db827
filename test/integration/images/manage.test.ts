import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync } from "node:fs";
import { listenAtFailpoints } from "../../../src/ports/failpoint.ts";
import type { ImageEvent, ImageStore } from "../../../src/engine/images/store.ts";
import { asId, type ContainerId, type ImageId } from "../../../src/model/ids.ts";
import { dockerArchive, type ImageFixture, tarOf } from "../../fixtures/images.ts";
import { imageNames, collect, StoreFixture, stream } from "./store-fixture.ts";
import { skip } from "../../skip.ts";

const CONTAINER = asId<ContainerId>("e".repeat(64));
const layer = (name: string): Buffer => tarOf([[{ type: "file", path: name }, name]]);

describe("image management", function () {
  let fixture: StoreFixture;
  let store: ImageStore;
  let users: Map<ImageId, { id: string; isRunning: boolean }[]>;
  let events: ImageEvent[];

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "it needs root");
  });
  beforeEach(async () => {
    fixture = new StoreFixture();
    users = new Map();
    events = [];
    store = await fixture.open({ usedBy: id => users.get(id) ?? [], onEvent: event => events.push(event) });
  });
  afterEach(async () => {
    await store?.[Symbol.asyncDispose]();
    await fixture?.[Symbol.asyncDispose]();
  });
  const load = (...images: readonly ImageFixture[]): Promise<readonly unknown[]> =>
    collect(store.load(stream(dockerArchive(...images)), { quiet: true }));
  const layersLeft = (): number => readdirSync(`${fixture.dataRoot}/images/l`).length;

  it("tags, untags and deletes with the last name, keeping shared layers", async () => {
    await load({ tags: ["a:1"], layers: [layer("x"), layer("y")] }, { tags: ["b:1"], layers: [layer("x")] });
    const { id } = store.get("a:1");
    await store.tag("a:1", "reg:5000/c", "2");
    assert.deepEqual(store.get("reg:5000/c:2").tags, ["a:1", "reg:5000/c:2"]);
    assert.deepEqual(await store.remove("a:1", { force: false, prune: true }), [{ untagged: "a:1" }]);
    const removed = await store.remove("reg:5000/c:2", { force: false, prune: true });
    assert.deepEqual(removed.slice(0, 2), [{ untagged: "reg:5000/c:2" }, { deleted: id }]);
    assert.equal(removed.length, 3);
    assert.equal(layersLeft(), 1);
    assert.throws(() => store.get("a:1"), { kind: "not-found", message: "No such image: a:1" });
    await assert.rejects(store.remove("nothing", { force: true, prune: true }), {
      kind: "not-found",
      message: "No such image: nothing:latest",
    });
    assert.deepEqual(
      events.map(({ action }) => action),
      ["load", "load", "tag", "untag", "untag", "delete"],
    );
  });

  it("refuses to remove what a container uses, and keeps its layers when it is forced", async () => {
    await load({ tags: ["a:1"], layers: [layer("x")] });
    const { id } = store.get("a:1");
    await store.createRootfs(CONTAINER, id);
    users.set(id, [{ id: CONTAINER, isRunning: false }]);
    await assert.rejects(store.remove("a:1", { force: false, prune: true }), { kind: "conflict" });
    assert.deepEqual(await store.remove(id, { force: true, prune: true }), [{ untagged: "a:1" }, { deleted: id }]);
    assert.equal(layersLeft(), 1);
    const path = await store.mountRootfs(CONTAINER, { isVolatile: true });
    assert.deepEqual(imageNames(path), ["x"]);
    await store.removeRootfs(CONTAINER);
    store = await fixture.open();
    assert.equal(layersLeft(), 0);
  });

  it("prunes dangling images, or all unused ones", async () => {
    await load({ tags: ["a:1"], layers: [layer("x")] });
    const old = store.get("a:1").id;
    const messages = await load({ tags: ["a:1"], layers: [layer("y")] }, { tags: ["used:1"], layers: [layer("zz")] });
    assert.deepEqual(messages[0], {
      stream: `The image a:1 already exists, renaming the old one with ID ${old} to empty string\n`,
    });
    users.set(store.get("used:1").id, [{ id: CONTAINER, isRunning: true }]);
    const first = await store.prune({ dangling: ["true"] });
    assert.deepEqual([first.deleted[0], first.reclaimedBytes], [{ deleted: old }, 1]);
    const all = await store.prune({ dangling: ["false"] });
    assert.deepEqual(all.deleted[0], { untagged: "a:1" });
    assert.deepEqual(
      (await store.list({ all: true, filters: {} })).map(({ tags, containers }) => [tags, containers]),
      [[["used:1"], 1]],
    );
  });

  it("prunes the others when an image cannot be removed", async () => {
    await load(...["a:1", "b:1", "c:1"].map(tag => ({ tags: [tag], layers: [layer(tag)] })));
    let removals = 0;
    listenAtFailpoints((name, moment) => {
      if (name === "images/repositories.rename" && moment === "before" && ++removals === 2) throw new Error("input/output error");
      return undefined;
    });
    try {
      const { deleted } = await store.prune({ dangling: ["false"] });
      assert.equal(deleted.filter(removed => "untagged" in removed).length, 2);
    } finally {
      listenAtFailpoints(undefined);
    }
    assert.equal((await store.list({ all: true, filters: {} })).length, 1);
  });

  it("takes nothing away that a build stands on, with a child's removal neither, until it is let go of", async () => {
    const held = new Set<ImageId>();
    store.setHolder(id => held.has(id));
    await load({ tags: ["base:1"], layers: [layer("x")] });
    const base = store.get("base:1");
    const step = (parent: ImageId, key: string): Promise<ImageId> =>
      store.commitStep(undefined, {
        ...{ baseId: parent, config: base.config, author: "", comment: "", createdBy: key, isTold: false },
        step: { key, command: [key] },
      });
    const shared = await step(base.id, "shared");
    const own = await step(shared, "own");
    await store.tag(own, "one", "1");
    held.add(shared);
    assert.deepEqual(await store.remove("one:1", { force: false, prune: true }), [{ untagged: "one:1" }, { deleted: own }]);
    await assert.rejects(
      store.remove(shared, { force: true, prune: true }),
      /\(cannot be forced\) - image has dependent child images/,
    );
    const other = await step(shared, "other");
    held.clear();
    assert.deepEqual(await store.remove(other, { force: false, prune: true }), [{ deleted: other }, { deleted: shared }]);
  });

  it("refuses digests as tags, names that are none and pulls", async () => {
    await load({ tags: ["a:1"], layers: [layer("x")] });
    await assert.rejects(store.tag("a:1", `b@sha256:${"0".repeat(64)}`, ""), {
      kind: "invalid",
      message: "refusing to create a tag with a digest reference",
    });
    await assert.rejects(store.tag("a:1", "B", "1"), { kind: "invalid" });
    await assert.rejects(collect(store.pull("busybox")), {
      kind: "internal",
      message: /^Get "https:\/\/registry-1.docker.io\/v2\/": /,
    });
  });

  it("leaves a damaged image out and starts", async () => {
    await load({ tags: ["a:1"], layers: [layer("x")] }, { tags: ["b:1"], layers: [layer("y")] });
    rmSync(`${fixture.dataRoot}/images/blobs/sha256/${store.get("a:1").id.slice(7)}`);
    const errors: unknown[] = [];
    const log = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (fields: unknown) => errors.push(fields),
    };
    store = await fixture.open({ log });
    assert.deepEqual(
      (await store.list({ all: true, filters: {} })).map(({ tags }) => tags),
      [["b:1"]],
    );
    assert.equal(errors.length, 1);
    await load({ tags: ["a:1"], layers: [layer("x")] });
    assert.deepEqual(store.get("a:1").tags, ["a:1"]);
  });

  it("takes the same archive from ten clients at once", async () => {
    const archive = dockerArchive({ tags: ["a:1"], layers: [layer("x"), layer("y")] });
    await Promise.all(Array.from({ length: 10 }, () => collect(store.load(stream(archive), { quiet: true }))));
    assert.equal(layersLeft(), 2);
    assert.deepEqual(readdirSync(`${fixture.dataRoot}/images/staging`), []);
  });

  it("keeps everything under the data root from other users", () => {
    assert.equal(statSync(`${fixture.dataRoot}/images`).mode & 0o777, 0o700);
  });
});
