import { docker, kept, type Scenario, until } from "./scenario.ts";

const NODES = "node ls --format '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'";
const RUNNING = "-f desired-state=running --format '{{.Image}} {{.DesiredState}} {{.Error}}'";
const service = (name: string, options: string) =>
  docker(`service create -d --name ${name} --stop-grace-period 0s ${options} busybox sleep 300`);
const replicas = (name: string, shown: RegExp) =>
  until(`service ls --filter name=${name} --format '{{.Mode}} {{.Replicas}}'`, shown);
const onNode = (name: string) => docker(`node ps ${RUNNING} ${name}`);
const everywhere = ["m1", "w1", "w2"].map(onNode);
const REMOVED = (name: string) => docker(`service rm ${name}`, { isSetUp: true });

/** A swarm of a manager, `m1`, and two workers, `w1` and `w2`. Which of a service's slots is where is chance; how many are is not. */
export const CLUSTER_SCENARIOS: readonly Scenario[] = [
  {
    name: "three nodes, and what a worker may ask",
    steps: [
      until(NODES, /^m1 Ready.*\nw1 Ready.*\nw2 Ready/),
      docker("node ls -f role=worker --format '{{.Hostname}}'"),
      docker("node inspect -f '{{json .Spec}} {{json .Status}} {{.Description.Hostname}}' w1 w2"),
      docker(
        "info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.Nodes}} {{.Swarm.Managers}} {{len .Swarm.RemoteManagers}}'",
        {
          on: "w1",
        },
      ),
      docker("node ls", { on: "w1" }),
      docker("service create -d busybox", { on: "w1" }),
      docker("secret ls", { on: "w1" }),
      docker("swarm join-token worker", { on: "w1" }),
      docker("node promote w1", { on: "w1" }),
      docker("swarm init", { on: "w1" }),
      docker("stack ls", { on: "w2" }),
    ],
  },
  {
    name: "a global service on three nodes",
    steps: [
      service("every", "--mode global"),
      replicas("every", /3\/3/),
      ...everywhere,
      docker("service update -d --constraint-add node.role==worker every"),
      replicas("every", /2\/2/),
      until(`node ps ${RUNNING} m1`, /^\s*$/),
      until(`node ps ${RUNNING} w1`, /Running/),
    ],
  },
  {
    name: "replicas spread over three nodes",
    steps: [
      service("spread", "--replicas 6"),
      replicas("spread", /6\/6/),
      ...everywhere,
      docker("service scale -d spread=3"),
      until("service ps -q -f desired-state=running spread", /^(\S+\s+){3}$/),
      ...everywhere,
    ],
  },
  {
    name: "constraints and preferences",
    steps: [
      docker("node update --label-add zone=a w1"),
      docker("node update --label-add zone=b w2"),
      service("name", "--replicas 2 --constraint node.hostname==w1"),
      service("role", "--replicas 2 --constraint node.role==manager"),
      service("label", "--replicas 2 --constraint node.labels.zone==b"),
      service("not", "--replicas 2 --constraint node.labels.zone!=a --constraint node.role!=manager"),
      ...["name", "role", "label", "not"].map(each => replicas(each, /2\/2/)),
      ...everywhere,
      ...["name", "role", "label", "not"].map(REMOVED),
      until("node ps -q -f desired-state=running m1 w1 w2", /^\s*$/),
      service("pref", "--replicas 4 --constraint node.role==worker --placement-pref spread=node.labels.zone"),
      replicas("pref", /4\/4/),
      docker("service update -d --constraint-add node.labels.zone==a pref"),
      until("node ps -q -f desired-state=running w2", /^\s*$/),
      docker("node update --label-rm zone w1"),
      docker("node update --label-rm zone w2"),
    ],
  },
  {
    name: "why a task fits on none of three nodes",
    steps: [
      service("nowhere", "--constraint node.hostname==nope"),
      service("large", "--reserve-memory 10000g"),
      service("wide", "--reserve-cpu 1000"),
      service("four", "--replicas 4 --replicas-max-per-node 1"),
      service("ports", "--replicas 4 -p published=18099,target=80,mode=host"),
      ...["nowhere", "large", "wide"].map(name =>
        until(`service ps --no-trunc ${name} -f desired-state=running --format '{{.Error}}'`, /no suitable node/),
      ),
      replicas("four", /3\/4/),
      replicas("ports", /3\/4/),
      ...["four", "ports"].map(name =>
        docker(`service ps --no-trunc ${name} -f desired-state=running --format '{{.Error}}'`, { shows: /no suitable node/ }),
      ),
      docker("service update -d --replicas-max-per-node 2 four"),
      replicas("four", /4\/4/),
    ],
  },
  {
    name: "a node is drained, paused and taken back",
    steps: [
      service("web", "--replicas 3"),
      replicas("web", /3\/3/),
      docker("node update --availability drain w1"),
      until(`node ps ${RUNNING} w1`, /^\s*$/),
      replicas("web", /3\/3/),
      docker(NODES),
      docker("node update --availability pause w2"),
      docker("service scale -d web=5"),
      replicas("web", /5\/5/),
      docker(`node ps ${RUNNING} w1`),
      docker("node update --availability active w1"),
      docker("node update --availability active w2"),
      docker(NODES),
    ],
  },
  {
    name: "a worker becomes a manager and a worker again",
    steps: [
      docker("node promote w1"),
      until(NODES, /w1 Ready Active Reachable/),
      until("info --format '{{.Swarm.ControlAvailable}} {{.Swarm.Managers}} {{.Swarm.Nodes}}'", /true 2 3/, { on: "w1" }),
      until("node ls --format '{{.Hostname}} {{.Self}} {{.ManagerStatus}}'", /w1 true/, { on: "w1" }),
      docker("node promote w1 m1"),
      docker("node rm w1"),
      docker("swarm leave", { on: "w1" }),
      docker("node demote w1"),
      until("info --format '{{.Swarm.ControlAvailable}}'", /false/, { on: "w1" }),
      until(NODES, /w1 Ready Active\s*$/m),
      docker("node demote w1"),
    ],
  },
  {
    name: "a node leaves, is removed, and another is thrown out",
    steps: [
      docker("node rm w2"),
      docker("swarm leave", { on: "w2" }),
      until(NODES, /w2 Down/),
      docker("node ls -f name=w2 --format '{{.Status}}'"),
      docker("node rm w2"),
      docker("node rm w2"),
      docker("node rm --force w1"),
      docker(NODES),
      docker("node ps w1"),
      until("info --format '{{.Swarm.LocalNodeState}}'", /inactive/, { on: "w2" }),
      kept("token", "swarm join-token -q worker"),
      docker(
        "swarm join --listen-addr 0.0.0.0:2399 --advertise-addr eth0 --data-path-addr eth0 --availability pause --token <<token>> 10.99.0.11:2377",
        { on: "w2" },
      ),
      until("node ls --format '{{.Hostname}} {{.Status}} {{.Availability}}'", /w2 Ready Pause/),
    ],
  },
];
