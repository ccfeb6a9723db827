import { has, type FieldRow } from "../row.ts";

const MIB = 1024 * 1024;
const MEMORY = "config.json linux.resources.memory";
const CPU = "config.json linux.resources.cpu";
const BLOCK_IO = "config.json linux.resources.blockIO";
/** Or the group above has no real time to give away. */
const REAL_TIME = /kernel does not support CPU real-time scheduler|cpu\.rt_(?:period|runtime)_us/;
const IN_BYTES = { "HostConfig.Memory": 64 * MIB };

/** A limit of what a device reads or writes. */
function throttle(name: string, seen: string): readonly FieldRow[] {
  const path = `HostConfig.${name}[].Path`;
  const rate = `HostConfig.${name}[].Rate`;
  return [
    {
      path,
      verdict: "honoured",
      note: "a block device of the host",
      effects: [{ value: "{disk}", with: { [rate]: 1000 }, in: `${BLOCK_IO}.${seen}`, is: has('"rate":1000') }],
      refusals: [
        {
          value: "/no/such",
          with: { [rate]: 1000 },
          status: 500,
          says: /\/no\/such: no such file or directory/,
          isAtStart: true,
        },
      ],
    },
    {
      path: rate,
      verdict: "honoured",
      note: "",
      effects: [{ value: 2000, insteadOf: 1000, with: { [path]: "{disk}" }, in: `${BLOCK_IO}.${seen}`, is: has('"rate":2000') }],
    },
  ];
}

/** Of the control group, and devices. */
export const RESOURCE_ROWS: readonly FieldRow[] = [
  {
    path: "HostConfig.CpuShares",
    verdict: "honoured",
    note: "",
    effects: [{ value: 512, in: `${CPU}.shares`, is: 512 }],
    refusals: [{ value: -1, status: 400, says: /invalid CPU shares/ }],
  },
  {
    path: "HostConfig.Memory",
    verdict: "honoured",
    note: "",
    effects: [{ value: 64 * MIB, in: `${MEMORY}.limit`, is: 64 * MIB }],
    refusals: [{ value: MIB, status: 400, says: /Minimum memory limit allowed is 6MB/ }],
  },
  {
    path: "HostConfig.CgroupParent",
    verdict: "honoured",
    note: "",
    effects: [{ value: "{cgroup}/given", in: "config.json linux.cgroupsPath", is: has("{cgroup}/given/") }],
  },
  {
    path: "HostConfig.BlkioWeight",
    verdict: "honoured",
    note: "where the kernel has weights; else dropped with Docker's warning",
    effects: [{ value: 300, in: `${BLOCK_IO}.weight`, is: 300, unlessSaid: /Weight discarded/ }],
  },
  {
    path: "HostConfig.BlkioWeightDevice[].Path",
    verdict: "honoured",
    note: "where the kernel has weights; else dropped with Docker's warning",
    effects: [
      {
        value: "{disk}",
        with: { "HostConfig.BlkioWeightDevice[].Weight": 300 },
        in: `${BLOCK_IO}.weightDevice`,
        is: has('"weight":300'),
        unlessSaid: /Weight-device discarded/,
      },
    ],
  },
  {
    path: "HostConfig.BlkioWeightDevice[].Weight",
    verdict: "honoured",
    note: "where the kernel has weights; else dropped with Docker's warning",
    effects: [
      {
        value: 300,
        insteadOf: 400,
        with: { "HostConfig.BlkioWeightDevice[].Path": "{disk}" },
        in: `${BLOCK_IO}.weightDevice`,
        is: has('"weight":300'),
        unlessSaid: /Weight-device discarded/,
      },
    ],
  },
  ...throttle("BlkioDeviceReadBps", "throttleReadBpsDevice"),
  ...throttle("BlkioDeviceWriteBps", "throttleWriteBpsDevice"),
  ...throttle("BlkioDeviceReadIOps", "throttleReadIOPSDevice"),
  ...throttle("BlkioDeviceWriteIOps", "throttleWriteIOPSDevice"),
  {
    path: "HostConfig.CpuPeriod",
    verdict: "honoured",
    note: "",
    effects: [{ value: 50_000, in: `${CPU}.period`, is: 50_000 }],
    refusals: [{ value: 10, status: 400, says: /CPU cfs period/ }],
  },
  {
    path: "HostConfig.CpuQuota",
    verdict: "honoured",
    note: "",
    effects: [{ value: 50_000, in: `${CPU}.quota`, is: 50_000 }],
    refusals: [{ value: 10, status: 400, says: /CPU cfs quota/ }],
  },
  {
    path: "HostConfig.CpuRealtimePeriod",
    verdict: "honoured",
    note: "refused where the kernel has no real-time groups",
    effects: [{ value: 1_000_000, in: `${CPU}.realtimePeriod`, is: 1_000_000, unlessSaid: REAL_TIME }],
  },
  {
    path: "HostConfig.CpuRealtimeRuntime",
    verdict: "honoured",
    note: "refused where the kernel has no real-time groups",
    effects: [{ value: 1000, in: `${CPU}.realtimeRuntime`, is: 1000, unlessSaid: REAL_TIME }],
  },
  {
    path: "HostConfig.CpusetCpus",
    verdict: "honoured",
    note: "",
    effects: [{ value: "0", in: `${CPU}.cpus`, is: "0" }],
    refusals: [{ value: "4000", status: 400, says: /Requested CPUs are not available/ }],
  },
  {
    path: "HostConfig.CpusetMems",
    verdict: "honoured",
    note: "",
    effects: [{ value: "0", in: `${CPU}.mems`, is: "0" }],
    refusals: [{ value: "4000", status: 400, says: /Requested memory nodes are not available/ }],
  },
  {
    path: "HostConfig.Devices[].PathOnHost",
    verdict: "honoured",
    note: "a device, or all in a folder",
    effects: [
      {
        value: "/dev/zero",
        insteadOf: "/dev/full",
        with: { "HostConfig.Devices[].PathInContainer": "/dev/given" },
        in: "config.json linux.devices[path=/dev/given].minor",
        is: 5,
      },
    ],
    refusals: [
      {
        value: "/dev/no-such",
        status: 500,
        says: /error gathering device information.*no such file or directory/,
        isAtStart: true,
      },
    ],
  },
  {
    path: "HostConfig.Devices[].PathInContainer",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "/dev/given",
        with: { "HostConfig.Devices[].PathOnHost": "/dev/zero" },
        in: "config.json linux.devices[path=/dev/given].minor",
        is: 5,
      },
    ],
  },
  {
    path: "HostConfig.Devices[].CgroupPermissions",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "r",
        with: { "HostConfig.Devices[].PathOnHost": "/dev/kmsg", "HostConfig.Devices[].PathInContainer": "/dev/given" },
        in: "config.json linux.resources.devices[minor=11].access",
        is: "r",
      },
    ],
  },
  {
    path: "HostConfig.DeviceCgroupRules",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["c 42:7 rw"], in: "config.json linux.resources.devices[major=42].access", is: "rw" }],
    refusals: [{ value: ["c nonsense"], status: 400, says: /invalid device cgroup rule format/ }],
  },
  {
    path: "HostConfig.DeviceRequests[].Driver",
    verdict: "honoured",
    note: "`cdi`; others are refused when the container starts, as Docker refuses those it has not",
    effects: [
      {
        value: "cdi",
        with: { "HostConfig.DeviceRequests[].DeviceIDs": ["shoal.test/field=one"] },
        in: "config.json process.env",
        is: has("CDI=one"),
      },
    ],
    refusals: [{ value: "nvidia", status: 500, says: /could not select device driver "nvidia"/, isAtStart: true }],
  },
  {
    path: "HostConfig.DeviceRequests[].Count",
    verdict: "honoured",
    note: "CDI devices are named, not counted: refused with them, as with every other driver",
    refusals: [
      {
        value: 1,
        with: { "HostConfig.DeviceRequests[].Driver": "cdi" },
        status: 500,
        says: /unexpected count in CDI device request/,
        isAtStart: true,
      },
    ],
  },
  {
    path: "HostConfig.DeviceRequests[].DeviceIDs",
    verdict: "honoured",
    note: "as specifications in /etc/cdi and /var/run/cdi name them",
    effects: [
      {
        value: ["shoal.test/field=one"],
        with: { "HostConfig.DeviceRequests[].Driver": "cdi" },
        in: "config.json process.env",
        is: has("CDI=one"),
      },
    ],
    refusals: [
      {
        value: ["shoal.test/field=none"],
        with: { "HostConfig.DeviceRequests[].Driver": "cdi" },
        status: 500,
        says: /unresolvable CDI devices shoal\.test\/field=none/,
        isAtStart: true,
      },
    ],
  },
  {
    path: "HostConfig.DeviceRequests[].Capabilities",
    verdict: "honoured",
    note: "how a driver is chosen where none is named: no driver here has any",
    refusals: [
      {
        value: [["gpu"]],
        status: 500,
        says: /could not select device driver "" with capabilities: \[\[gpu\]\]/,
        isAtStart: true,
      },
    ],
  },
  {
    path: "HostConfig.DeviceRequests[].Options",
    verdict: "honoured",
    note: "no driver here has any",
    refusals: [
      {
        value: { a: "b" },
        with: { "HostConfig.DeviceRequests[].Driver": "cdi" },
        status: 500,
        says: /unexpected options in CDI device request/,
        isAtStart: true,
      },
    ],
  },
  {
    path: "HostConfig.MemoryReservation",
    verdict: "honoured",
    note: "",
    effects: [{ value: 32 * MIB, in: `${MEMORY}.reservation`, is: 32 * MIB }],
  },
  {
    path: "HostConfig.MemorySwap",
    verdict: "honoured",
    note: "where the kernel counts swap",
    effects: [{ value: 96 * MIB, with: IN_BYTES, in: `${MEMORY}.swap`, is: 96 * MIB, unlessSaid: /does not support swap limit/ }],
    refusals: [{ value: 32 * MIB, status: 400, says: /always set the Memory limit when using Memoryswap limit/ }],
  },
  {
    path: "HostConfig.MemorySwappiness",
    verdict: "honoured",
    note: "where the kernel has it; else dropped with Docker's warning",
    effects: [{ value: 10, in: `${MEMORY}.swappiness`, is: 10, unlessSaid: /Memory swappiness discarded/ }],
    refusals: [{ value: 200, status: 400, says: /valid memory swappiness range is 0-100/ }],
  },
  {
    path: "HostConfig.NanoCpus",
    verdict: "honoured",
    note: "",
    effects: [{ value: 500_000_000, in: `${CPU}.quota`, is: 50_000 }],
    refusals: [{ value: 4000e9, status: 400, says: /range of CPUs is from 0\.01/ }],
  },
  {
    path: "HostConfig.OomKillDisable",
    verdict: "honoured",
    note: "on cgroup v1; else dropped with Docker's warning",
    effects: [
      { value: true, with: IN_BYTES, in: `${MEMORY}.disableOOMKiller`, is: true, unlessSaid: /OomKillDisable discarded/ },
    ],
  },
  {
    path: "HostConfig.Init",
    verdict: "honoured",
    note: "",
    effects: [{ value: true, in: "config.json process.args", is: has("/sbin/docker-init") }],
  },
  {
    path: "HostConfig.PidsLimit",
    verdict: "honoured",
    note: "",
    effects: [{ value: 50, in: "config.json linux.resources.pids.limit", is: 50 }],
  },
  {
    path: "HostConfig.Ulimits[].Name",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "cpu",
        insteadOf: "core",
        with: { "HostConfig.Ulimits[].Soft": 10, "HostConfig.Ulimits[].Hard": 20 },
        in: "config.json process.rlimits[type=RLIMIT_CPU].soft",
        is: 10,
      },
    ],
    refusals: [{ value: "nosuch", status: 400, says: /invalid ulimit type: nosuch/ }],
  },
  {
    path: "HostConfig.Ulimits[].Soft",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: 10,
        insteadOf: 5,
        with: { "HostConfig.Ulimits[].Name": "cpu", "HostConfig.Ulimits[].Hard": 20 },
        in: "config.json process.rlimits[type=RLIMIT_CPU].soft",
        is: 10,
      },
    ],
  },
  {
    path: "HostConfig.Ulimits[].Hard",
    verdict: "honoured",
    note: "lowered to the daemon's own, with a warning, where it may not raise it",
    effects: [
      {
        value: 20,
        insteadOf: 15,
        with: { "HostConfig.Ulimits[].Name": "cpu", "HostConfig.Ulimits[].Soft": 10 },
        in: "config.json process.rlimits[type=RLIMIT_CPU].hard",
        is: 20,
      },
    ],
  },
  {
    path: "HostConfig.CpuCount",
    verdict: "refused",
    note: "of Windows",
    refusals: [{ value: 1, status: 400, says: /CPU count configuration is not supported on linux/ }],
  },
  {
    path: "HostConfig.CpuPercent",
    verdict: "warned",
    note: "of Windows",
    tries: [{ value: 50, says: /linux does not support CPU percent\. Percent discarded\./ }],
  },
  {
    path: "HostConfig.IOMaximumIOps",
    verdict: "refused",
    note: "of Windows",
    refusals: [{ value: 1, status: 400, says: /QoS maximum IOPs configuration is not supported on linux/ }],
  },
  {
    path: "HostConfig.IOMaximumBandwidth",
    verdict: "refused",
    note: "of Windows",
    refusals: [{ value: 1, status: 400, says: /QoS maximum bandwidth configuration is not supported on linux/ }],
  },
];
