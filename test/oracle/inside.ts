/** What a container sees of itself: printed by a shell in it, and made comparable by rules that have names. */

const CGROUP_FILES = [
  "memory/memory.limit_in_bytes",
  "memory/memory.memsw.limit_in_bytes",
  "memory/memory.soft_limit_in_bytes",
  "memory/memory.swappiness",
  "memory/memory.oom_control",
  "cpu/cpu.shares",
  "cpu/cpu.cfs_period_us",
  "cpu/cpu.cfs_quota_us",
  "cpuset/cpuset.cpus",
  "cpuset/cpuset.mems",
  "pids/pids.max",
  "blkio/blkio.bfq.weight",
  "blkio/blkio.throttle.read_bps_device",
  "blkio/blkio.throttle.read_iops_device",
  "blkio/blkio.throttle.write_bps_device",
  "blkio/blkio.throttle.write_iops_device",
  "devices/devices.list",
  "memory.max",
  "memory.swap.max",
  "memory.low",
  "cpu.max",
  "cpu.weight",
  "cpuset.cpus",
  "cpuset.mems",
  "pids.max",
  "io.max",
  "io.weight",
];
const SYSCTLS = [
  "net/ipv4/ip_forward",
  "net/ipv4/ping_group_range",
  "net/ipv4/ip_unprivileged_port_start",
  "net/ipv6/conf/all/disable_ipv6",
  "net/core/somaxconn",
  "kernel/shmmax",
  "kernel/shm_rmid_forced",
  "kernel/msgmax",
  "fs/mqueue/msg_max",
];
const STATUS =
  "Umask|Uid|Gid|Groups|SigBlk|SigIgn|Cap[A-Z][a-z]+|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed_list|Mems_allowed_list";

const SECTIONS = {
  id: "id",
  environment: "env | sort",
  names: "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf",
  mounts: "cat /proc/self/mountinfo",
  status: `grep -E '^(${STATUS}):' /proc/$$/status`,
  limits: "cat /proc/self/limits; cat /proc/self/oom_score_adj",
  cgroup: `cat /proc/self/cgroup; cd /sys/fs/cgroup; for f in ${CGROUP_FILES.join(" ")}; do [ -r $f ] && sed "s|^|$f: |" $f; done; cd /`,
  settings: `for f in ${SYSCTLS.join(" ")}; do echo "$f: $(cat /proc/sys/$f)"; done`,
  devices: "ls -l /dev /dev/pts",
  descriptors: "for f in /proc/$$/fd/*; do echo $f $(readlink $f); done",
  links: "ip -o address; ip -o link; ip route",
  processes: "cat /proc/[0-9]*/comm",
};
export type Section = keyof typeof SECTIONS;

/** A script for `sh -c`; sections that show the host's, as links do in its network, are left out. */
export function insideScript(without: readonly Section[] = []): string {
  return Object.entries(SECTIONS)
    .filter(([section]) => !without.some(each => each === section))
    .map(([section, command]) => `echo '## ${section}'; { ${command}; } 2>&1`)
    .join("\n");
}

/** Two engines may differ in this; everything else that is printed is compared. */
interface InsideRule {
  readonly name: string;
  readonly because: string;
  readonly section: Section;
  readonly apply: (lines: readonly string[]) => readonly string[];
}

const eachLine =
  (pattern: RegExp, replacement: string): InsideRule["apply"] =>
  lines =>
    lines.map(line => line.replace(pattern, replacement));

export const INSIDE_RULES: readonly InsideRule[] = [
  {
    name: "mount",
    because: "ids, devices and layers are the machine's",
    section: "mounts",
    apply: lines => lines.map(mountLine),
  },
  {
    name: "read-only-proc",
    because: "crun drops the flags that proc has already where it makes a part of it read-only",
    section: "mounts",
    apply: eachLine(/^(\/proc\/(?:bus|fs|irq|sys)) proc (\S+) ro,(?:nosuid,nodev,noexec,)?relatime/, "$1 proc $2 ro"),
  },
  {
    name: "masked-file",
    because: "runc masks with the container's null device, crun with the host's",
    section: "mounts",
    apply: eachLine(/^(\/proc\/\S+) \S+ \/null .*/, "$1 masked"),
  },
  {
    name: "mount-order",
    because: "runtimes mount controllers and masks in orders of their own",
    section: "mounts",
    apply: lines => lines.toSorted((left, right) => compare(left.split(" ")[0], right.split(" ")[0])),
  },
  {
    name: "parent-cgroup",
    because: "each engine's containers are in a cgroup of its own",
    section: "cgroup",
    apply: eachLine(/^(\d+:[^:]*:).*\/([0-9a-f]{64})/, "$1<parent>/$2"),
  },
  {
    name: "controller-number",
    because: "which controller has which number is the kernel's",
    section: "cgroup",
    apply: lines => lines.map(line => line.replace(/^\d+:/, "")),
  },
  {
    name: "device-order",
    because: "a device list is a set",
    section: "cgroup",
    apply: lines => [...lines.filter(line => !isDevice(line)), ...lines.filter(isDevice).toSorted(compare)],
  },
  {
    name: "device-age",
    because: "a time",
    section: "devices",
    apply: eachLine(/ [A-Z][a-z]{2} +\d+ \d\d:\d\d /, " "),
  },
  {
    name: "input-owner",
    because: "crun gives the program's input, which is /dev/null, to the program's user",
    section: "devices",
    apply: eachLine(/^(crw-rw-rw- +1) \S+ +\S+ (.* null)$/, "$1 <user> $2"),
  },
  {
    name: "core-link",
    because: "crun links /dev/core to /proc/kcore, as runc did once; it is masked in both",
    section: "devices",
    apply: lines => lines.filter(line => !line.endsWith(" core -> /proc/kcore")),
  },
  {
    name: "pipe",
    because: "an inode's number",
    section: "descriptors",
    apply: lines => lines.map(line => line.replace(/\/proc\/\d+/, "/proc/<pid>").replace(/:\[\d+\]/, "")),
  },
  {
    name: "link-number",
    because: "an interface's number; its queue's length means nothing where nothing is queued",
    section: "links",
    apply: lines =>
      lines.map(line =>
        line
          .replace(/^\d+: /, "")
          .replace(/@if\d+/, "@<peer>")
          .replace(/ noqueue (?:qlen \d+)?/, " noqueue ")
          .replace(/\bfe80::[0-9a-f:]+/, "<link-local>"),
      ),
  },
];

/** The view with everything that may differ made the same. */
export function normalizeInside(text: string): string {
  return text
    .split(/^(?=## )/m)
    .map(part => {
      const [title = "", ...lines] = part.replace(/\n$/, "").split("\n");
      const rules = INSIDE_RULES.filter(({ section }) => title === `## ${section}`);
      return [title, ...rules.reduce<readonly string[]>((current, { apply }) => apply(current), lines)].join("\n");
    })
    .join("\n");
}

/** `/dev/shm tmpfs / rw,nosuid tmpfs-options`: point, kind, root, flags, what it spreads to, and a memory file system's own options. */
function mountLine(line: string): string {
  const match = /^\d+ \d+ \d+:\d+ (\S+) (\S+) (\S+) (.*?)- (\S+) (\S+) (\S+)$/.exec(line);
  if (match === null) return line;
  const [, root = "", point = "", flags = "", optional = "", kind = "", , options = ""] = match;
  // Docker makes its data root a shared mount; a container's root and volumes cannot show anything through it.
  const spread = point === "/" || /\/volumes\/[^/]+\/_data/.test(root) ? "" : optional.replace(/:\d+/g, "").trim();
  const shown = kind === "cgroup" || kind === "cgroup2" ? "<cgroup>" : root;
  const own = /^\/(?:proc|sys)(?:\/|$)/.test(point) || !/^(?:tmpfs|devpts|mqueue)$/.test(kind) ? "" : options;
  return [point, kind, shown, flags, spread, own].filter(part => part !== "").join(" ");
}

function isDevice(line: string): boolean {
  return line.startsWith("devices/devices.list:");
}

function compare(left = "", right = ""): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
