import { docker, type Scenario, until } from "./scenario.ts";

const WEB = docker("service create -d --name svc --replicas 1 --stop-grace-period 0s busybox sleep 300", { isSetUp: true });
const UP = until("service ls --format '{{.Replicas}}'", /1\/1/);

/** What a swarm of one keeps beside its services, and the rarer kinds of services. */
export const SWARM_DETAIL_SCENARIOS: readonly Scenario[] = [
  {
    name: "secrets",
    steps: [
      docker("secret create --label a=b password -", { stdin: "hidden" }),
      docker("secret create password -", { stdin: "other" }),
      docker("secret inspect password"),
      docker("secret ls --format '{{.Name}} {{.Driver}}'"),
      docker(
        "service create -q --name svc --stop-grace-period 0s --secret source=password,target=pw,mode=0400 busybox sh -c 'test $(stat -c %a /run/secrets/pw):$(cat /run/secrets/pw) = 400:hidden && exec sleep 300'",
      ),
      UP,
      docker("secret rm password"),
      docker("service inspect -f '{{json .Spec.TaskTemplate.ContainerSpec.Secrets}}' svc"),
      docker("service create -d --name two --secret nope busybox"),
      docker("secret rm nope"),
    ],
  },
  {
    name: "configs",
    steps: [
      docker("config create page -", { stdin: "hello" }),
      docker("config inspect page"),
      docker("config inspect --pretty page"),
      docker(
        "service create -q --name svc --stop-grace-period 0s --config source=page,target=/page,uid=5 busybox sh -c 'test $(stat -c %a:%u /page):$(cat /page) = 444:5:hello && exec sleep 300'",
      ),
      UP,
      docker("config rm page"),
      docker("config create 'bad name' -", { stdin: "x" }),
      docker("config create empty -", { stdin: "" }),
    ],
  },
  {
    name: "a job",
    steps: [
      docker("service create -d --name svc --mode replicated-job --replicas 3 --max-concurrent 2 busybox true"),
      until("service ps svc --format '{{.CurrentState}}'", /^(Complete.*\s*){3}$/),
      docker("service ps svc --format '{{.DesiredState}} {{.Error}}'"),
      docker("service ls --format '{{.Mode}} {{.Replicas}}'"),
      docker("service inspect -f '{{json .Spec.Mode}}' svc"),
    ],
  },
  {
    name: "a global job",
    steps: [
      docker("service create -d --name svc --mode global-job busybox true"),
      until("service ps svc --format '{{.CurrentState}}'", /^Complete/),
      docker("service ls --format '{{.Mode}} {{.Replicas}}'"),
    ],
  },
  {
    name: "a global service",
    steps: [
      docker("service create -d --name svc --mode global --stop-grace-period 0s busybox sleep 300"),
      until("service ls --format '{{.Mode}} {{.Replicas}}'", /1\/1/),
      docker("service scale -d svc=2"),
      docker("service inspect svc"),
    ],
  },
  {
    name: "an overlay network",
    steps: [
      docker("network create -d overlay --attachable --subnet 10.77.0.0/24 --label a=b over"),
      until("network inspect -f '{{json .IPAM}}' over", /Gateway/), // Addresses are given out after the answer.
      docker("network inspect over"),
      docker("network create -d overlay over"),
      docker("service create -d --name svc --network over --stop-grace-period 0s busybox sleep 300", { isSetUp: true }),
      UP,
      docker("service inspect -f '{{json .Endpoint.Spec}} {{len .Endpoint.VirtualIPs}} {{len .Spec.TaskTemplate.Networks}}' svc"),
      docker("network rm over"),
      docker("network ls --filter scope=swarm --format '{{.Name}} {{.Driver}}'"),
      docker("service rm svc", { isSetUp: true }),
      until("network rm over", /^over/),
    ],
  },
  {
    name: "ports of a service",
    steps: [
      docker(
        "service create -d --name svc --stop-grace-period 0s -p 18091:80/udp -p published=18092,target=81,mode=host busybox sleep 300",
      ),
      until("service ls --format '{{.Replicas}} {{.Ports}}'", /1\/1/),
      docker("service inspect -f '{{json .Endpoint.Spec}} {{json .Endpoint.Ports}}' svc"),
      until("service ps svc --format '{{.Ports}}'", /18092/),
      docker("service update -d --publish-rm 80/udp svc"),
      docker("service inspect -f '{{json .Spec.EndpointSpec}}' svc"),
      docker("service create -d --name two --endpoint-mode dnsrr -p 18093:80 busybox"),
    ],
  },
  {
    name: "a service with every option",
    steps: [
      docker(
        "service create -d --name svc --replicas 0 --label a=b --container-label c=d -e E=1 --hostname h-{{.Task.Slot}} -w /tmp -u nobody --group 5 --mount type=volume,source=vol,target=/v --mount type=tmpfs,target=/t --limit-cpu 0.5 --limit-memory 32m --limit-pids 9 --reserve-cpu 0.1 --reserve-memory 8m --restart-condition on-failure --restart-delay 2s --restart-max-attempts 3 --restart-window 4s --update-parallelism 2 --update-delay 3s --update-failure-action rollback --update-monitor 4s --update-max-failure-ratio 0.5 --update-order start-first --rollback-parallelism 0 --stop-signal INT --stop-grace-period 3s --health-cmd true --health-interval 5s --dns 10.1.1.1 --dns-search x.org --host db:10.1.1.2 --constraint node.role==manager --placement-pref spread=node.labels.z --replicas-max-per-node 4 --log-driver json-file --log-opt max-size=1m --init --read-only --cap-add NET_ADMIN --cap-drop MKNOD --ulimit nofile=10:20 --sysctl net.ipv4.ip_forward=1 --tty busybox sleep 300",
      ),
      docker("service inspect svc"),
      docker("service inspect --pretty svc"),
    ],
  },
  {
    name: "a task as inspect shows it",
    steps: [
      WEB,
      UP,
      docker("service ps svc -q --no-trunc", { isSetUp: true }),
      docker("service ps svc --format '{{.Name}} {{.DesiredState}}' --filter desired-state=running"),
      docker("service ps svc --filter nope=x"),
      docker("node ps self --format '{{.Name}} {{.DesiredState}}'"),
      { kind: "http", method: "GET", path: "/v1.50/tasks?filters=%7B%22service%22%3A%7B%22svc%22%3Atrue%7D%7D" },
    ],
  },
  {
    name: "a service with privileges",
    steps: [
      {
        kind: "http",
        method: "POST",
        path: "/v1.50/services/create",
        body: {
          Name: "svc",
          TaskTemplate: {
            ContainerSpec: {
              Image: "busybox",
              Args: ["sh", "-c", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status; exec sleep 300"],
              StopGracePeriod: 0,
              Privileges: {
                SELinuxContext: { Disable: true, User: "u", Role: "r", Type: "t", Level: "l" },
                Seccomp: { Mode: "unconfined" },
                AppArmor: { Mode: "disabled" },
                NoNewPrivileges: true,
              },
            },
          },
        },
      },
      UP,
      docker("service inspect -f '{{json .Spec.TaskTemplate.ContainerSpec.Privileges}}' svc"),
      docker("ps -q", { isSetUp: true }),
      { kind: "http", method: "GET", path: "/v1.50/services?filters=%7B%22name%22%3A%5B%22svc%22%5D%7D" },
    ],
  },
  {
    name: "the container of a task",
    steps: [
      docker("service create -d --name svc --stop-grace-period 0s -e A=1 --limit-memory 32m busybox sleep 300", {
        isSetUp: true,
      }),
      UP,
      docker("ps --format '{{.Image}} {{.Command}} {{.State}}'"),
      { kind: "http", method: "GET", path: "/v1.50/containers/json" },
    ],
  },
  {
    name: "service logs",
    steps: [
      docker("service create -d --name svc --stop-grace-period 0s busybox sh -c 'echo from a task; sleep 300'", {
        isSetUp: true,
      }),
      until("service logs --raw svc", /from a task/),
      docker("service logs --raw --tail 1 svc"),
      docker("service logs --no-resolve --no-trunc svc"),
      docker("service logs --raw --details --since 1h svc"),
      docker("service logs --raw --until 1h svc"),
      docker("service logs nope"),
      docker("service create -d --name typed --tty --stop-grace-period 0s busybox sh -c 'echo from a terminal; sleep 300'", {
        isSetUp: true,
      }),
      until("service logs --raw typed", /from a terminal/),
      docker("service logs typed"),
      docker("service create -d --name none --replicas 0 busybox true", { isSetUp: true }),
      docker("service logs none"),
      { kind: "http", method: "GET", path: "/tasks/nope/logs?stdout=1" },
    ],
  },
  {
    name: "an update that fails and goes back",
    steps: [
      WEB,
      UP,
      docker(
        "service update -d --update-failure-action rollback --update-monitor 1s --restart-max-attempts 1 --restart-delay 100ms --args false svc",
      ),
      until("service inspect -f '{{.UpdateStatus.State}}' svc", /rollback_completed/),
      docker("service inspect -f '{{json .Spec.TaskTemplate.ContainerSpec.Args}}' svc"),
    ],
  },
  {
    name: "an update that pauses",
    steps: [
      WEB,
      UP,
      docker("service update -d --update-monitor 1s --restart-max-attempts 1 --restart-delay 100ms --args false svc"),
      until("service inspect -f '{{.UpdateStatus.State}}' svc", /paused/),
    ],
  },
  {
    name: "service updates refused",
    steps: [
      WEB,
      docker("service update -d --image Bad svc"),
      docker("service update -d --update-order nope svc"),
      docker("service update -d --limit-memory x svc"),
      docker("service update -d --replicas -1 svc"),
      docker("service update -d nope"),
      docker("service rollback -d svc"),
      docker("service update -d --constraint-add nonsense svc"),
      docker("service update -d --network-add nope svc"),
      docker("service update -d --mount-add type=nope svc"),
    ],
  },
  {
    name: "services listed by filters",
    steps: [
      docker("service create -d --name svc --label a=b --replicas 0 busybox", { isSetUp: true }),
      docker("service ls --filter label=a=b --format '{{.Name}}'"),
      docker("service ls --filter mode=global --format '{{.Name}}'"),
      docker("service ls --filter name=s --format '{{.Name}} {{.Mode}} {{.Replicas}}'"),
      docker("service ls --filter nope=x"),
    ],
  },
  {
    name: "a node labelled and refused",
    steps: [
      docker("node update --label-add zone=a m1"),
      docker("node inspect -f '{{json .Spec}} {{.Status.State}} {{.ManagerStatus.Reachability}}' self"),
      docker("node ls --filter node.label=zone=a --format '{{.Availability}} {{.ManagerStatus}}'"),
      docker("node ls --filter role=worker -q"),
      docker("node ls --filter nope=x"),
      docker("node update --label-rm zone m1"),
      docker("node update --role worker m1"),
      docker("node demote m1"),
      docker("node promote nope"),
      docker("node rm m1"),
      docker("node ps nope"),
    ],
  },
  {
    name: "the swarm as inspect shows it",
    steps: [
      docker(
        "info --format '{{.Swarm.Managers}} {{.Swarm.Nodes}} {{.Swarm.ControlAvailable}} {{json .Swarm.Cluster.DefaultAddrPool}} {{.Swarm.Cluster.SubnetSize}} {{.Swarm.Cluster.DataPathPort}}'",
      ),
      docker("swarm update --task-history-limit 3 --cert-expiry 720h"),
      docker("info --format '{{json .Swarm.Cluster.Spec}}'"),
      docker("swarm update --task-history-limit 5 --cert-expiry 2160h"),
      docker("swarm update --dispatcher-heartbeat x"),
      docker("swarm update --cert-expiry 1s"),
      docker("swarm leave"),
      docker("swarm unlock-key"),
      docker("swarm join-token --rotate worker", { isSetUp: true }),
    ],
  },
  {
    name: "containers and networks of a swarm refused",
    steps: [docker("network create -d overlay closed", { isSetUp: true }), docker("run --rm --network closed busybox true")],
  },
];
