import assert from "node:assert/strict";
import { parseDeviceRule, planDevices } from "../../../../src/engine/runtime/oci/devices.ts";
import { checkHostConfig, encodeSpec, planSpec, type SpecRequest } from "../../../../src/engine/runtime/oci/spec.ts";
import type { OciSpec } from "../../../../src/engine/runtime/oci/types.ts";
import type { ContainerConfig, HostConfig } from "../../../../src/model/container.ts";
import { asId, type ContainerId } from "../../../../src/model/ids.ts";
import { aContainerConfig, aHostConfig } from "../../../integration/runtime/host-config.ts";
import { someFacts } from "./facts.ts";

interface Asked {
  readonly config?: Partial<ContainerConfig>;
  readonly hostConfig?: Partial<HostConfig>;
  readonly request?: Partial<SpecRequest>;
}

function specOf({ config, hostConfig, request }: Asked = {}): OciSpec {
  return planSpec({
    container: {
      id: asId<ContainerId>("c1"),
      path: "sh",
      args: ["-c", "true"],
      config: aContainerConfig(config),
      hostConfig: aHostConfig({ networkMode: "bridge", ...hostConfig }),
    },
    rootfsPath: "/root-fs",
    user: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
    networkNamespacePath: "/run/netns/c1",
    joined: {},
    mounts: [],
    cgroupParent: "/shoal",
    deviceNodes: [],
    facts: someFacts(),
    ...request,
  }).spec;
}

const namespaces = (spec: OciSpec): readonly string[] => spec.linux.namespaces.map(({ type, path = "" }) => `${type}${path}`);
const mountAt = (spec: OciSpec, path: string): string | undefined => {
  const mount = spec.mounts.find(({ destination }) => destination === path);
  return mount && [mount.type, mount.source, ...mount.options].join(" ");
};

describe("planSpec", () => {
  it("gives what Docker gives by default", () => {
    const { process, root, hostname, linux, mounts, annotations } = specOf();
    assert.deepEqual(process.args, ["sh", "-c", "true"]);
    assert.deepEqual(process.env, [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOSTNAME=box",
      "HOME=/root",
    ]);
    assert.deepEqual([process.cwd, process.terminal, process.noNewPrivileges, process.rlimits], ["/", false, false, []]);
    assert.deepEqual([root, hostname, annotations], [{ path: "/root-fs", readonly: false }, "box", undefined]);
    assert.deepEqual(
      mounts.map(({ destination }) => destination),
      ["/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"],
    );
    assert.deepEqual(linux.cgroupsPath, "/shoal/c1");
    assert.deepEqual(linux.sysctl, { "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647" });
    assert.ok(linux.maskedPaths.includes("/proc/kcore") && linux.readonlyPaths.includes("/proc/sys"));
    assert.equal(linux.resources.devices?.length, 9);
    assert.deepEqual(linux.seccomp?.syscalls, [{ names: ["read"], action: "SCMP_ACT_ALLOW" }]);
  });

  const modes: readonly { readonly when: string; readonly asked: Asked; readonly is: readonly string[] }[] = [
    { when: "on cgroup v2", asked: {}, is: ["mount", "network/run/netns/c1", "uts", "pid", "ipc", "cgroup"] },
    {
      when: "on cgroup v1",
      asked: { request: { facts: someFacts({ cgroupVersion: 1 }) } },
      is: ["mount", "network/run/netns/c1", "uts", "pid", "ipc"],
    },
    {
      when: "with the host's",
      asked: { hostConfig: { networkMode: "host", pidMode: "host", ipcMode: "host", utsMode: "host", cgroupnsMode: "host" } },
      is: ["mount"],
    },
    {
      when: "with another container's",
      asked: {
        hostConfig: { networkMode: "container:a", pidMode: "container:b", ipcMode: "container:c" },
        request: { joined: { network: 1, pid: 2, ipc: 3 } },
      },
      is: ["mount", "network/proc/1/ns/net", "uts", "pid/proc/2/ns/pid", "ipc/proc/3/ns/ipc", "cgroup"],
    },
  ];
  for (const { when, asked, is } of modes) it(`lists namespaces ${when}`, () => assert.deepEqual(namespaces(specOf(asked)), is));

  it("refuses to join what does not run, and unknown modes", () => {
    assert.throws(() => specOf({ hostConfig: { pidMode: "container:b" } }), { kind: "conflict" });
    assert.throws(() => specOf({ hostConfig: { pidMode: "foo" } }), { kind: "invalid", message: "invalid PID mode: foo" });
    assert.throws(() => specOf({ hostConfig: { usernsMode: "keep-id" } }), { kind: "invalid" });
  });

  it("opens everything to a privileged container", () => {
    const { linux, process, ...rest } = specOf({ hostConfig: { privileged: true } });
    assert.deepEqual([linux.maskedPaths, linux.readonlyPaths, linux.seccomp], [[], [], undefined]);
    assert.deepEqual(linux.resources.devices, [{ allow: true, access: "rwm" }]);
    assert.deepEqual(process.capabilities.effective, someFacts().capabilities);
    assert.match(mountAt({ linux, process, ...rest }, "/sys") ?? "", / rw$/);
  });

  it("puts mounts in their parents' order, in place of the defaults", () => {
    const bind = (destination: string, isWritable: boolean): SpecRequest["mounts"][number] => ({
      source: "/src",
      destination,
      isWritable,
    });
    const spec = specOf({
      hostConfig: { tmpfs: { "/a/b": "exec,size=1m" } },
      request: { mounts: [bind("/a/b/c", false), bind("/a", true), bind("/dev/shm", true)] },
    });
    assert.deepEqual(
      spec.mounts.slice(-4).map(({ destination }) => destination),
      ["/a", "/dev/shm", "/a/b", "/a/b/c"],
    );
    assert.equal(mountAt(spec, "/a"), "bind /src rbind rw rprivate");
    assert.equal(mountAt(spec, "/a/b/c"), "bind /src rbind ro rro rprivate");
    assert.equal(mountAt(spec, "/a/b"), "tmpfs tmpfs nosuid nodev exec size=1m");
    assert.equal(spec.mounts.filter(({ destination }) => destination === "/dev/shm").length, 1);
  });

  it("reads tmpfs from the long form, and lets shared binds through the root", () => {
    const spec = specOf({
      hostConfig: { mounts: [{ type: "tmpfs", target: "/t", tmpfs: { sizeBytes: 4096, mode: 0o700 } }], shmSizeBytes: 1024 },
      request: { mounts: [{ source: "/s", destination: "/s", isWritable: true, propagation: "rshared" }] },
    });
    assert.equal(mountAt(spec, "/t"), "tmpfs tmpfs noexec nosuid nodev size=4096 mode=700");
    assert.equal(mountAt(spec, "/dev/shm"), "tmpfs shm nosuid noexec nodev mode=1777 size=1024");
    assert.equal(spec.linux.rootfsPropagation, "shared");
  });

  const badMounts: readonly { readonly asked: Asked; readonly says: RegExp }[] = [
    { asked: { hostConfig: { tmpfs: { "/t": "bogus" } } }, says: /^invalid tmpfs option "bogus"$/ },
    { asked: { hostConfig: { tmpfs: { t: "" } } }, says: /mount path must be absolute/ },
    { asked: { request: { mounts: [{ source: "/s", destination: "/", isWritable: true }] } }, says: /destination can't be '\/'/ },
    {
      asked: {
        hostConfig: { tmpfs: { "/x": "" } },
        request: { mounts: [{ source: "/s", destination: "/x", isWritable: true }] },
      },
      says: /^Duplicate mount point: \/x$/,
    },
    {
      asked: { request: { mounts: [{ source: "/s", destination: "/x", isWritable: true, propagation: "odd" }] } },
      says: /^invalid propagation mode: odd$/,
    },
  ];
  for (const { asked, says } of badMounts)
    it(`refuses a mount: ${says.source}`, () => assert.throws(() => specOf(asked), { kind: "invalid", message: says }));

  it("merges the environment in order, and lets the user take a name away", () => {
    const { env } = specOf({
      config: { tty: true, env: ["PATH=/x", "A=1", "A=2", "TERM", "HOME=/h", "HOSTNAME=other"] },
    }).process;
    assert.deepEqual(env, ["PATH=/x", "HOSTNAME=other", "A=2", "HOME=/h"]);
  });

  it("runs init first, when asked and when it is there", () => {
    const spec = specOf({ hostConfig: { init: true } });
    assert.deepEqual(spec.process.args, ["/sbin/docker-init", "--", "sh", "-c", "true"]);
    assert.equal(mountAt(spec, "/sbin/docker-init"), "bind /usr/bin/tini-static bind ro");
    const { initPath: _, ...without } = someFacts();
    assert.throws(() => specOf({ hostConfig: { init: true }, request: { facts: without } }), {
      kind: "invalid",
      message: /init/,
    });
  });

  it("lowers a limit it may not give, and says so", () => {
    const ulimits = [
      { name: "nofile", soft: 1024, hard: 100_000 },
      { name: "core", soft: -1, hard: -1 },
    ];
    const facts = someFacts({ capabilities: [], hardLimits: { RLIMIT_NOFILE: 20_000 } });
    const container = {
      id: asId<ContainerId>("c"),
      path: "sh",
      args: [],
      config: aContainerConfig(),
      hostConfig: aHostConfig({ ulimits }),
    };
    const user = { uid: 0, gid: 0, additionalGids: [], home: "/" };
    const { spec, warnings } = planSpec({
      container,
      rootfsPath: "/",
      user,
      joined: {},
      mounts: [],
      cgroupParent: "/",
      deviceNodes: [],
      facts,
    });
    assert.deepEqual(spec.process.rlimits[0], { type: "RLIMIT_NOFILE", soft: 1024, hard: 20_000 });
    assert.equal(warnings.length, 1);
    assert.match(encodeSpec(spec), /"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615/);
  });

  it("hands a compiled filter to a runtime that takes one", () => {
    const compiledSeccomp = { runtimes: new Set(["", "crun"]), compile: () => Buffer.from("filter") };
    const spec = specOf({ request: { facts: someFacts({ compiledSeccomp }) } });
    assert.deepEqual([spec.linux.seccomp, spec.annotations], [undefined, { "run.oci.seccomp_bpf_data": "ZmlsdGVy" }]);
    const other = specOf({ hostConfig: { runtime: "runc" }, request: { facts: someFacts({ compiledSeccomp }) } });
    assert.deepEqual([other.linux.seccomp !== undefined, other.annotations], [true, undefined]);
    assert.equal(
      specOf({ hostConfig: { securityOpt: ["seccomp=unconfined"] }, request: { facts: someFacts({ compiledSeccomp }) } })
        .annotations,
      undefined,
    );
  });
});

describe("checkHostConfig", () => {
  const refused: readonly { readonly asked: Partial<HostConfig>; readonly says: RegExp; readonly kind?: string }[] = [
    { asked: { cgroup: "/x" }, says: /^HostConfig\.Cgroup is not supported/ },
    { asked: { securityOpt: ["what=ever"] }, kind: "internal", says: /^invalid --security-opt 2: "what=ever"$/ },
    { asked: { securityOpt: ["seccomp={"] }, says: /^Decoding seccomp profile failed/ },
    { asked: { sysctls: { "kernel.panic": "1" } }, says: /^sysctl "kernel.panic" is not in a separate kernel namespace$/ },
    { asked: { sysctls: { "net.core.somaxconn": "1" }, networkMode: "host" }, says: /not allowed in host network namespace$/ },
    { asked: { deviceCgroupRules: ["c 1"] }, says: /^invalid device cgroup rule format: 'c 1'$/ },
    { asked: { oomScoreAdj: 2000 }, says: /^Invalid value 2000, range for oom score adj is \[-1000, 1000\]$/ },
    { asked: { isolation: "hyperv" }, says: /isolation/ },
    { asked: { ulimits: [{ name: "bogus", soft: 1, hard: 1 }] }, says: /^invalid ulimit type: bogus$/ },
    {
      asked: { ulimits: [{ name: "nofile", soft: 2, hard: 1 }] },
      says: /^ulimit soft limit must be less than or equal to hard limit: 2 > 1$/,
    },
  ];
  for (const { asked, says, kind = "invalid" } of refused) {
    it(`refuses ${JSON.stringify(asked)}`, () =>
      assert.throws(() => checkHostConfig(aHostConfig(asked), someFacts()), { kind, message: says }));
  }
  it("takes what can be honoured", () => {
    const securityOpt = [
      "no-new-privileges",
      "seccomp=unconfined",
      "label=disable",
      "apparmor=unconfined",
      "systempaths=unconfined",
    ];
    assert.deepEqual(
      checkHostConfig(aHostConfig({ securityOpt, sysctls: { "net.core.somaxconn": "9", "kernel.shmmax": "9" } }), someFacts()),
      { warnings: [], discarded: [] },
    );
  });
  it("says what has no effect here", () => {
    assert.deepEqual(
      checkHostConfig(
        aHostConfig({ securityOpt: ["label=type:x", "apparmor=mine"], blkioWeight: 5, memorySwappiness: 9 }),
        someFacts({ hasBlkioWeight: false, hasMemorySwappiness: false }),
      ),
      {
        warnings: [
          "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
          "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
          "SELinux is not enabled. Label type:x discarded.",
          "The kernel has no AppArmor. Profile mine discarded.",
        ],
        discarded: ["memorySwappiness", "blkioWeight"],
      },
    );
    const asked = { hostConfig: { securityOpt: ["apparmor=mine"] }, facts: someFacts({ hasAppArmor: true }) };
    assert.throws(() => checkHostConfig(aHostConfig(asked.hostConfig), asked.facts), { kind: "invalid", message: /AppArmor/ });
  });
});

describe("planDevices", () => {
  const nodes = [
    { path: "/dev/snd/a", type: "c", major: 116, minor: 2, mode: 0o660, uid: 0, gid: 29 },
    { path: "/dev/snd/b", type: "c", major: 116, minor: 3, mode: 0o660, uid: 0, gid: 29 },
  ] as const;
  const hostConfig = aHostConfig({
    devices: [{ pathOnHost: "/dev/snd", pathInContainer: "/dev/sound", cgroupPermissions: "rw" }],
  });

  it("maps a folder of devices, with its rights", () => {
    const { devices, rules } = planDevices({ hostConfig, nodes });
    assert.deepEqual(
      devices.map(({ path, minor }) => [path, minor]),
      [
        ["/dev/sound/a", 2],
        ["/dev/sound/b", 3],
      ],
    );
    assert.deepEqual(
      rules.slice(-2).map(({ major, minor, access }) => [major, minor, access]),
      [
        [116, 2, "rw"],
        [116, 3, "rw"],
      ],
    );
  });
  it("refuses one that is not there", () => {
    assert.throws(() => planDevices({ hostConfig, nodes: [] }), {
      kind: "invalid",
      message: 'error gathering device information while adding custom device "/dev/snd": no such file or directory',
    });
  });
  it("reads rules with any number", () => {
    assert.deepEqual(parseDeviceRule("c 13:* rmw"), { allow: true, type: "c", major: 13, access: "rmw" });
  });
});
