import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { call, importBusybox, ok, type TestHost, TestLab, until } from "../lab/lab.ts";

const run = promisify(execFile);
const SHOALD = `${process.execPath} ${join(process.cwd(), "bin/shoald")}`;
/** A second daemon's own places, on the host's /run, which is in memory. */
const APART = "--exec-root /run/two --host unix:///run/two.sock --pidfile /run/two.pid";
const KILLS = 7;
const CONTAINERS = 60;
const AT_ONCE = 10;
const RACES = 20;
/** Caches and pools that fill once. */
const SPARE_DESCRIPTORS = 12;

describe("a daemon in trouble", function () {
  this.timeout(90_000);
  let lab: TestLab;
  let host: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    host = lab.host("m1");
    await importBusybox([host]);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  const dataRoot = (): string => join(host.socket, "../data");
  const refusals: readonly { readonly when: string; readonly command: () => string; readonly says: RegExp }[] = [
    {
      when: "the data root is in use",
      command: () => `${SHOALD} ${APART} --data-root ${dataRoot()}`,
      says: /^shoald: cannot open the state database .*: another daemon uses this data root$/m,
    },
    {
      when: "the pid file names a daemon that runs",
      command: () => `${SHOALD} ${APART.replace("/run/two.pid", join(host.socket, "../shoald.pid"))} --data-root /run/data`,
      says: /^shoald: failed to start daemon, .*process with PID \d+ is still running$/m,
    },
    {
      when: "another daemon listens on the socket",
      command: () => `${SHOALD} ${APART.replace("/run/two.sock", host.socket)} --data-root /run/data`,
      says: /^shoald: another program listens on /m,
    },
    {
      when: "the data root cannot be made",
      command: () => `${SHOALD} ${APART} --data-root /proc/data`,
      says: /^shoald: cannot make the data root, \/proc\/data: mkdir \/proc\/data: no such file or directory/m,
    },
    {
      when: "the data root is a file",
      command: () => `touch /run/file; ${SHOALD} ${APART} --data-root /run/file`,
      says: /^shoald: cannot make the data root, \/run\/file: mkdir \/run\/file: file exists/m,
    },
  ];
  for (const { when, command, says } of refusals) {
    it(`does not start when ${when}, and says why`, async () => {
      const output = await lab.sh("m1", `(timeout -k 1 10 sh -c '${command()}' 2>&1; echo "exit $?")`);
      assert.match(output, says);
      assert.match(output, /^exit 1$/m);
      await ok(host, "GET", "/_ping");
    });
  }

  it("refuses what a full disk has no room for, and goes on when there is room again", async () => {
    await lab.sh("m1", "mkdir -p /run/small && mount -t tmpfs -o size=24m tmpfs /run/small");
    await lab.sh(
      "m1",
      `(unshare --net ${SHOALD} --exec-root /run/small-run --host unix:///run/small.sock --pidfile /run/small.pid --data-root /run/small/data >/run/small.log 2>&1 &)`,
    );
    const small: TestHost = { ...host, socket: lab.inside("m1", "/run/small.sock") };
    try {
      await until("the daemon answers", 15_000, async () => (await call(small, "GET", "/_ping")).status === 200);
      await importBusybox([small]);
      await ok(small, "POST", "/containers/create?name=first", { Image: "busybox" });
      await lab.sh("m1", "dd if=/dev/zero of=/run/small/fill bs=64k >/dev/null 2>&1 || true");
      await assert.rejects(importBusybox([small]));
      const start = await call(small, "POST", "/containers/first/start");
      const created = await call(small, "POST", "/containers/create?name=second", { body: { Image: "busybox" } });
      const volume = await call(small, "POST", "/volumes/create", { body: { Name: "third" } });
      for (const answer of [start, created, volume]) {
        if (answer.status < 400) continue; // It fitted: a file system in memory rounds to pages.
        assert.match(JSON.stringify(answer.body), /no space left on device/i);
      }
      assert.ok(
        [created, volume].some(({ status }) => status >= 400),
        "the disk was not full",
      );
      await ok(small, "GET", "/containers/json");
      await lab.sh("m1", "rm /run/small/fill");
      await importBusybox([small]);
      const { Id } = await ok<{ Id: string }>(small, "POST", "/containers/create?name=fourth", {
        Image: "busybox",
        Cmd: ["true"],
        HostConfig: { NetworkMode: "none" },
      });
      await ok(small, "POST", `/containers/${Id}/start`);
      const { StatusCode } = await ok<{ StatusCode: number }>(small, "POST", `/containers/${Id}/wait`);
      assert.equal(StatusCode, 0);
    } finally {
      await lab.sh("m1", "kill $(cat /run/small.pid); while kill -0 $(cat /run/small.pid) 2>/dev/null; do sleep 0.1; done; true");
    }
  });

  it(`gives a name to one of two who ask for it at once, ${RACES} times`, async () => {
    for (let round = 0; round < RACES; round++) {
      const create = () => call(host, "POST", "/containers/create?name=race", { body: { Image: "busybox" } });
      const created = (await Promise.all([create(), create()])).map(({ status }) => status).sort((a, b) => a - b);
      assert.deepEqual(created, [201, 409]);
      const remove = () => call(host, "DELETE", "/containers/race?force=1");
      const removed = (await Promise.all([remove(), remove()])).map(({ status }) => status).sort((a, b) => a - b);
      assert.equal(removed[0], 204);
      assert.ok(removed[1] === 204 || removed[1] === 404 || removed[1] === 409, `the second removal: ${removed[1]}`);
    }
  });

  it(`leaves nothing of ${CONTAINERS} containers that ran and were removed`, async () => {
    const cycle = async (): Promise<void> => {
      const { Id } = await ok<{ Id: string }>(host, "POST", "/containers/create", { Image: "busybox", Cmd: ["true"] });
      await ok(host, "POST", `/containers/${Id}/start`);
      await ok(host, "POST", `/containers/${Id}/wait`);
      await ok(host, "DELETE", `/containers/${Id}`);
    };
    const cycles = async (count: number) => {
      for (let done = 0; done < count; done += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, cycle));
    };
    await cycles(AT_ONCE); // Pools and caches fill.
    const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;
    await until("the first are gone", 10_000, async () => {
      const { links, bundles, directories } = await leftovers();
      return [links, bundles, directories].every(isEmpty);
    });
    const before = await leftovers();
    const descriptors = openDescriptors();
    await cycles(CONTAINERS);
    await until("what the containers used is gone", 10_000, async () => same(await leftovers(), before)).catch(async () => {
      assert.deepEqual(await leftovers(), before);
    });
    assert.ok(
      openDescriptors() <= descriptors + SPARE_DESCRIPTORS,
      `${descriptors} descriptors before, ${openDescriptors()} after`,
    );
  });

  it("stops containers when it is told to stop without live restore, and starts those again that no user stopped", async () => {
    const names = ["stays", "was-stopped", "unless-stopped"];
    for (const name of names) {
      const body = {
        ...{ Image: "busybox", Cmd: ["sleep", "1000"], StopTimeout: 0 },
        HostConfig: { NetworkMode: "none", RestartPolicy: { Name: name === "stays" ? "no" : "unless-stopped" } },
      };
      await ok(host, "POST", `/containers/create?name=${name}`, body);
      await ok(host, "POST", `/containers/${name}/start`);
    }
    await ok(host, "POST", "/containers/was-stopped/stop?t=0");
    const states = async () => {
      const inspected = await Promise.all(
        names.map(name => ok<{ State: { Status: string } }>(host, "GET", `/containers/${name}/json`)),
      );
      return inspected.map(({ State }) => State.Status);
    };
    const terminate = async (): Promise<void> => {
      const pidFile = join(host.socket, "../shoald.pid");
      const pid = Number(readFileSync(pidFile, "utf8"));
      process.kill(pid, "SIGTERM");
      await until("the daemon has ended", 20_000, async () => !existsSync(pidFile) && !isRunning(pid));
      await lab.do("restart", "m1");
    };
    const config = join(host.socket, "../daemon.json");
    try {
      await terminate();
      assert.deepEqual(await states(), ["running", "exited", "running"]);
      writeFileSync(config, '{ "live-restore": false, "shutdown-timeout": 1 }');
      await terminate(); // It stopped with the old settings: all of them live on.
      assert.deepEqual(await states(), ["running", "exited", "running"]);
      await terminate();
      await until("the one that no user stopped runs again", 10_000, async () => (await states())[2] === "running");
      assert.deepEqual(await states(), ["exited", "exited", "running"]);
    } finally {
      rmSync(config, { force: true });
      await terminate();
      await Promise.all(names.map(name => call(host, "DELETE", `/containers/${name}?force=1`)));
    }
  });

  it(`leaves nothing when it is killed ${KILLS} times while containers come and go`, async () => {
    const before = await leftovers();
    let isOver = false;
    const coming = Array.from({ length: 2 }, async () => {
      while (!isOver) {
        await run("docker", ["run", "--rm", "busybox", "true"], {
          env: { PATH: process.env["PATH"], DOCKER_HOST: `unix://${host.socket}` },
          timeout: 20_000,
        }).catch(() => undefined); // Many are cut off by a kill: what is left of them is the question.
      }
    });
    for (let kill = 0; kill < KILLS; kill++) {
      await new Promise(resolve => setTimeout(resolve, 50 + kill * 30)); // Another moment each time.
      await lab.do("kill", "m1");
      await lab.do("restart", "m1");
    }
    isOver = true;
    await Promise.all(coming);
    const containers = await ok<readonly { Id: string }[]>(host, "GET", "/containers/json?all=1");
    await Promise.all(containers.map(({ Id }) => call(host, "DELETE", `/containers/${Id}?force=1`)));
    await until("nothing is left", 15_000, async () => same(await leftovers(), before)).catch(async () => {
      assert.deepEqual(await leftovers(), before);
    });
  });

  /** What containers could leave on the host, ready-made namespaces of the pool left out of the count. */
  async function leftovers(): Promise<Record<string, unknown>> {
    const containers = await ok<readonly unknown[]>(host, "GET", "/containers/json?all=1");
    const links = (await lab.sh("m1", "ip -o link")).split("\n").filter(line => /veth/.test(line));
    const mounts = (await lab.sh("m1", "cat /proc/self/mountinfo")).split("\n").filter(line => /overlay|\/shm /.test(line));
    const rules = (await lab.sh("m1", "iptables-save 2>/dev/null"))
      .split("\n")
      .filter(line => line.startsWith("-A"))
      .sort();
    const cgroups = readdirSync(`${pidsHierarchy()}/shoal-lab/${lab.name}/m1/containers`, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name);
    return {
      ...{ containers, links, mounts, rules, cgroups },
      bundles: readdirSync(lab.inside("m1", "/run/shoal/containers")),
      directories: readdirSync(join(dataRoot(), "containers")),
    };
  }

  function openDescriptors(): number {
    const { pid } = JSON.parse(readFileSync(join(host.socket, "../shoald.identity"), "utf8")) as { pid: number };
    return readdirSync(`/proc/${pid}/fd`).length;
  }
});

function pidsHierarchy(): string {
  return readdirSync("/sys/fs/cgroup").includes("pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
}

function same(now: Record<string, unknown>, before: Record<string, unknown>): boolean {
  return Object.entries(now).every(([name, value]) => JSON.stringify(value) === JSON.stringify(before[name]));
}

/** A dead process that its parent has yet to collect does not run. */
function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
