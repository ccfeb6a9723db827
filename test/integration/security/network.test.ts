import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { TestLab, until } from "../lab/lab.ts";
import { ask, busyboxTree, type Daemon, exec, importImage, perlTree, startContainer } from "./world.ts";

const CLIENT = "10.99.0.250";
const SERVER = ["sh", "-c", "mkdir -p /w; echo served >/w/index.html; exec httpd -f -p 80 -h /w"];

interface Inspected {
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly MacAddress: string }>>;
  };
}

/** A router advertisement to all nodes, with a prefix and itself as router: an Ethernet frame. */
function routerAdvertisement(): Buffer {
  const source = Buffer.from("fe800000000000000000000000000bad", "hex");
  const destination = Buffer.from("ff020000000000000000000000000001", "hex");
  const prefix = Buffer.from(
    `0304 40 c0 00015180 00003840 00000000 ${"20010db8bad00000".padEnd(32, "0")}`.replaceAll(" ", ""),
    "hex",
  );
  const message = Buffer.concat([Buffer.from("86000000400007080000000000000000", "hex"), prefix]);
  const pseudo = Buffer.concat([source, destination, Buffer.from([0, 0, 0, message.length, 0, 0, 0, 58]), message]);
  let sum = 0;
  for (let at = 0; at < pseudo.length; at += 2) sum += pseudo.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
  const header = Buffer.concat([Buffer.from([0x60, 0, 0, 0, 0, message.length, 58, 255]), source, destination]);
  return Buffer.concat([Buffer.from("33330000000102420bad0bad86dd", "hex"), header, message]);
}

describe("what crosses networks and what does not", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let daemon: Daemon;
  let address: string;
  let hostAddress: string;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    daemon = lab.host("m1");
    hostAddress = lab.host("m1").address;
    await importImage(daemon, { name: "busybox", archive: await busyboxTree() });
    const perl = perlTree();
    await importImage(daemon, { name: "perl", archive: readFileSync(perl) });
    rmSync(dirname(perl), { recursive: true });
    for (const network of [{ Name: "a" }, { Name: "b" }, { Name: "inner", Internal: true }])
      await ask(daemon, "POST /networks/create", { body: network });
    const published = (binding: object) => ({
      ...{ Cmd: SERVER, ExposedPorts: { "80/tcp": {} } },
      HostConfig: { PortBindings: { "80/tcp": [binding] } },
    });
    await startContainer(daemon, published({ HostIp: "127.0.0.1", HostPort: "8081" }), "local");
    await startContainer(daemon, published({ HostPort: "8082" }), "open");
    await startContainer(daemon, { Cmd: SERVER }, "closed");
    await startContainer(daemon, { Cmd: SERVER, HostConfig: { NetworkMode: "a" } }, "in-a");
    await startContainer(daemon, { HostConfig: { NetworkMode: "b" } }, "in-b");
    await startContainer(daemon, { Cmd: SERVER, HostConfig: { NetworkMode: "inner" } }, "inside");
    address = await addressOf("local");
    await until(
      "the servers answer",
      10_000,
      async () =>
        (await get("m1", "127.0.0.1:8081")) &&
        (await get("m1", "127.0.0.1:8082")) &&
        (await get("m1", `${await addressOf("inside")}:80`)),
    );
  });
  after(() => lab?.[Symbol.asyncDispose]());

  async function addressOf(name: string): Promise<string> {
    const { NetworkSettings } = await ask<Inspected>(daemon, `GET /containers/${name}/json`);
    return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "";
  }
  async function get(host: string, where: string): Promise<boolean> {
    return /served/.test(await lab.sh(host, `busybox timeout 1 busybox wget -q -O - http://${where}/ 2>&1 || true`));
  }
  const getFrom = async (container: string, where: string): Promise<boolean> =>
    /served/.test((await exec(daemon, container, { Cmd: ["timeout", "1", "wget", "-q", "-O", "-", `http://${where}/`] })).output);

  it("lets a neighbour in by published ports alone, however it routes", async () => {
    assert.equal(await get("client", `${hostAddress}:8082`), true);
    assert.equal(await get("client", `${hostAddress}:8081`), false);
    const reach = async (name: string) => {
      const itsAddress = await addressOf(name);
      await lab.sh("client", `ip route replace ${itsAddress.replace(/\.\d+\.\d+$/, ".0.0")}/16 via ${hostAddress}`);
      assert.equal(await get("m1", `${itsAddress}:80`), true, `${name} does not serve`);
      assert.equal(await get("client", `${itsAddress}:80`), false, `${name} was reached`);
    };
    await Promise.all(["local", "closed", "in-a", "inside"].map(reach));
  });

  it("answers no neighbour on a loopback address", async () => {
    await lab.sh(
      "client",
      `sysctl -qw net.ipv4.conf.all.route_localnet=1; ip address del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via ${hostAddress} dev eth0 src ${CLIENT}`,
    );
    assert.equal(await get("client", "127.0.0.1:8081"), false);
    assert.equal(await get("m1", "127.0.0.1:8081"), true);
  });

  it("keeps networks apart, by container addresses and published ones on loopback", async () => {
    const fromB = [`${await addressOf("in-a")}:80`, `${address}:80`, `${hostAddress}:8082`, `${hostAddress}:8081`];
    assert.deepEqual(await Promise.all(fromB.map(where => getFrom("in-b", where))), [false, false, true, false]);
    assert.equal(await getFrom("closed", `${address}:80`), true);
  });

  it("opens nothing when somebody flushes their rules, nor when all were flushed and the daemon starts anew (CVE-2025-54388, 2025-54410)", async () => {
    const reached = async () =>
      Promise.all([
        get("client", `${hostAddress}:8081`),
        get("client", "127.0.0.1:8081"),
        get("client", `${address}:80`),
        getFrom("in-b", `${await addressOf("in-a")}:80`),
      ]);
    const nothing = [false, false, false, false];
    await lab.sh("m1", "iptables -F INPUT; iptables -F OUTPUT; iptables -P FORWARD ACCEPT; iptables -F DOCKER-USER");
    assert.deepEqual(await reached(), nothing);
    await lab.sh("m1", "for t in raw mangle nat filter; do iptables -t $t -F; iptables -t $t -X; done");
    await lab.do("kill", "m1");
    await lab.do("restart", "m1");
    await until("the open port answers", 10_000, () => get("client", `${hostAddress}:8082`));
    assert.deepEqual(await reached(), nothing);
    assert.equal(await get("m1", "127.0.0.1:8081"), true);
  });

  it("lets nothing of an internal network out, its questions for names neither", async () => {
    writeFileSync(join(dirname(daemon.socket), "resolv.conf"), `nameserver ${CLIENT}\n`);
    const listen = `use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in(53, INADDR_ANY)); $| = 1; print "up\\n"; while (recv($s, my $b, 600, 0)) { print unpack("H*", $b), "\\n" }`;
    await lab.sh("client", `perl -e '${listen}' >/tmp/questions-${lab.name} 2>&1 & echo $! >/tmp/questions-${lab.name}.pid`);
    const questions = () => readFileSync(`/tmp/questions-${lab.name}`, "utf8");
    const asks = (name: string, from: string) => exec(daemon, from, { Cmd: ["timeout", "2", "nslookup", name] });
    try {
      await until("somebody listens for questions", 5000, async () => questions().includes("up"));
      // These are asked by a network that may: the listener is one that hears.
      await startContainer(daemon, { HostConfig: { NetworkMode: "a" } }, "asker");
      await asks("outside.example", "asker");
      assert.match(questions(), new RegExp(Buffer.from("outside").toString("hex")));
      await startContainer(daemon, { HostConfig: { NetworkMode: "inner" } }, "inner-asker");
      await asks("secret-of-inner.example", "inner-asker");
      assert.doesNotMatch(questions(), new RegExp(Buffer.from("secret-of-inner").toString("hex")));
      assert.match((await asks("inside", "inner-asker")).output, new RegExp(await addressOf("inside")));
    } finally {
      await lab.sh("client", `kill $(cat /tmp/questions-${lab.name}.pid); rm -f /tmp/questions-${lab.name}*`);
    }
    const { output } = await exec(daemon, "inside", {
      Cmd: ["sh", "-c", `ip route; timeout 1 ping -c 1 -W 1 ${CLIENT}; timeout 1 ping -c 1 -W 1 ${address}`],
    });
    assert.doesNotMatch(output, /^default|bytes from/m);
  });

  it("has no IPv6 on networks without, and takes no router's word for one", async () => {
    const sysctls = async () =>
      (
        await lab.sh(
          "m1",
          "cd /proc/sys/net/ipv6/conf; for f in docker0 br-*; do echo $f accept_ra $(cat $f/accept_ra); done; ip -6 route show | grep -v ^fe80 | sort; ip -6 address show scope global",
        )
      ).trim();
    const inside = async () =>
      (
        await exec(daemon, "closed", {
          Cmd: ["sh", "-c", "ip -6 address show eth0; ip -6 route; cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6"],
        })
      ).output.trim();
    assert.equal(await inside(), "1");
    const before = await sysctls();
    assert.equal(before.match(/accept_ra 0/g)?.length, 4, before);
    assert.doesNotMatch(before, /accept_ra [12]/);
    const program = `socket(my $s, 17, 3, 0) or die $!; my ($i) = map { s/\\s//r } do { open my $f, "<", "/sys/class/net/eth0/ifindex"; <$f> };
      send($s, pack("H*", "${routerAdvertisement().toString("hex")}"), 0, pack("SnlSCCa8", 17, 0x86dd, $i, 1, 0, 6, "\\x33\\x33\\0\\0\\0\\1")) or die $!; print "sent";`;
    await startContainer(daemon, { Image: "perl", Cmd: ["/usr/bin/perl", "-e", "sleep 1000"] }, "router");
    const { output } = await exec(daemon, "router", { Cmd: ["/usr/bin/perl", "-e", program] });
    assert.equal(output, "sent");
    await exec(daemon, "closed", { Cmd: ["usleep", "300000"] }); // What the kernel makes of it, it makes at once.
    assert.equal(await sysctls(), before);
    assert.equal(await inside(), "1");
  });
});
