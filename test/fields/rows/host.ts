import { has, lacks, type FieldRow } from "../row.ts";

const BRIDGE = { "HostConfig.NetworkMode": "bridge" };
const EXPOSED = { ...BRIDGE, ExposedPorts: { "80/tcp": {} } };
const NAMESPACES = "config.json linux.namespaces";
const BOUNDING = "config.json process.capabilities.bounding";

/** What does not belong to one part. */
export const HOST_ROWS: readonly FieldRow[] = [
  { path: "HostConfig.ContainerIDFile", verdict: "kept", note: "what the client writes", tries: [{ value: "/some/where" }] },
  {
    path: "HostConfig.LogConfig.Type",
    verdict: "honoured",
    note: "json-file, local, none, journald, syslog, fluentd, gelf",
    effects: [{ value: "none", in: "inspect LogPath", is: "", insteadOf: "json-file" }],
    refusals: [{ value: "splunk", status: 400, says: /error looking up logging plugin splunk/ }],
  },
  {
    path: "HostConfig.LogConfig.Config",
    verdict: "honoured",
    note: "the driver's options; unknown ones are refused",
    effects: [
      { value: { env: "A" }, with: { Env: ["A=given"], Cmd: ["echo", "out"] }, in: "log with details", is: "A=given out\n" },
    ],
    refusals: [{ value: { nosuch: "1" }, status: 400, says: /unknown log opt 'nosuch' for json-file log driver/ }],
  },
  {
    path: "HostConfig.NetworkMode",
    verdict: "honoured",
    note: "`bridge`, `host`, `none`, `container:…` or a network",
    effects: [
      { value: "host", in: `${NAMESPACES}[type=network]`, is: undefined, insteadOf: "none" },
      { value: "container:{donor}", in: `${NAMESPACES}[type=network].path`, is: has("/proc/"), insteadOf: "none" },
    ],
    refusals: [{ value: "no-such-network", status: 404, says: /network no-such-network not found/, isAtStart: true }],
  },
  {
    path: "HostConfig.PortBindings.*[].HostIp",
    verdict: "honoured",
    note: "ports need not be exposed as well (Docker passes those over)",
    effects: [{ value: "127.0.0.1", with: EXPOSED, in: "inspect NetworkSettings.Ports.80/tcp[0].HostIp", is: "127.0.0.1" }],
    refusals: [{ value: "nowhere", with: EXPOSED, status: 400, says: /invalid IP address: nowhere/ }],
  },
  {
    path: "HostConfig.PortBindings.*[].HostPort",
    verdict: "honoured",
    note: "a port, a range, or nothing: any; SCTP is refused",
    effects: [
      { value: "18080", with: EXPOSED, in: "inspect NetworkSettings.Ports.80/tcp[0].HostPort", is: "18080" },
      { value: "18081", with: BRIDGE, in: "inspect NetworkSettings.Ports.80/tcp[0].HostPort", is: "18081" },
    ],
    refusals: [{ value: "99999", with: EXPOSED, status: 400, says: /invalid port/ }],
  },
  {
    path: "HostConfig.RestartPolicy.Name",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "on-failure",
        with: { Cmd: ["false"] },
        in: "inspect RestartCount",
        is: /^[1-9]/,
      },
    ],
    refusals: [{ value: "sometimes", status: 400, says: /unknown policy 'sometimes'/ }],
  },
  {
    path: "HostConfig.RestartPolicy.MaximumRetryCount",
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: 1,
        insteadOf: 100,
        with: { Cmd: ["false"], "HostConfig.RestartPolicy.Name": "on-failure" },
        in: "inspect State.Status",
        is: "exited",
      },
    ],
  },
  {
    path: "HostConfig.AutoRemove",
    verdict: "honoured",
    note: "",
    effects: [{ value: true, with: { Cmd: ["true"] }, in: "inspect Id", is: undefined }],
  },
  {
    path: "HostConfig.VolumeDriver",
    verdict: "honoured",
    note: "`local`",
    refusals: [{ value: "nosuch", with: { Volumes: { "/data": {} } }, status: 404, says: /plugin "nosuch" not found/ }],
  },
  {
    path: "HostConfig.VolumesFrom",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["{donor}"], in: "config.json mounts[destination=/shared].type", is: "bind" }],
    refusals: [{ value: ["no-such"], status: 400, says: /No such container: no-such/ }],
  },
  {
    path: "HostConfig.ConsoleSize",
    verdict: "honoured",
    note: "of the terminal",
    effects: [{ value: [20, 30], with: { Tty: true }, in: "config.json process.consoleSize", is: { height: 20, width: 30 } }],
  },
  {
    path: "HostConfig.Annotations",
    verdict: "honoured",
    note: "for the runtime",
    effects: [{ value: { given: "yes" }, in: "config.json annotations.given", is: "yes" }],
  },
  {
    path: "HostConfig.CapAdd",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["NET_ADMIN"], in: BOUNDING, is: has("CAP_NET_ADMIN") }],
    refusals: [{ value: ["NONE_SUCH"], status: 400, says: /unknown capability: "CAP_NONE_SUCH"/ }],
  },
  {
    path: "HostConfig.CapDrop",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["CHOWN"], in: BOUNDING, is: lacks("CAP_CHOWN") }],
  },
  {
    path: "HostConfig.CgroupnsMode",
    verdict: "honoured",
    note: "",
    effects: [{ value: "private", insteadOf: "host", in: `${NAMESPACES}[type=cgroup].type`, is: "cgroup" }],
    refusals: [{ value: "mine", status: 400, says: /invalid cgroup namespace mode: mine/ }],
  },
  {
    path: "HostConfig.Dns",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["192.0.2.53"], in: "resolv.conf", is: has("nameserver 192.0.2.53") }],
    refusals: [{ value: ["nowhere"], status: 400, says: /nowhere/ }],
  },
  {
    path: "HostConfig.DnsOptions",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["ndots:3"], in: "resolv.conf", is: has("options ndots:3") }],
  },
  {
    path: "HostConfig.DnsSearch",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["given.example"], in: "resolv.conf", is: has("search given.example") }],
  },
  {
    path: "HostConfig.ExtraHosts",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["given:192.0.2.1"], in: "hosts", is: /192\.0\.2\.1\\tgiven/ }],
    refusals: [{ value: ["given:nowhere"], status: 400, says: /invalid IP address in add-host: "nowhere"/ }],
  },
  {
    path: "HostConfig.GroupAdd",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["77"], in: "config.json process.user.additionalGids", is: has("77") }],
    refusals: [{ value: ["no-such"], status: 500, says: /Unable to find group no-such/i, isAtStart: true }],
  },
  {
    path: "HostConfig.IpcMode",
    verdict: "honoured",
    note: "",
    effects: [
      { value: "host", in: `${NAMESPACES}[type=ipc]`, is: undefined },
      { value: "container:{donor}", in: `${NAMESPACES}[type=ipc].path`, is: has("/proc/") },
      { value: "none", in: "config.json mounts[destination=/dev/shm]", is: undefined },
    ],
    refusals: [{ value: "mine", status: 400, says: /invalid IPC mode: mine/ }],
  },
  {
    path: "HostConfig.Cgroup",
    verdict: "refused",
    note: "Docker does nothing with it; `CgroupParent` says where a container's group is",
    refusals: [{ value: "container:other", status: 400, says: /HostConfig\.Cgroup is not supported by this engine/ }],
  },
  {
    path: "HostConfig.Links",
    verdict: "honoured",
    note: "on the default network",
    effects: [{ value: ["{donor}:db"], with: BRIDGE, in: "hosts", is: /\\tdb /, shown: /^\["\/donor:\/\w+\/db"\]$/ }],
    refusals: [{ value: ["no-such"], with: BRIDGE, status: 400, says: /could not get container for no-such/ }],
  },
  {
    path: "HostConfig.OomScoreAdj",
    verdict: "honoured",
    note: "",
    effects: [{ value: 500, in: "config.json process.oomScoreAdj", is: 500 }],
    refusals: [{ value: 5000, status: 400, says: /range for oom score adj is \[-1000, 1000\]/ }],
  },
  {
    path: "HostConfig.PidMode",
    verdict: "honoured",
    note: "",
    effects: [
      { value: "host", in: `${NAMESPACES}[type=pid]`, is: undefined },
      { value: "container:{donor}", in: `${NAMESPACES}[type=pid].path`, is: has("/proc/") },
    ],
    refusals: [{ value: "mine", status: 400, says: /invalid PID mode: mine/ }],
  },
  {
    path: "HostConfig.Privileged",
    verdict: "honoured",
    note: "",
    effects: [{ value: true, in: "config.json linux.maskedPaths", is: [] }],
  },
  {
    path: "HostConfig.PublishAllPorts",
    verdict: "honoured",
    note: "",
    effects: [{ value: true, with: EXPOSED, in: "inspect NetworkSettings.Ports.80/tcp[0].HostIp", is: "0.0.0.0" }],
  },
  {
    path: "HostConfig.ReadonlyRootfs",
    verdict: "honoured",
    note: "",
    effects: [{ value: true, in: "config.json root.readonly", is: true }],
  },
  {
    path: "HostConfig.SecurityOpt",
    verdict: "honoured",
    note: "seccomp, no-new-privileges, systempaths, writable-cgroups; labels and AppArmor profiles with a warning where the kernel has neither",
    effects: [
      { value: ["no-new-privileges"], in: "config.json process.noNewPrivileges", is: true },
      { value: ["systempaths=unconfined"], in: "config.json linux.maskedPaths", is: [] },
    ],
    refusals: [{ value: ["nosuch=1"], status: 500, says: /invalid --security-opt 2: "nosuch=1"/ }],
  },
  {
    path: "HostConfig.StorageOpt",
    verdict: "refused",
    note: "the file system under containers keeps no quotas; in Docker's words",
    refusals: [
      {
        value: { size: "1G" },
        status: 500,
        says: /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/,
      },
      { value: { speed: "1" }, status: 500, says: /Unknown option speed/ },
    ],
  },
  {
    path: "HostConfig.Tmpfs",
    verdict: "honoured",
    note: "",
    effects: [{ value: { "/data": "size=4m" }, in: "config.json mounts[destination=/data]", is: /"type":"tmpfs".*"size=4m"/ }],
    refusals: [{ value: { "/data": "nosuch" }, status: 500, says: /invalid tmpfs option "nosuch"/, isAtStart: true }],
  },
  {
    path: "HostConfig.UTSMode",
    verdict: "honoured",
    note: "",
    effects: [{ value: "host", in: `${NAMESPACES}[type=uts]`, is: undefined }],
    refusals: [{ value: "mine", status: 400, says: /invalid UTS mode: mine/ }],
  },
  {
    path: "HostConfig.UsernsMode",
    verdict: "kept",
    note: "`host`, as every container is: user namespaces are refused",
    tries: [{ value: "host" }],
    refusals: [{ value: "private", status: 400, says: /invalid user namespace mode: private/ }],
  },
  {
    path: "HostConfig.ShmSize",
    verdict: "honoured",
    note: "",
    effects: [{ value: 8_388_608, in: "config.json mounts[destination=/dev/shm].options", is: has("size=8388608") }],
    refusals: [{ value: -1, status: 400, says: /SHM size can not be less than 0/ }],
  },
  {
    path: "HostConfig.Sysctls",
    verdict: "honoured",
    note: "those of a namespace that is the container's own",
    effects: [{ value: { "kernel.msgmax": "4096" }, in: "config.json linux.sysctl", is: has('"kernel.msgmax":"4096"') }],
    refusals: [{ value: { "vm.swappiness": "1" }, status: 400, says: /is not in a separate kernel namespace/ }],
  },
  {
    path: "HostConfig.Runtime",
    verdict: "honoured",
    note: "crun, runc and those that the daemon is told of",
    effects: [{ value: "runc", insteadOf: "crun", in: "config.json linux.seccomp.defaultAction", is: "SCMP_ACT_ERRNO" }],
    refusals: [{ value: "nosuch", status: 400, says: /unknown or invalid runtime name: nosuch/ }],
  },
  {
    path: "HostConfig.Isolation",
    verdict: "kept",
    note: "`default`; others are of Windows and refused",
    tries: [{ value: "default" }],
    refusals: [{ value: "hyperv", status: 400, says: /invalid isolation \(hyperv\): linux only supports 'default'/ }],
  },
  {
    path: "HostConfig.MaskedPaths",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["/proc/given"], in: "config.json linux.maskedPaths", is: ["/proc/given"] }],
  },
  {
    path: "HostConfig.ReadonlyPaths",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["/proc/given"], in: "config.json linux.readonlyPaths", is: ["/proc/given"] }],
  },
];
