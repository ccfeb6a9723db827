import assert from "node:assert/strict";
import { Load } from "./load.ts";
import {
  call,
  importBusybox,
  importDemoServer,
  type NodeJson,
  ok,
  runningTasks,
  serviceSpec,
  type TestHost,
  TestLab,
  until,
} from "./lab.ts";

const REPLICAS = 3;
/** What the demonstration's server tells its clients, who count an answer without it as failed. */
const VERSION = ["VERSION=1"];
const MOVED = 20;
const LOAD_PORT = 18_082;

describe("services across hosts", function () {
  this.timeout(120_000);
  let lab: TestLab;
  let manager: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 2 });
    manager = lab.host("m1");
    await importBusybox(lab.hosts);
    await importDemoServer(lab.hosts);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  it("reach each other on an overlay network by task address, by virtual address and by name", async () => {
    const { Id } = await ok<{ Id: string }>(manager, "POST", "/networks/create", { Name: "inner", Driver: "overlay" });
    await create("web", { command: ["sleep", "1000"], networks: [Id] });
    const tasks = await Promise.all(lab.hosts.map(host => taskOn(host, "web")));
    const addresses = await Promise.all(tasks.map(task => inTask(task, "busybox ip -4 -o addr show eth0")));
    const own = addresses.map(output => /inet (10[\d.]+)/.exec(output)?.[1] ?? "");
    for (const task of tasks) {
      for (const address of own) assert.match(await inTask(task, `busybox ping -c 1 -W 2 ${address}`), /1 packets received/);
      const names = await inTask(task, "busybox nslookup web 127.0.0.11");
      const virtual = [...names.matchAll(/Address: (10[\d.]+)/g)].map(match => match[1] ?? "");
      assert.equal(virtual.length, 1, names);
      assert.ok(!own.includes(virtual[0] ?? ""), "the service has an address of its own");
      assert.match(await inTask(task, `busybox ping -c 1 -W 2 ${virtual[0]}`), /1 packets received/);
      const each = await inTask(task, "busybox nslookup tasks.web 127.0.0.11");
      assert.deepEqual([...each.matchAll(/Address: (10[\d.]+)/g)].map(match => match[1] ?? "").toSorted(), [...own].toSorted());
    }
  });

  it("are reached on their published port on every node, and see the client's own address", async () => {
    await create("open", {
      image: "demo",
      ports: [{ Protocol: "tcp", TargetPort: 8080, PublishedPort: 18080, PublishMode: "ingress" }],
    });
    for (const host of lab.hosts) {
      const tasks = new Set<string>();
      await until(`${host.name} hands connections to every task`, 15_000, async () => {
        const answer = await lab.sh("client", httpGet(host.address, 18080));
        const [, task = "", client = ""] = /task=(\S+) client=(\S+)/.exec(answer) ?? [];
        assert.equal(client, "10.99.0.250");
        tasks.add(task);
        return tasks.size === REPLICAS;
      });
    }
  });

  it(`move away from a node that is drained, ${MOVED} tasks under load without one failed request, and come back to none that is not active`, async () => {
    await setAvailability("w2", "pause");
    await create("steady", {
      ...{ image: "demo", replicas: MOVED, constraints: ["node.role == worker"] },
      ports: [{ Protocol: "tcp", TargetPort: 8080, PublishedPort: LOAD_PORT, PublishMode: "ingress" }],
      health: {
        Test: ["CMD", "/usr/bin/perl", "-MIO::Socket::INET", "-e", "exit !IO::Socket::INET->new(q(127.0.0.1:8080))"],
        ...{ StartPeriod: 60e9, StartInterval: 500e6, Interval: 60e9, Timeout: 10e9 },
      },
    });
    await setAvailability("w2", "active");
    const drained = await nodeOf("w1");
    await using load = Load.begin(lab, { port: LOAD_PORT });
    await until("answers on every host", 15_000, async () => load.answeredTargets >= lab.hosts.length);
    await setAvailability("w1", "drain");
    const tookMs = await until("nothing runs on w1", 60_000, async () => {
      const tasks = await runningTasks(manager, "steady");
      return tasks.length === MOVED && tasks.every(task => task.NodeID !== drained.ID);
    });
    await until("w1 has no containers that run", 30_000, async () => (await containersOf("w1")) === 0);
    const records = await load.end();
    const failed = records.filter(({ error }) => error !== undefined);
    console.log(
      `note: ${MOVED} tasks left their node within ${Math.round(tookMs)} ms, ${records.length} requests, ${failed.length} failed`,
    );
    assert.deepEqual(failed, []);
    assert.ok(records.length > 100, `${records.length} requests`);
  });

  it("are refused in Docker's words when what they ask for is taken", async () => {
    const spec = serviceSpec("open2", { replicas: 1, command: ["true"] }) as Record<string, unknown>;
    const answer = await call(manager, "POST", "/services/create", {
      body: {
        ...spec,
        EndpointSpec: { Ports: [{ Protocol: "tcp", TargetPort: 80, PublishedPort: 18080, PublishMode: "ingress" }] },
      },
    });
    assert.match(JSON.stringify(answer.body), /port '18080' is already in use by service 'open'/);
  });

  // ---- ----

  interface Placed {
    readonly host: TestHost;
    readonly pid: number;
  }

  async function create(
    name: string,
    options: {
      readonly command?: readonly string[];
      readonly image?: string;
      readonly networks?: readonly string[];
      readonly ports?: readonly unknown[];
      readonly replicas?: number;
      readonly constraints?: readonly string[];
      readonly health?: object;
    },
  ): Promise<void> {
    const { replicas = REPLICAS } = options;
    const spec = serviceSpec(name, { ...options, replicas }) as { TaskTemplate: { readonly ContainerSpec: object } };
    const container = {
      ...spec.TaskTemplate.ContainerSpec,
      ...(options.health && { Healthcheck: options.health }),
      Env: VERSION,
    };
    const networks = (options.networks ?? []).map(Target => ({ Target }));
    await ok(manager, "POST", "/services/create", {
      ...spec,
      TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: container, Networks: networks },
      EndpointSpec: { Ports: options.ports ?? [] },
    });
    await until(`${name} runs`, 60_000, async () => (await runningTasks(manager, name)).length === replicas);
  }

  async function nodeOf(
    hostname: string,
  ): Promise<NodeJson & { readonly Version: { readonly Index: number }; readonly Spec: object }> {
    return await ok(
      manager,
      "GET",
      `/nodes/${(await ok<readonly NodeJson[]>(manager, "GET", "/nodes")).find(node => node.Description.Hostname === hostname)?.ID}`,
    );
  }

  async function setAvailability(hostname: string, Availability: "active" | "pause" | "drain"): Promise<void> {
    await until(`${hostname} is to be ${Availability}`, 5_000, async () => {
      const { ID, Version, Spec } = await nodeOf(hostname);
      return (
        (await call(manager, "POST", `/nodes/${ID}/update?version=${Version.Index}`, { body: { ...Spec, Availability } }))
          .status === 200
      );
    });
  }

  async function containersOf(host: string): Promise<number> {
    return (await ok<readonly unknown[]>(lab.host(host), "GET", "/containers/json")).length;
  }

  async function taskOn(host: TestHost, service: string): Promise<Placed> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.swarm.service.name=${service}`] }));
    const [container] = await ok<readonly { Id: string }[]>(host, "GET", `/containers/json?filters=${filters}`);
    const { State } = await ok<{ State: { Pid: number } }>(host, "GET", `/containers/${container?.Id}/json`);
    return { host, pid: State.Pid };
  }

  async function inTask({ host, pid }: Placed, command: string): Promise<string> {
    return await lab.sh(host.name, `nsenter --target ${pid} --net ${command}`);
  }
});

/** A shell command that prints what a GET is answered: perl is on every Debian. */
function httpGet(address: string, port: number): string {
  const program = `my $s = IO::Socket::INET->new(PeerAddr => "${address}:${port}", Timeout => 2) or die $!; print $s "GET / HTTP/1.0\\r\\n\\r\\n"; print <$s>`;
  return `perl -MIO::Socket::INET -e '${program}'`;
}
