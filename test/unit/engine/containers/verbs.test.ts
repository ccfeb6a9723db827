import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseSignal } from "../../../../src/engine/containers/signals.ts";
import { parseProcessTable } from "../../../../src/engine/containers/top.ts";
import type { Filters } from "../../../../src/model/control.ts";
import { listenAtFailpoints } from "../../../../src/ports/failpoint.ts";
import { aRequest, FakeWorld, until } from "./fake-world.ts";

/** Until the action is over, no container's record can be written. @param action - Told whether one was tried. */
async function withFullDisk(action: (isHit: () => boolean) => Promise<void>): Promise<void> {
  let isHit = false;
  listenAtFailpoints((name, moment) => {
    if (name !== "state/container.sync" || moment !== "before") return;
    isHit = true;
    throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  });
  try {
    await action(() => isHit);
  } finally {
    listenAtFailpoints(undefined);
  }
}

const gently = { force: false, volumes: false, link: false };

describe("container verbs", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("refuse what a running container does not allow, in Docker's words", async () => {
    const { id } = await world.run({ name: "web" });
    await assert.rejects(world.engine.start(id), { kind: "not-modified" });
    await assert.rejects(world.engine.remove("web", gently), {
      kind: "conflict",
      message: 'cannot remove container "web": container is running: stop the container before removing or force remove',
    });
    await world.engine.pause(id);
    await assert.rejects(world.engine.pause(id), { kind: "conflict", message: `Container ${id} is already paused` });
    await assert.rejects(world.engine.start(id), {
      kind: "conflict",
      message: "cannot start a paused container, try unpause instead",
    });
    await assert.rejects(world.engine.remove("web", gently), {
      kind: "conflict",
      message: 'cannot remove container "web": container is paused and must be unpaused first',
    });
    await world.engine.remove("web", { ...gently, force: true });
    assert.deepEqual(await world.engine.list({ all: true, filters: {} }), []);
    assert.equal(world.hasFiles(id), false);
  });

  it("say that a container does not run when it ended as it was to be paused, and the runtime's reason when it did not", async () => {
    const { id } = await world.run({ name: "web" });
    world.host.failPause = true;
    const paused = world.engine.pause(id);
    setImmediate(() => world.process(id).exit(0));
    await assert.rejects(paused, { kind: "conflict", message: `container ${id} is not running` });
    const other = await world.run({ name: "other" });
    let isRefused = false;
    const refused = assert.rejects(world.engine.pause(other.id), /No such process/).then(() => (isRefused = true));
    while (!isRefused) {
      await world.clock.advance(1000);
      await new Promise(resolve => setImmediate(resolve));
    }
    await refused;
  });

  it("refuse what a stopped container does not allow", async () => {
    const { id } = await world.engine.create(aRequest({ name: "web" }));
    const message = `container ${id} is not running`;
    await assert.rejects(world.engine.kill("web", "KILL"), {
      kind: "conflict",
      message: `cannot kill container: web: ${message}`,
    });
    await assert.rejects(world.engine.pause("web"), { kind: "conflict", message });
    await assert.rejects(world.engine.unpause("web"), { kind: "conflict", message: `Container ${id} is not paused` });
    await assert.rejects(world.engine.top("web", ""), { kind: "conflict", message });
    await assert.rejects(world.engine.resize("web", { heightCells: 1, widthCells: 1 }), { kind: "conflict", message });
    await assert.rejects(world.engine.kill("web", "NOPE"), {
      kind: "invalid",
      message: "cannot kill container: web: invalid signal: NOPE",
    });
  });

  it("kill by any signal, and wait only for one that cannot be caught", async () => {
    const { id, process } = await world.run();
    await world.engine.kill(id, "SIGHUP");
    assert.deepEqual(process.signals, [1]);
    await world.engine.kill(id, "");
    assert.equal((await world.engine.inspect(id)).state.exitCode, 137);
  });

  it("stop what is paused", async () => {
    const { id } = await world.run();
    await world.engine.pause(id);
    await world.engine.stop(id, {});
    assert.equal(await world.status(id), "exited");
  });

  it("rename", async () => {
    const { id } = await world.run({ name: "old" });
    await world.engine.create(aRequest({ name: "taken" }));
    await assert.rejects(world.engine.rename("old", "taken"), { kind: "conflict" });
    await assert.rejects(world.engine.rename("old", "a b"), {
      kind: "invalid",
      message: "Error when allocating new name: Invalid container name (/a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    });
    await world.engine.rename("old", "new");
    assert.equal((await world.engine.inspect("new")).id, id);
    await world.engine.create(aRequest({ name: "old" }));
    await world.close();
    await world.open();
    assert.equal((await world.engine.inspect("new")).id, id);
  });

  it("a rename that the disk refuses leaves both names as they were", async () => {
    await world.run({ name: "old" });
    await withFullDisk(() => assert.rejects(world.engine.rename("old", "new"), { code: "ENOSPC" }));
    assert.equal((await world.engine.inspect("old")).name, "old");
    await world.engine.create(aRequest({ name: "new" }));
  });

  it("a container whose removal at its end the disk refused can be removed by hand", async () => {
    const { id, process } = await world.run({ hostConfig: { autoRemove: true } });
    await withFullDisk(async isHit => {
      process.exit(0);
      await until(isHit, "the removal is tried");
    });
    await world.engine.remove(id, gently);
    await assert.rejects(world.engine.inspect(id), { kind: "not-found" });
  });

  it("a removal that the disk refuses leaves no note of the volumes that were to go with it", async () => {
    const { id } = await world.engine.create(aRequest({ config: { volumes: ["/data"] } }));
    const note = join(world.directory, "containers", id, "undo.json");
    let wasNoted = false;
    await withFullDisk(async isHit => {
      const removal = world.engine.remove(id, { ...gently, volumes: true });
      await until(() => (wasNoted ||= existsSync(note)) || isHit(), "the removal is tried");
      await assert.rejects(removal, { code: "ENOSPC" });
    });
    assert.ok(!existsSync(note), "a start would take the volumes away after a removal that is to leave them");
    await world.engine.remove(id, gently);
  });

  it("update limits of what runs, and keep them", async () => {
    const { id, process } = await world.run({ hostConfig: { memoryBytes: 100e6 } });
    await world.engine.update(id, { memoryBytes: 50e6, cpuShares: 0, restartPolicy: { name: "always", maximumRetryCount: 0 } });
    assert.deepEqual(process.updated, { memory: 50e6 });
    const { hostConfig } = await world.engine.inspect(id);
    assert.deepEqual([hostConfig.memoryBytes, hostConfig.restartPolicy.name], [50e6, "always"]);
    const removed = await world.run({ hostConfig: { autoRemove: true } });
    await assert.rejects(world.engine.update(removed.id, { restartPolicy: { name: "always", maximumRetryCount: 0 } }), {
      message: `Cannot update container ${removed.id}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
    });
  });

  it("an update that the kernel refuses is told of and not kept", async () => {
    const { id, process } = await world.run({ hostConfig: { memoryBytes: 100e6 } });
    process.failUpdate = true;
    const stop = new AbortController();
    const events = world.events.follow({ filters: { event: ["update"] }, signal: stop.signal })[Symbol.asyncIterator]();
    const told = events.next();
    await assert.rejects(world.engine.update(id, { memoryBytes: 50e6 }), {
      message: `Cannot update container ${id}: device or resource busy`,
    });
    assert.equal((await told).value?.action, "update");
    stop.abort();
    assert.equal((await world.engine.inspect(id)).hostConfig.memoryBytes, 100e6);
  });

  it("create refuses what Docker refuses", async () => {
    const always = { name: "always", maximumRetryCount: 0 } as const;
    const cases = [
      { request: { config: { image: "nope" } }, kind: "not-found", message: "No such image: nope:latest" },
      {
        request: { name: "-" },
        kind: "invalid",
        message: "Invalid container name (-), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
      },
      {
        request: { config: { workingDir: "tmp" } },
        kind: "invalid",
        message: "the working directory 'tmp' is invalid, it needs to be an absolute path",
      },
      {
        request: { hostConfig: { autoRemove: true, restartPolicy: always } },
        kind: "invalid",
        message: "can't create 'AutoRemove' container with restart policy",
      },
      {
        request: { hostConfig: { logConfig: { type: "splunk", options: {} } } },
        kind: "invalid",
        message: 'error looking up logging plugin splunk: plugin "splunk" not found',
      },
      { request: { hostConfig: { networkMode: "nowhere" } }, kind: "not-found", message: "network nowhere not found" },
    ];
    for (const { request, kind, message } of cases)
      await assert.rejects(world.engine.create(aRequest(request)), { kind, message });
    assert.deepEqual(await world.engine.list({ all: true, filters: {} }), []);
  });

  it("start of a container that shares another's network needs it to run", async () => {
    await world.engine.create(aRequest({ name: "first" }));
    const { id } = await world.engine.create(aRequest({ name: "second", hostConfig: { networkMode: "container:first" } }));
    await assert.rejects(world.engine.start(id), { kind: "conflict", message: /non running container/ });
    await world.engine.start("first");
    await world.engine.start(id);
    const first = await world.engine.inspect("first");
    const second = await world.engine.inspect(id);
    assert.equal(second.hostsPath, first.hostsPath);
    assert.deepEqual(second.networks.endpoints, {});
  });

  it("prune what does not run and matches", async () => {
    const kept = await world.run();
    await world.engine.create(aRequest({ name: "labelled", config: { labels: { keep: "1" } } }));
    const { id } = await world.engine.create(aRequest());
    const { deleted } = await world.engine.prune({ "label!": ["keep"] });
    assert.deepEqual(deleted, [id]);
    await assert.rejects(world.engine.prune({ nope: ["1"] }), { kind: "invalid", message: "invalid filter 'nope'" });
    await world.engine.prune({ until: ["1h"] });
    const left = await world.engine.list({ all: true, filters: {} });
    assert.deepEqual(left.map(({ name }) => name).includes("labelled"), true);
    assert.equal(await world.status(kept.id), "running");
  });

  it("prune the others when one cannot be removed", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) ids.push((await world.engine.create(aRequest())).id);
    let syncs = 0;
    listenAtFailpoints((name, moment) => {
      if (name === "state/container.sync" && moment === "before" && ++syncs === 2) throw new Error("input/output error");
      return undefined;
    });
    try {
      assert.deepEqual((await world.engine.prune({})).deleted, [ids[0], ids[2]]);
    } finally {
      listenAtFailpoints(undefined);
    }
    assert.deepEqual((await world.engine.prune({})).deleted, [ids[1]]);
  });

  it("wait registers at once", async () => {
    const { id } = await world.engine.create(aRequest());
    const leave = new AbortController();
    const { result: now } = await world.engine.wait(id, "not-running", { signal: leave.signal });
    assert.deepEqual(await now, { exitCode: 0 });
    const { result: next } = await world.engine.wait(id, "next-exit", { signal: leave.signal });
    const { result: removed } = await world.engine.wait(id, "removed", { signal: leave.signal });
    await world.engine.start(id);
    world.process(id).exit(6);
    assert.deepEqual(await next, { exitCode: 6 });
    const { result: never } = await world.engine.wait(id, "next-exit", { signal: leave.signal });
    leave.abort(new Error("gone"));
    await assert.rejects(never, { message: "gone" });
    await assert.rejects(removed, { message: "gone" });
  });

  it("many at once on one container come out in order", async () => {
    const { id } = await world.engine.create(aRequest({ name: "web" }));
    const starts = await Promise.allSettled(Array.from({ length: 10 }, () => world.engine.start(id)));
    assert.equal(starts.filter(({ status }) => status === "fulfilled").length, 1);
    await Promise.allSettled([
      world.engine.restart(id, {}),
      world.engine.remove(id, { ...gently, force: true }),
      world.engine.start(id),
    ]);
    await until(async () => (await world.engine.list({ all: true, filters: {} })).length === 0, "it is gone");
    assert.equal(world.host.processes.size, 0);
    assert.equal(world.networks.connected.size, 0);
  });
});

describe("ps", () => {
  it("filters as Docker does", async () => {
    await using world = await FakeWorld.create();
    const first = await world.run({ name: "web-1", config: { labels: { app: "web", tier: "front" }, exposedPorts: ["80/tcp"] } });
    await world.clock.advance(10);
    await world.engine.create(
      aRequest({ name: "db", config: { labels: { app: "db" } }, hostConfig: { binds: ["vol:/data"], networkMode: "back" } }),
    );
    await world.clock.advance(10);
    const third = await world.run({ name: "job", config: { labels: { app: "job" } } });
    third.process.exit(2);
    await until(async () => (await world.status("job")) === "exited", "the job ended");
    const names = async (filters: Filters, all = false) =>
      (await world.engine.list({ all, filters })).map(({ name }) => name).join(" ");
    const cases: readonly (readonly [filters: Filters, found: string])[] = [
      [{}, "web-1"],
      [{ status: ["exited", "created"] }, "job db"],
      [{ exited: ["2"] }, "job"],
      [{ exited: ["0"] }, ""],
      [{ since: ["web-1"] }, "job db"],
      [{ before: ["db"] }, "web-1"],
    ];
    for (const [filters, found] of cases) assert.equal(await names(filters), found, JSON.stringify(filters));
    const all: readonly (readonly [filters: Filters, found: string])[] = [
      [{}, "job db web-1"],
      [{ name: ["^/web"] }, "web-1"],
      [{ name: ["b"] }, "job db web-1"],
      [{ id: [first.id.slice(0, 8)] }, "web-1"],
      [{ label: ["app=web", "tier"] }, "web-1"],
      [{ label: ["app", "tier=back"] }, ""],
      [{ volume: ["vol"] }, "db"],
      [{ volume: ["/data"] }, "db"],
      [{ network: ["back"] }, "db"],
      [{ ancestor: ["busybox"] }, "job db web-1"],
      [{ ancestor: ["other"] }, ""],
      [{ expose: ["80"] }, "web-1"],
      [{ expose: ["1-100/udp"] }, ""],
      [{ "is-task": ["false"] }, "job db web-1"],
      [{ health: ["none"] }, "job db web-1"],
    ];
    for (const [filters, found] of all) assert.equal(await names(filters, true), found, JSON.stringify(filters));
    assert.equal((await world.engine.list({ all: false, limit: 2, filters: {} })).length, 2);
    await assert.rejects(names({ nope: ["x"] }), { kind: "invalid", message: "invalid filter 'nope'" });
    await assert.rejects(names({ status: ["asleep"] }), { kind: "invalid" });
  });
});

describe("parseSignal", () => {
  const cases = { TERM: 15, sigkill: 9, "9": 9, SIGUSR1: 10, RTMIN: 34, "SIGRTMIN+1": 35, "RTMAX-1": 63 };
  for (const [text, number] of Object.entries(cases)) it(`takes ${text}`, () => assert.equal(parseSignal(text), number));
  for (const text of ["", "0", "65", "SIGNOPE"])
    it(`refuses "${text}"`, () => assert.throws(() => parseSignal(text), { kind: "invalid" }));
});

describe("parseProcessTable", () => {
  const output = "UID  PID  PPID CMD\nroot 10 1 sh -c  sleep 5\nroot 11 10 sleep 5\nroot 99 1 other\n";

  it("shows only the container's processes", () => {
    assert.deepEqual(parseProcessTable(output, new Set([10, 11])), {
      titles: ["UID", "PID", "PPID", "CMD"],
      processes: [
        ["root", "10", "1", "sh -c sleep 5"],
        ["root", "11", "10", "sleep 5"],
      ],
    });
  });

  it("needs the PID column", () => {
    assert.throws(() => parseProcessTable("CMD\nsh\n", new Set()), { message: "Couldn't find PID field in ps output" });
  });
});
