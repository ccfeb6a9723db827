import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cgroupRoots, hostProcesses } from "../../../deploy/lab/processes.ts";
import { get, send } from "../../faults/client.ts";
import { FaultHost } from "../../faults/fault-host.ts";
import { leftovers, settledLeftovers } from "../../faults/leftovers.ts";
import { importBusybox } from "../lab/lab.ts";

const NOBODY = "f".repeat(64);

interface Planted {
  readonly what: string;
  /** The line that must be there. */
  readonly seen: RegExp;
  readonly plant: (host: FaultHost) => unknown;
  readonly uproot: (host: FaultHost) => unknown;
}

const data = (host: FaultHost, path: string): string => join(host.lab.directory, "data", path);
const cgroup = (host: FaultHost): string => join(cgroupRoots()[0] ?? "", host.lab.cgroup, "containers", NOBODY);
const inMounts = (host: FaultHost, ...command: readonly string[]): string =>
  host.inNetwork("nsenter", `--mount=/proc/${host.holderPid}/ns/mnt`, ...command);

function file(what: string, place: (host: FaultHost) => string): Planted {
  return {
    what,
    seen: /^file .*(f{64}|planted)/,
    plant(host) {
      mkdirSync(dirname(place(host)), { recursive: true });
      writeFileSync(place(host), "");
    },
    uproot: host => rmSync(place(host)),
  };
}

function rule(what: string, words: readonly string[]): Planted {
  return {
    what,
    seen: /^rule /,
    plant: host => host.inNetwork("iptables", "-w", "5", "-A", ...words),
    uproot: host => host.inNetwork("iptables", "-w", "5", "-D", ...words),
  };
}

const PLANTED: readonly Planted[] = [
  {
    what: "a mount",
    seen: /^mount .*planted/,
    plant(host) {
      mkdirSync(data(host, "images/planted"));
      inMounts(host, "mount", "-t", "tmpfs", "tmpfs", data(host, "images/planted"));
    },
    uproot(host) {
      inMounts(host, "umount", data(host, "images/planted"));
      rmdirSync(data(host, "images/planted"));
    },
  },
  {
    what: "a network namespace",
    seen: /^network namespace \/run\/shoal\/netns\//,
    plant: host => inMounts(host, "sh", "-c", "touch /run/shoal/netns/planted && unshare --net=/run/shoal/netns/planted true"),
    uproot: host => inMounts(host, "sh", "-c", "umount /run/shoal/netns/planted && rm /run/shoal/netns/planted"),
  },
  {
    what: "a veth",
    seen: /^veth vethplanted$/,
    plant: host => host.inNetwork("ip", "link", "add", "vethplanted", "type", "veth", "peer", "name", "vethpeer"),
    uproot: host => host.inNetwork("ip", "link", "del", "vethplanted"),
  },
  {
    what: "a bridge",
    seen: /^device br-planted$/,
    plant: host => host.inNetwork("ip", "link", "add", "br-planted", "type", "bridge"),
    uproot: host => host.inNetwork("ip", "link", "del", "br-planted"),
  },
  {
    what: "a cgroup",
    seen: /^cgroup .*f{64}/,
    plant: host => mkdirSync(cgroup(host)),
    uproot: host => rmdirSync(cgroup(host)),
  },
  {
    what: "an anonymous volume",
    seen: /^volume [0-9a-f]{64}$/,
    plant: host => send(host.socket, { method: "POST", path: "/volumes/create", body: {} }),
    uproot: host => send(host.socket, { method: "POST", path: "/volumes/prune" }),
  },
  rule("a port's rule", [
    "DOCKER",
    "-t",
    "nat",
    "-p",
    "tcp",
    "--dport",
    "1234",
    "-j",
    "DNAT",
    "--to-destination",
    "172.17.0.9:80",
  ]),
  rule("a bridge's rule", ["DOCKER", "-o", "br-planted", "-j", "DROP"]),
  rule("a subnet's rule", ["SHOAL-RAW", "-t", "raw", "-d", "10.77.0.0/16", "-j", "DROP"]),
  rule("a rule twice", ["DOCKER-FORWARD", "-o", "docker0", "-j", "DOCKER"]),
  file("a container's folder", host => data(host, `containers/${NOBODY}`)),
  file("a volume's folder", host => data(host, "volumes/planted")),
  file("a container's layer", host => data(host, `images/containers/${NOBODY}`)),
  file("a staged file", host => data(host, "images/staging/planted")),
  file("an image's record", host => data(host, `images/images/${NOBODY}.json`)),
  file("half a record", host => data(host, "images/planted.json.new")),
  file("a layer's record", host => data(host, `images/layers/${NOBODY}.json.new`)),
  file("a layer", host => data(host, "images/l/planted")),
  file("a blob", host => data(host, `images/blobs/sha256/${NOBODY}`)),
  file("a bundle", host => host.inside(`/run/shoal/containers/${NOBODY}`)),
  file("an exit code", host => host.inside(`/run/shoal/exits/${NOBODY}`)),
  file("a sandbox record", host => host.inside(`/run/shoal/sandboxes/${NOBODY}.json`)),
  file("a held part of a volume", host => host.inside("/run/shoal/held/planted")),
  file("a terminal's socket", host => host.inside("/run/shoal/console/planted")),
  file("a runtime's state", host => host.inside(`/run/shoal/runtime/crun/${NOBODY}`)),
];

describe("the look for what a fault left", function () {
  this.timeout(60_000);
  let host: FaultHost;

  before(async () => {
    host = await FaultHost.up();
    await get(host.socket, "/_ping");
    assert.deepEqual(await settledLeftovers(host), []);
  });
  after(async () => host?.[Symbol.asyncDispose]());

  for (const { what, seen, plant, uproot } of PLANTED) {
    it(`sees ${what}`, async () => {
      await plant(host);
      const found = await leftovers(host);
      await uproot(host);
      assert.ok(
        found.some(line => seen.test(line)),
        JSON.stringify(found),
      );
      assert.deepEqual(await settledLeftovers(host), []);
    });
  }

  it("sees a conmon", async () => {
    const mounts = `--mount=/proc/${host.holderPid}/ns/mnt`;
    const planted = spawn("nsenter", [mounts, "bash", "-c", `exec -a conmon sleep 60`], { stdio: "ignore" });
    const ended = once(planted, "exit");
    try {
      await settled(async () => (await leftovers(host)).some(line => /^process \d+ conmon/.test(line)));
    } finally {
      planted.kill("SIGKILL");
      await ended;
    }
    assert.deepEqual(await settledLeftovers(host), []);
  });
});

/** What a container that runs has, and what takes it away behind the daemon's back. */
const MISSING: readonly {
  readonly what: string;
  readonly seen: RegExp;
  readonly take: (host: FaultHost, id: string) => unknown;
}[] = [
  {
    what: "a container's file system",
    seen: /^mount missing .*merged$/,
    take: (host, id) => inMounts(host, "umount", "-l", data(host, `images/containers/${id}/merged`)),
  },
  {
    what: "a network namespace",
    seen: /^mount missing \/run\/shoal\/netns\//,
    take: async (host, id) => inMounts(host, "umount", "-l", (await inspectOf(host, id)).NetworkSettings.SandboxKey),
  },
  {
    what: "a container's veth",
    seen: /^device missing veth/,
    async take(host, id) {
      const { EndpointID } = (await inspectOf(host, id)).NetworkSettings.Networks["bridge"] ?? assert.fail();
      host.inNetwork("ip", "link", "del", `veth${EndpointID.slice(0, 11)}`);
    },
  },
  {
    what: "a port's rule",
    seen: /^rule missing for port 8099$/,
    take: host => host.inNetwork("iptables", "-w", "5", "-t", "nat", "-F", "DOCKER"),
  },
  {
    what: "a conmon",
    seen: /^process 0 conmons of/,
    async take(host, id) {
      const [conmon = assert.fail()] = hostProcesses(host.lab, host.holderPid).filter(pid => isConmonOf(pid, id));
      process.kill(conmon, "SIGKILL");
    },
  },
  {
    what: "that a container runs, and is frozen",
    seen: /^process of [0-9a-f]{64} is frozen$/,
    take: (host, id) => writeFileSync(`/sys/fs/cgroup/freezer${host.lab.cgroup}/containers/${id}/freezer.state`, "FROZEN"),
  },
];

interface Inspected {
  readonly NetworkSettings: {
    readonly SandboxKey: string;
    readonly Networks: Readonly<Record<string, { readonly EndpointID: string }>>;
  };
}

function inspectOf(host: FaultHost, id: string): Promise<Inspected> {
  return get<Inspected>(host.socket, `/containers/${id}/json`);
}

function isConmonOf(pid: number, id: string): boolean {
  const [program = "", ...words] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return program.endsWith("conmon") && words.includes(id);
}

describe("the look for what a fault took away", function () {
  this.timeout(60_000);
  let host: FaultHost;
  let id: string;

  before(async () => {
    host = await FaultHost.up();
    await importBusybox([{ name: "m1", address: "", socket: host.socket }]);
  });
  after(async () => host?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    const body = {
      ...{ Image: "busybox", Cmd: ["sleep", "1000"], ExposedPorts: { "80/tcp": {} } },
      HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8099" }] } },
    };
    const created = await send(host.socket, { method: "POST", path: "/containers/create", body });
    assert.ok(created.kind === "answer");
    ({ Id: id } = created.body as { readonly Id: string });
    await send(host.socket, { method: "POST", path: `/containers/${id}/start` });
    assert.deepEqual(await settledLeftovers(host), []);
  });
  afterEach(async () => {
    await send(host.socket, { method: "DELETE", path: `/containers/${id}?force=1` });
    assert.deepEqual(await settledLeftovers(host), []);
  });

  for (const { what, seen, take } of MISSING) {
    it(`misses ${what}`, async () => {
      await take(host, id);
      await settled(async () => (await leftovers(host)).some(line => seen.test(line)));
    });
  }
});

/** A program that was just started takes its name a moment later. */
async function settled(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) assert.fail("not seen");
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
