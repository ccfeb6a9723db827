import assert from "node:assert/strict";
import type { EngineNetwork } from "../../../src/model/engine-network.ts";
import type { Sandbox } from "../../../src/engine/containers/needs.ts";
import { aContainer, aNetwork, call, echoServer, resolver, type TestHost, TestLab } from "./lab.ts";

describe("networks with IPv6", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let host: TestHost;
  let client: (command: readonly string[]) => string;
  const both = [{ hostIp: "", hostPort: "8080" }];
  const web = aContainer("web", { networkMode: "six", ports: { "80/tcp": both, "80/udp": both } });
  const other = aContainer("other", { networkMode: "six", endpoints: { six: { ipv6Address: "fd00:9:0::77" } } });
  const stranger = aContainer("stranger", { networkMode: "four" });
  const alone = aContainer("alone", { networkMode: "only6", ports: { "80/tcp": [{ hostIp: "", hostPort: "8086" }] } });
  const on = async (container: { readonly id: string }, command: readonly string[]) =>
    (await host.run(container.id, command)).trim();

  before(async () => {
    lab = new TestLab();
    host = await lab.host(1);
    client = lab.client(9);
    await host.call("restore", []);
    await host.call("create", aNetwork("six", { isIpv6: true, ipam: [{ subnet: "172.30.0.0/24" }, { subnet: "fd00:9::/64" }] }));
    await host.call("create", aNetwork("four"));
    await host.call("create", aNetwork("only6", { isIpv4: false, isIpv6: true }));
    for (const container of [web, other, stranger, alone]) await host.call("connect", container);
    await host.start(web.id, echoServer("web", 80, "::"));
    await host.start(alone.id, echoServer("alone", 80, "::"));
  });

  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it("gives addresses of both families, or of one", async () => {
    const addresses = async (container: typeof web) =>
      (await on(container, ["ip", "-o", "addr", "show", "dev", "eth0", "scope", "global"])).match(/inet6? \S+/g);
    assert.deepEqual(await addresses(web), ["inet 172.30.0.2/24", "inet6 fd00:9::2/64"]);
    assert.deepEqual(await addresses(other), ["inet 172.30.0.3/24", "inet6 fd00:9::77/64"]);
    assert.deepEqual(await addresses(stranger), ["inet 172.18.0.2/16"]);
    assert.match(String(await addresses(alone)), /^inet6 fd[0-9a-f:]+::2\/64$/);
  });

  it("answers names with them, and them with names", async () => {
    assert.equal(await on(other, resolver(`r.resolve6("web", say)`)), "fd00:9::2");
    assert.equal(await on(other, resolver(`r.resolve4("web", say)`)), "172.30.0.2");
    assert.equal(await on(other, resolver(`r.reverse("fd00:9::2", say)`)), "web.six");
    assert.equal(await on(alone, resolver(`r.resolve4("alone", say)`)), "ENODATA");
  });

  it("lets containers of one network talk, and none of another", async () => {
    assert.equal(await on(other, call("tcp", "fd00:9::2", 80)), "web fd00:9::77");
    assert.match(await on(alone, call("tcp", "fd00:9::2", 80)), /^failed ETIMEDOUT$/);
    assert.match(await on(stranger, call("tcp", "fd00:9::2", 80)), /^failed (ENETUNREACH|EADDRNOTAVAIL)$/);
  });

  for (const protocol of ["tcp", "udp"] as const) {
    it(`publishes ${protocol} in both families, with the client's own address`, async () => {
      assert.equal(client(call(protocol, "fd98::1", 8080)).trim(), "web fd98::9");
      assert.equal(client(call(protocol, "10.98.0.1", 8080)).trim(), "web 10.98.0.9");
      assert.equal((await host.run(undefined, call(protocol, "::1", 8080))).trim(), "web fd00:9::1");
    });
  }

  it("lets a container call its own published port", async () => {
    assert.equal(await on(web, call("tcp", "fd98::1", 8080)), "web fd00:9::1");
  });

  it("publishes a container that has no IPv4 over IPv6 alone", async () => {
    assert.equal(client(call("tcp", "fd98::1", 8086)).trim(), "alone fd98::9");
    assert.equal(client(call("tcp", "10.98.0.1", 8086)).trim(), "failed ECONNREFUSED");
  });

  it("is not reached but through published ports", () => {
    client(["ip", "route", "replace", "fd00:9::/64", "via", "fd98::1"]);
    assert.equal(client(call("tcp", "fd00:9::2", 80)).trim(), "failed ETIMEDOUT");
  });

  it("reaches the world under the host's address", async () => {
    const listener = `require("net").createServer(s => { console.log(s.remoteAddress); process.exit(); }).listen(9999, "::");
      setTimeout(() => process.exit(1), 5000);`;
    const heard = new Promise<string>(resolve => setImmediate(() => resolve(client([process.execPath, "-e", listener]))));
    const caller = `const go = () => require("net").connect(9999, "fd98::9").on("error", () => setTimeout(go, 50)).on("connect", () => process.exit()); go();
      setTimeout(() => process.exit(), 5000);`;
    const called = host.call("run", { inside: other.id, command: [process.execPath, "-e", caller] });
    assert.equal((await heard).trim(), "fd98::1");
    await called;
  });

  it("makes a router of the host for its own alone", async () => {
    assert.match(await host.run(undefined, ["ip6tables", "-S", "FORWARD"]), /^-P FORWARD DROP$/m);
    assert.equal((await host.run(undefined, ["cat", "/proc/sys/net/ipv6/conf/all/forwarding"])).trim(), "1");
  });

  it("shows what it gave", async () => {
    const networks = await host.call<EngineNetwork[]>("list", {});
    const six = networks.find(({ name }) => name === "six");
    assert.deepEqual(
      Object.values(six?.containers ?? {}).map(({ name, ipv6Address }) => [name, ipv6Address]),
      [
        ["web", "fd00:9::2/64"],
        ["other", "fd00:9::77/64"],
      ],
    );
    const rules = await host.run(undefined, ["ip6tables", "-t", "nat", "-S", "DOCKER"]);
    assert.match(rules, /^-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination \[fd00:9::2\]:80$/m);
  });

  it("takes a running container in, and lets it go", async () => {
    await host.call("attach", { container: stranger, network: "six", endpoint: {} });
    assert.equal(await on(stranger, call("tcp", "fd00:9::2", 80)), "web fd00:9::3");
    await host.call("detach", { container: stranger, network: "six" });
    assert.match(await on(stranger, call("tcp", "fd00:9::2", 80)), /^failed (ENETUNREACH|EADDRNOTAVAIL)$/);
  });

  it("refuses an address that is taken or lies outside, and gives one anew that was released", async () => {
    const at = (name: string, ipv6Address: string) =>
      aContainer(name, { networkMode: "six", endpoints: { six: { ipv6Address } } });
    await assert.rejects(host.call("connect", at("late", "fd00:9::77")), /Address already in use/);
    await assert.rejects(
      host.call("connect", at("late", "fd00:8::77")),
      /no configured subnet or ip-range contain the IP address fd00:8::77/,
    );
    const { state } = await host.call<Sandbox>("connect", aContainer("late", { networkMode: "six" }));
    assert.equal(state.endpoints["six"]?.globalIpv6Address, "fd00:9::3");
    assert.equal(state.endpoints["six"]?.ipv6Gateway, "fd00:9::1");
    await host.call("release", aContainer("late").id);
  });

  it("goes on across a restart of the daemon, and is taken down whole", async () => {
    host = await host.killDaemon();
    await host.call(
      "restore",
      [web, other].map(container => ({ ...container, state: { status: "running" } })),
    );
    assert.equal(client(call("tcp", "fd98::1", 8080)).trim(), "web fd98::9");
    assert.equal((await host.run(undefined, call("tcp", "::1", 8080))).trim(), "web fd00:9::1");
    assert.equal(await on(other, resolver(`r.resolve6("web", say)`)), "fd00:9::2");
    for (const { id } of [web, other]) await host.call("release", id);
    for (const name of ["six", "only6", "four"]) await host.call("remove", name);
    await host.call("settle");
    const saved = await host.run(undefined, ["ip6tables-save"]);
    assert.doesNotMatch(saved, /br-|fd00:9|8080/);
    assert.equal((await host.run(undefined, ["ss", "-Hltn", "sport = :8080"])).trim(), "");
  });
});
