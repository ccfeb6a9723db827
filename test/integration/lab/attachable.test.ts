import assert from "node:assert/strict";
import { docker, importBusybox, ok, runningTasks, serviceSpec, type TestHost, TestLab, until } from "./lab.ts";

interface ContainerJson {
  readonly State: { readonly Running: boolean };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

describe("containers on a network of the cluster", function () {
  this.timeout(90_000);
  let lab: TestLab;
  let m1: TestHost;
  let w1: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 1 });
    [m1, w1] = [lab.host("m1"), lab.host("w1")];
    await importBusybox(lab.hosts);
    await docker(m1, "network", "create", "-d", "overlay", "--attachable", "open");
    const spec = serviceSpec("web", {
      replicas: 2,
      command: ["sh", "-c", "hostname > /tmp/index.html; exec httpd -f -p 80 -h /tmp"],
    }) as { readonly TaskTemplate: object };
    const networks = [{ Target: "open" }];
    await ok(m1, "POST", "/services/create", { ...spec, TaskTemplate: { ...spec.TaskTemplate, Networks: networks } });
    await until("the tasks run", 30_000, async () => (await runningTasks(m1, "web")).length === 2);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  const start = (host: TestHost, name: string, ...flags: readonly string[]) =>
    docker(host, "run", "-d", "--name", name, "--network", "open", ...flags, "busybox", "sleep", "1000");
  const inspect = (host: TestHost, name: string) => ok<ContainerJson>(host, "GET", `/containers/${name}/json`);
  const addressOf = async (host: TestHost, name: string) =>
    (await inspect(host, name)).NetworkSettings.Networks["open"]?.IPAddress ?? "";
  /** Nothing for a name that nobody has. */
  async function resolves(host: TestHost, from: string, name: string): Promise<readonly string[]> {
    const text = await docker(host, "exec", from, "nslookup", name, "127.0.0.11").catch(() => "");
    return [...text.matchAll(/^Address(?: \d+)?: (10\.\S+)/gm)].map(([, address = ""]) => address);
  }

  it("reach services, tasks and each other by name on every host", async () => {
    await Promise.all([start(m1, "one", "--network-alias", "uno"), start(w1, "two")]);
    const [one, two] = [await addressOf(m1, "one"), await addressOf(w1, "two")];
    assert.match(one, /^10\.0\.\d+\.\d+$/);
    assert.notEqual(one, two);
    await until("two knows one", 5_000, async () => (await resolves(w1, "two", "uno")).includes(one));
    await docker(w1, "exec", "two", "ping", "-c1", "-W2", "one");
    await docker(m1, "exec", "one", "ping", "-c1", "-W2", "two");
    const answers = new Set<string>();
    const [service = ""] = await resolves(w1, "two", "web");
    const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc ${service} 80 | tail -1`;
    // Which task answers is drawn: that one of two never does in 24 is one case in eight million.
    for (let request = 0; request < 24; request++) answers.add(await docker(w1, "exec", "two", "sh", "-c", ask));
    assert.equal(answers.size, 2, "both tasks answer at the service's address");
    assert.equal((await resolves(w1, "two", "tasks.web")).length, 2);
  });

  it("keep the network from being removed, in Docker's words", async () => {
    await assert.rejects(docker(m1, "network", "rm", "open"), /network \w{25} is in use by (service|task) \w{25}/);
  });

  it("have given their place back when their end is told on another host", async () => {
    for (const flags of [["--rm"], ["--name", "ended"]]) {
      await docker(m1, "network", "create", "-d", "overlay", "--attachable", "brief");
      await docker(w1, "run", ...flags, "--network", "brief", "busybox", "true");
      assert.equal(await docker(m1, "network", "rm", "brief"), "brief");
    }
    await docker(w1, "rm", "ended");
  });

  it("keep their addresses and names while the daemon is away, and lose them when they ended meanwhile", async () => {
    const before = await addressOf(w1, "two");
    await start(w1, "three");
    const pid = await docker(w1, "inspect", "-f", "{{.State.Pid}}", "three");
    await lab.do("kill", "w1");
    await lab.sh("w1", `kill -9 ${pid}`);
    await lab.do("restart", "w1");
    await until("three has lost its name", 20_000, async () => (await resolves(m1, "one", "three")).length === 0);
    assert.equal(await addressOf(w1, "two"), before);
    assert.deepEqual(await resolves(m1, "one", "two"), [before]);
    await docker(m1, "exec", "one", "ping", "-c1", "-W2", "two");
  });

  it("can be connected, renamed and disconnected while they run", async () => {
    await docker(m1, "run", "-d", "--name", "late", "busybox", "sleep", "1000");
    await docker(m1, "network", "connect", "--alias", "tardy", "open", "late");
    const address = await addressOf(m1, "late");
    await until("two knows it", 5_000, async () => (await resolves(w1, "two", "tardy")).includes(address));
    await docker(w1, "exec", "two", "ping", "-c1", "-W2", "late");
    await docker(m1, "rename", "late", "later");
    await until("two knows its new name", 5_000, async () => (await resolves(w1, "two", "later")).includes(address));
    assert.deepEqual(await resolves(w1, "two", "late"), []);
    await docker(m1, "network", "disconnect", "open", "later");
    await until("two knows it no more", 5_000, async () => (await resolves(w1, "two", "later")).length === 0);
    assert.equal((await inspect(m1, "later")).State.Running, true);
  });

  it("are taken off it when their host leaves, and run on", async () => {
    await docker(w1, "swarm", "leave");
    const { State, NetworkSettings } = await inspect(w1, "two");
    assert.deepEqual([State.Running, Object.keys(NetworkSettings.Networks)], [true, []]);
    await until("nobody knows it", 10_000, async () => (await resolves(m1, "one", "two")).length === 0);
    await docker(m1, "service", "rm", "web");
    await docker(m1, "rm", "-f", "one");
    await until("nothing holds the network", 10_000, async () => {
      await docker(m1, "network", "rm", "open");
      return true;
    });
  });
});
