import { docker, type Scenario, until } from "./scenario.ts";

const SERVICE = docker("service create -d --name svc --replicas 2 --restart-delay 1s --stop-grace-period 0s busybox sleep 300", {
  isSetUp: true,
});
const EVENT = "'{{.Type}} {{.Action}} {{.Scope}} {{json .Actor.Attributes}}'";
const TASKS = "service ps svc --format '{{.Name}} {{.Image}} {{.DesiredState}} {{.Error}}'";

/** A swarm of one. */
export const SWARM_SCENARIOS: readonly Scenario[] = [
  {
    name: "node ls and inspect",
    steps: [
      docker("node ls --format '{{.Self}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'"),
      docker("node inspect self --format '{{json .Spec}}'"),
      docker("node inspect nope"),
    ],
  },
  {
    name: "service create",
    steps: [
      docker("service create --detach --name svc --replicas 2 busybox sleep 300"),
      until(TASKS, /^(svc\.\d \S+ Running.*\n){2}$/),
      docker("service inspect svc"),
      until("service ls --format '{{.Name}} {{.Mode}} {{.Replicas}} {{.Image}} {{.Ports}}'", /2\/2/),
    ],
  },
  {
    name: "events of a swarm",
    steps: [
      docker("config create told-config -", { stdin: "a" }),
      docker("secret create told-secret -", { stdin: "a" }),
      docker("network create -d overlay told-network"),
      docker("service create -d --name told --replicas 1 --stop-grace-period 0s busybox sleep 300"),
      until("service ls --filter name=told --format '{{.Replicas}}'", /1\/1/),
      docker("service update -d --replicas 2 told"),
      until("service ls --filter name=told --format '{{.Replicas}}'", /2\/2/),
      docker("service update -d --update-monitor 1s --args 'sleep 200' told"),
      until("service inspect told --format '{{.UpdateStatus.State}}'", /^completed/),
      docker("service rm told"),
      docker("network rm told-network"),
      docker("secret rm told-secret"),
      docker("config rm told-config"),
      ...["config", "secret", "network", "service"].map(type =>
        until(
          `events --since 1h --until 0s --filter scope=swarm --filter type=${type} --filter ${type}=told --format ${EVENT}`,
          /remove/,
        ),
      ),
    ],
  },
  {
    name: "a job that is run again, fails and is scaled",
    steps: [
      docker("service create -q -d --name many --mode replicated-job --replicas 3 --max-concurrent 2 busybox true"),
      until("service ls --filter name=many --format '{{.Mode}} {{.Replicas}}'", /\(3\/3/),
      docker("service update -d --force many"),
      until("service inspect many --format '{{json .JobStatus.JobIteration}}'", /1/),
      until("service ls --filter name=many --format '{{.Mode}} {{.Replicas}}'", /\(3\/3/),
      docker("service ps many --format '{{.Image}} {{.DesiredState}} {{.Error}}'"),
      docker("service scale -d many=2"),
      until("service ls --filter name=many --format '{{.Mode}} {{.Replicas}}'", /\(2\/2/),
      docker("service update -d --label-add a=b many"),
      until("service inspect many --format '{{json .JobStatus.JobIteration}}'", /3/),
      docker("service create -q -d --name fails --mode replicated-job --restart-delay 0s --restart-max-attempts 2 busybox false"),
      until("service ps fails --format '{{.Image}} {{.DesiredState}} {{.Error}}'", /(.*Shutdown.*\n){3}/),
      docker("service ls --filter name=fails --format '{{.Mode}} {{.Replicas}}'"),
      docker("service create -q -d --name runs --mode global-job busybox sleep 300"),
      until("service ps runs --format '{{.DesiredState}} {{.CurrentState}}'", /Complete Running/),
      docker("service ls --filter name=runs --format '{{.Mode}} {{.Replicas}}'"),
      docker("service update -q -d --args 'sleep 200' --stop-grace-period 0s runs"),
      docker("service rollback -d runs"),
      docker("service scale runs=3"),
      docker("service create -d --name bad --mode replicated-job --update-delay 1s busybox true"),
    ],
  },
  {
    name: "service create that waits",
    steps: [
      docker("service create -q --name svc --stop-grace-period 0s busybox sleep 300"),
      docker("service ps svc --format '{{.Name}} {{.DesiredState}}'"),
    ],
  },
  {
    name: "service create refused",
    steps: [
      docker("service create -d --name 'bad name' busybox"),
      docker("service create -d --name svc --update-order nope busybox"),
      docker("service create -d --name svc --network nope busybox"),
      docker("service create -d --name svc --mode nope busybox"),
    ],
  },
  { name: "a service name taken", steps: [SERVICE, docker("service create -d --name svc busybox")] },
  {
    name: "service scale",
    steps: [
      SERVICE,
      docker("service scale -d svc=3"),
      until("service ls --format '{{.Replicas}}'", /3\/3/),
      docker("service scale -d svc=x"),
      docker("service scale -d nope=1"),
    ],
  },
  {
    name: "service update and rollback",
    steps: [
      SERVICE,
      until("service ls --format '{{.Replicas}}'", /2\/2/),
      docker("service update -d --env-add A=1 --update-monitor 1s svc"),
      until("service inspect svc --format '{{.UpdateStatus.State}} {{.UpdateStatus.Message}}'", /^completed/),
      docker("service inspect svc"),
      docker("service rollback -d svc"),
      until("service inspect svc --format '{{.UpdateStatus.State}} {{.UpdateStatus.Message}}'", /rollback_completed/),
      docker("service inspect svc"),
    ],
  },
  {
    name: "service rm",
    steps: [SERVICE, docker("service rm svc"), docker("service rm svc"), docker("service inspect svc"), docker("service ps svc")],
  },
  {
    name: "a service that cannot be placed",
    steps: [
      docker("service create -d --name svc --constraint node.labels.x==y busybox", { isSetUp: true }),
      until("service ps svc --format '{{.CurrentState}} {{.Error}}' --no-trunc", /no suitable node/),
    ],
  },
  {
    name: "a service that publishes a port",
    steps: [
      docker("service create -d --name svc --stop-grace-period 0s -p 18090:80 busybox sleep 300", { isSetUp: true }),
      until("service ls --format '{{.Replicas}} {{.Ports}}'", /1\/1/),
      docker("service inspect svc --format '{{json .Endpoint.Ports}}'"),
      docker("service create -d --name other -p 18090:80 busybox"),
    ],
  },
  {
    name: "a task that fails",
    steps: [
      docker("service create -d --name svc --restart-condition none busybox false", { isSetUp: true }),
      until("service ps svc --no-trunc --format '{{.DesiredState}} {{.CurrentState}} {{.Error}}'", /Shutdown Failed/),
    ],
  },
  {
    name: "swarm refused",
    steps: [docker("swarm init"), docker("swarm join --token SWMTKN-1-bad 127.0.0.1:2377"), docker("swarm join-token nope")],
  },
  {
    name: "a drained node",
    steps: [
      SERVICE,
      docker("node update --availability drain m1"),
      docker("node ls --format '{{.Availability}}'"),
      docker("node update --availability active m1"),
      docker("node update --availability nope m1"),
    ],
  },
];
