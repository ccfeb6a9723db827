import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { ImageStore } from "../../../src/engine/images/store.ts";
import { asId, type ContainerId } from "../../../src/model/ids.ts";
import { busyboxLayer, dockerArchive, imageConfig, noBusybox, sha256, tarOf } from "../../fixtures/images.ts";
import { collect, StoreFixture, stream } from "./store-fixture.ts";
import { skip } from "../../skip.ts";

const CONTAINER = asId<ContainerId>("c".repeat(64));

describe("image store", function () {
  let fixture: StoreFixture;
  let store: ImageStore;

  before(function () {
    const reason = process.getuid?.() === 0 ? noBusybox : "needs root";
    if (reason !== undefined) skip(this, reason);
  });
  beforeEach(async () => {
    fixture = new StoreFixture();
    store = await fixture.open();
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  it("loads a busybox archive, mounts a container of it, runs a program there and takes it down", async () => {
    const messages = await collect(store.load(stream(dockerArchive()), { quiet: true }));
    assert.deepEqual(messages, [{ stream: "Loaded image: busybox:latest\n" }]);
    const image = store.get("busybox");
    assert.equal(image.id, `sha256:${sha256(imageConfig({ layers: [busyboxLayer()] }))}`);
    assert.deepEqual(image.tags, ["busybox:latest"]);
    assert.deepEqual(image.config.cmd, ["sh"]);
    assert.equal(store.get(image.id.slice(7, 19)).id, image.id);

    await store.createRootfs(CONTAINER, image.id);
    const path = await store.mountRootfs(CONTAINER, { isVolatile: false });
    assert.equal(await store.mountRootfs(CONTAINER, { isVolatile: false }), path);
    assert.equal(
      execFileSync("/usr/sbin/chroot", [path, "/bin/sh", "-c", "echo hi > /tmp/x; cat /tmp/x"], { encoding: "utf8" }),
      "hi\n",
    );
    assert.equal(readFileSync(`${store.upperPath(CONTAINER)}/tmp/x`, "utf8"), "hi\n");
    await store.unmountRootfs(CONTAINER);
    await store.unmountRootfs(CONTAINER);
    assert.equal(existsSync(`${path}/tmp`), false);
    await store.mountRootfs(CONTAINER, { isVolatile: true });
    await store.unmountRootfs(CONTAINER);
    const again = await store.mountRootfs(CONTAINER, { isVolatile: true }); // A volatile one can be mounted again.
    assert.equal(readFileSync(`${again}/tmp/x`, "utf8"), "hi\n");
    await store.removeRootfs(CONTAINER);
    assert.throws(() => store.upperPath(CONTAINER), { kind: "not-found" });
    assert.deepEqual(await fixture.mounts.mountedUnder(fixture.dataRoot), []);
  });

  it("keeps images, names and mounts over a restart and removes what was not recorded", async () => {
    await collect(store.load(stream(gzipSync(dockerArchive())), { quiet: true }));
    const image = store.get("busybox");
    await fixture.keep(await store.createRootfs(CONTAINER, image.id));
    const path = await store.mountRootfs(CONTAINER, { isVolatile: false });
    for (const left of ["l/zz", "blobs/sha256/zz", "layers/zz.json.new"])
      writeFileSync(`${fixture.dataRoot}/images/${left}`, "x");
    const next = await fixture.open();
    assert.deepEqual(next.get("busybox"), image);
    for (const left of ["l/zz", "blobs/sha256/zz", "layers/zz.json.new"])
      assert.equal(existsSync(`${fixture.dataRoot}/images/${left}`), false);
    assert.equal(await next.mountRootfs(CONTAINER, { isVolatile: false }), path);
    await next.restoreRootfs({ known: [], running: [] });
    assert.equal(existsSync(path), false);
    const last = await fixture.open();
    assert.throws(() => last.upperPath(CONTAINER), { kind: "not-found" });
    assert.deepEqual(await fixture.mounts.mountedUnder(fixture.dataRoot), []);
  });

  it("makes the folders of a recorded container again where a power loss has taken them, and removes those of no record", async () => {
    await collect(store.load(stream(gzipSync(dockerArchive())), { quiet: true }));
    const { id } = store.get("busybox");
    await fixture.keep(await store.createRootfs(CONTAINER, id));
    const other = asId<ContainerId>("d".repeat(64));
    await store.createRootfs(other, id);
    rmSync(`${fixture.dataRoot}/images/containers/${CONTAINER}`, { recursive: true });
    const next = await fixture.open();
    assert.deepEqual(readdirSync(`${fixture.dataRoot}/images/containers`), [CONTAINER]);
    const path = await next.mountRootfs(CONTAINER, { isVolatile: false });
    assert.ok(existsSync(`${path}/bin/sh`));
    assert.throws(() => next.upperPath(other), { kind: "not-found" });
  });

  it("imports a root file system with changes", async () => {
    const changes = ['CMD ["/bin/sh"]', "ENV A=1", "ENV B=$A-2", "EXPOSE 80"];
    const messages = await collect(
      store.importArchive(stream(tarOf([[{ type: "file", path: "hello" }, "hi"]])), {
        repository: "own",
        tag: "1",
        message: "made here",
        changes,
        platform: "",
      }),
    );
    const image = store.get("own:1");
    assert.deepEqual(messages, [{ status: image.id }]);
    assert.deepEqual(image.config, {
      user: "",
      env: ["A=1", "B=1-2"],
      cmd: ["/bin/sh"],
      volumes: [],
      workingDir: "",
      labels: {},
      exposedPorts: ["80/tcp"],
    });
    assert.equal(image.sizeBytes, 2);
    assert.equal(image.comment, "made here");
  });
});
