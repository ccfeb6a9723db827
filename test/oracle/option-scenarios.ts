import { docker, type Scenario } from "./scenario.ts";

const INSPECT = docker("inspect box");

/** Single options of `docker run`, each looked at from inside the container and by inspect. */
export const OPTION_SCENARIOS: readonly Scenario[] = [
  // ---- what a process finds ----
  {
    name: "an entrypoint replaced",
    steps: [docker("run --name box --entrypoint echo busybox one 'two three'"), INSPECT],
  },
  { name: "an entrypoint that is empty", steps: [docker("run --name box --entrypoint '' busybox echo hi"), INSPECT] },
  { name: "no command at all", steps: [docker("run --name box --entrypoint '' busybox")] },
  {
    name: "a user by number, with groups",
    steps: [docker("run --name box -u 1000:1001 --group-add 2000 --group-add nogroup busybox id"), INSPECT],
  },
  { name: "a user that is not there", steps: [docker("run --name box -u ghost busybox id")] },
  { name: "a group that is not there", steps: [docker("run --name box -u root:ghost busybox id")] },
  { name: "a working directory that is made", steps: [docker("run --name box -w /new/place busybox pwd"), INSPECT] },
  {
    name: "limits of a process",
    steps: [
      docker("run --name box --ulimit nofile=100:200 --ulimit core=0 busybox sh -c 'ulimit -n; ulimit -Hn; ulimit -c'"),
      INSPECT,
    ],
  },
  { name: "a limit that is none", steps: [docker("run --name box --ulimit nope=1 busybox true")] },
  {
    name: "a kernel setting",
    steps: [docker("run --name box --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward"), INSPECT],
  },
  { name: "a kernel setting of the host", steps: [docker("run --name box --sysctl kernel.panic=1 busybox true")] },
  {
    name: "name servers and hosts",
    steps: [
      docker(
        "run --name box --dns 10.1.2.3 --dns-search example.org --dns-option ndots:2 --add-host db:10.9.9.9 busybox sh -c 'cat /etc/resolv.conf; grep -w db /etc/hosts'",
      ),
      INSPECT,
    ],
  },
  { name: "a bad name server", steps: [docker("run --name box --dns nope busybox true")] },
  {
    name: "a privileged container",
    steps: [docker("run --name box --privileged busybox grep -E 'Seccomp:|NoNewPrivs' /proc/self/status"), INSPECT],
  },
  {
    name: "no new privileges",
    steps: [docker("run --name box --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status"), INSPECT],
  },
  {
    name: "no seccomp filter",
    steps: [docker("run --name box --security-opt seccomp=unconfined busybox grep Seccomp: /proc/self/status"), INSPECT],
  },
  { name: "an unknown security option", steps: [docker("run --name box --security-opt nope=1 busybox true")] },
  {
    name: "a device",
    steps: [
      docker(
        "run --name box --device /dev/zero:/dev/nought:r busybox sh -c 'ls -l /dev/nought | cut -c1-10; head -c 3 /dev/nought | wc -c'",
      ),
      INSPECT,
    ],
  },
  { name: "a device that is not there", steps: [docker("run --name box --device /dev/nope busybox true")] },
  {
    name: "shared memory",
    steps: [
      docker('run --name box --shm-size 1m busybox sh -c \'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2\''),
      INSPECT,
    ],
  },
  {
    name: "the host's process ids",
    steps: [docker("run --name box --pid host busybox sh -c 'test $$ -gt 50 && echo many'"), INSPECT],
  },
  {
    name: "the host's name",
    steps: [docker("run --name box --uts host busybox true"), docker("run --rm --uts host -h other busybox true")],
  },
  {
    name: "shared ipc",
    steps: [docker("run --name box --ipc shareable busybox true"), docker("run --rm --ipc nope busybox true")],
  },
  { name: "cgroup namespaces", steps: [docker("run --name box --cgroupns private busybox true"), INSPECT] },
  {
    name: "CPU shares and sets",
    steps: [docker("run --name box --cpu-shares 512 --cpuset-cpus 0 --memory-reservation 16m busybox true"), INSPECT],
  },
  { name: "a CPU that is not there", steps: [docker("run --name box --cpuset-cpus 99 busybox true")] },
  { name: "too many CPUs", steps: [docker("run --name box --cpus 99 busybox true")] },
  {
    name: "annotations and labels",
    steps: [docker("run --name box --annotation a=b --label c=d --label e busybox true"), INSPECT],
  },
  {
    name: "a stop signal and time",
    steps: [docker("run -d --name box --stop-signal USR1 --stop-timeout 1 busybox sleep 300"), docker("stop box"), INSPECT],
  },
  {
    name: "killed for memory",
    steps: [
      docker("run --name box -m 8m busybox sh -c 'tail /dev/zero; sleep 1'"),
      docker("inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' box"),
    ],
  },
  {
    name: "a health check of the image's kind",
    steps: [
      docker(
        "run -d --name box --health-cmd 'exit 1' --health-interval 1h --health-timeout 2s --health-start-period 3s --health-retries 4 busybox sleep 300",
      ),
      docker("inspect -f '{{json .Config.Healthcheck}} {{.State.Health.Status}}' box"),
    ],
  },
  { name: "no health check", steps: [docker("run --name box --no-healthcheck busybox true"), INSPECT] },

  // ---- mounts ----
  {
    name: "an anonymous volume",
    steps: [
      docker("run --name box -v /data busybox sh -c 'echo x > /data/f'"),
      docker("inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Driver}}{{end}}' box"),
      docker("rm -v box"),
      docker("volume ls -q"),
    ],
  },
  {
    name: "a volume by --mount",
    steps: [docker("run --name box --mount type=volume,source=vol,target=/v,readonly busybox touch /v/x"), INSPECT],
  },
  {
    name: "a volume with a driver's options",
    steps: [
      docker("volume create --driver local -o type=tmpfs -o device=tmpfs -o o=size=1m vol"),
      docker("volume inspect vol"),
      docker("run --rm -v vol:/v busybox sh -c 'mount | grep /v | cut -d\" \" -f1-5'"),
    ],
  },
  {
    name: "a volume created twice",
    steps: [
      docker("volume create --label a=b vol"),
      docker("volume create vol"),
      docker("volume inspect vol"),
      docker("volume ls --filter label=a=b -q"),
    ],
  },
  {
    name: "a bind source that is made",
    steps: [
      docker("run --name box -v /tmp/oracle-made:/m busybox ls -d /m"),
      docker("inspect -f '{{json .HostConfig.Binds}} {{json .Mounts}}' box"),
      docker("run --rm -v /tmp:/t busybox rmdir /t/oracle-made", { isSetUp: true }),
    ],
  },
  { name: "a file mounted over a folder", steps: [docker("run --name box -v /etc/hostname:/tmp busybox true")] },
  {
    name: "volumes of another container",
    steps: [
      docker("run --name box -v vol:/v busybox sh -c 'echo shared > /v/f'", { isSetUp: true }),
      docker("run --rm --volumes-from box busybox cat /v/f"),
      docker("run --rm --volumes-from nope busybox true"),
    ],
  },
  {
    name: "a tmpfs by --mount",
    steps: [
      docker("run --name box --mount type=tmpfs,target=/t,tmpfs-size=1048576,tmpfs-mode=1770 busybox sh -c 'stat -c %a /t'"),
      INSPECT,
    ],
  },
];
