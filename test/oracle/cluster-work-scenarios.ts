import { everywhere, NODES, REMOVED, replicas, RUNNING, service } from "./cluster-steps.ts";
import { docker, kept, type Scenario, until } from "./scenario.ts";

/** What a swarm of three nodes does with the work it is given, and what it tells of it. */
export const CLUSTER_WORK_SCENARIOS: readonly Scenario[] = [
  {
    name: "what is shown of three nodes",
    steps: [
      docker("node update --label-add zone=a --label-add disk=ssd w1"),
      docker("node update --label-add zone=b w2"),
      ...["node.label=zone=a", "node.label=zone", "role=manager", "name=w", "label=zone", "nope=x"].map(filter =>
        docker(`node ls -f ${filter} --format '{{.Hostname}}'`),
      ),
      docker("node inspect --pretty w1", { shows: /^(Hostname| - |Status|Availability|State)/m }),
      docker("node update --label-rm nope w1"),
      docker("node update --label-rm disk --availability pause w1"),
      docker("node inspect -f '{{json .Spec}}' w1"),
      docker("node update --availability nope w1"),
      docker("node update --role nope w1"),
      docker("node inspect self", { on: "w1" }),
      docker("node ps", { on: "w1" }),
      docker("service logs x", { on: "w2" }),
      docker("config ls", { on: "w2" }),
      docker("swarm ca", { on: "w2" }),
      docker("swarm update --task-history-limit 1", { on: "w2" }),
      docker("swarm unlock-key", { on: "w2" }),
      docker("network create -d overlay here", { on: "w2" }),
      docker("node update --label-rm zone --availability active w1"),
      docker("node update --label-rm zone w2"),
    ],
  },
  {
    name: "what tasks on three nodes print",
    steps: [
      docker("service create -d --name talk --mode global --stop-grace-period 0s busybox sh -c 'echo one; echo two; sleep 300'"),
      replicas("talk", /3\/3/),
      until("service logs --raw --tail 1 talk", /(two\s+){3}/),
      docker("service logs --raw --tail 0 talk"),
      docker("service update -d --constraint-add node.hostname==w2 talk"),
      until(`node ps ${RUNNING} w1`, /^\s*$/),
      docker("service logs nope"),
    ],
  },
  {
    name: "secrets and configs on other nodes",
    steps: [
      docker("secret create hidden -", { stdin: "between us" }),
      docker("config create page -", { stdin: "for all\n" }),
      docker(
        "service create -d --name reads --mode global --constraint node.role==worker --stop-grace-period 0s --secret source=hidden,target=s,mode=0400 --config source=page,target=/page busybox sh -c 'cat /run/secrets/s /page; stat -c %a /run/secrets/s; sleep 300'",
      ),
      replicas("reads", /2\/2/),
      until("service logs --raw reads", /(between us[\s\S]*400\s+){2}/),
      docker("secret rm hidden"),
      docker("config rm page"),
      docker("service update -d --secret-rm hidden --config-rm page --args 'sleep 300' reads"),
      until(
        "service inspect -f '{{json .Spec.TaskTemplate.ContainerSpec.Secrets}} {{.UpdateStatus.State}}' reads",
        /null completed/,
      ),
      REMOVED("reads"),
      docker("secret rm hidden"),
      docker("config rm page"),
    ],
  },
  {
    name: "jobs on three nodes",
    steps: [
      docker("service create -d --name once --mode global-job busybox true"),
      docker("service create -d --name four --mode replicated-job --replicas 4 --max-concurrent 2 busybox true"),
      docker("service create -d --name there --mode replicated-job --replicas 2 --constraint node.hostname==w2 busybox true"),
      replicas("once", /\(3\/3 completed\)/),
      replicas("four", /\(4\/4 completed\)/),
      replicas("there", /\(2\/2 completed\)/),
      ...["m1", "w1", "w2"].map(name =>
        docker(`node ps -f name=once --format '{{.Image}} {{.DesiredState}} {{.Error}}' ${name}`),
      ),
      docker("service ps --format '{{.Node}} {{.DesiredState}} {{.Error}}' there"),
      docker("service scale -d once=2"),
      docker("service update -d --force once"),
      replicas("once", /\(3\/3 completed\)/),
    ],
  },
  {
    name: "updates and rollbacks over three nodes",
    steps: [
      service(
        "roll",
        "--replicas 3 --replicas-max-per-node 1 --update-order stop-first --update-monitor 500ms --rollback-monitor 500ms",
      ),
      replicas("roll", /3\/3/),
      docker("service update -d --env-add A=1 roll"),
      until("service inspect -f '{{.UpdateStatus.State}}' roll", /^completed/),
      ...everywhere,
      docker("service rollback -d roll"),
      until("service inspect -f '{{.UpdateStatus.State}}' roll", /^rollback_completed/),
      docker("service inspect -f '{{json .Spec.TaskTemplate.ContainerSpec.Env}}' roll"),
      docker("service update -d --update-failure-action pause --args 'false' --restart-condition none roll"),
      until("service inspect -f '{{.UpdateStatus.State}}' roll", /^paused/),
      docker("service inspect -f '{{.UpdateStatus.State}}' roll"),
      docker("service update -d --rollback roll"),
      until("service inspect -f '{{.UpdateStatus.State}}' roll", /^rollback_completed/),
      replicas("roll", /3\/3/),
      ...everywhere,
    ],
  },
  {
    name: "containers on an attachable network of two nodes",
    steps: [
      docker("network create -d overlay --attachable --subnet 10.55.0.0/24 wide"),
      docker("run -d --name listens --network wide --stop-timeout 0 busybox sleep 300", { on: "w1" }),
      docker(
        "run --rm --network wide busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 1 listens >/dev/null 2>&1 && echo reached && exit; done; echo not reached'",
        { on: "w2" },
      ),
      docker("network inspect -f '{{.Driver}} {{.Scope}} {{.Attachable}} {{json .IPAM.Config}}' wide", { on: "w1" }),
      docker("network rm wide"),
      docker("rm -f listens", { on: "w1" }),
      docker("network rm wide"),
      until("network ls -q -f name=wide", /^\s*$/, { on: "w1" }),
    ],
  },
  {
    name: "a stack over three nodes",
    // With digits, names are not taken for made-up ones and numbered as they come: the client makes services in any order.
    steps: [
      docker("stack deploy -c - shop", {
        stdin:
          "services:\n  all1:\n    image: busybox\n    command: sleep 300\n    stop_grace_period: 0s\n    deploy: { mode: global }\n  away1:\n    image: busybox\n    command: sleep 300\n    stop_grace_period: 0s\n    deploy: { replicas: 2, placement: { constraints: [node.role==worker], max_replicas_per_node: 1 } }\n",
        isSetUp: true,
      }),
      until("stack services shop --format '{{.Name}} {{.Replicas}}'", /all1 3\/3[\s\S]*away1 2\/2/),
      ...everywhere,
      docker("stack ps shop --format '{{.DesiredState}} {{.Error}}' -f name=shop_away1"),
      docker("stack rm shop", { isSetUp: true }),
      until("node ps -q -f desired-state=running m1 w1 w2", /^\s*$/),
    ],
  },
  {
    name: "the root certificate is replaced under three nodes",
    steps: [
      kept("before", "swarm join-token -q worker"),
      docker("swarm ca --rotate --detach"),
      until("info --format '{{.Swarm.Cluster.RootRotationInProgress}}'", /false/),
      until(NODES, /^m1 Ready.*\nw1 Ready.*\nw2 Ready/),
      docker("swarm join-token --rotate -q worker", { isSetUp: true }),
      docker("swarm leave", { on: "w2" }),
      until(NODES, /w2 Down/),
      docker("node rm w2"),
      docker("swarm join --token <<before>> 10.99.0.11:2377", { on: "w2" }),
      docker("swarm join --advertise-addr eth0 --token SWMTKN-1-nope 10.99.0.11:2377", { on: "w2" }),
      kept("token", "swarm join-token -q worker"),
      docker("swarm join --advertise-addr eth0 --token <<token>> 10.99.0.11:2377", { on: "w2" }),
      until(NODES, /^m1 Ready.*\nw1 Ready.*\nw2 Ready/),
    ],
  },
];
