import { build, daemon, docker, type Scenario, until } from "./scenario.ts";

const MAPPED = daemon("restart", { "userns-remap": "daemon", debug: false, "live-restore": false });
const OWNERS =
  "stat -c '%n %u:%g %a' / /bin /etc /etc/hosts /etc/hostname /etc/resolv.conf /.dockerenv /proc/1 /dev /dev/null /dev/shm /dev/pts /sys";

const sh = (options: string, script: string) => docker(`run --rm ${options} busybox sh -c "${script}"`);
const box = (name: string, options = "") => docker(`run -d --name ${name} ${options} busybox sleep 300`, { isSetUp: true });

/** A daemon that maps its containers' ids. */
export const USERNS_SCENARIOS: readonly Scenario[] = [
  {
    name: "a daemon that maps its containers' ids",
    isLong: true,
    steps: [
      MAPPED,
      docker("info --format '{{json .SecurityOptions}}'"),
      sh("--network none", "id; cat /proc/self/uid_map /proc/self/gid_map"),
      sh("", OWNERS),
      sh("--tmpfs /t -v made:/v --mount type=tmpfs,dst=/u -w /new/folder", "stat -c '%n %u:%g %a' /t /v /u /new /new/folder"),
      sh("", "touch /x; chown 5:6 /x; stat -c %u:%g /x; chown 70000 /x; echo to >/dev/stdout"),
      sh("--user 7:8", "id; touch /x; touch /tmp/x; stat -c %u:%g /tmp/x; echo to >/dev/stdout"),
      sh("-v /etc:/host:ro --read-only", "stat -c '%u:%g' /host /host/passwd; cat /host/shadow; touch /host/x"),
      sh(
        "--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=1000",
        "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax",
      ),
      sh("--cap-add NET_ADMIN", "ip link add name b type bridge && ip link show b | head -n 1 | cut -d: -f2"),
      sh("--cap-add SYS_ADMIN", "mkdir /m && mount -t tmpfs none /m && grep -c ' /m ' /proc/mounts"),
      sh("--cap-add ALL", "mknod /n c 1 3; echo 1 >/proc/sys/vm/drop_caches; echo 1 >/proc/sysrq-trigger"),
      sh("", "ping -c 1 -W 2 127.0.0.1 | grep received; cat /proc/sys/net/ipv4/ping_group_range"),
      sh("--device /dev/fuse --shm-size 8m --ulimit nofile=99", "stat -c '%n %u:%g %a' /dev/fuse /dev/shm /dev/null; ulimit -n"),
      sh("--userns host --privileged", "cat /proc/self/uid_map"),
      sh("--userns host", "stat -c '%n %u:%g' /bin /etc/hosts; touch /x; stat -c %u:%g /x"),
      sh("--userns host --network host --pid host --uts host", "true"),
      docker("run --rm --privileged busybox true"),
      docker("run --rm --network host busybox true"),
      docker("run --rm --pid host busybox true"),
      docker("create --privileged --pid host --network host busybox true"),
      docker("run --rm --security-opt writable-cgroups busybox true"),
      docker("run --rm --security-opt writable-cgroups=false busybox true"),
      docker("run --rm --userns private busybox true"),
      docker("run --rm --uts host --cgroupns private busybox sh -c 'touch /sys/fs/cgroup/x'"),
      docker("run --rm --ipc host busybox true", { shows: /^$/ }),
      docker("create --name kept --userns host busybox true", { isSetUp: true }),
      docker("inspect -f '{{.HostConfig.UsernsMode}}' kept"),
      box("one"),
      box("two", "--ipc shareable"),
      sh("--network container:one", "ip -o link show lo | wc -l; mount | grep -c 'on /sys type sysfs'"),
      sh("--pid container:one --cap-add NET_ADMIN", "cat /proc/1/comm; ip link set lo down && echo down"),
      sh("--ipc container:two", "touch /dev/shm/x && stat -c %u:%g /dev/shm/x"),
      docker("exec two stat -c '%u:%g' /dev/shm/x"),
      docker("exec --privileged two sh -c 'id -u; cat /proc/self/uid_map'"),
      docker("exec -u 3:4 two sh -c 'id; echo to >/dev/stdout'"),
      docker("restart -t 0 two", { isSetUp: true }),
      until("ps --format '{{.Names}} {{.State}}'", /^two running$/m),
      docker("exec two id -u"),
      build("-t built", {
        Dockerfile:
          "FROM busybox\nCOPY file /copied\nCOPY --chown=3:4 file /chowned\nRUN touch /run-by && chown 5:6 /run-by\nWORKDIR /work/here\nUSER 9",
        file: "text",
      }),
      docker("run --rm built stat -c '%n %u:%g' /copied /chowned /run-by /work /work/here"),
      docker("run --name maker -v data:/data busybox sh -c 'mkdir /own; chown 5:6 /own; touch /own/x; chown 7:8 /data'"),
      docker("diff maker"),
      docker("commit maker made", { isSetUp: true }),
      docker("run --rm -v data:/data made stat -c '%n %u:%g' /own /own/x /data"),
      docker("cp maker:/own/missing -"),
      build("--no-cache --force-rm", "FROM busybox\nRUN chown 70000 /bin"),
    ],
  },
];
