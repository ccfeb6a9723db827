import assert from "node:assert/strict";
import type { NetworkState } from "../../../src/model/container.ts";
import type { EngineNetwork } from "../../../src/model/engine-network.ts";
import type { Sandbox } from "../../../src/engine/containers/needs.ts";
import { aContainer, aNetwork, call, echoServer, resolver, type TestHost, TestLab } from "./lab.ts";

describe("bridge networks", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let host: TestHost;
  let client: (command: readonly string[]) => string;
  const both = [{ hostIp: "", hostPort: "8080" }];
  const web = aContainer("web", {
    ports: { "80/tcp": both, "80/udp": both, "81/tcp": [{ hostIp: "127.0.0.1", hostPort: "8081" }] },
  });
  const other = aContainer("other");

  before(async () => {
    lab = new TestLab();
    host = await lab.host(1);
    client = lab.client(9);
    await host.call("restore", []);
    await host.call("connect", web);
    await host.call("connect", other);
    await host.start(web.id, echoServer("web", 80));
    await host.start(web.id, echoServer("web", 81));
  });

  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it("has Docker's networks", async () => {
    const networks = await host.call<EngineNetwork[]>("list", {});
    assert.deepEqual(
      networks.map(({ name, driver, ipam }) => [name, driver, ipam]),
      [
        ["bridge", "bridge", [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1" }]],
        ["host", "host", []],
        ["none", "null", []],
      ],
    );
  });

  for (const protocol of ["tcp", "udp"] as const) {
    it(`publishes ${protocol} to the world, with the client's own address`, () => {
      assert.equal(client(call(protocol, "10.98.0.1", 8080)).trim(), "web 10.98.0.9");
    });
    it(`publishes ${protocol} to the host's own loopback address`, async () => {
      assert.equal((await host.run(undefined, call(protocol, "127.0.0.1", 8080))).trim(), "web 172.17.0.1");
    });
  }

  for (const protocol of ["tcp", "udp"] as const) {
    it(`publishes ${protocol} over IPv6 too, for a container that has none`, async () => {
      assert.equal((await host.run(undefined, call(protocol, "::1", 8080))).trim(), "web 172.17.0.1");
      assert.equal(client(call(protocol, "fd98::1", 8080)).trim(), "web 172.17.0.1");
      assert.equal((await host.run(undefined, call("tcp", "::1", 8081))).trim(), "failed ECONNREFUSED");
    });
  }

  it("lets a container call its own published port, and its neighbour's", async () => {
    assert.equal((await host.run(web.id, call("tcp", "10.98.0.1", 8080))).trim(), "web 172.17.0.1");
    assert.equal((await host.run(other.id, call("tcp", "172.17.0.1", 8080))).trim(), "web 172.17.0.1");
    assert.equal((await host.run(other.id, call("tcp", "172.17.0.2", 80))).trim(), "web 172.17.0.3");
  });

  it("publishes on one address only when told so", async () => {
    assert.equal((await host.run(undefined, call("tcp", "127.0.0.1", 8081))).trim(), "web 172.17.0.1");
    assert.equal(client(call("tcp", "10.98.0.1", 8081)).trim(), "failed ECONNREFUSED");
  });

  it("is not reached but through published ports", () => {
    client(["ip", "route", "replace", "172.17.0.0/16", "via", "10.98.0.1"]);
    assert.equal(client(call("tcp", "172.17.0.2", 80)).trim(), "failed ETIMEDOUT");
  });

  it("reaches the world under the host's address", async () => {
    const script = `require("dgram").createSocket("udp4").on("message", (m, r) => { console.log(r.address); process.exit(); }).bind(9999);
      setTimeout(() => process.exit(1), 5000);`;
    const heard = new Promise<string>(resolve => setImmediate(() => resolve(client([process.execPath, "-e", script]))));
    const send = host.call("run", {
      inside: other.id,
      command: [
        process.execPath,
        "-e",
        `const u = require("dgram").createSocket("udp4"); let n = 0;
        setInterval(() => { u.send("x", 9999, "10.98.0.9"); if (++n > 40) process.exit(); }, 50);`,
      ],
    });
    assert.equal((await heard).trim(), "10.98.0.1");
    await send;
  });

  it("shows each mapping as Docker does", async () => {
    const rules = await host.run(undefined, ["iptables", "-t", "nat", "-S", "DOCKER"]);
    assert.deepEqual(rules.trim().split("\n"), [
      "-N DOCKER",
      "-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
      "-A DOCKER -p udp -m udp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
      "-A DOCKER -d 127.0.0.1/32 -p tcp -m tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:81",
    ]);
  });

  it("honours DOCKER-USER", async () => {
    await host.run(undefined, ["iptables", "-I", "DOCKER-USER", "-s", "10.98.0.9", "-j", "DROP"]);
    assert.equal(client(call("tcp", "10.98.0.1", 8080)).trim(), "failed ETIMEDOUT");
    await host.run(undefined, ["iptables", "-D", "DOCKER-USER", "-s", "10.98.0.9", "-j", "DROP"]);
  });

  it("refuses a port that another container or program has, and keeps nothing of the attempt", async () => {
    const rival = aContainer("rival", { ports: { "80/tcp": both } });
    await assert.rejects(
      host.call("connect", rival),
      /driver failed programming external connectivity on endpoint rival \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated/,
    );
    const taken = aContainer("taken", { ports: { "80/tcp": [{ hostIp: "", hostPort: "7070" }] } });
    const { pid } = await host.start(undefined, echoServer("host", 7070));
    await assert.rejects(host.call("connect", taken), /failed to bind host port 0\.0\.0\.0:7070\/tcp .*address already in use/);
    await host.call("kill", pid);
    const { containers } = await host.call<EngineNetwork>("inspect", "bridge");
    assert.deepEqual(
      Object.values(containers)
        .map(({ name }) => name)
        .toSorted(),
      ["other", "web"],
    );
  });

  it("gives address and port anew as soon as they are released", async () => {
    const first = aContainer("first", { ports: { "80/tcp": [{ hostIp: "", hostPort: "9090" }] } });
    for (let round = 0; round < 3; round++) {
      const { state } = await host.call<Sandbox>("connect", first);
      assert.equal(state.endpoints["bridge"]?.ipAddress, "172.17.0.4");
      await host.call("release", first.id);
    }
    await host.call("settle");
    assert.equal((await host.run(undefined, ["iptables", "-t", "nat", "-S", "DOCKER"])).includes("9090"), false);
  });

  it("is reached at once at an address to which something still sends", async () => {
    const next = aContainer("next", { ports: { "80/tcp": [{ hostIp: "", hostPort: "9090" }] } });
    await host.run(undefined, ["bash", "-c", "echo >/dev/udp/172.17.0.4/9; ip neigh show to 172.17.0.4"]);
    const { state } = await host.call<Sandbox>("connect", next);
    assert.equal(state.endpoints["bridge"]?.ipAddress, "172.17.0.4");
    const known = await host.run(undefined, ["ip", "neigh", "show", "to", "172.17.0.4"]);
    assert.match(known, /lladdr 02:42:ac:11:00:04 /);
    await host.start(next.id, echoServer("next", 80));
    assert.equal((await host.run(undefined, call("tcp", "127.0.0.1", 9090))).trim(), "next 172.17.0.1");
    await host.call("release", next.id);
    await host.call("settle");
  });

  it("publishes exposed ports on free ones", async () => {
    const all = aContainer("all", { exposedPorts: ["80/tcp", "53/udp"], publishAllPorts: true });
    const { state } = await host.call<Sandbox>("connect", all);
    for (const key of ["80/tcp", "53/udp"]) assert.ok(Number(state.ports[key]?.[0]?.hostPort) >= 32_768, key);
    await host.call("release", all.id);
  });

  it("gives a container without network nothing but loopback", async () => {
    const none = aContainer("none1", { networkMode: "none" });
    const { state } = await host.call<Sandbox>("connect", none);
    assert.deepEqual(Object.keys(state.endpoints), ["none"]);
    assert.match(await host.run(none.id, ["ip", "-br", "link"]), /^lo +UNKNOWN [^\n]*\n$/);
    await host.call("release", none.id);
  });

  describe("of the user's", () => {
    const db = aContainer("db", { networkMode: "backend", endpoints: { backend: { aliases: ["store"] } } });
    const app = aContainer("app", { networkMode: "backend" });

    before(async () => {
      await host.call("create", aNetwork("backend", { ipam: [{ subnet: "172.18.0.0/16" }] }));
      await host.call("connect", db);
      await host.call("connect", app);
      await host.start(db.id, echoServer("db", 80));
    });

    const lookups = [
      { ask: `r.resolve4("db", say)`, answer: "172.18.0.2" },
      { ask: `r.resolve4("STORE", say)`, answer: "172.18.0.2" },
      { ask: `r.resolve4("${db.id.slice(0, 12)}", say)`, answer: "172.18.0.2" },
      { ask: `r.resolve4("db.backend", say)`, answer: "172.18.0.2" },
      { ask: `r.resolve6("db", say)`, answer: "ENODATA" },
      { ask: `r.reverse("172.18.0.2", say)`, answer: "db.backend" },
      { ask: `r.resolve4("web", say)`, answer: "ESERVFAIL" },
    ];
    for (const { ask, answer } of lookups) {
      it(`answers ${ask}`, async () => {
        assert.equal((await host.run(app.id, resolver(ask))).trim(), answer);
      });
    }

    it("answers what a link names, for the container that has it alone", async () => {
      const linking = aContainer("linking", {
        networkMode: "backend",
        endpoints: { backend: { links: ["db:Primary", "nope:gone"] } },
      });
      await host.call("connect", linking);
      const ask = async (container: string, name: string) =>
        (await host.run(container, resolver(`r.resolve4("${name}", say)`))).trim();
      assert.equal(await ask(linking.id, "primary"), "172.18.0.2");
      assert.equal(await ask(linking.id, "primary.backend"), "172.18.0.2");
      assert.equal(await ask(linking.id, "gone"), "ESERVFAIL");
      assert.equal(await ask(app.id, "primary"), "ESERVFAIL");
      await host.call("release", linking.id);
      await host.call("settle");
    });

    it("gives an interface addresses for its neighbours alone", async () => {
      const local = aContainer("local", {
        networkMode: "backend",
        endpoints: { backend: { linkLocalIps: ["169.254.7.7", "169.254.7.8"] } },
      });
      await host.call("connect", local);
      const addresses = await host.run(local.id, ["ip", "-4", "-o", "addr", "show", "dev", "eth0"]);
      assert.deepEqual(addresses.match(/inet \S+/g), ["inet 172.18.0.4/16", "inet 169.254.7.7/16", "inet 169.254.7.8/16"]);
      await host.call("release", local.id);
      await host.call("settle");
      await assert.rejects(
        host.call(
          "connect",
          aContainer("far", { networkMode: "backend", endpoints: { backend: { linkLocalIps: ["10.1.1.1"] } } }),
        ),
        /invalid link local IP address: 10\.1\.1\.1$/,
      );
    });

    it("leaves port 53 to a name server in the container", async () => {
      const { line } = await host.start(app.id, echoServer("own", 53));
      assert.equal(line, "ready");
      assert.equal((await host.run(app.id, call("udp", "127.0.0.1", 53))).trim(), "own 127.0.0.1");
      assert.equal((await host.run(app.id, resolver(`r.resolve4("db", say)`))).trim(), "172.18.0.2");
    });

    it("is apart from other networks", async () => {
      assert.equal((await host.run(app.id, call("tcp", "172.18.0.2", 80))).trim(), "db 172.18.0.3");
      assert.equal((await host.run(other.id, call("tcp", "172.18.0.2", 80))).trim(), "failed ETIMEDOUT");
    });

    it("takes a running container in, and lets it go", async () => {
      const state = await host.call<NetworkState>("attach", {
        container: other,
        network: "backend",
        endpoint: { ipv4Address: "172.18.7.7" },
      });
      assert.deepEqual(Object.keys(state.endpoints), ["bridge", "backend"]);
      assert.equal((await host.run(other.id, call("tcp", "172.18.0.2", 80))).trim(), "db 172.18.7.7");
      assert.equal((await host.run(app.id, resolver(`r.resolve4("other", say)`))).trim(), "172.18.7.7");
      await host.call("detach", { container: other, network: "backend" });
      assert.equal((await host.run(app.id, resolver(`r.resolve4("other", say)`))).trim(), "ESERVFAIL");
      assert.equal((await host.run(other.id, call("tcp", "172.17.0.2", 80))).trim(), "web 172.17.0.3");
    });

    const refusals = [
      { what: "a name that is taken", make: aNetwork("backend"), words: /^network with name backend already exists$/ },
      {
        what: "an overlap",
        make: aNetwork("x", { ipam: [{ subnet: "172.18.3.0/24" }] }),
        words: /Pool overlaps with other one on this address space/,
      },
      { what: "a predefined name", make: aNetwork("host"), words: /^operation is not permitted on predefined host network$/ },
      { what: "an unknown driver", make: aNetwork("x", { driver: "magic" }), words: /^plugin "magic" not found$/ },
    ];
    for (const { what, make, words } of refusals) {
      it(`refuses ${what}`, async () => {
        await assert.rejects(host.call("create", make), (error: Error) => words.test(error.message));
      });
    }

    it("is not removed while it is used, nor are predefined ones", async () => {
      await assert.rejects(
        host.call("remove", "backend"),
        /error while removing network: network backend has active endpoints \(name:"db" id:"[0-9a-f]{12}", name:"app"/,
      );
      await assert.rejects(host.call("remove", "bridge"), /^Error: bridge is a pre-defined network and cannot be removed$/);
      await assert.rejects(host.call("remove", "nope"), /^Error: network nope not found$/);
    });

    it("goes on across a restart of the daemon, and what is no more is taken down", async () => {
      host = await host.killDaemon();
      const running = [web, other, db].map(container => ({ ...container, state: { status: "running" } }));
      await host.call("restore", running);
      assert.equal((await host.run(undefined, ["iptables", "-t", "nat", "-S", "DOCKER"])).match(/--dport 8080 /g)?.length, 2);
      assert.equal(client(call("tcp", "10.98.0.1", 8080)).trim(), "web 10.98.0.9");
      assert.equal((await host.run(db.id, resolver(`r.resolve4("store", say)`))).trim(), "172.18.0.2");
      assert.equal((await host.run(db.id, resolver(`r.resolve4("app", say)`))).trim(), "ESERVFAIL");
      const { state } = await host.call<Sandbox>("connect", aContainer("late"));
      assert.equal(state.endpoints["bridge"]?.ipAddress, "172.17.0.4");
    });

    it("is removed whole", async () => {
      await host.call("release", db.id);
      await host.call("remove", "backend");
      await host.call("settle");
      assert.equal((await host.run(undefined, ["iptables-save"])).includes("172.18."), false);
      assert.equal((await host.run(undefined, ["ip", "-br", "link"])).includes("br-"), false);
    });
  });
});
