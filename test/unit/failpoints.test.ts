import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { failpoint, FAILPOINTS, failpointNow, listenAtFailpoints } from "../../src/ports/failpoint.ts";
import { namesUsed, type Site, sitesIn, sitesWithoutFailpoint, sourcesOf } from "./failpoint-sites.ts";

interface Exception {
  /** The file, or a folder with all that is in it. */
  readonly where: string;
  /** Part of the line; missing: every call there. */
  readonly call?: string;
  readonly because: string;
}

/** Steps without a failpoint of their own. */
const EXCEPTIONS: readonly Exception[] = [
  { where: "raft/", because: "played by test/sim, whose disk fails at any sync and loses what was not synced" },
  { where: "system/unpack-tar.ts", because: "of the client: `container bundle` unpacks in a folder of its user's" },
  { where: "system/disk.ts", because: "the real twin of the simulated disk: the managers' state alone is on it" },
  { where: "cli/", because: "the client: it owns no more than its configuration file" },
  { where: "network/", because: "the swarm's networks, made anew from the assignments whenever a daemon starts" },
  { where: "daemon/swarm/", because: "the manager's process: it ends with its daemon, and test/integration/lab kills it" },
  {
    where: "daemon/log-file.ts",
    because: "the daemon's own log: a rotation cut short leaves one file fewer, owned by the daemon",
  },
  { where: "system/ip-batch.ts", call: "run([])", because: "waits until it answers: nothing is changed" },
  { where: "system/exec.ts", because: "what programs with an output are run by: their failpoints are at the callers" },
  { where: "system/archive-helper.ts", because: "in the helper, on behalf of images/rootfs.mount" },
  { where: "system/archive/container-root.ts", because: "in the helper's own mount namespace, which ends with it" },
  { where: "system/overlay.ts", because: "the steps of images/rootfs.mount and images/rootfs.unmount" },
  { where: "system/kernel-network.ts", call: "umount2(path", because: "the step of networks/namespace.delete" },
  { where: "system/namespaces/make-namespace.ts", because: "the step of networks/namespace.create, in a thread of its own" },
  { where: "system/owned-namespace.ts", because: "the steps of networks/namespace.create" },
  {
    where: "daemon/remap/add-default-user.ts",
    because: "once in a machine's life, before there is an engine: a start goes on where an earlier one was cut short",
  },
  { where: "system/nftables.ts", because: "the step of networks/nftables.apply" },
  { where: "engine/networks/bridge-devices.ts", call: "kernel.host.run", because: "the steps of networks/bridge.raise" },
  { where: "engine/networks/bridge-devices.ts", call: '"route", "show"', because: "reads" },
  { where: "engine/networks/family-firewall.ts", call: "-save", because: "reads" },
  {
    where: "engine/networks/container-sandboxes.ts",
    call: "nftables.run(nameServerRules",
    because: "networks/nftables.apply is in what it calls",
  },
  { where: "engine/volumes/volumes.ts", call: '"mountpoint"', because: "reads" },
  { where: "engine/runtime/probe.ts", call: '"--version"', because: "reads" },
  { where: "engine/runtime/probe.ts", call: '"features"', because: "reads" },
  { where: "engine/containers/top.ts", call: '"ps"', because: "reads" },
  {
    where: "engine/logs/container-log.ts",
    call: "rename(rotatedPath",
    because: "takes a rotation back that failed: cut off there, things are as after logs/rotate.rename",
  },
];

describe("failpoints", () => {
  afterEach(() => listenAtFailpoints(undefined));

  const isExcepted = ({ file, text }: Site, { where, call = "" }: Exception): boolean =>
    (where.endsWith("/") ? file.startsWith(where) : file === where) && text.includes(call);

  it("stand at every sync, rename, start of a program, mount and change of a rule", () => {
    const bare = sitesWithoutFailpoint().filter(site => !EXCEPTIONS.some(exception => isExcepted(site, exception)));
    assert.deepEqual(
      bare.map(({ file, line, kind, text }) => `src/${file}:${line} ${kind}: ${text}`),
      [],
    );
  });

  it("are left out nowhere that has none to leave out", () => {
    const sites = sitesWithoutFailpoint();
    const stale = EXCEPTIONS.filter(exception => !sites.some(site => isExcepted(site, exception)));
    assert.deepEqual(stale, []);
  });

  it("are all in the code", () => {
    const used = sourcesOf("src")
      .filter(file => file !== "ports/failpoint.ts")
      .flatMap(file => namesUsed(readFileSync(join("src", file), "utf8")));
    assert.deepEqual(
      FAILPOINTS.filter(name => !used.some(pattern => pattern.test(name))),
      [],
    );
  });

  for (const [kind, code] of [
    ["sync", "await file.datasync();"],
    ["rename", "await rename(from, to);"],
    ["rename", "renameSync(from, to);"],
    ["spawn", "const child = host.spawner.spawn({ file });"],
    ["spawn", 'await this.#exec.run("mount", []);'],
    ["mount", 'await mountAsync("overlay", target, "overlay", 0, options);'],
    ["mount", "umount2(target, 0);"],
    ["rule", "await kernel.host.run([command]);"],
    ["rule", "await kernel.linksSlow.change([change]);"],
  ] as const) {
    it(`would be missed at ${code}`, () => {
      assert.deepEqual(
        sitesIn("a.ts", `\n${code}`).map(site => [site.kind, site.line]),
        [[kind, 2]],
      );
      assert.deepEqual(sitesIn("a.ts", `await failpoint("a/b.c", () => { say(")"); ${code} });`), []);
      assert.deepEqual(sitesIn("a.ts", `// ${code}`), []);
    });
  }

  it("cost nothing and change nothing when nobody listens", async () => {
    assert.equal(await failpoint("images/blob.rename", async () => 1), 1);
    assert.equal(
      failpointNow("runtime/conmon.spawn", () => 2),
      2,
    );
  });

  it("are told before and after, and fail the step with what is thrown", async () => {
    const seen: string[] = [];
    listenAtFailpoints((name, moment) => {
      seen.push(`${moment} ${name}`);
      if (name === "images/layer.rename" && moment === "before") throw new Error("no");
      return undefined;
    });
    await failpoint("images/blob.rename", async () => void seen.push("step"));
    await assert.rejects(
      failpoint("images/layer.rename", async () => void seen.push("never")),
      /no/,
    );
    assert.deepEqual(seen, ["before images/blob.rename", "step", "after images/blob.rename", "before images/layer.rename"]);
  });

  it("hold a step up that can wait, and refuse to where it cannot", async () => {
    let open = (): void => {};
    const gate = new Promise<void>(resolve => (open = resolve));
    const seen: string[] = [];
    listenAtFailpoints((_, moment) => (moment === "before" ? gate : undefined));
    const done = failpoint("images/blob.rename", async () => void seen.push("step"));
    await Promise.resolve();
    assert.deepEqual(seen, []);
    open();
    await done;
    assert.deepEqual(seen, ["step"]);
    assert.throws(() => failpointNow("runtime/conmon.spawn", () => 2), /cannot wait/);
  });

  it("are listed in order, once each", () => {
    assert.deepEqual([...new Set(FAILPOINTS)].sort(), [...FAILPOINTS]);
  });
});
