import { docker, SERVER, type Scenario, terminal, until, untilServing } from "./scenario.ts";

const RUNNING = docker("run -d --name box busybox sleep 300", { isSetUp: true });
const MADE = docker("create --name box busybox true", { isSetUp: true });
const ENDED = docker("run --name box --label a=b busybox true", { isSetUp: true });
const one = (line: string): Scenario => ({ name: line, steps: [docker(line)] });

/** Commands with each of their options, and the examples of Docker's tutorials. */
export const VERB_SCENARIOS: readonly Scenario[] = [
  {
    name: "the examples of Docker's tutorials",
    steps: [
      docker("tag busybox ubuntu", { isSetUp: true }),
      docker("run --name box ubuntu expr 3 + 5"),
      until("container ls -l", /Exited/), // The client may be back before the end is recorded.
      docker("run --name two ubuntu expr three + 5"),
      until("container ls -l", /Exited/),
      docker("container ls -a"),
      docker(`run -d --name server ${SERVER}`),
      untilServing("server"),
      docker("stop server"),
      docker("container ls -l"),
      docker("logs box"),
      docker("rm box two server"),
      docker("rmi ubuntu"),
    ],
  },
  one("container run --rm busybox sh -c 'exit 125'"),
  one("container run --rm busybox sh -c 'exit 126'"),
  one("container run --rm busybox sh -c 'exit 127'"),
  one("container run --rm busybox sh -c 'kill -TERM $$'"),
  one("run --rm --network none busybox /etc/passwd"),
  one("run --rm --init --network none busybox sh -c 'kill -INT $$'"),
  one("run --rm -a stdout --network none busybox sh -c 'echo out; echo err >&2'"),
  one("run --rm -a stderr --network none busybox sh -c 'echo out; echo err >&2'"),
  one("run --rm --sig-proxy=false --network none busybox true"),
  one("run --rm --cidfile /proc/nope/cid busybox true"),
  {
    name: "run --cidfile",
    steps: [
      docker("run --name box --cidfile /dev/stderr --network none busybox true"),
      docker("create --cidfile /etc/hostname busybox"),
    ],
  },
  one("run --rm --use-api-socket --network none busybox stat -c %A:%u:%g /var/run/docker.sock"),
  one(
    "run --rm --label-file test/fixtures/oracle/labels --stop-timeout 3 --health-start-interval 1s --health-cmd true -q --network none busybox true",
  ),
  one("run --rm --cpu-count 2 --cpu-percent 50 --io-maxbandwidth 1mb --io-maxiops 10 --network none busybox true"),
  one(
    "run --rm --no-healthcheck --volume-driver local -v named:/n --isolation default --userns host --platform linux/amd64 --network none busybox true",
  ),
  one("run --rm --blkio-weight 300 --network none busybox true"),
  one("run -d --rm --gpus all busybox true"),
  one("run --rm --storage-opt size=1g busybox true"),
  one("run --rm --link-local-ip 169.254.7.7 busybox true"),
  {
    name: "run --link",
    steps: [RUNNING, docker("run --rm --link box:db busybox grep -w db /etc/hosts"), docker("run --rm --link box busybox env")],
  },
  {
    name: "run --ip6",
    steps: [
      docker("network create --ipv6 --subnet fd00:9::/64 net"),
      docker("run --rm --network net --ip6 fd00:9::77 busybox ip -6 -o address show dev eth0 scope global"),
    ],
  },
  {
    name: "container ls in every form",
    steps: [
      docker("run -d --name one --label a=b busybox sleep 300", { isSetUp: true }),
      docker("create --name two busybox", { isSetUp: true }),
      docker("container ls -l"),
      docker("container ls -q"),
      docker("container ls -aq --no-trunc"),
      docker("container ls -n 1 --format '{{.Names}}'"),
      docker("container ls -s --format '{{.Names}} {{.Size}}'"),
      docker("container ls -a --size"),
      docker("container ls --format json --filter name=nobody"),
      docker("container ls --format 'table {{.Names}}\\t{{.Status}}'"),
      docker("container ls --filter health=none --format '{{.Names}}'"),
      docker("container ls --filter health=nope"),
      docker("container ls -a --filter before=nope"),
      docker("container ls -a --filter since=one --format '{{.Names}}'"),
      docker("container ls -a --filter id=nope"),
      docker("container ls --filter publish=80 --filter expose=80"),
      docker("container ls --filter is-task=true"),
    ],
  },
  {
    name: "stop of a server that ends cleanly",
    steps: [
      docker(`run -d --name box ${SERVER}`, { isSetUp: true }),
      untilServing("box"),
      docker("container stop box"),
      docker("wait box"),
    ],
  },
  {
    name: "stop with a signal",
    steps: [
      docker(`run -d --name box ${SERVER}`, { isSetUp: true }),
      docker("stop -s KILL box"),
      docker("stop --signal NOPE box"),
      docker("stop -t 1 nope"),
    ],
  },
  {
    name: "stop with a bad signal",
    steps: [RUNNING, docker("stop --signal NOPE -t 0 box"), docker("kill --signal 99 box"), docker("kill --signal WINCH box")],
  },
  {
    name: "restart with a signal",
    steps: [
      docker(`run -d --name box ${SERVER}`, { isSetUp: true }),
      docker("restart -s KILL -t 2 box"),
      docker("restart -t 1 nope"),
      docker("restart --signal NOPE box"),
    ],
  },
  {
    name: "start in every form",
    steps: [
      docker("create --name box -i busybox cat", { isSetUp: true }),
      docker("start -ai box", { stdin: "typed\n" }),
      docker("start --checkpoint nope box"),
      docker("start --checkpoint nope --checkpoint-dir /tmp box"),
      docker("start --detach-keys ctrl-x nope"),
      docker("start -a nope"),
      docker("create --name two busybox sh -c 'exit 9'", { isSetUp: true }),
      docker("start -a two"),
      docker("start box two"),
      docker("wait two"),
    ],
  },
  {
    name: "start that cannot",
    steps: [
      docker("create --name box busybox nope", { isSetUp: true }),
      docker("container start box"),
      docker("create --name two busybox /etc", { isSetUp: true }),
      docker("start -a two"),
    ],
  },
  {
    name: "detach from run",
    steps: [
      terminal("run -it --name box --detach-keys ctrl-a busybox sh -c 'echo ready; sleep 300'", [
        { when: /ready/, text: "\u0001" },
      ]),
      docker("inspect -f '{{.State.Running}}' box"),
    ],
  },
  {
    name: "detach from exec",
    steps: [
      RUNNING,
      terminal("exec -it --detach-keys ctrl-a box sh -c 'echo ready; sleep 300'", [{ when: /ready/, text: "\u0001" }]),
    ],
  },
  {
    name: "attach in every form",
    steps: [
      docker("run -d --name box busybox sh -c 'sleep 1; echo out; exit 3'", { isSetUp: true }),
      docker("attach --no-stdin --sig-proxy=false box"),
      docker("attach box"),
      docker("attach --no-stdin nope"),
      docker("attach --detach-keys nope box"),
    ],
  },
  {
    name: "attach to one that is paused",
    steps: [
      RUNNING,
      docker("pause box", { isSetUp: true }),
      docker("attach box"),
      docker("attach --sig-proxy=false box"),
      docker("restart -t 0 box"),
    ],
  },
  { name: "wait for several", steps: [ENDED, docker("wait box box"), docker("wait box nope"), docker("wait")] },
  {
    name: "top in every form",
    steps: [
      RUNNING,
      docker("top box -eo comm,args"),
      docker("top box -o nope"),
      docker("top box aux --nope"),
      docker("stop -t 0 box", { isSetUp: true }),
      docker("top box"),
    ],
  },
  {
    name: "port in every form",
    steps: [
      docker("run -d --name box -p 127.0.0.1:18088:80 busybox sleep 300", { isSetUp: true }),
      docker("port box 80"),
      docker("port box 80/udp"),
      docker("port box 81"),
      docker("port box x"),
      docker("port nope 80"),
    ],
  },
  {
    name: "inspect in every form",
    steps: [
      docker("run --name box busybox touch /f", { isSetUp: true }),
      docker("container inspect -s -f '{{.SizeRw}}' box"),
      docker("container inspect --size nope"),
      docker("container inspect -f '{{.Nope}}' box"),
      docker("container inspect -f '{{.State.Status}} {{.Config.Image}}' box"),
    ],
  },
  {
    name: "commit in every form",
    steps: [
      RUNNING,
      docker(
        "commit --pause=false -m words -a someone -c 'ENV X=1' -c 'EXPOSE 80' -c 'LABEL l=1' -c 'WORKDIR /tmp' -c 'USER nobody' -c 'ENTRYPOINT [\"echo\"]' -c 'VOLUME /v' -c 'STOPSIGNAL INT' -c 'ONBUILD RUN true' box made:2",
      ),
      docker("image inspect -f '{{json .Config}} {{.Author}} {{.Comment}}' made:2"),
      docker("run --rm made:2 hi"),
      docker("rmi made:2", { isSetUp: true }),
      docker("commit --change 'RUN true' box"),
      docker("commit --author x nope"),
      docker("commit -m x box Bad"),
    ],
  },
  {
    name: "cp in every form",
    steps: [
      RUNNING,
      docker("exec box sh -c 'mkdir /d; echo x >/d/f; ln -s /etc/group /d/l'", { isSetUp: true }),
      docker("cp -a test/fixtures/oracle/labels box:/tmp/a"),
      docker("cp -q test/fixtures/oracle box:/tmp/b"),
      docker("cp -L box:/d/l -"),
      docker("exec box ls -l /tmp/b"),
      docker("cp -L box:/nope -"),
      docker("cp -a box:/nope -"),
      docker("cp -q test/fixtures/oracle box:/nope/nope/"),
    ],
  },
  { name: "export to a file", steps: [MADE, docker("export -o /dev/null box"), docker("export -o /dev/null nope")] },
  {
    name: "rm in every form",
    steps: [
      docker("run -d --name box -v /data busybox sleep 300", { isSetUp: true }),
      docker("rm -fv box nope"),
      docker("volume ls -q"),
      docker("create --name two busybox", { isSetUp: true }),
      docker("rm -l two/nope"),
      docker("rm --link nope"),
      docker("rm --volumes nope"),
      docker("rm two"),
    ],
  },
  {
    name: "prune by filters",
    steps: [
      ENDED,
      docker("container prune -f --filter label=x=y"),
      docker("container prune -f --filter until=1h"),
      docker("container prune -f --filter label!=a"),
      docker("container prune -f --filter nope=1"),
      docker("container prune --force --filter until=nope"),
      docker("container prune -f --filter label=a=b"),
    ],
  },
  {
    name: "system prune by filters",
    steps: [
      ENDED,
      docker("system prune -f --filter label=x=y"),
      docker("system prune -f --filter until=1h"),
      docker("system prune -f --volumes --filter until=1h"),
      docker("system prune -f --filter nope=1"),
      docker("system prune -f --filter label=a=b"),
    ],
  },
  {
    name: "system df",
    steps: [
      docker("system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'"),
      docker("run --name box -v vol:/v busybox sh -c 'head -c 100000 /dev/zero >/v/f'", { isSetUp: true }),
      docker("system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'"),
      docker(
        "system df -v --format '{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}{{end}} {{range .Containers}}{{.Names}} {{.LocalVolumes}}{{end}}'",
      ),
    ],
  },
  {
    name: "stats in every form",
    steps: [
      docker("run -d --name box -m 64m --network none busybox sleep 300", { isSetUp: true }),
      docker("stats --no-stream --format '{{.Name}} {{.PIDs}} {{.NetIO}}' box"),
      docker("stats --no-stream --no-trunc --format '{{.Container}} {{.ID}}' box"),
      docker("create --name two busybox", { isSetUp: true }),
      docker("stats -a --no-stream --format '{{.Name}} {{.PIDs}}'"),
      docker("stats --no-stream --format nope box"),
      docker("stats -a --no-stream nope"),
      docker("stats --no-trunc --no-stream nope"),
    ],
  },
  {
    name: "logs in every form",
    steps: [
      docker(
        "run --name box --log-opt labels=a --log-opt env=E -e E=1 --label a=b busybox sh -c 'printf \"one\\n\\ntwo\\n\"; printf last'",
        { isSetUp: true },
      ),
      docker("logs box"),
      docker("logs -n 1 box"),
      docker("logs -n -1 box"),
      docker("logs --details -t box"),
      docker("logs --since 1h --until 0s nope"),
      docker("logs -f --tail 0 box"),
      docker("logs --since 1m nope"),
      docker("logs -f nope"),
      docker("logs --tail 1 nope"),
      docker("logs --details nope"),
      docker("logs -t nope"),
      docker("logs --until 1m nope"),
    ],
  },
  {
    name: "exec in every form",
    steps: [
      RUNNING,
      docker("exec --env-file /nope box true"),
      docker("exec -w relative box true"),
      docker("exec -u nobody:ghost box true"),
      docker("exec --user 9999999999 box true"),
      docker("exec -e A=1 nope true"),
      docker("exec -w /tmp nope true"),
      docker("exec --privileged nope true"),
      docker("exec -u root nope true"),
      docker("exec -d box nope"),
      docker("exec box /etc"),
      docker("exec box sh -c 'exit 3'"),
      docker("exec -u nobody box sh -c 'exit 4'"),
      docker("exec -w /tmp box sh -c 'exit 5'"),
      docker("exec -e A=7 box sh -c 'exit $A'"),
      docker("exec --privileged box sh -c 'exit 6'"),
      docker("exec -u nobody box sh -c 'kill -TERM $$'"),
    ],
  },
  {
    name: "update in every form",
    steps: [
      docker("run -d --name box -m 64m busybox sleep 300", { isSetUp: true }),
      docker("update --blkio-weight 300 box"),
      docker("update --cpu-period 50000 --cpu-quota 25000 box"),
      docker("update --cpu-shares 99 --cpuset-cpus 0 --cpuset-mems 0 box"),
      docker("update --memory-reservation 16m --memory-swap -1 box"),
      docker("update --cpu-rt-period 1000000 --cpu-rt-runtime 0 box"),
      docker("update --pids-limit -1 --restart always box"),
      docker("update --cpus 0.3 box"),
      docker("update --cpuset-cpus 77 box"),
      docker("update --cpuset-mems 77 box"),
      docker("update --cpu-period 3 box"),
      docker("update --cpu-quota 3 box"),
      docker("update --blkio-weight 3 box"),
      docker("update --memory-reservation 128m box"),
      docker("update --memory-swap 1m box"),
      docker("update --cpu-shares 5 nope"),
      docker("update --pids-limit 5 nope"),
    ],
  },
  {
    name: "rename and pause in every form",
    steps: [
      RUNNING,
      docker("rename box ''"),
      docker("pause box nope"),
      docker("unpause box nope"),
      docker("unpause nope"),
      docker("create --name two busybox", { isSetUp: true }),
      docker("pause two"),
    ],
  },
  { name: "diff of nothing changed", steps: [MADE, docker("diff box")] },
  {
    name: "events by filters",
    steps: [
      docker("run --name seen --label l=1 busybox true", { isSetUp: true }),
      until(
        "events --since 1m --until 0s --filter container=seen --filter event=die --format '{{.Action}} {{.Actor.Attributes.exitCode}}'",
        /die/,
      ),
      docker(
        "events --since 1m --until 0s --filter container=seen --filter label=l=1 --filter type=container --format '{{.Action}}'",
      ),
      docker("events --since 1m --until 0s --filter container=seen --filter image=nope"),
      docker("events --since 1m --until 0s --filter scope=swarm --filter type=nope"),
      docker("events --until nope"),
      docker("events --since nope"),
    ],
  },
  {
    name: "info and version in every form",
    steps: [
      docker("system info --format '{{.CgroupDriver}} {{.CgroupVersion}} {{.SecurityOptions}} {{.Swarm.LocalNodeState}}'"),
      docker("system info -f '{{.Nope}}'"),
      docker("version -f '{{.Server.Os}}/{{.Server.Arch}}'"),
    ],
  },
  {
    name: "system dial-stdio",
    steps: [
      // The headers name the program and its version; that the server closed first, the client tells by chance.
      docker("system dial-stdio", {
        stdin: "GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        shows: /200 OK$|^OK$/,
      }),
    ],
  },
];
