import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { call, importBusybox, type NodeJson, ok, runningTasks, until } from "../lab/lab.ts";
import { OwnDaemon } from "../daemon/own-daemon.ts";

const run = promisify(execFile);
const SETTLE_MS = 20_000;
const MODE = { UID: "0", GID: "0", Mode: 0o400 };
/** Says what is in its files, at its start and whenever it gets a signal. */
const PROGRAM = 'say() { echo "$(cat /run/secrets/password) $(cat /page)"; }; trap say HUP; say; while :; do sleep 0.1; done';

interface Blob {
  readonly ID: string;
  readonly Version: { readonly Index: number };
}

describe("a swarm of one whose daemon and objects change", function () {
  this.timeout(60_000);
  let daemon: OwnDaemon;
  let secret: Blob;
  let config: Blob;

  before(async () => {
    daemon = new OwnDaemon();
    daemon.writeConfig({ "node-generic-resources": ["gpu=one", "gpu=two"] });
    await daemon.start({ flags: ["--config-file", daemon.configPath] });
    await importBusybox([daemon.host]);
    await ok(daemon.host, "POST", "/swarm/init", { ListenAddr: "127.0.0.1:2377", AdvertiseAddr: "127.0.0.1" });
    secret = await ok(daemon.host, "POST", "/secrets/create", { Name: "password", Data: encoded("one") });
    config = await ok(daemon.host, "POST", "/configs/create", { Name: "page", Data: encoded("first page") });
    await ok(daemon.host, "POST", "/services/create", {
      Name: "web",
      TaskTemplate: {
        ContainerSpec: {
          ...{ Image: "busybox:latest", Command: ["sh", "-c", PROGRAM], StopGracePeriod: 1e9 },
          Secrets: [{ SecretID: secret.ID, SecretName: "password", File: { Name: "password", ...MODE } }],
          HostConfig: {
            ...{ ShmSize: 2 ** 20, CpusetCpus: "0", UTSMode: "host" },
            Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/other", CgroupPermissions: "rw" }],
          },
          Configs: [{ ConfigID: config.ID, ConfigName: "page", File: { Name: "/page", ...MODE } }],
        },
        Resources: { Reservations: { GenericResources: [{ DiscreteResourceSpec: { Kind: "gpu", Value: 1 } }] } },
      },
      Mode: { Replicated: { Replicas: 2 } },
      UpdateConfig: { Parallelism: 2, Monitor: 5e8 },
    });
    await until("two tasks run", SETTLE_MS, async () => (await running()).length === 2);
  });
  after(async () => {
    // Its networks go with the swarm, and their namespaces with them.
    await call(daemon.host, "POST", "/swarm/leave?force=1");
    await daemon[Symbol.asyncDispose]();
  });

  const running = () => runningTasks(daemon.host, "web");
  const names = async () => (await running()).map(({ ID }) => ID).toSorted();
  const logs = async () => String((await call(daemon.host, "GET", "/services/web/logs?stdout=1")).body);
  const shoal = async (...args: readonly string[]) =>
    (await run(process.execPath, ["bin/shoal", "-H", `unix://${daemon.host.socket}`, ...args])).stdout;
  const input = (text: string) => `printf '%s' '${text}'`;
  /** With data by standard input. */
  const update = async (what: string, text: string) =>
    await run("sh", ["-c", `${input(text)} | ${process.execPath} bin/shoal -H unix://${daemon.host.socket} ${what} -`]);

  it("gives tasks of their host what their service asks for", async () => {
    const [id = ""] = (await shoal("ps", "-q")).split("\n");
    const script =
      "stat -c %F /dev/other; echo x > /dev/other; df -k /dev/shm | tail -1; grep Cpus_allowed_list /proc/self/status; hostname";
    const seen = (await shoal("exec", id, "sh", "-c", script)).split("\n").map(line => line.trim().split(/\s+/));
    assert.deepEqual(seen[0], ["character", "special", "file"]);
    assert.equal(seen[1]?.[1], "1024");
    assert.deepEqual(seen[2], ["Cpus_allowed_list:", "0"]);
    assert.deepEqual(seen[3], [(await ok<{ Name: string }>(daemon.host, "GET", "/info")).Name]);
  });

  it("tells running tasks of a secret's new data by a signal, once each", async () => {
    const before = await names();
    await update("secret update --signal HUP password", "two");
    await until("both have said it", SETTLE_MS, async () => (await logs()).match(/two first page/g)?.length === 2);
    await update("config update --rewrite page", "another page, of another length");
    const [id = ""] = (await shoal("ps", "-q")).split("\n");
    const held = async () => await shoal("exec", id, "cat", "/page");
    await until("its file is another", SETTLE_MS, async () => (await held()) === "another page, of another length");
    assert.equal(await shoal("exec", id, "stat", "-c", "%a", "/run/secrets/password"), "400\n");
    assert.doesNotMatch(await logs(), /another page/, "nobody was told of the page");
    assert.deepEqual(await names(), before, "no task was replaced");
  });

  it("leaves running tasks alone where nothing is said, and replaces them where a restart is asked for", async () => {
    const before = await names();
    await update("secret update password", "three");
    await update("config update --restart page", "p3");
    const after = await names();
    assert.ok(after.length === 2 && after.every(id => !before.includes(id)), "both are new");
    await until("both say all that is new", SETTLE_MS, async () => (await logs()).match(/three p3/g)?.length === 2);
    assert.doesNotMatch(await logs(), /three (?!p3)/);
  });

  it("refuses what is no signal, an old version and other data in Docker's own call, and changes nothing", async () => {
    const { Version } = await ok<Blob>(daemon.host, "GET", "/secrets/password");
    const path = (what: string, version = Version.Index) => `/secrets/${secret.ID}/${what}?version=${version}`;
    const Data = encoded("four");
    for (const [route, body, status, message] of [
      [path("data"), { Data, ReloadSignal: "NOPE" }, 400, /invalid signal: NOPE/],
      [path("data"), { Data: "" }, 400, /secret data must be larger than 0/],
      [path("data", secret.Version?.Index ?? 1), { Data }, 500, /update out of sequence/],
      ["/secrets/nope/data?version=1", { Data }, 404, /secret nope not found/],
      [path("update"), { Name: "password", Data }, 400, /only updates to Labels are allowed/],
    ] as const) {
      const answer = await call(daemon.host, "POST", route, { body });
      assert.match(String((answer.body as { message?: string }).message), message);
      assert.equal(answer.status, status, String(message));
    }
    assert.deepEqual((await ok<Blob>(daemon.host, "GET", "/secrets/password")).Version, Version);
  });

  it("offers other resources after a reload, and gives up the task whose own is gone", async () => {
    const resources = async () => {
      const [node] = await ok<readonly (NodeJson & { Description: { Resources: { GenericResources?: unknown } } })[]>(
        daemon.host,
        "GET",
        "/nodes",
      );
      return node?.Description.Resources.GenericResources;
    };
    const named = (...values: readonly string[]) => values.map(Value => ({ NamedResourceSpec: { Kind: "gpu", Value } }));
    assert.deepEqual(await resources(), named("one", "two"));
    const held = async () =>
      (await running()).flatMap(task => (task as { GenericResources?: unknown }).GenericResources as readonly unknown[]);
    assert.deepEqual(new Set((await held()).map(each => JSON.stringify(each))).size, 2);
    daemon.writeConfig({ "node-generic-resources": ["gpu=two"], labels: ["a=b"] });
    daemon.signal("SIGHUP");
    await until("one task is left", SETTLE_MS, async () => JSON.stringify(await held()) === JSON.stringify(named("two")));
    assert.deepEqual(await resources(), named("two"));
    const tasks = await ok<readonly { Status: { State: string; Err?: string } }[]>(daemon.host, "GET", "/tasks");
    assert.ok(tasks.some(({ Status }) => Status.Err === "no suitable node (insufficient resources on 1 node)"));
    await until("one container is left", SETTLE_MS, async () => (await shoal("ps", "-q")).trim().split("\n").length === 1);
    assert.match(await shoal("exec", (await shoal("ps", "-q")).trim(), "env"), /^DOCKER_RESOURCE_GPU=two$/m);
  });

  it("gives each slot its address, also to the task after the next, and refuses what cannot be", async () => {
    await shoal("network", "create", "--driver", "overlay", "--subnet", "10.9.0.0/24", "app");
    const options = [
      "--replicas",
      "2",
      "--restart-delay",
      "0s",
      "--stop-grace-period",
      "0s",
      "--network",
      "name=app,ip=10.9.0.20-10.9.0.29",
    ];
    await shoal("service", "create", "-d", "--name", "db", ...options, "busybox:latest", "sleep", "1000");
    /** As the tasks themselves see them, by slot. */
    const addresses = async () => {
      const containers = (await shoal("ps", "--filter", "name=^db[.]", "--format", "{{.Names}}")).trim().split("\n").toSorted();
      const seen = containers.map(async name => `${name.slice(0, 4)} ${await shoal("exec", name, "ip", "-4", "-o", "address")}`);
      return (await Promise.all(seen)).map(text => [text.slice(0, 4), /inet (10\.9\.\S+)/.exec(text)?.[1]].join(" "));
    };
    const wanted = ["db.1 10.9.0.20/24", "db.2 10.9.0.21/24"];
    const settled = async (before: readonly string[]) => {
      const tasks = (await runningTasks(daemon.host, "db")).map(({ ID }) => ID);
      return tasks.length === 2 && tasks.every(id => !before.includes(id));
    };
    await until("two tasks run", SETTLE_MS, () => settled([]));
    assert.deepEqual(await addresses(), wanted);
    const before = (await runningTasks(daemon.host, "db")).map(({ ID }) => ID);
    await shoal("service", "update", "-d", "--force", "db");
    await until("both are others", SETTLE_MS, () => settled(before));
    assert.deepEqual(await addresses(), wanted);
    await assert.rejects(
      shoal("service", "update", "-d", "--update-order", "start-first", "db"),
      /cannot be updated start-first/,
    );
    await assert.rejects(
      shoal("service", "scale", "-d", "db=11"),
      /11 replicas need as many addresses on network app: 10 are given/,
    );
  });
});

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}
