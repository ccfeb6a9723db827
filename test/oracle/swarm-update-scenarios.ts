import { docker, http, kept, type Scenario, type Step } from "./scenario.ts";

const SPEC = "service inspect -f '{{json .Spec}}' svc";
const service = (options: string): Step =>
  docker(`service create -d --name svc --replicas 0 ${options} busybox sleep 300`, { isSetUp: true });

/** By what they are about: how the service is created, and what is changed of it. After each change all of it is looked at. */
const CHANGED: Readonly<Record<string, readonly [created: string, ...changes: readonly string[]]>> = {
  "what runs": [
    "-e A=1 -e B=2 --user 1 --group 5",
    "--args 'sleep 200' --entrypoint 'sh -c' --image busybox:latest --no-resolve-image",
    // The client writes what is left in any order: one variable.
    "--env-add A=4 --env-rm B --user nobody --group-add 6 --group-rm 5 --workdir /tmp",
    "--hostname other --tty --read-only --init --stop-signal INT --stop-grace-period 2s",
    "--args '' --tty=false --init=false",
    "--cap-add NET_ADMIN --cap-drop MKNOD --isolation default --oom-score-adj 5",
    "--cap-drop NET_ADMIN --cap-add MKNOD",
    "--ulimit-add nofile=10:20 --sysctl-add net.ipv4.ip_forward=1",
    "--ulimit-rm nofile --sysctl-rm net.ipv4.ip_forward",
  ],
  "labels and names": [
    "-l a=b --container-label x=y --dns 10.1.1.1 --dns-search x.org --dns-option ndots:3 --host db:10.1.1.2",
    "--label-add c=d --label-rm a --container-label-add z=1 --container-label-rm x",
    "--dns-add 10.1.1.3 --dns-rm 10.1.1.1 --dns-search-add y.org --dns-search-rm x.org --dns-option-add ndots:4 --dns-option-rm ndots:3",
    "--host-add a:10.1.1.4 --host-rm db",
    "--label-rm nope --host-rm nope --env-rm nope",
  ],
  "limits and placement": [
    "--limit-cpu 0.5 --constraint node.role==manager --placement-pref spread=node.labels.a",
    "--limit-cpu 0.25 --limit-memory 64m --limit-pids 7 --reserve-cpu 0.1 --reserve-memory 8m",
    "--limit-cpu 0 --limit-memory 0 --limit-pids 0 --reserve-cpu 0",
    "--constraint-add node.labels.x!=y --constraint-rm node.role==manager",
    "--placement-pref-add spread=node.labels.b --placement-pref-rm spread=node.labels.a --replicas-max-per-node 3",
    "--replicas-max-per-node 0 --constraint-rm nope",
  ],
  "health checks and restarts": [
    "--health-cmd true --restart-condition none",
    "--health-cmd 'test -f /ok' --health-interval 5s --health-retries 4 --health-start-period 3s --health-start-interval 2s --health-timeout 1s",
    "--no-healthcheck",
    "--restart-condition on-failure --restart-delay 2s --restart-max-attempts 3 --restart-window 4s",
  ],
  updates: [
    "--update-parallelism 2",
    "--update-delay 3s --update-failure-action rollback --update-max-failure-ratio 0.5 --update-monitor 4s --update-order start-first --update-parallelism 3",
    "--rollback-delay 3s --rollback-failure-action continue --rollback-max-failure-ratio 0.25 --rollback-monitor 4s --rollback-order start-first --rollback-parallelism 0",
    "--force",
    "--replicas 0 --with-registry-auth -q",
    "--log-driver json-file --log-opt max-size=1m",
  ],
  mounts: [
    "--mount target=/a --mount type=tmpfs,target=/b",
    "--mount-add type=bind,source=/tmp,target=/c,readonly --mount-rm /b",
    "--mount-add type=tmpfs,target=/a",
    "--mount-rm /nope",
  ],
  ports: [
    "-p 18130:80",
    "--publish-add 18131:81/udp --publish-add published=18132,target=82,mode=host",
    "--publish-rm 80 --publish-rm 81/udp",
    "--publish-rm 82 --endpoint-mode dnsrr",
    "--endpoint-mode vip --publish-add 18133:80",
  ],
  "networks, secrets and configs": [
    "--network net --secret one --config one",
    "--network-add name=other,alias=a --network-rm net",
    "--secret-add source=two,target=x,mode=0400 --secret-rm one --config-add source=two,target=/y --config-rm one",
    "--secret-rm two --config-rm nope",
  ],
};

const FILES: readonly Step[] = ["one", "two"].flatMap(name =>
  ["secret", "config"].map(kind => docker(`${kind} create ${name} -`, { stdin: name, isSetUp: true })),
);
const NETWORKS: readonly Step[] = ["net", "other"].map(name => docker(`network create -d overlay ${name}`, { isSetUp: true }));

function changing([topic, [created, ...changes]]: readonly [string, readonly [string, ...(readonly string[])]]): Scenario {
  return {
    name: `service update: ${topic}`,
    steps: [
      ...(created.includes("--secret") ? [...NETWORKS, ...FILES] : []),
      service(created),
      ...changes.flatMap(given => [docker(`service update -d ${given} svc`), docker(SPEC)]),
      docker("service inspect --pretty svc"),
    ],
  };
}

/** Changes that are refused, each alone and each by the engine. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "what runs": ["--image Bad", "--image busybox:"],
  placement: ["--constraint-add nonsense", "--constraint-add node.role=x"],
  limits: ["--limit-cpu 0.0001", "--limit-memory 1m", "--reserve-cpu 0.0001", "--reserve-memory 1m"],
  restarts: ["--restart-delay -1s", "--restart-window -1s", "--restart-condition nope"],
  updates: [
    "--update-delay -1s",
    "--update-monitor -1s",
    "--update-max-failure-ratio 2",
    "--update-order nope",
    "--update-failure-action nope",
    "--rollback-order nope",
    "--rollback-failure-action nope",
    "--rollback",
  ],
  "health checks": ["--health-interval 1us", "--health-retries -1", "--health-timeout 1us", "--health-start-period 1us"],
  ports: ["--endpoint-mode nope", "--publish-add 18140:80 --publish-add 18140:81", "--publish-rm 99"],
  mounts: ["--mount-add type=nope,target=/t", "--mount-add type=tmpfs,target=/t --mount-add type=tmpfs,target=/t"],
  "networks, secrets and configs": [
    "--network-add nope",
    "--network-add ingress",
    "--network-rm nope",
    "--secret-add nope",
    "--config-add nope",
  ],
};

function refusing([topic, options]: readonly [string, readonly string[]]): Scenario {
  return {
    name: `service update refused: ${topic}`,
    steps: [service(""), ...options.map(given => docker(`service update -d ${given} svc`)), docker(SPEC)],
  };
}

const UPDATE = "/v1.50/services/svc/update";
const BODY = {
  Name: "svc",
  Mode: { Replicated: { Replicas: 0 } },
  TaskTemplate: { ContainerSpec: { Image: "busybox" } },
};

/** What is changed of a service. */
export const SWARM_UPDATE_SCENARIOS: readonly Scenario[] = [
  ...Object.entries(CHANGED).map(changing),
  ...Object.entries(REFUSED).map(refusing),
  {
    name: "a service goes back",
    steps: [
      service("-l a=b"),
      docker("service rollback -d svc"),
      docker("service update -d --label-add c=d --env-add A=1 svc"),
      docker("service rollback -d -q svc"),
      docker(SPEC),
      docker("service update -d --rollback svc"),
      docker(SPEC),
      docker("service rollback -d nope"),
      docker("service update -d --rollback --env-add A=2 svc"),
    ],
  },
  {
    name: "services that are scaled and removed",
    steps: [
      docker("service create -d --name one --replicas 0 busybox", { isSetUp: true }),
      docker("service create -d --name two --mode global --constraint node.labels.no==where busybox", { isSetUp: true }),
      docker("service create -d --name three --replicas 0 --constraint node.labels.no==where busybox", { isSetUp: true }),
      docker("service scale -d one=0 three=2"),
      docker("service scale -d two=1"),
      docker("service scale -d one=0 nope=1"),
      docker("service scale -d one=-1"),
      docker("service scale -d one"),
      docker("service update -d --replicas 1 two"),
      docker("service update -d --replicas 3 three"),
      docker("service update -d --max-concurrent 3 three"),
      docker("service ls"),
      docker("service rm one nope two"),
      docker("service remove three"),
      docker("service ls"),
    ],
  },
  {
    name: "a service is updated out of order, in its mode and in its name",
    steps: [
      docker("service create -d --name svc --replicas 0 busybox", { isSetUp: true }),
      kept("version", "service inspect -f '{{.Version.Index}}' svc"),
      http("POST", `${UPDATE}?version=1`, BODY),
      http("POST", `${UPDATE}?version=x`, BODY),
      http("POST", UPDATE, BODY),
      http("POST", `${UPDATE}?version=<<version>>`, { ...BODY, Mode: { Global: {} } }),
      http("POST", `${UPDATE}?version=<<version>>`, { ...BODY, Name: "other" }),
      http("POST", `${UPDATE}?version=<<version>>`, { ...BODY, Name: "" }),
      http("POST", `${UPDATE}?version=<<version>>&rollback=previous`, BODY),
      http("POST", `${UPDATE}?version=<<version>>`, { ...BODY, Labels: { a: "b" } }),
      http("POST", `${UPDATE}?version=<<version>>`, { ...BODY, Labels: { a: "c" } }),
      docker(SPEC),
    ],
  },
  {
    name: "words that an update does not know",
    steps: [
      docker("service create -d --name svc --replicas 0 busybox", { isSetUp: true }),
      kept("version", "service inspect -f '{{.Version.Index}}' svc"),
      http("POST", `${UPDATE}?version=<<version>>&rollback=nope`, BODY),
      http("POST", `${UPDATE}?version=<<version>>&registryAuthFrom=nope`, BODY),
      http("GET", "/v1.50/tasks?filters=%7B%22desired-state%22%3A%5B%22nope%22%5D%7D"),
      http("GET", "/v1.50/services/svc/logs"),
      http("GET", "/v1.50/services/svc/logs?stdout=1&since=nope"),
    ],
  },
];
