import { docker, type Scenario, terminal, until } from "./scenario.ts";

const INSPECT = docker("inspect box");
const RUNNING = docker("run -d --name box busybox sleep 300", { isSetUp: true });

const OF_MANY = "events --since 1h --until 0s --filter container=many --format '{{.Action}}'";
const EVENTS_IN_ORDER = [
  ...["create", "attach", "start", "pause", "unpause", "exec_create", "exec_start", "exec_die", "top", "update", "kill"],
  ...["restart", "destroy", "rename", "resize", "oom", "detach"],
];

/** Commands on containers, images and the rest of one host. */
export const COMMAND_SCENARIOS: readonly Scenario[] = [
  {
    name: "create and start refused",
    steps: [docker("create --name box busybox nope", { isSetUp: true }), docker("start box"), docker("start -a box"), INSPECT],
  },
  {
    name: "update refused",
    steps: [
      RUNNING,
      docker("update --memory 1m box"),
      docker("update --restart nope box"),
      docker("update --cpus 99 box"),
      docker("update --memory 32m --memory-swap 64m box"),
      INSPECT,
    ],
  },
  {
    name: "a restart policy that lasts",
    steps: [
      docker("run -d --name box --restart always busybox sleep 300"),
      docker("kill box"),
      docker("inspect -f '{{json .HostConfig.RestartPolicy}}' box"),
      docker("run --rm --restart always busybox true"),
    ],
  },
  {
    name: "a restart policy of an unknown name",
    steps: [docker("run --name box --restart nope busybox true"), docker("run --name box --restart on-failure:x busybox true")],
  },
  {
    name: "wait for a container that runs",
    steps: [docker("run -d --name box busybox sh -c 'sleep 1; exit 6'", { isSetUp: true }), docker("wait box")],
  },
  {
    name: "rename to a taken name",
    steps: [
      RUNNING,
      docker("create --name two busybox", { isSetUp: true }),
      docker("rename box two"),
      docker("rename box 'bad name'"),
      docker("rename nope x"),
    ],
  },
  {
    name: "exec with all its options",
    steps: [
      RUNNING,
      docker("exec -u 1000:1000 box id"),
      docker("exec --privileged box grep CapEff /proc/self/status"),
      docker("exec -w /nope box pwd"),
      docker("exec -u ghost box id"),
      docker("exec -e A box sh -c 'echo x$A'"),
      docker("exec box sh -c 'kill -9 $$'"),
    ],
  },
  {
    name: "exec in a paused container",
    steps: [
      RUNNING,
      docker("pause box", { isSetUp: true }),
      docker("exec box true"),
      docker("stop -t 0 box"),
      docker("inspect -f '{{.State.Status}} {{.State.Paused}}' box"),
    ],
  },
  {
    name: "detach by keys",
    steps: [
      docker("run -dit --name box busybox sleep 300", { isSetUp: true }),
      terminal("attach --detach-keys ctrl-x box", [{ when: /^/, text: "\u0018" }]),
      docker("inspect -f '{{.State.Running}}' box"),
    ],
  },
  {
    name: "ps by filters",
    steps: [
      RUNNING,
      docker("create --name two --label a=b busybox", { isSetUp: true }),
      docker("ps -a --filter status=created --format '{{.Names}}'"),
      docker("ps --filter ancestor=busybox --format '{{.Names}}'"),
      docker("ps -a --filter name=tw --format '{{.Names}} {{.State}}'"),
      docker("ps -a --filter exited=0 --format '{{.Names}}'"),
      docker("ps -a --filter status=nope"),
      docker("ps -n 1 --format '{{.Names}}'"),
      docker("ps -a --filter before=two --format '{{.Names}}'"),
      docker("ps -a --filter network=bridge --filter volume=x --format '{{.Names}}'"),
    ],
  },
  {
    name: "logs in ranges",
    steps: [
      docker("run --name box busybox sh -c 'echo one; echo two >&2; echo three'", { isSetUp: true }),
      docker("logs --since 2020-01-01 box"),
      docker("logs --until 2020-01-01 box"),
      docker("logs --tail 0 box"),
      docker("logs --tail x box"),
      docker("logs --since nope box"),
      docker("logs --details box"),
    ],
  },
  {
    name: "log options",
    steps: [
      docker("run --name box --log-opt max-size=1m --log-opt max-file=2 --log-opt labels=a --label a=b busybox echo hi"),
      docker("logs --details box"),
      docker("run --rm --log-opt max-file=x busybox true"),
      docker("run --rm --log-opt nope=1 busybox true"),
      INSPECT,
    ],
  },
  { name: "log driver local", steps: [docker("run --name box --log-driver local busybox echo hi"), docker("logs box"), INSPECT] },
  {
    name: "copy in and out",
    steps: [
      RUNNING,
      docker("cp /usr/share/common-licenses/BSD box:/tmp/licence"),
      docker("exec box sh -c 'head -n 1 /tmp/licence; stat -c %a:%u:%g /tmp/licence'"),
      docker("cp box:/tmp/licence -"),
      docker("cp box:/nope -"),
      docker("cp nope:/x -"),
      docker("cp /etc/hostname box:/nope/x"),
    ],
  },
  {
    name: "what a container changed",
    steps: [
      // One change each: a real engine tells several in no certain order.
      docker("run --name box busybox rm /etc/group", { isSetUp: true }),
      docker("diff box"),
      docker("run --name two busybox touch /root/new", { isSetUp: true }),
      docker("diff two"),
      docker("run --name three busybox sh -c 'echo y >> /etc/passwd'", { isSetUp: true }),
      docker("diff three"),
      docker("diff nope"),
    ],
  },
  {
    name: "commit",
    steps: [
      docker("run --name box -e A=1 busybox sh -c 'echo x > /root/new'", { isSetUp: true }),
      docker('commit -a me -m why -c \'CMD ["cat", "/root/new"]\' box made:1'),
      docker("run --rm made:1"),
      docker("image inspect -f '{{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.Env}}' made:1"),
      docker("rmi made:1", { isSetUp: true }),
      docker("commit nope"),
    ],
  },
  {
    name: "stats once",
    steps: [RUNNING, docker("stats --no-stream --format '{{.Name}} {{.PIDs}}' box"), docker("stats --no-stream nope")],
  },
  { name: "export", steps: [docker("create --name box busybox", { isSetUp: true }), docker("export nope")] },
  {
    name: "images by filters",
    steps: [
      docker("images --filter reference=busy* --format '{{.Repository}}'"),
      docker("images --filter dangling=true -q"),
      docker("images --filter nope=x"),
      docker("images nothing --format '{{.Repository}}'"),
      docker("history busybox --format '{{.CreatedBy}} {{.Comment}}'"),
    ],
  },
  {
    name: "tags refused",
    steps: [
      docker("tag nope x"),
      docker("tag busybox Bad"),
      docker("tag busybox x:bad!tag"),
      docker("rmi busybox:nope"),
      docker("save nope"),
    ],
  },
  {
    name: "load of what is no archive",
    steps: [
      docker("load", { stdin: "nothing like a tar" }),
      { kind: "http", method: "POST", path: "/v1.50/images/load", body: "nothing like a tar" },
    ],
  },
  {
    name: "prune of images and system",
    steps: [docker("image prune -f"), docker("system prune -f --volumes"), docker("images --format '{{.Repository}}'")],
  },
  {
    name: "inspect of several kinds",
    steps: [
      docker("volume create same", { isSetUp: true }),
      docker("network create same", { isSetUp: true }),
      docker("inspect --type volume -f '{{.Name}} {{.Scope}}' same"),
      docker("inspect --type network -f '{{.Name}} {{.Scope}}' same"),
      docker("inspect --type container same"),
      docker("inspect --type image same"),
    ],
  },
  {
    name: "events of the past",
    steps: [
      docker("run --name once --label a=b busybox true", { isSetUp: true }),
      docker("rm once", { isSetUp: true }),
      until(
        "events --since 1h --until 0s --filter container=once --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.a}}'",
        /destroy/,
      ),
      docker("events --since nope"),
    ],
  },
  {
    name: "events of all that can happen to a container",
    steps: [
      docker("run -d --name many busybox sleep 300", { isSetUp: true }),
      docker("pause many", { isSetUp: true }),
      docker("unpause many", { isSetUp: true }),
      docker("exec many true", { isSetUp: true }),
      docker("top many", { isSetUp: true }),
      docker("update --restart no many", { isSetUp: true }),
      docker("kill -s USR1 many", { isSetUp: true }),
      docker("restart -t 0 many", { isSetUp: true }),
      docker("stop -t 0 many", { isSetUp: true }),
      docker("start many", { isSetUp: true }),
      docker("rm -f many", { isSetUp: true }),
      // That a container was stopped and that it died is told in either order.
      until(`${OF_MANY} ${EVENTS_IN_ORDER.map(event => `--filter event=${event}`).join(" ")}`, /destroy/),
      docker(`${OF_MANY} --filter event=die`),
      docker(`${OF_MANY} --filter event=stop`),
    ],
  },
  {
    name: "version and info refused by format",
    steps: [
      docker("version --format '{{.Server.Os}} {{.Server.Arch}}'"),
      docker(
        "info --format '{{.OSType}} {{.Architecture}} {{.LoggingDriver}} {{.Driver}} {{.Swarm.LocalNodeState}} {{.IPv4Forwarding}} {{.MemoryLimit}} {{.OomKillDisable}}'",
      ),
    ],
  },
  { name: "plugins that are built in", steps: [docker("info --format '{{json .Plugins}}'")] },
];
