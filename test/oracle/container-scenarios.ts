import { docker, SERVER, type Scenario, terminal, until, untilServing } from "./scenario.ts";

const INSPECT = docker("inspect box");
const PS = docker(
  "ps -a --no-trunc --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}} {{.Ports}} {{.Labels}} {{.Mounts}} {{.Networks}}'",
);
const RUNNING = docker("run -d --name box busybox sleep 300", { isSetUp: true });

/** One host. */
export const CONTAINER_SCENARIOS: readonly Scenario[] = [
  { name: "run prints what the program prints", steps: [docker("run --name box busybox echo hi"), INSPECT, PS] },
  { name: "run --rm leaves nothing", steps: [docker("run --rm --name box busybox echo hi"), docker("inspect box"), PS] },
  { name: "run keeps the exit code", steps: [docker("run --name box busybox sh -c 'exit 3'"), INSPECT, PS] },
  {
    name: "run keeps stdout and stderr apart",
    steps: [docker("run --name box busybox sh -c 'echo out; echo err >&2'"), docker("logs box")],
  },
  { name: "run of a program that is not there", steps: [docker("run --name box busybox nope"), INSPECT, PS] },
  { name: "run of a folder", steps: [docker("run --name box busybox /etc"), PS] },
  { name: "run of an image that is not there", steps: [docker("run --pull never --name box nope:latest"), PS] },
  { name: "run with a bad image name", steps: [docker("run --name box Bad_Name:x y"), PS] },
  { name: "run -i reads stdin", steps: [docker("run -i --name box busybox cat", { stdin: "one\ntwo\n" }), INSPECT] },
  { name: "run killed by a signal", steps: [docker("run --name box busybox sh -c 'kill -9 $$'"), INSPECT] },
  {
    name: "run -it in a terminal",
    steps: [
      terminal("run -it --name box busybox sh -c 'stty size; read line; echo got $line; exit 4'", [
        { when: /24 80/, text: "hello\r" },
      ]),
      INSPECT,
    ],
  },
  { name: "run -d", steps: [docker("run -d --name box busybox sleep 300"), INSPECT, PS] },
  {
    name: "run with environment, user, working directory",
    steps: [docker("run --name box -e A=1 -u nobody -w /tmp busybox sh -c 'env | sort; id; pwd'"), INSPECT],
  },
  {
    name: "run with a hostname",
    steps: [docker("run --name box -h box --domainname example.org busybox sh -c 'hostname; cat /etc/hostname'"), INSPECT],
  },
  {
    name: "run with hostnames that are none for a resolver",
    steps: ["my_host", "-no-", "a..b", "é", "x".repeat(64)].map(name =>
      docker(`run --rm --network none --hostname ${name} busybox sh -c 'hostname; cat /etc/hostname'`),
    ),
  },
  { name: "run with limits", steps: [docker("run --name box -m 64m --cpus 0.5 --pids-limit 50 busybox true"), INSPECT] },
  { name: "run with too little memory", steps: [docker("run --name box -m 1m busybox true"), PS] },
  {
    name: "run with a tmpfs",
    steps: [docker("run --name box --tmpfs /scratch:size=1m busybox sh -c 'mount | grep scratch'"), INSPECT],
  },
  {
    name: "run with a bind mount",
    steps: [docker("run --name box -v /usr/share/common-licenses:/l:ro busybox sh -c 'ls /l/GPL-3; touch /l/x'"), INSPECT],
  },
  {
    name: "run with a missing bind source",
    steps: [docker("run --name box --mount type=bind,source=/nope/nope,target=/x busybox true"), PS],
  },
  {
    name: "run with a volume",
    steps: [
      docker("run --name box -v data:/data busybox sh -c 'echo kept > /data/f'"),
      docker("run --rm -v data:/data busybox cat /data/f"),
      docker("volume inspect data"),
      INSPECT,
    ],
  },
  { name: "run with a read-only root", steps: [docker("run --name box --read-only busybox touch /x"), INSPECT] },
  {
    name: "default capabilities and seccomp",
    steps: [
      docker("run --rm busybox grep -E 'Cap|Seccomp:|NoNewPrivs' /proc/self/status"),
      docker("run --rm busybox sh -c 'mount -t tmpfs x /tmp'"),
    ],
  },
  {
    name: "capabilities added and dropped",
    steps: [docker("run --name box --cap-drop ALL --cap-add NET_ADMIN busybox grep Cap /proc/self/status"), INSPECT],
  },
  {
    name: "masked and read-only paths",
    steps: [docker("run --rm busybox sh -c 'cat /proc/kcore | wc -c; echo 1 > /proc/sysrq-trigger'")],
  },
  { name: "an init process", steps: [docker("run --name box --init busybox sh -c 'cat /proc/1/comm'"), INSPECT] },
  {
    name: "labels and filters",
    steps: [
      docker("run -d --name box --label a=b busybox sleep 300", { isSetUp: true }),
      docker("ps --filter label=a=b --format '{{.Names}}'"),
      docker("ps --filter label=x --format '{{.Names}}'"),
      docker("ps --filter nope=x"),
    ],
  },
  {
    name: "create, start, wait",
    steps: [docker("create --name box busybox sh -c 'exit 5'"), INSPECT, PS, docker("start box"), docker("wait box"), PS],
  },
  {
    name: "create twice with one name",
    steps: [RUNNING, docker("create --name box busybox"), docker("create --name 'bad name' busybox")],
  },
  {
    name: "start -a",
    steps: [docker("create --name box busybox echo attached", { isSetUp: true }), docker("start -a box"), INSPECT],
  },
  {
    name: "stop",
    steps: [
      docker(`run -d --name box ${SERVER}`, { isSetUp: true }),
      untilServing("box"),
      docker("stop box"),
      INSPECT,
      PS,
      docker("stop box"),
    ],
  },
  { name: "stop that has to kill", steps: [RUNNING, docker("stop -t 1 box"), INSPECT, PS] },
  { name: "kill", steps: [RUNNING, docker("kill box"), docker("wait box"), PS, docker("kill box"), docker("kill -s NOPE box")] },
  { name: "restart", steps: [RUNNING, docker("restart -t 0 box"), PS] },
  {
    name: "pause and unpause",
    steps: [RUNNING, docker("pause box"), PS, docker("pause box"), docker("unpause box"), docker("unpause box"), PS],
  },
  { name: "rename", steps: [RUNNING, docker("rename box two"), docker("rename two two"), docker("inspect -f '{{.Name}}' two")] },
  { name: "rm of a running container", steps: [RUNNING, docker("rm box"), docker("rm -f box"), docker("rm box")] },
  {
    name: "exec",
    steps: [
      RUNNING,
      docker("exec box echo hi"),
      docker("exec box sh -c 'exit 7'"),
      docker("exec box nope"),
      docker("exec -e A=1 -w /tmp -u nobody box sh -c 'echo $A; pwd; id -u'"),
    ],
  },
  { name: "exec reads stdin", steps: [RUNNING, docker("exec -i box cat", { stdin: "typed\n" })] },
  {
    name: "exec -it in a terminal",
    steps: [RUNNING, terminal("exec -it box sh -c 'stty size; read x; echo got $x'", [{ when: /24 80/, text: "yes\r" }])],
  },
  {
    name: "exec in a stopped container",
    steps: [docker("run --name box busybox true", { isSetUp: true }), docker("exec box echo hi")],
  },
  {
    name: "exec -d",
    steps: [
      RUNNING,
      docker("exec -d box touch /tmp/made"),
      until("inspect -f '{{json .ExecIDs}}' box", /null/), // Else its end is told before the next one's beginning, or after.
      docker("exec box ls /tmp"),
    ],
  },
  {
    name: "logs",
    steps: [
      docker("run --name box busybox sh -c 'for i in 1 2 3 4 5; do echo line $i; done'", { isSetUp: true }),
      docker("logs box"),
      docker("logs --tail 2 box"),
      docker("logs -t --tail 1 box"),
      docker("logs nope"),
    ],
  },
  {
    name: "logs -f ends with the container",
    steps: [
      docker("run -d --name box busybox sh -c 'for i in 1 2 3; do echo line $i; sleep 0.2; done'", { isSetUp: true }),
      docker("logs -f box"),
    ],
  },
  {
    name: "logs with driver none",
    steps: [docker("run --name box --log-driver none busybox echo hi"), docker("logs box"), INSPECT],
  },
  { name: "an unknown log driver", steps: [docker("run --name box --log-driver nope busybox echo hi"), PS] },
  { name: "top", steps: [RUNNING, docker("top box -o comm,args"), docker("top nope")] },
  { name: "update", steps: [RUNNING, docker("update --pids-limit 33 --restart on-failure:2 box"), INSPECT] },
  {
    name: "a restart policy restarts",
    steps: [
      docker("run -d --name box --restart on-failure:2 busybox sh -c 'exit 1'"),
      until("inspect -f '{{.RestartCount}} {{.State.Status}}' box", /2 exited/),
      INSPECT,
    ],
  },
  {
    name: "a health check",
    steps: [
      docker("run -d --name box --health-cmd 'test -f /ok' --health-interval 1s --health-retries 1 busybox sleep 300", {
        isSetUp: true,
      }),
      until("inspect -f '{{.State.Health.Status}}' box", /unhealthy/),
      docker("exec box touch /ok"),
      until("inspect -f '{{.State.Health.Status}}' box", /^healthy/m),
    ],
  },
  {
    name: "a published port",
    steps: [
      docker("run -d --name box -p 127.0.0.1:18080:80 -p 0.0.0.0:18081:81/udp busybox sleep 300"),
      docker("port box"),
      INSPECT,
      PS,
    ],
  },
  {
    name: "a port published on every address",
    steps: [docker("run -d --name box -p 18080:80 busybox sleep 300"), docker("port box"), INSPECT, PS],
  },
  {
    name: "a published port that is taken",
    steps: [
      docker("run -d --name box -p 0.0.0.0:18080:80 busybox sleep 300", { isSetUp: true }),
      docker("run -d --name two -p 0.0.0.0:18080:80 busybox sleep 300"),
      PS,
    ],
  },
  {
    name: "a network of one's own",
    steps: [
      docker("network create --subnet 172.30.0.0/24 net"),
      docker("network inspect net"),
      docker("run -d --name box --network net --network-alias web busybox sleep 300", { isSetUp: true }),
      docker("run --rm --network net busybox sh -c 'ping -c 1 -W 2 box > /dev/null && echo reached'"),
      INSPECT,
      docker("network rm net"),
      docker("network create net"),
    ],
  },
  {
    name: "network none and host",
    steps: [docker("run --rm --network none busybox ip -o link"), docker("run --name box --network nope busybox true"), PS],
  },
  {
    name: "network connect and disconnect",
    steps: [
      docker("network create net", { isSetUp: true }),
      RUNNING,
      docker("network connect net box"),
      INSPECT,
      docker("network disconnect net box"),
      INSPECT,
    ],
  },
  {
    name: "networks listed and refused",
    steps: [
      docker("network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'"),
      docker("network rm bridge"),
      docker("network rm nope"),
      docker("network create bridge"),
      docker("network create --subnet 300.0.0.0/8 net"),
    ],
  },
  {
    name: "volumes",
    steps: [
      docker("volume create vol"),
      docker("volume inspect vol"),
      docker("volume ls"),
      docker("volume rm vol"),
      docker("volume rm vol"),
      docker("volume create 'bad name'"),
    ],
  },
  {
    name: "a volume in use",
    steps: [docker("run -d --name box -v vol:/v busybox sleep 300", { isSetUp: true }), docker("volume rm vol")],
  },
  {
    name: "images",
    steps: [
      docker("images --format '{{.Repository}}:{{.Tag}}'"),
      docker("image inspect -f '{{.Config.Cmd}} {{.Os}} {{.Architecture}}' busybox"),
      docker("tag busybox other:1"),
      docker("rmi other:1"),
      docker("rmi nope"),
      docker("image inspect nope"),
    ],
  },
  { name: "an image in use", steps: [docker("run -d --name box busybox sleep 300", { isSetUp: true }), docker("rmi busybox")] },
  {
    name: "things that are not there",
    steps: [
      docker("start nope"),
      docker("stop nope"),
      docker("rm nope"),
      docker("exec nope true"),
      docker("inspect nope"),
      docker("wait nope"),
      docker("pause nope"),
      docker("port nope"),
    ],
  },
  {
    name: "attach",
    steps: [
      docker("run -d -i --name box busybox sh -c 'read line; echo got $line'", { isSetUp: true }),
      terminal("attach box", [{ when: /^/, text: "to the container\r" }]),
      docker("logs box"),
    ],
  },
  {
    name: "prune",
    steps: [
      docker("run --name box busybox true", { isSetUp: true }),
      docker("container prune -f"),
      docker("network prune -f"),
      docker("volume prune -f"),
    ],
  },
];
