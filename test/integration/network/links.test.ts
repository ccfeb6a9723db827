import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KernelNetwork, LinkChange, Links } from "../../../src/ports/kernel-network.ts";
import { openKernelNetwork } from "../../../src/system/kernel-network.ts";

const BRIDGE = "br0";

/** What the kernel is asked for without a program, held against what `ip` sees of it. */
describe("interfaces of containers", () => {
  const directory = mkdtempSync(join(tmpdir(), "links-"));
  const paths = { outer: join(directory, "outer"), inner: join(directory, "inner") };
  let kernel: KernelNetwork & AsyncDisposable;
  let outer: Links;
  let inner: Links;

  before(async () => {
    kernel = await openKernelNetwork();
    outer = await kernel.createNamespace(paths.outer);
    ip(paths.outer, `link add name ${BRIDGE} type bridge`);
  });

  beforeEach(async () => {
    inner = await kernel.createNamespace(paths.inner);
  });

  afterEach(async () => {
    inner[Symbol.dispose]();
    await outer.change([{ kind: "delete", device: "veth1" }], { allowFailure: true });
    await kernel.deleteNamespace(paths.inner);
  });

  after(async () => {
    outer[Symbol.dispose]();
    await kernel.deleteNamespace(paths.outer);
    await kernel[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const pair = (isHairpin: boolean): LinkChange => ({
    kind: "add-pair",
    name: "veth1",
    bridge: BRIDGE,
    mtuBytes: 1400,
    isHairpin,
    peer: { name: "eth0", macAddress: "02:42:ac:11:00:02", namespaceFd: inner.namespaceFd },
  });

  it("are made whole: a pair on its bridge, an address, a route", async () => {
    await outer.change([{ kind: "raise", device: BRIDGE }, pair(true)]);
    await inner.change([
      { kind: "add-address", device: "eth0", address: "172.17.0.2", prefixLength: 16 },
      { kind: "add-address", device: "eth0", address: "169.254.7.7", prefixLength: 31 },
      { kind: "raise", device: "eth0" },
      { kind: "default-route", device: "eth0", gateway: "172.17.0.9" },
      { kind: "default-route", device: "eth0", gateway: "172.17.0.1" },
    ]);
    const details = ip(paths.outer, "-d -o link show dev veth1");
    assert.match(details, /veth1@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 .* master br0 /);
    assert.match(details, / hairpin on /);
    assert.match(ip(paths.inner, "-o link show dev eth0"), /,UP,LOWER_UP> mtu 1400 .* link\/ether 02:42:ac:11:00:02 /);
    assert.deepEqual(
      [...ip(paths.inner, "-o -4 address show dev eth0").matchAll(/inet (\S+ (?:brd \S+ )?scope \w+)/g)].map(([, text]) => text),
      ["172.17.0.2/16 brd 172.17.255.255 scope global", "169.254.7.7/31 scope global"],
    );
    assert.match(ip(paths.inner, "route"), /^default via 172\.17\.0\.1 dev eth0 $/m);
  });

  it("have IPv6 where it is switched on for them, without asking around for the address", async () => {
    await outer.change([pair(false)]);
    await kernel.writeSysctl("net/ipv6/conf/eth0/disable_ipv6", "0", { namespacePath: paths.inner });
    await inner.change([
      { kind: "add-address", device: "eth0", address: "fd00:1::2", prefixLength: 64 },
      { kind: "raise", device: "eth0" },
      { kind: "default-route", device: "eth0", gateway: "fd00:1::1" },
    ]);
    assert.match(ip(paths.inner, "-o -6 address show dev eth0"), /fd00:1::2\/64 scope global nodad /);
    assert.match(ip(paths.inner, "-6 route"), /^default via fd00:1::1 dev eth0 /m);
    assert.match(ip(paths.outer, "-d -o link show dev veth1"), / hairpin off /);
  });

  it("are known to who is on their bridge, also while the one before is looked for", async () => {
    ip(paths.outer, `address add 172.17.0.1/16 dev ${BRIDGE}`);
    await kernel.writeSysctl(`net/ipv6/conf/${BRIDGE}/disable_ipv6`, "0", { namespacePath: paths.outer });
    await outer.change([{ kind: "raise", device: BRIDGE }]);
    execFileSync("nsenter", [`--net=${paths.outer}`, "bash", "-c", "echo >/dev/udp/172.17.0.2/9"]);
    assert.match(ip(paths.outer, "neigh show to 172.17.0.2"), /INCOMPLETE/);
    const known = { kind: "neighbour", device: BRIDGE, macAddress: "02:42:ac:11:00:02" } as const;
    await outer.change(["172.17.0.2", "fd00:1::2"].map(address => ({ ...known, address })));
    for (const address of ["172.17.0.2", "fd00:1::2"])
      assert.match(ip(paths.outer, `neigh show to ${address}`), / lladdr 02:42:ac:11:00:02 (STALE|DELAY) /);
    ip(paths.outer, `address flush dev ${BRIDGE}`);
  });

  it("of a fresh namespace are a loopback alone, and ::1 is there", async () => {
    await inner.change([{ kind: "raise", device: "lo" }]);
    assert.deepEqual(ip(paths.inner, "-o address").match(/inet6? \S+/g), ["inet 127.0.0.1/8", "inet6 ::1/128"]);
  });

  it("are all tried, and each that fails is named with its reason", async () => {
    await outer.change([pair(false)]);
    const changes: readonly LinkChange[] = [
      pair(false),
      { kind: "add-address", device: "none", address: "10.0.0.1", prefixLength: 8 },
      { kind: "delete", device: "veth1" },
      { kind: "delete", device: "veth1" },
    ];
    await assert.rejects(outer.change(changes), {
      kind: "internal",
      message: [
        "addr add 10.0.0.1/8 dev none: ioctl: no such device",
        "link add name veth1 type veth peer name eth0 master br0: EEXIST",
        "link del dev veth1: ENODEV",
      ].join("; "),
    });
    assert.throws(() => ip(paths.outer, "link show dev veth1"));
  });

  it("of one namespace can be changed by many at once", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `many${index}`);
    await Promise.all(
      names.map(name => outer.change([{ ...pair(true), name, peer: { ...pairPeer(inner), name } } as LinkChange])),
    );
    await Promise.all(
      names.map((device, index) =>
        inner.change([{ kind: "add-address", device, address: `10.9.0.${index + 1}`, prefixLength: 32 }]),
      ),
    );
    assert.equal(
      ip(paths.inner, "-o -4 address")
        .split("\n")
        .filter(line => line.includes("inet 10.9.")).length,
      names.length,
    );
    await Promise.all(names.map(device => outer.change([{ kind: "delete", device }])));
    assert.equal(ip(paths.outer, "-o link").includes("many"), false);
  });

  it("keep no file open once they are disposed of, and no thread in another namespace", async () => {
    const own = readlinkSync("/proc/self/ns/net");
    const openFiles = () => readdirSync("/proc/self/fd").length;
    await settled();
    const before = openFiles();
    for (let round = 0; round < 3; round++) {
      const path = join(directory, `round${round}`);
      (await kernel.createNamespace(path))[Symbol.dispose]();
      kernel.linksIn(path)[Symbol.dispose]();
      await kernel.deleteNamespace(path);
      await assert.rejects(async () => kernel.linksIn(path), { code: "ENOENT" });
    }
    await settled();
    assert.equal(openFiles(), before);
    const threads = readdirSync("/proc/self/task").map(thread => readlinkSync(`/proc/self/task/${thread}/ns/net`));
    assert.deepEqual([...new Set(threads)], [own]);
  });

  it("are refused where the pin cannot be made, and nothing is left", async () => {
    await assert.rejects(kernel.createNamespace(join(paths.outer, "below-a-file")), {
      kind: "internal",
      message: /^network namespace: mkdir .*outer: file exists$/,
    });
    assert.ok(statSync(paths.outer).isFile());
  });
});

function pairPeer({ namespaceFd }: Links) {
  return { macAddress: "02:42:ac:11:00:03", namespaceFd };
}

/** A file is closed after what was asked of it before. */
async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

function ip(path: string, command: string): string {
  return execFileSync("nsenter", [`--net=${path}`, "ip", ...command.split(" ")], { encoding: "utf8", stdio: "pipe" });
}
