import { docker, kept, type Scenario, type Step, until } from "./scenario.ts";

/** Options of a service, by what they are about; each makes a task of its own, whose container is looked at. */
const GIVEN: Readonly<Record<string, readonly [created: string, ...updates: readonly string[]]>> = {
  "nothing more": [""],
  "what runs": [
    "--entrypoint 'sh -c' -w /tmp -u nobody:nogroup --group 5 --hostname h-{{.Task.Slot}} -t --read-only --init -e A={{.Service.Name}} -e B={{.Node.Hostname}}",
    "--workdir /home --user root --group-rm 5 --hostname other --tty=false --read-only=false --init=false --env-add C=1 --env-rm A --env-rm B",
    "--entrypoint '' --args 'sleep 200'",
  ],
  capabilities: [
    "--cap-add NET_ADMIN --cap-drop MKNOD --ulimit nofile=1000:2000 --sysctl net.ipv4.ip_forward=1 --oom-score-adj 100",
    "--cap-add SYS_TIME --cap-drop NET_ADMIN --ulimit-add nproc=500 --ulimit-rm nofile --sysctl-rm net.ipv4.ip_forward --oom-score-adj 200",
  ],
  names: [
    "--container-label a=b --dns 10.1.1.1 --dns-option ndots:3 --dns-search x.org --host db:10.1.1.2 --host two:10.1.1.3",
    "--container-label-add c=d --container-label-rm a --dns-add 10.1.1.4 --dns-rm 10.1.1.1 --dns-search-rm x.org --dns-search-add y.org --dns-option-rm ndots:3 --dns-option-add ndots:4 --host-rm db --host-add db:10.1.1.5",
  ],
  limits: [
    "--limit-cpu 0.5 --limit-memory 32m --limit-pids 9 --reserve-cpu 0.1",
    "--limit-cpu 0.25 --limit-memory 64m --limit-pids 0",
  ],
  "health checks": [
    "--health-cmd true --health-interval 300ms --health-retries 4 --health-start-period 1s --health-start-interval 200ms --health-timeout 10s",
    "--health-cmd 'test -d /tmp'",
    "--no-healthcheck",
  ],
  "logs and mounts": [
    "--log-driver json-file --log-opt max-size=1m --log-opt max-file=3 --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 --mount type=volume,source=vol,target=/v,readonly",
    "--log-driver local --log-opt max-size=2m --mount-rm /t --mount-add type=bind,source=/tmp,target=/b,readonly",
  ],
  "ports and networks": [
    "-p published=18151,target=80,mode=host --network net",
    "--publish-rm 80 --publish-add published=18152,target=81,mode=host,protocol=udp --network-rm net --network-add name=other,alias=a",
    "--network-rm other",
  ],
  "a network of its host": ["--network host", "--network-rm host --network-add bridge"],
};

const SERVICE = "service create -d --name svc --replicas 1 --constraint node.hostname==m1 --stop-signal KILL";
const RUNS = until("service ls --format '{{.Replicas}}'", /^1\/1/);
/** With what is there of the service's own: the machine's, and what no two engines share, is left out. */
const container = (settings: string): readonly Step[] => [
  kept("task", "ps -lq --no-trunc --filter label=com.docker.swarm.service.name=svc"),
  docker(`inspect -f '{"Config": {{json .Config}}, "HostConfig": ${settings}}' <<task>>`),
  docker("inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Mode}} {{.Propagation}};{{end}}' <<task>>"),
  docker(
    "inspect -f '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}{{json .NetworkSettings.Ports}}' <<task>>",
  ),
];

/** Docker calls the network mode of a task on the cluster's networks `bridge`; here it is the first of them. */
const ON_NETWORKS = '{"PortBindings": {{json .HostConfig.PortBindings}}}';

function looking([topic, [created, ...updates]]: readonly [string, readonly [string, ...(readonly string[])]]): Scenario {
  const isOnNetworks = created.includes("--network net");
  const seen = container(isOnNetworks ? ON_NETWORKS : "{{json .HostConfig}}");
  return {
    name: `a service's container: ${topic}`,
    steps: [
      ...(isOnNetworks ? ["net", "other"].map(name => docker(`network create -d overlay ${name}`, { isSetUp: true })) : []),
      docker(`${SERVICE} ${created} busybox ${created.includes("--entrypoint") ? "'sleep 300'" : "sleep 300"}`),
      RUNS,
      ...seen,
      ...updates.flatMap(given => [
        docker(`service update -d --update-monitor 100ms ${given} svc`),
        until("service inspect -f '{{.UpdateStatus.State}}' svc", /^completed/),
        RUNS,
        ...seen,
      ]),
    ],
  };
}

/** What becomes of a service's options in the containers of its tasks. On the first host of a swarm. */
export const SERVICE_CONTAINER_SCENARIOS: readonly Scenario[] = [
  ...Object.entries(GIVEN).map(looking),
  {
    name: "secrets and configs that are templates",
    steps: [
      docker("secret create pass -", { stdin: "hidden", isSetUp: true }),
      docker("config create plain -", { stdin: "{{.Service.Name}}", isSetUp: true }),
      docker("config create --template-driver golang page -", {
        stdin:
          '{{.Service.Name}} {{.Task.Slot}} {{env "A"}} [{{env "N"}}]\n{{secret "pass"}} {{config "plain"}} {{index .Service.Labels "l"}}\n{{if eq .Service.Name "svc"}}yes{{end}}{{/* no */}}\n',
      }),
      docker("secret create --template-driver golang key -", { stdin: '{{secret "pass"}}-{{.Service.Name}}' }),
      docker("config inspect -f '{{json .Spec}}' page"),
      docker("secret inspect -f '{{json .Spec}}' key"),
      // The client sends several files of a service in the order of a Go map: another one each time.
      docker(`${SERVICE} -e A=1 -l l=m --secret pass --config plain busybox sleep 300`),
      RUNS,
      docker("service update -d --update-monitor 100ms --secret-add key --config-add source=page,target=/page svc"),
      until("service inspect -f '{{.UpdateStatus.State}}' svc", /^completed/),
      kept("task", "ps -lq --no-trunc --filter label=com.docker.swarm.service.name=svc"),
      docker("exec <<task>> sh -c 'cat /page /plain /run/secrets/key; stat -c %a:%u /page /run/secrets/key'"),
    ],
  },
];
