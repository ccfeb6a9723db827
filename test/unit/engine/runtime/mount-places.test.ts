import assert from "node:assert/strict";
import { type MountedParts, misplacedMount } from "../../../../src/engine/runtime/oci/mount-places.ts";

const mount = (destination: string, type = "bind") => ({ destination, type, source: "s", options: [] });
const SPEC: MountedParts = {
  mounts: [
    mount("/proc", "proc"),
    mount("/dev", "tmpfs"),
    mount("/dev/pts", "devpts"),
    mount("/sys", "sysfs"),
    mount("/sys/fs/cgroup", "cgroup"),
    mount("/dev/mqueue", "mqueue"),
    mount("/dev/shm", "tmpfs"),
    mount("/v"),
    mount("/v/x"),
  ],
  linux: { maskedPaths: ["/proc/kcore", "/proc/acpi", "/sys/firmware"], readonlyPaths: ["/proc/sys", "/proc/bus"] },
};
const line = (point: string, { root = "/", type = "tmpfs", options = "rw,relatime" } = {}): string =>
  `36 35 0:98 ${root} ${point} ${options} master:1 - ${type} ${type} rw`;
/** As crun and runc leave them. */
const GOOD = [
  line("/", { type: "overlay" }),
  line("/proc", { type: "proc", options: "rw,nosuid,nodev,noexec,relatime" }),
  line("/dev"),
  line("/dev/pts", { type: "devpts" }),
  line("/sys", { type: "sysfs", options: "ro" }),
  line("/sys/fs/cgroup"),
  line("/sys/fs/cgroup/memory", { type: "cgroup", root: "/shoal/c1", options: "ro" }),
  line("/dev/mqueue", { type: "mqueue" }),
  line("/dev/shm"),
  line("/v", { root: "/volumes/v/_data", type: "ext4" }),
  line("/v/x", { root: "/volumes/x/_data", type: "ext4" }),
  line("/dev/console", { root: "/0", type: "devpts" }),
  line("/proc/bus", { root: "/bus", type: "proc", options: "ro,relatime" }),
  line("/proc/sys", { root: "/sys", type: "proc", options: "ro,relatime" }),
  line("/proc/acpi", { options: "ro" }),
  line("/proc/kcore", { root: "/null", type: "devtmpfs", options: "ro" }),
  line("/sys/firmware", { options: "ro" }),
];
const look = (lines: readonly string[], spec = SPEC) => misplacedMount(lines.join("\n"), spec);
const without = (point: string) => GOOD.filter(text => text.split(" ")[4] !== point);
const led = (point: string) => [...GOOD, line(point, { root: "/volumes/x/_data", type: "ext4" })];

describe("mounts of a container that waits to be started", () => {
  it("are where they should be", () => assert.equal(look(GOOD), undefined));

  for (const point of ["/run/x", "/dev/shm", "/dev/shm/x", "/procession", "/etc/hosts", "/sysroot"])
    it(`may lie at ${point}, to which an image may have a link`, () => assert.equal(look(led(point)), undefined));

  for (const [point, said] of [
    ["/proc", '"/proc" cannot be mounted because it is not of type proc'],
    ["/proc/sys", '"/proc/sys" cannot be mounted because it is inside /proc'],
    ["/proc/kcore", '"/proc/kcore" cannot be mounted because it is inside /proc'],
    ["/proc/1/attr", '"/proc/1/attr" cannot be mounted because it is inside /proc'],
    ["/proc/sysrq-trigger", '"/proc/sysrq-trigger" cannot be mounted because it is inside /proc'],
    ["/sys", '"/sys" cannot be mounted because it is inside /sys'],
    ["/sys/kernel", '"/sys/kernel" cannot be mounted because it is inside /sys'],
    ["/dev", '"/dev" cannot be mounted because it is inside /dev'],
    ["/dev/null", '"/dev/null" cannot be mounted because it is inside /dev'],
    ["/dev/pts", '"/dev/pts" cannot be mounted because it is inside /dev'],
  ] as const)
    it(`do not lie at ${point} unasked`, () => assert.equal(look(led(point)), said));

  it("do not lie there first either, with what should be there on top", () =>
    assert.match(
      look([...led("/proc/sys"), line("/proc/sys", { root: "/sys", type: "proc", options: "ro" })]) ?? "",
      /inside \/proc/,
    ));

  for (const [point, mounted, what] of [
    ["/proc/kcore", { root: "/sys/kernel/core_pattern", type: "proc" }, "hidden by a setting of the host's"],
    ["/proc/acpi", { root: "/firmware", type: "sysfs" }, "hidden by a folder of such"],
    ["/dev/console", { root: "/sysrq-trigger", type: "proc" }, "a terminal that is a setting of the host's"],
    ["/proc/sys", { root: "/self/attr", type: "proc", options: "ro" }, "another file that is read-only in its place"],
    ["/proc/sys", { root: "/sys", type: "proc" }, "one that is not read-only after all"],
    ["/proc/sys", { root: "/volumes/x/_data", type: "ext4", options: "ro" }, "a volume"],
  ] as const)
    it(`at ${point} are not ${what}`, () =>
      assert.match(look([...without(point), line(point, mounted)]) ?? "", /is not what it should be/));

  it("lie where a user wants them", () => {
    const asked = (...mounts: readonly ReturnType<typeof mount>[]): MountedParts => ({
      ...SPEC,
      mounts: [...SPEC.mounts, ...mounts],
    });
    assert.equal(look(led("/proc/driver"), asked(mount("/proc/driver/"))), undefined);
    assert.equal(look(led("/dev/null"), asked(mount("/dev/null"))), undefined);
    assert.equal(look([...led("/sys/kernel"), line("/sys/kernel/debug")], asked(mount("/sys/kernel"))), undefined);
    assert.equal(look(led("/proc/with blank".replace(" ", "\\040")), asked(mount("/proc/with blank"))), undefined);
  });

  it("are nothing to look at where none are told", () => assert.equal(look([]), undefined));
});
