import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Filters } from "../../../../src/model/control.ts";
import { listenAtFailpoints } from "../../../../src/ports/failpoint.ts";
import { FakeWorld, aRequest } from "../containers/fake-world.ts";

const aVolume = (name: string, labels: Readonly<Record<string, string>> = {}) => ({ name, driver: "", options: {}, labels });

describe("volumes", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("are made, found again by the next daemon, and removed", async () => {
    const volume = await world.volumes.create(aVolume("data", { tier: "db" }));
    assert.equal(existsSync(volume.mountpoint), true);
    assert.deepEqual(await world.volumes.create(aVolume("data")), volume);
    await world.close();
    await world.open();
    assert.deepEqual(await world.volumes.inspect("data"), volume);
    await world.volumes.remove("data", { force: false });
    assert.equal(existsSync(volume.mountpoint), false);
    await assert.rejects(world.volumes.inspect("data"), { kind: "not-found", message: "get data: no such volume" });
    await assert.rejects(world.volumes.remove("data", { force: false }), { kind: "not-found" });
    await world.volumes.remove("data", { force: true });
  });

  it("whose creation or removal was cut short are taken away, others never", async () => {
    await world.volumes.create(aVolume("kept"));
    await world.close();
    const root = join(world.directory, "volumes");
    for (const path of ["empty/_data", "marked/_data", "foreign/_data"]) mkdirSync(join(root, path), { recursive: true });
    for (const path of ["marked/removing", "kept/removing", "marked/_data/file", "foreign/_data/file"])
      writeFileSync(join(root, path), "");
    await world.open();
    assert.deepEqual(readdirSync(root).sort(), ["foreign", "kept"]);
    assert.deepEqual(readdirSync(join(root, "kept")), ["_data"]);
  });

  it("are kept while a container has them, also one that does not run", async () => {
    const { id } = await world.engine.create(aRequest({ hostConfig: { binds: ["data:/data"] } }));
    const refusal = { kind: "conflict", message: `remove data: volume is in use - [${id}]` };
    await assert.rejects(world.volumes.remove("data", { force: false }), refusal);
    await world.close();
    await world.open();
    await assert.rejects(world.volumes.remove("data", { force: false }), refusal);
    await world.engine.remove(id, { force: false, volumes: true, link: false });
    await world.volumes.remove("data", { force: false });
  });

  const refused = [
    { request: aVolume("a"), kind: "invalid", message: /volume name is too short/ },
    { request: aVolume("a/b"), kind: "invalid", message: /includes invalid characters for a local volume name/ },
    { request: { ...aVolume("data"), driver: "nfs" }, kind: "not-found", message: /error looking up volume plugin nfs/ },
    { request: { ...aVolume("data"), options: { nope: "1" } }, kind: "invalid", message: 'create data: invalid option: "nope"' },
    { request: { ...aVolume("data"), options: { type: "tmpfs" } }, kind: "invalid", message: /missing device/ },
  ];
  for (const { request, kind, message } of refused) {
    it(`refuse ${JSON.stringify(request)}`, async () => assert.rejects(world.volumes.create(request), { kind, message }));
  }

  it("refuse a second one of the name that is made otherwise", async () => {
    await world.volumes.create(aVolume("data"));
    const other = { ...aVolume("data"), options: { type: "tmpfs", device: "tmpfs" } };
    await assert.rejects(world.volumes.create(other), { kind: "conflict" });
  });

  it("are listed by filters", async () => {
    await world.volumes.create(aVolume("one", { tier: "db" }));
    await world.volumes.create(aVolume("two"));
    await world.engine.create(aRequest({ hostConfig: { binds: ["two:/data"] } }));
    const names = async (filters: Filters) => (await world.volumes.list(filters)).map(({ name }) => name);
    assert.deepEqual(await names({}), ["one", "two"]);
    assert.deepEqual(await names({ dangling: ["true"] }), ["one"]);
    assert.deepEqual(await names({ dangling: ["0"] }), ["two"]);
    assert.deepEqual(await names({ name: ["tw"] }), ["two"]);
    assert.deepEqual(await names({ label: ["tier=db"] }), ["one"]);
    assert.deepEqual(await names({ driver: ["other"] }), []);
    await assert.rejects(names({ nope: ["1"] }), { kind: "invalid", message: "invalid filter 'nope'" });
  });

  it("are pruned: the anonymous ones, all when asked, none in use", async () => {
    await world.volumes.create(aVolume("named"));
    await world.volumes.create(aVolume(""));
    await world.engine.create(aRequest({ config: { volumes: ["/data"] } }));
    assert.equal((await world.volumes.prune({})).deleted.length, 1);
    assert.deepEqual((await world.volumes.prune({ all: ["true"] })).deleted, ["named"]);
    assert.equal((await world.volumes.list({})).length, 1);
  });

  for (const step of ["state/volume.sync", "volumes/folder.remove"] as const)
    it(`are pruned though one of them cannot be removed, which stays and can be later: ${step}`, async () => {
      for (const name of ["one", "two", "three"]) await world.volumes.create(aVolume(name));
      const two = await world.volumes.inspect("two");
      let passed = 0;
      listenAtFailpoints((name, moment) => {
        if (name === step && moment === "before" && ++passed === 2) throw new Error("input/output error");
        return undefined;
      });
      try {
        assert.deepEqual((await world.volumes.prune({ all: ["true"] })).deleted, ["one", "three"]);
      } finally {
        listenAtFailpoints(undefined);
      }
      await world.close();
      await world.open();
      assert.deepEqual(await world.volumes.list({}), [two]);
      assert.deepEqual(readdirSync(join(world.directory, "volumes/two")), ["_data"]);
      assert.deepEqual((await world.volumes.prune({ all: ["true"] })).deleted, ["two"]);
    });
});
