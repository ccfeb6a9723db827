import { docker, inside, type Scenario } from "./scenario.ts";

const HERE = "test/fixtures/oracle";
const seen = (name: string, options: string, without?: Parameters<typeof inside>[1]): Scenario => ({
  name: `inside: ${name}`,
  steps: [inside(`run --name box ${options} busybox`, without)],
});

/** What a container sees of itself, for every option that it could see. */
export const INSIDE_SCENARIOS: readonly Scenario[] = [
  seen("nothing asked for", ""),
  {
    name: "inside: a process that was started in it",
    steps: [
      docker("run -d --name box -m 64m --cap-drop CHOWN busybox sleep 300"),
      inside("exec box"),
      inside("exec --privileged box"),
      inside("exec -u 1000:1001 -w /tmp -e A=1 --env B=2 box"),
      inside(`exec --env-file ${HERE}/environment box`),
    ],
  },
  seen(
    "its names",
    "-h me --domainname example.org --dns 10.1.2.3 --dns-search a.example --dns-search b.example --dns-option ndots:3 --add-host db:10.9.9.9 --add-host six:::1",
  ),
  seen(
    "its environment and user",
    `-e A=1 --env EMPTY= --env-file ${HERE}/environment -u 1000:1001 --group-add 2000 --group-add nogroup -w /home`,
  ),
  seen("memory", "-m 64m --memory-swap 128m --memory-reservation 32m --memory-swappiness 10 --oom-score-adj 200"),
  seen("memory with no swap and no killer", "-m 64m --memory-swap 64m --oom-kill-disable"),
  seen("CPUs by quota", "--cpu-period 50000 --cpu-quota 20000 --cpu-shares 300 --cpuset-cpus 0-1 --cpuset-mems 0"),
  seen("CPUs by number", "--cpus 1.5 -c 700"),
  seen("processes", "--pids-limit 77 --ulimit nofile=100:200 --ulimit nproc=300 --ulimit core=0 --ulimit stack=1000000:2000000"),
  seen("unlimited processes", "--pids-limit -1"),
  seen("capabilities", "--cap-drop ALL --cap-add NET_BIND_SERVICE --cap-add SYS_TIME --security-opt no-new-privileges"),
  seen("all capabilities", "--cap-add ALL --security-opt seccomp=unconfined"),
  seen("privileges", "--privileged", { without: ["devices", "mounts"] }),
  seen("unmasked paths", "--security-opt systempaths=unconfined --security-opt apparmor=unconfined --security-opt label=disable"),
  seen("a filter of its own", `--security-opt seccomp=${HERE}/seccomp.json`),
  seen(
    "settings",
    "--sysctl net.ipv4.ip_forward=0 --sysctl net.core.somaxconn=333 --sysctl kernel.shmmax=1000000 --sysctl fs.mqueue.msg_max=20",
  ),
  seen("a read-only root", "--read-only --tmpfs /run:rw,noexec,size=1m --tmpfs /scratch"),
  seen("shared memory and an init", "--shm-size 5m --init"),
  seen("ipc of nobody", "--ipc none"),
  seen("ipc of the host", "--ipc host", { without: ["settings"] }),
  seen("the host's name", "--uts host", { without: ["names"] }),
  seen("the host's processes", "--pid host", { without: ["processes"] }),
  seen("no network", "--network none"),
  seen("the host's cgroups", "--cgroupns host"),
  seen("its own cgroups", "--cgroupns private"),
  seen("a parent for its cgroup", "--cgroup-parent /oracle-parent"),
  seen(
    "devices",
    "--device /dev/zero:/dev/nought:r --device /dev/null:/dev/naught --device-cgroup-rule 'c 42:* rmw' --device-read-bps /dev/vda:1mb --device-read-iops /dev/vda:100 --device-write-bps /dev/vda:2mb --device-write-iops /dev/vda:200",
  ),
  seen(
    "volumes",
    "-v data:/data -v more:/more:ro -v /anonymous -v /usr/share/common-licenses:/l:ro --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770",
  ),
  seen(
    "mounts",
    "--mount type=bind,source=/usr/share,target=/a,readonly --mount type=volume,source=v,target=/b,volume-nocopy --mount type=volume,target=/c --mount type=bind,source=/usr/share,target=/d,readonly,bind-recursive=writable,bind-propagation=rprivate",
  ),
  {
    name: "inside: volumes of another",
    steps: [
      docker("create --name first -v data:/data -v other:/other:ro busybox"),
      inside("run --name box --volumes-from first:ro busybox"),
    ],
  },
  {
    name: "inside: a network of its own",
    steps: [
      docker("network create --subnet 172.31.0.0/24 net"),
      inside("run --name box --network net --ip 172.31.0.9 --network-alias web --mac-address 02:42:ac:1f:00:09 busybox"),
    ],
  },
  {
    name: "inside: another's namespaces",
    steps: [
      docker("run -d --name first --ipc shareable -h first busybox sleep 300"),
      inside("run --name box --network container:first --ipc container:first --pid container:first busybox"),
    ],
  },
  {
    name: "inside: what was changed while it ran",
    steps: [
      docker("run -d --name box -m 64m busybox sleep 300"),
      docker(
        "update -m 80m --memory-swap 160m --memory-reservation 20m -c 500 --cpus 0.5 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 44 box",
      ),
      inside("exec box"),
      docker("update --cpu-period 60000 box"),
      docker("update --cpu-quota 30000 --restart unless-stopped box"),
      inside("exec box"),
    ],
  },
];
