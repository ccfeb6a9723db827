import assert from "node:assert/strict";
import { docker, importBusybox, runningTasks, type TestHost, TestLab, until, untilAllAnswer } from "./lab.ts";

/** A node looks every second where it is, and gives an address up after three; its managers then hear of it. */
const NOTICE_MS = 15_000;
const SERVER = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www";

describe("hosts that get another address, as from DHCP", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let m1: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 3, workers: 1, isEmpty: true });
    m1 = lab.host("m1");
    await importBusybox(lab.hosts);
    // As where virtual machines are on the network as well: the host's address is the bridge's.
    const bridge = "ip link add lan type bridge && ip link set eth0 master lan && ip link set lan up";
    await lab.sh("m1", `${bridge} && ip address flush dev eth0 && ip address add ${m1.address}/24 dev lan`);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  const move = async (host: string, address: string) => {
    const device = host === "m1" ? "lan" : "eth0";
    await lab.sh(host, `ip address flush dev ${device} scope global && ip address add ${address}/24 dev ${device}`);
  };
  const addresses = async (host: string) =>
    await docker(m1, "node", "inspect", host, "--format", "{{.Status.Addr}} {{with .ManagerStatus}}{{.Addr}}{{end}}");
  const whereIs = async (host: string, address: string, role: "manager" | "worker") => {
    const told = role === "manager" ? `${address} ${address}:2377` : `${address} `.trim();
    await until(`${host} is known at ${address}`, NOTICE_MS, async () => (await addresses(host)) === told);
  };
  /** Each task answers at each host: what goes from host to host finds its way. */
  const allAnswerAt = async (hosts: readonly string[], count: number) => {
    const ask = "wget -q -T 3 -O - http://127.0.0.1:8080/";
    for (const host of hosts) await untilAllAnswer(`at ${host}`, count, () => lab.sh(host, ask));
  };

  const probe = (host: TestHost) => docker(host, "run", "-d", "--name", "probe", "--network", "app", "busybox", "sleep", "1000");
  /** As above, from containers that were connected before, over the overlay network. */
  const allAnswerOnNetwork = async (hosts: readonly string[], count: number) => {
    const networkId = await docker(m1, "network", "inspect", "app", "--format", "{{.Id}}");
    const format = "{{range .Endpoint.VirtualIPs}}{{.NetworkID}} {{.Addr}}/{{end}}";
    const addresses = await docker(m1, "service", "inspect", "web", "--format", format);
    const [, address = ""] = new RegExp(`${networkId} ([\\d.]+)`).exec(addresses) ?? [];
    const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 3 nc ${address} 80 | tail -n 1`;
    for (const host of hosts)
      await untilAllAnswer(`on the network at ${host}`, count, () => docker(lab.host(host), "exec", "probe", "sh", "-c", ask));
  };

  it("is all the same to a swarm of one node, whether its daemon runs meanwhile or not", async () => {
    await docker(m1, "swarm", "init");
    assert.equal(await addresses("m1"), `${m1.address} ${m1.address}:2377`);
    await docker(m1, "network", "create", "--driver", "overlay", "--attachable", "app");
    const server = ["--publish", "8080:80", "--network", "app", "busybox", "sh", "-c", SERVER];
    await docker(m1, "service", "create", "--detach", "--name", "web", "--mode", "global", ...server);
    await until("it runs", 20_000, async () => (await runningTasks(m1, "web")).length === 1);
    const [task] = await runningTasks(m1, "web");
    await probe(m1);
    await move("m1", "10.99.0.21");
    await whereIs("m1", "10.99.0.21", "manager");
    await lab.do("kill", "m1");
    await move("m1", "10.99.0.31");
    await lab.do("restart", "m1");
    await whereIs("m1", "10.99.0.31", "manager");
    await docker(m1, "service", "create", "--detach", "--name", "later", "busybox", "sleep", "1000");
    await until("what is asked for then runs", 20_000, async () => (await runningTasks(m1, "later")).length === 1);
    assert.deepEqual(
      (await runningTasks(m1, "web")).map(({ ID }) => ID),
      [task?.ID],
      "what ran runs on",
    );
    await allAnswerAt(["m1"], 1);
  });

  it("is told to the others by a manager and by a worker, and their tasks are reached there", async () => {
    await lab.sh("w1", "ip address add 10.77.0.1/24 dev eth0"); // Of two addresses it is the one on the way to the managers.
    for (const [name, role] of [
      ["m2", "manager"],
      ["m3", "manager"],
      ["w1", "worker"],
    ] as const) {
      const token = await docker(m1, "swarm", "join-token", "--quiet", role);
      await docker(lab.host(name), "swarm", "join", "--token", token, "10.99.0.31:2377");
    }
    assert.equal(await addresses("w1"), "10.99.0.101");
    await until("all nodes have a task", 20_000, async () => (await runningTasks(m1, "web")).length === 4);
    for (const name of ["m2", "w1"]) await probe(lab.host(name));
    await allAnswerOnNetwork(["m1"], 4);
    const before = (await runningTasks(m1, "web")).map(({ ID }) => ID).toSorted();
    await move("m2", "10.99.0.22");
    await whereIs("m2", "10.99.0.22", "manager");
    await lab.do("kill", "w1");
    await move("w1", "10.99.0.121");
    await lab.do("restart", "w1");
    await whereIs("w1", "10.99.0.121", "worker");
    await allAnswerAt(["m1", "m2", "w1"], 4);
    await allAnswerOnNetwork(["m1", "m2", "w1"], 4);
    assert.deepEqual((await runningTasks(m1, "web")).map(({ ID }) => ID).toSorted(), before, "no task was started again");
  });

  it("is told by a leader whose daemon was away, and Raft reaches all of them", async () => {
    await lab.do("kill", "m1");
    await move("m1", "10.99.0.41");
    await lab.do("restart", "m1");
    await whereIs("m1", "10.99.0.41", "manager");
    const status = ["node", "ls", "--filter", "role=manager", "--format", "{{.Hostname}} {{.Status}} {{.ManagerStatus}}"];
    await until("all managers are there", 20_000, async () => {
      const lines = (await docker(lab.host("m2"), ...status)).split("\n");
      return lines.length === 3 && lines.every(line => /Ready (Leader|Reachable)$/.test(line));
    });
  });

  it("is none of an address that was said", async () => {
    const w1 = lab.host("w1");
    await docker(w1, "swarm", "leave");
    const token = await docker(m1, "swarm", "join-token", "--quiet", "worker");
    await docker(w1, "swarm", "join", "--token", token, "--advertise-addr", "10.99.0.121", "10.99.0.41:2377");
    await lab.do("kill", "w1");
    await move("w1", "10.99.0.131");
    await lab.do("restart", "w1");
    const id = await docker(w1, "info", "--format", "{{.Swarm.NodeID}}");
    await until(
      "it is back",
      NOTICE_MS,
      async () => (await docker(m1, "node", "inspect", id, "--format", "{{.Status.State}}")) === "ready",
    );
    assert.equal(await addresses(id), "10.99.0.121");
  });
});
