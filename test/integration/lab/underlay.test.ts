import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { switchNamespace } from "../../../deploy/lab/paths.ts";
import {
  docker,
  importBusybox,
  leaderOf,
  newRequestId,
  ok,
  runningTasks,
  type TestHost,
  TestLab,
  until,
  untilAllAnswer,
} from "./lab.ts";

const run = promisify(execFile);
/** What a router between the hosts passes on in one piece, as on the way through a tunnel. */
const PATH_MTU_BYTES = 1_400;
const FILE_BYTES = 1_000_000;
const SERVER = `mkdir /www; hostname > /www/index.html; head -c ${FILE_BYTES} /dev/zero > /www/file; exec httpd -f -p 80 -h /www`;

/** Its hosts have no wire in common: each is in a subnet of its own, of both families, behind one router. */
async function routed(): Promise<TestLab> {
  const lab = await TestLab.up({ managers: 3, workers: 0, isEmpty: true });
  const router = switchNamespace(lab.name);
  const ip = (...args: readonly string[]) => run("ip", ["-n", router, ...args]);
  try {
    await run("ip", ["netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
    for (const [index, { name }] of lab.hosts.entries()) {
      const port = `port-${name}`;
      await ip("link", "set", port, "nomaster", "mtu", String(PATH_MTU_BYTES));
      await ip("address", "add", `10.1.${index}.254/24`, "dev", port);
      await ip("address", "add", `fd00:${index}::fe/64`, "dev", port, "nodad");
      const commands = [
        `link set eth0 mtu ${PATH_MTU_BYTES}`,
        "address flush dev eth0 scope global",
        `address add ${ipv4Of(index)}/24 dev eth0`,
        `address add ${ipv6Of(index)}/64 dev eth0 nodad`,
        `route add default via 10.1.${index}.254`,
        `-6 route add default via fd00:${index}::fe`,
      ];
      await lab.sh(name, commands.map(command => `ip ${command}`).join(" && "));
    }
    return lab;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

function ipv4Of(index: number): string {
  return `10.1.${index}.10`;
}

function ipv6Of(index: number): string {
  return `fd00:${index}::10`;
}

describe("a swarm whose nodes reach each other through routers, its managers over IPv6", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let m1: TestHost;

  before(async () => {
    lab = await routed();
    m1 = lab.host("m1");
    await importBusybox(lab.hosts);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  it("is not begun where overlay networks would have no address", async () => {
    await assert.rejects(docker(m1, "swarm", "init", "--advertise-addr", ipv6Of(0)), /overlay networks need an IPv4 address/);
    assert.equal(await docker(m1, "info", "--format", "{{.Swarm.LocalNodeState}} {{.Swarm.Error}}"), "inactive");
  });

  it("is joined as its first manager says", async () => {
    const addresses = (index: number) => ["--advertise-addr", ipv6Of(index), "--data-path-addr", "eth0"];
    await docker(m1, "swarm", "init", ...addresses(0));
    const said = await docker(m1, "swarm", "join-token", "manager");
    const [, token = "", address = ""] = /docker swarm join --token (\S+) (\S+)/.exec(said) ?? [];
    assert.equal(address, `[${ipv6Of(0)}]:2377`);
    for (const [index, host] of lab.hosts.entries())
      if (host !== m1) await docker(host, "swarm", "join", "--token", token, ...addresses(index), address);
    const states = await docker(m1, "node", "ls", "--format", "{{.Hostname}} {{.Status}} {{.ManagerStatus}}");
    assert.deepEqual(states.split("\n").toSorted(), ["m1 Ready Leader", "m2 Ready Reachable", "m3 Ready Reachable"]);
  });

  it("publishes a service on each node, and answers arrive whole", async () => {
    const server = ["--publish", "8080:80", "--network", "app", "busybox", "sh", "-c", SERVER];
    await docker(m1, "network", "create", "--driver", "overlay", "app");
    await docker(m1, "service", "create", "--detach", "--name", "web", "--mode", "global", ...server);
    await until("all tasks run", 30_000, async () => (await runningTasks(m1, "web")).length === 3);
    for (const { name } of lab.hosts) {
      await untilAllAnswer(`at ${name}`, 3, () => lab.sh(name, "wget -q -T 3 -O - http://127.0.0.1:8080/"));
      for (let time = 0; time < 3; time++) {
        const bytes = await lab.sh(name, "wget -q -T 10 -O - http://127.0.0.1:8080/file | wc -c");
        assert.equal(Number(bytes), FILE_BYTES);
      }
    }
  });

  it("tells the logs of every node, and goes on when its leader is lost", async () => {
    const said = "echo here; exec sleep 1000";
    await docker(m1, "service", "create", "--detach", "--name", "talk", "--mode", "global", "busybox", "sh", "-c", said);
    await until("every node has said so", 20_000, async () => {
      const lines = (await docker(m1, "service", "logs", "talk")).split("\n");
      return new Set(lines.map(line => /@(m\d) +\| here$/.exec(line)?.[1])).size === 3;
    });
    const lost = (await leaderOf(m1)) ?? assert.fail("no leader");
    const left = lab.hosts.find(({ name }) => name !== lost) ?? assert.fail("no other host");
    await lab.do("kill", lost);
    await until("another manager leads", 10_000, async () => (await leaderOf(left)) !== lost);
    await ok(left, "POST", "/networks/create", { Name: newRequestId(), Driver: "overlay", Scope: "swarm" });
  });
});
