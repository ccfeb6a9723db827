import { docker, http, type Scenario, type Step, until } from "./scenario.ts";

const HERE = "test/fixtures/oracle";
const NOWHERE = "--constraint node.labels.no==where";

/** Options that a service keeps, by what they are about; none of these services gets a task. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  "what runs": [
    "--entrypoint 'sh -c' -w /tmp -u nobody:nogroup --group 5 --group audio --hostname h-{{.Task.Slot}} -t --read-only --init",
    "--init=false --stop-signal INT --stop-grace-period 3s --user 1000",
    `-e A=1 --env B=2 --env PATH --env-file ${HERE}/environment`,
    "--isolation default --cap-add NET_ADMIN --cap-add ALL --cap-drop CAP_MKNOD --cap-drop sys_chroot",
    "--ulimit nofile=10:20 --ulimit nproc=5 --sysctl net.ipv4.ip_forward=1 --sysctl a=b --oom-score-adj 100",
  ],
  "labels and names": [
    "-l a=b --label c=d=e --label f --container-label x=y --container-label z",
    "--dns 10.1.1.1 --dns-option ndots:3 --dns-search x.org --host db:10.1.1.2 --host a:10.1.1.3 --host a:10.1.1.4",
  ],
  limits: [
    "--limit-cpu 0.5 --limit-memory 32m --limit-pids 9 --reserve-cpu 0.1 --reserve-memory 8m",
    "--reserve-cpu 2 --limit-memory 4m",
  ],
  placement: [
    "--constraint node.role==manager --constraint node.labels.x!=y --constraint 'engine.labels.a == b' --constraint node.platform.os==linux",
    "--placement-pref spread=node.labels.z --placement-pref spread=node.labels.y --replicas-max-per-node 4",
  ],
  "health checks": [
    "--health-cmd 'test -f /ok' --health-interval 5s --health-retries 4 --health-start-period 3s --health-start-interval 2s --health-timeout 1s",
    "--no-healthcheck",
  ],
  restarts: [
    "--restart-condition on-failure --restart-delay 2s --restart-max-attempts 3 --restart-window 4s",
    "--restart-condition none",
    "--restart-delay 0s --restart-max-attempts 0",
  ],
  updates: [
    "--update-delay 3s --update-failure-action rollback --update-max-failure-ratio 0.5 --update-monitor 4s --update-order start-first --update-parallelism 2",
    "--rollback-delay 3s --rollback-failure-action continue --rollback-max-failure-ratio 0.25 --rollback-monitor 4s --rollback-order start-first --rollback-parallelism 2",
    "--update-parallelism 0 --rollback-parallelism 0 --update-failure-action continue",
    "--update-order stop-first",
  ],
  "log drivers": ["--log-driver json-file --log-opt max-size=1m --log-opt max-file=3", "--log-driver local", "--log-driver none"],
  mounts: [
    "--mount type=volume,source=vol,target=/v,readonly --mount target=/anonymous",
    "--mount type=volume,target=/v,volume-driver=local,volume-label=a=b,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-nocopy",
    "--mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 --mount type=tmpfs,target=/u",
    "--mount type=bind,source=/tmp,target=/b,bind-propagation=rslave --mount type=bind,src=/etc,dst=/c,ro",
  ],
  ports: [
    "-p 18101:80 -p 18102:81/udp --publish published=18103,target=82,mode=host,protocol=udp",
    "-p 18104:90 --endpoint-mode vip",
    "--endpoint-mode dnsrr --publish published=18107,target=82,mode=host",
  ],
  "networks, secrets and configs": [
    "--network net",
    "--network name=other,alias=a,alias=b,driver-opt=x=y",
    "--secret one --config one",
    "--secret source=two,target=/abs,uid=5,gid=6,mode=0440",
    "--config source=two,target=c,uid=7,mode=0400",
  ],
  "how it is told": ["-q", "--with-registry-auth", "--no-resolve-image"],
};

const SET_UP: readonly Step[] = [
  docker("network create -d overlay net", { isSetUp: true }),
  docker("network create -d overlay other", { isSetUp: true }),
  ...["one", "two"].flatMap(name =>
    ["secret", "config"].map(kind => docker(`${kind} create ${name} -`, { stdin: name, isSetUp: true })),
  ),
];

function creating([topic, options]: readonly [string, readonly string[]]): Scenario {
  const needs = /network net|secret/.test(options.join(" ")) ? SET_UP : [];
  const names = options.map((_, index) => `s${index + 1}`);
  return {
    name: `service create: ${topic}`,
    steps: [
      ...needs,
      ...options.map((given, index) => docker(`service create -d --name s${index + 1} --replicas 0 ${given} busybox sleep 300`)),
      docker(`service inspect -f '{{json .Spec}}' ${names.join(" ")}`),
      docker(`service inspect --pretty ${names.join(" ")}`),
    ],
  };
}

/** Options whose values are refused, each alone and each by the engine. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  placement: ["--constraint nonsense", "--constraint node.role=manager", "--constraint 'a b==c'", "--constraint node.nope==x"],
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
  ],
  "health checks": [
    "--health-interval 1us",
    "--health-retries -1",
    "--health-timeout 1us",
    "--health-start-period 1us",
    "--health-start-interval 1us",
  ],
  ports: ["--endpoint-mode nope", "--endpoint-mode dnsrr -p 18110:80", "-p 18111:80 -p 18111:81", "-p 18112:80 -p 18112:80/tcp"],
  mounts: ["--mount type=tmpfs,target=/t --mount type=tmpfs,target=/t", "--mount type=nope,target=/t"],
  "networks, secrets and configs": [
    "--network nope",
    "--network ingress",
    "--network of-this-host",
    "--secret nope",
    "--config nope",
    "--secret source=one,target=x --secret source=two,target=x",
    "--config source=one,target=x --config source=two,target=x",
  ],
  modes: [
    "--mode replicated-job --update-delay 1s",
    "--mode global --replicas-max-per-node 2",
    "--mode nope",
    "--mode global-job --rollback-delay 1s",
  ],
};

function refusing([topic, options]: readonly [string, readonly string[]]): Scenario {
  const isOfNetworks = options.includes("--network of-this-host");
  const local = docker("network create of-this-host", { isSetUp: true });
  return {
    name: `service create refused: ${topic}`,
    steps: [
      ...(isOfNetworks ? [...SET_UP, local] : []),
      ...options.map(given => docker(`service create -d --name svc ${NOWHERE} ${given} busybox`)),
      docker("service ls"),
    ],
  };
}

/** Docker's managers take these, and each task fails or does otherwise. */
const NEVER_WORKS: readonly string[] = [
  "--rollback-delay -1s",
  "--rollback-monitor -1s",
  "--rollback-max-failure-ratio 2",
  "--mount type=bind,source=relative,target=/x",
  "--mount type=bind,source=/tmp,target=relative",
  "--mount type=tmpfs,target=/",
  "--mount type=npipe,source=/tmp,target=/t",
  "--mount type=tmpfs,source=x,target=/t",
  "--stop-signal NOPE",
  "--cap-add NOPE",
];

/** What a service is created with. */
export const SWARM_CREATE_SCENARIOS: readonly Scenario[] = [
  ...Object.entries(KEPT).map(creating),
  ...Object.entries(REFUSED).map(refusing),
  {
    name: "service create in every mode",
    steps: [
      docker(`service create -d --name s1 --mode global ${NOWHERE} busybox`),
      docker(`service create -d --name s2 --mode replicated-job --replicas 4 --max-concurrent 2 ${NOWHERE} busybox`),
      docker(`service create -d --name s3 --mode replicated-job --replicas 3 ${NOWHERE} busybox`),
      docker(`service create -d --name s4 --mode global-job ${NOWHERE} busybox`),
      docker("service inspect -f '{{json .Spec}}' s1 s2 s3 s4"),
      docker("service inspect --pretty s1 s2 s3 s4"),
    ],
  },
  {
    name: "a service's names and images",
    steps: [
      docker("service create -d --replicas 0 busybox", { isSetUp: true }),
      docker("service ls --format '{{.Name}} {{.Image}}'"),
      ...["'bad name'", "x".repeat(64), "-- -x", "x-", "a.b", "ä"].map(name =>
        docker(`service create -d --name ${name} busybox`),
      ),
      docker("service create -d --name 1 --replicas 0 busybox:latest true"),
      docker(`service create -d --name ${"x".repeat(63)} --replicas 0 example.org:5000/a/b:c`),
      ...["Bad", "busybox:", "busybox@sha256:123", "-- /", "a//b"].map(image =>
        docker(`service create -d --name svc --no-resolve-image ${image}`),
      ),
      docker("service ls --format '{{.Name}} {{.Image}}' --filter name=x"),
    ],
  },
  {
    name: "ports of services that meet",
    steps: [
      docker("service create -d --name one --replicas 0 -p 18120:80 busybox", { isSetUp: true }),
      docker("service create -d --name two -p 18120:81 busybox"),
      docker("service create -d --name three -p published=18120,target=80,mode=host busybox"),
      docker("service create -d --name four --replicas 0 -p 18120:80/udp busybox"),
      docker("service create -d --name five --replicas 0 -p published=18121,target=80,mode=host busybox"),
      docker("service create -d --name six -p 18121:80 busybox"),
      docker("service create -d --name seven --replicas 0 -p published=18121,target=80,mode=host busybox"),
      docker("service update -d --publish-add 18120:90/udp one"),
      docker("service update -d --publish-add 18120:90 five"),
      docker("service ls --format '{{.Name}} {{.Ports}}'"),
    ],
  },
  {
    name: "services that are asked for past the client",
    steps: [
      http("POST", "/v1.50/services/create", { Name: "web", TaskTemplate: { ContainerSpec: {} } }),
      http("POST", "/v1.50/services/create", { Name: "web" }),
      http("POST", "/v1.50/services/create", {
        Name: "web",
        Mode: { Replicated: {}, Global: {} },
        TaskTemplate: { ContainerSpec: { Image: "busybox" } },
      }),
      http("POST", "/v1.50/services/create", {
        Name: "web",
        TaskTemplate: { Runtime: "nope", ContainerSpec: { Image: "busybox" } },
      }),
      http("POST", "/v1.50/services/create", {
        Name: "web",
        Mode: { ReplicatedJob: { MaxConcurrent: -1 } },
        TaskTemplate: { ContainerSpec: { Image: "busybox" } },
      }),
      docker("service ls --format '{{.Name}}'"),
    ],
  },
  {
    name: "a service on its hosts' own networks",
    steps: [
      docker("service create -d --name svc --replicas 1 --network host --stop-grace-period 0s busybox sleep 300"),
      docker("service create -d --name two --replicas 0 --network bridge busybox"),
      until("service ls --filter name=svc --format '{{.Replicas}}'", /1\/1/),
      docker("service inspect -f '{{json .Spec.TaskTemplate.Networks}} {{json .Endpoint}}' svc two"),
      docker("service update -d --network-rm host svc"),
      docker("service inspect -f '{{json .Spec.TaskTemplate.Networks}}' svc"),
    ],
  },
  {
    name: "a service's mount is read-only at its top",
    steps: [
      docker(
        "service create -d --name svc --replicas 0 --mount type=bind,source=/tmp,target=/b,readonly,bind-recursive=writable,bind-propagation=rprivate busybox",
        { isSetUp: true },
      ),
      docker("service inspect -f '{{json .Spec.TaskTemplate.ContainerSpec.Mounts}}' svc"),
    ],
  },
  {
    name: "what services are taken with that never work",
    steps: [
      ...NEVER_WORKS.map((given, index) => docker(`service create -d --name s${index} --replicas 0 ${given} busybox`)),
      ...[
        { EndpointSpec: { Ports: [{ Protocol: "nope", TargetPort: 1 }] } },
        { EndpointSpec: { Ports: [{ PublishMode: "nope", TargetPort: 1 }] } },
      ].map((spec, index) =>
        http("POST", "/v1.50/services/create", {
          ...{ Name: `t${index}`, Mode: { Replicated: { Replicas: 0 } }, TaskTemplate: { ContainerSpec: { Image: "busybox" } } },
          ...spec,
        }),
      ),
    ],
  },
];
