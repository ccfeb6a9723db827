import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import type { Container } from "../../../src/model/container.ts";
import type { Assignment, Endpoint } from "../../../src/model/session.ts";
import { INGRESS_INTERFACE } from "../../../src/engine/networks/firewall-rules.ts";
import { aContainer, call, echoServer, type TestHost, TestLab } from "./lab.ts";

const OVERLAY = "net0overlay00000000000000";
const INGRESS = "net0ingress00000000000000";

/** Number of a node that nobody is at. */
const POWERLESS = 7;

interface TestTask {
  readonly name: string;
  readonly node: number;
  readonly overlayAddress: string;
  readonly ingressAddress: string;
  readonly isServing: boolean;
}

/** What a manager would tell every node: two networks, three nodes and one without power, one service. */
function assignments(tasks: readonly TestTask[], down: readonly number[] = []): readonly Assignment[] {
  const meta = { version: 1, createdAtMs: 0, updatedAtMs: 0 };
  const network = (
    id: string,
    name: string,
    options: { readonly isIngress: boolean; readonly vxlanId: number; readonly subnet: string },
  ) => ({
    kind: "network",
    network: {
      ...meta,
      id,
      spec: {
        name,
        labels: {},
        driver: "overlay",
        driverOptions: {},
        isInternal: false,
        isAttachable: false,
        isIngress: options.isIngress,
        isIpv6: false,
        ipam: [],
        scope: "swarm",
      },
      vxlanId: options.vxlanId,
      ipam: [{ subnet: options.subnet, gateway: options.subnet.replace(".0/24", ".1") }],
    },
  });
  const peers = [1, 2, 3, POWERLESS].map(node => ({
    kind: "peer",
    peer: {
      nodeId: `node${node}`,
      hostname: `h${node}`,
      address: `10.98.0.${node}`,
      ingressNumber: node,
      ingressAddress: `10.0.0.${node + 1}/24`,
      isDown: down.includes(node),
    },
  }));
  const service = {
    kind: "service",
    service: {
      id: "service1",
      name: "web",
      endpointMode: "vip",
      virtualIps: [{ networkId: OVERLAY, address: "10.0.1.2/24" }],
      ports: [
        { protocol: "tcp", targetPort: 80, publishedPort: 8080, publishMode: "ingress" },
        { protocol: "udp", targetPort: 80, publishedPort: 8080, publishMode: "ingress" },
      ],
    },
  };
  const endpoints = tasks.map(task => ({ kind: "endpoint", endpoint: endpointOf(task) }));
  return [
    network(OVERLAY, "backend", { isIngress: false, vxlanId: 4097, subnet: "10.0.1.0/24" }),
    network(INGRESS, "ingress", { isIngress: true, vxlanId: 4096, subnet: "10.0.0.0/24" }),
    ...peers,
    service,
    ...endpoints,
  ] as unknown as readonly Assignment[];
}

function endpointOf({ name, node, overlayAddress, ingressAddress, isServing }: TestTask): Endpoint {
  return {
    taskId: name,
    serviceId: "service1",
    taskName: name,
    nodeId: `node${node}`,
    networks: [
      { networkId: OVERLAY, address: `${overlayAddress}/24`, aliases: ["www"] },
      { networkId: INGRESS, address: `${ingressAddress}/24`, aliases: [] },
    ],
    isServing,
  } as unknown as Endpoint;
}

function taskContainer({ name, overlayAddress, ingressAddress }: TestTask): Container {
  const given = (address: string) => ({ ipv4Address: `${address}/24`, isAllocated: true });
  const endpoints = { backend: given(overlayAddress), ingress: given(ingressAddress) };
  return aContainer(name, { endpoints });
}

const LOOKUP = (name: string): readonly string[] => [
  process.execPath,
  "-e",
  `const r = new (require("dns").Resolver)(); r.setServers(["127.0.0.11"]);
   r.resolve4("${name}", (e, a) => console.log(e ? e.code : a.sort().join(" ")));`,
];

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

const WAIT_MS = 10_000;

async function waitFor<T>(read: () => Promise<T>, isRight: (value: T) => boolean, waitMs = WAIT_MS): Promise<void> {
  const deadlineMs = performance.now() + waitMs;
  for (let value = await read(); !isRight(value); value = await read()) {
    assert.ok(performance.now() < deadlineMs, `still ${String(value)}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

describe("cluster network", function () {
  this.timeout(60_000);
  const one: TestTask = { name: "web.1.aaa", node: 1, overlayAddress: "10.0.1.11", ingressAddress: "10.0.0.11", isServing: true };
  const two: TestTask = { name: "web.2.bbb", node: 2, overlayAddress: "10.0.1.12", ingressAddress: "10.0.0.12", isServing: true };
  const tasks = [one, two];
  let lab: TestLab;
  let hosts: readonly TestHost[];
  let client: (command: readonly string[]) => string;

  const applyAll = (list: readonly TestTask[], down: readonly number[] = []) =>
    Promise.all(hosts.map(host => host.call("apply", assignments(list, down))));
  const hostOf = ({ node }: TestTask): TestHost => hosts[node - 1] as TestHost;
  const idOf = (task: TestTask): string => taskContainer(task).id;
  const askMany = async (ask: () => Promise<string> | string): Promise<readonly string[]> => {
    const answers = new Set<string>();
    for (let round = 0; round < 12; round++) answers.add((await ask()).trim());
    return [...answers].toSorted();
  };

  before(async () => {
    lab = new TestLab();
    hosts = await Promise.all([1, 2, 3].map(number => lab.host(number)));
    client = lab.client(9);
    for (const [index, host] of hosts.entries()) {
      await host.call("joinCluster", `node${index + 1}`);
      await host.call("restore", []);
    }
    await applyAll([]);
    for (const task of tasks) {
      await hostOf(task).call("connect", taskContainer(task));
      await hostOf(task).start(idOf(task), echoServer(task.name, 80));
    }
    await applyAll(tasks);
  });

  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it("carries traffic between tasks on two hosts, which see each other's own address", async () => {
    assert.equal(
      (await hostOf(one).run(idOf(one), call("tcp", two.overlayAddress, 80))).trim(),
      `${two.name} ${one.overlayAddress}`,
    );
    assert.equal(
      (await hostOf(two).run(idOf(two), call("udp", one.overlayAddress, 80))).trim(),
      `${one.name} ${two.overlayAddress}`,
    );
  });

  it("spreads connections to a service's address over its tasks", async () => {
    const answers = await askMany(() => hostOf(one).run(idOf(one), call("tcp", "10.0.1.2", 80)));
    assert.deepEqual(answers, [`${one.name} ${one.overlayAddress}`, `${two.name} ${one.overlayAddress}`]);
  });

  const names = [
    { name: "web", addresses: "10.0.1.2" },
    { name: "WEB", addresses: "10.0.1.2" },
    { name: "www", addresses: "10.0.1.2" },
    { name: "tasks.web", addresses: "10.0.1.11 10.0.1.12" },
    { name: "web.2.bbb", addresses: "10.0.1.12" },
    { name: "web.backend", addresses: "10.0.1.2" },
  ];
  for (const { name, addresses } of names) {
    it(`answers ${name}`, async () => {
      assert.equal((await hostOf(one).run(idOf(one), LOOKUP(name))).trim(), addresses);
    });
  }

  for (const node of [1, 2, 3]) {
    for (const protocol of ["tcp", "udp"] as const) {
      it(`answers the published port on node ${node} over ${protocol}, and keeps the client's address`, async () => {
        const answers = await askMany(() => client(call(protocol, `10.98.0.${node}`, 8080)));
        assert.deepEqual(answers, [`${one.name} 10.98.0.9`, `${two.name} 10.98.0.9`]);
      });
    }
  }

  it("answers the published port to a host itself, by its address and by 127.0.0.1", async () => {
    for (const address of ["10.98.0.1", "127.0.0.1"]) {
      const answers = await askMany(() => hostOf(one).run(undefined, call("tcp", address, 8080)));
      assert.deepEqual(
        answers.map(answer => answer.split(" ")[0]),
        [one.name, two.name],
      );
    }
  });

  it("answers the published port to a node that calls another, and to a task that calls its own", async () => {
    for (const ask of [
      () => hostOf(one).run(undefined, call("tcp", "10.98.0.2", 8080)),
      () => hostOf(one).run(idOf(one), call("tcp", "10.98.0.1", 8080)),
    ]) {
      const answers = await askMany(ask);
      assert.deepEqual(
        answers.map(answer => answer.split(" ")[0]),
        [one.name, two.name],
      );
    }
  });

  it("keeps the port on hosts from other programs", async () => {
    const output = await (hosts[2] as TestHost).run(undefined, echoServer("thief", 8080));
    assert.match(output, /EADDRINUSE/);
  });

  it("sends nothing to a task that does not serve, and refuses when none does", async () => {
    await applyAll([one, { ...two, isServing: false }]);
    assert.deepEqual(await askMany(() => client(call("tcp", "10.98.0.2", 8080))), [`${one.name} 10.98.0.9`]);
    assert.deepEqual(await askMany(() => hostOf(two).run(idOf(two), call("tcp", "10.0.1.2", 80))), [
      `${one.name} ${two.overlayAddress}`,
    ]);
    await applyAll(tasks.map(task => ({ ...task, isServing: false })));
    assert.equal((await hostOf(one).run(idOf(one), call("tcp", "10.0.1.2", 80))).trim(), "failed ECONNREFUSED");
    assert.equal(client(call("tcp", "10.98.0.1", 8080)).trim(), "failed ECONNREFUSED");
    await applyAll(tasks);
  });

  it("ends connections to a task that is gone, and a UDP client that keeps its port finds another", async () => {
    const script = `const u = require("dgram").createSocket("udp4"); const heard = [];
      u.on("message", m => { const name = String(m).split(" ")[0]; if (heard.at(-1) !== name) { heard.push(name); console.log(heard.length === 1 ? "first " + name : heard.join(" ")); } });
      u.bind(0, () => setInterval(() => u.send("?", ADDRESS_PORT), 20));`;
    const clients = [
      { host: hostOf(one), inside: idOf(one), to: `80, "10.0.1.2"` },
      { host: hosts[2] as TestHost, inside: undefined, to: `8080, "10.98.0.3"` },
    ];
    for (const { host, inside, to } of clients) {
      await applyAll([two, { ...one, isServing: false }]);
      const output = `/tmp/${process.pid}-${to.replace(/\D/g, "")}.txt`;
      const command = [
        "sh",
        "-c",
        `exec "$0" -e "$1" >"$2" & echo started; wait`,
        process.execPath,
        script.replace("ADDRESS_PORT", to),
        output,
      ];
      const { pid } = await host.start(inside, command);
      await waitFor(
        () => readText(output),
        text => text.includes(`first ${two.name}`),
      );
      await applyAll([one, { ...two, isServing: false }]);
      assert.equal(await readText(output), `first ${two.name}\n`);
      await applyAll([one]);
      await waitFor(
        () => readText(output),
        text => text.includes(`${two.name} ${one.name}`),
      );
      await host.call("run", { command: ["pkill", "-P", String(pid)] });
      await rm(output);
    }
    await applyAll(tasks);
  });

  it("sends a client that got no answer from a node without power elsewhere, also when it keeps its port", async () => {
    const lost: TestTask = {
      ...two,
      name: "web.3.ccc",
      node: POWERLESS,
      overlayAddress: "10.0.1.13",
      ingressAddress: "10.0.0.13",
    };
    await applyAll([lost]);
    const again = call("tcp", "10.98.0.1", 8080, 40_123);
    assert.equal(client(again).trim(), "failed ETIMEDOUT");
    await applyAll([lost, one], [POWERLESS]);
    assert.equal(client(again).trim(), `${one.name} 10.98.0.9`);
    await applyAll(tasks);
  });

  it("lets connections to a node that is down end within ten seconds, then cuts them", async () => {
    const [host] = hosts as readonly [TestHost];
    const known = () => host.run(undefined, ["conntrack", "-L", "--reply-src", two.ingressAddress]);
    await host.run(undefined, ["conntrack", "-F"]);
    await applyAll([two]);
    client(call("tcp", "10.98.0.1", 8080));
    await applyAll([two, one], [two.node]);
    const downAtMs = performance.now();
    assert.match(await known(), /dport=8080/);
    await waitFor(known, text => !text.includes("dport=8080"), 13_000);
    assert.ok(performance.now() - downAtMs > 9_000, "cut too early");
    await applyAll(tasks);
  });

  it("finds an address where it has moved to, though who had it runs on where nobody has heard of that, and finds it there again", async () => {
    const [, away, other] = hosts as readonly [TestHost, TestHost, TestHost];
    const moved: TestTask = { ...two, name: "web.2.ddd", node: 3, ingressAddress: "10.0.0.14" };
    const reached = async () => (await hostOf(one).run(idOf(one), call("tcp", two.overlayAddress, 80))).trim();
    await other.call("connect", taskContainer(moved));
    await other.start(idOf(moved), echoServer(moved.name, 80));
    for (const host of [hostOf(one), other]) await host.call("apply", assignments([one, moved]));
    assert.equal(await reached(), `${moved.name} ${one.overlayAddress}`);
    await away.call("apply", assignments([one, moved]));
    assert.equal(await reached(), `${moved.name} ${one.overlayAddress}`);
    await other.call("release", idOf(moved));
    await applyAll(tasks);
    assert.equal(await reached(), `${two.name} ${one.overlayAddress}`);
  });

  it("goes on across a restart of the daemon", async () => {
    const restarted = await hostOf(one).killDaemon();
    hosts = [restarted, ...hosts.slice(1)];
    await restarted.call("joinCluster", "node1");
    await restarted.call("restore", [{ ...taskContainer(one), state: { status: "running" } }]);
    await restarted.call("apply", assignments(tasks));
    await restarted.start(idOf(one), echoServer(one.name, 81));
    assert.equal(
      (await hostOf(two).run(idOf(two), call("tcp", one.overlayAddress, 81))).trim(),
      `${one.name} ${two.overlayAddress}`,
    );
    assert.equal((await restarted.run(idOf(one), LOOKUP("tasks.web"))).trim(), "10.0.1.11 10.0.1.12");
    const answers = await askMany(() => client(call("tcp", "10.98.0.1", 8080)));
    assert.ok(answers.includes(`${two.name} 10.98.0.9`), answers.join());
  });

  it("takes up the device of published ports that the last daemon left, without what is not wanted any more", async () => {
    const run = (...command: readonly string[]) => hostOf(one).run(undefined, command);
    const device = () => run("ip", "-o", "link", "show", "dev", INGRESS_INTERFACE);
    const held = async () => {
      const entries = [
        ["bridge", "fdb"],
        ["ip", "neigh"],
        ["ip", "route"],
      ].map(command => run(...command, "show", "dev", INGRESS_INTERFACE));
      return (await Promise.all(entries)).map(text => text.split("\n").toSorted());
    };
    const [before, entries] = [await device(), await held()];
    // As the next daemon would find it had its node not heard of a host and a task that are gone.
    const [mac, address] = ["02:00:00:00:00:63", "10.0.0.99"];
    for (const command of [
      `bridge fdb add ${mac} dev ${INGRESS_INTERFACE} dst 10.98.0.99 self permanent`,
      `ip neigh add ${address} lladdr ${mac} dev ${INGRESS_INTERFACE} nud permanent`,
      `ip route add 10.0.0.98/32 via ${address} dev ${INGRESS_INTERFACE}`,
    ])
      await run(...command.split(" "));
    const restarted = await hostOf(one).killDaemon();
    hosts = [restarted, ...hosts.slice(1)];
    await restarted.call("joinCluster", "node1");
    await restarted.call("restore", [{ ...taskContainer(one), state: { status: "running" } }]);
    await restarted.call("apply", assignments(tasks));
    assert.equal(await device(), before, "the same, by its number");
    assert.deepEqual(await held(), entries);
    await restarted.call("apply", assignments([one]));
    assert.equal(
      (await held()).flat().some(line => line.startsWith(two.ingressAddress)),
      false,
    );
    await restarted.call("apply", assignments(tasks));
    assert.deepEqual(await held(), entries);
  });

  it("leaves nothing behind when the node leaves the cluster", async () => {
    const host = hostOf(two);
    await host.call("release", idOf(two));
    await host.call("leaveCluster");
    await host.call("settle");
    const links = await host.run(undefined, ["ip", "-br", "link"]);
    assert.deepEqual([...links.matchAll(/^([^\s@]+)/gm)].map(([name]) => name).toSorted(), [
      "docker0",
      "docker_gwbridge",
      "eth0",
      "lo",
    ]);
    assert.equal((await host.run(undefined, ["nft", "list", "tables"])).includes("shoal_"), false);
  });
});
