import { docker, type Scenario, until } from "./scenario.ts";

/** Containers made by hand on networks of the swarm. */
export const ATTACHABLE_SCENARIOS: readonly Scenario[] = [
  {
    name: "a container on an attachable network",
    steps: [
      docker("network create -d overlay --attachable --subnet 10.79.0.0/24 open", { isSetUp: true }),
      docker("run -d --name box --network open --ip 10.79.0.50 --network-alias other busybox sleep 300"),
      docker("run --rm --network open busybox sh -c 'ping -c1 -W2 other | grep -o 1.packets.received'"),
      docker("exec box sh -c 'nslookup box 127.0.0.11 | grep -c 10.79'"),
      docker("inspect -f '{{json .NetworkSettings.Networks.open.IPAMConfig}} {{.NetworkSettings.Networks.open.IPAddress}}' box"),
      docker("network rm open", { shows: /in use/ }),
      docker("network connect open box"),
      docker("stop -t 0 box"),
      docker("inspect -f '{{.NetworkSettings.Networks.open.IPAddress}}' box"),
      docker("start box"),
      docker("rm -f box"),
      docker("network rm open"),
    ],
  },
  {
    name: "a container connected to an attachable network",
    steps: [
      docker("network create -d overlay --attachable --subnet 10.80.0.0/24 again", { isSetUp: true }),
      // Keeps the network on the node: without it either engine lets go of it at a time of its own, and then knows no such network.
      docker("run -d --name stays --network again busybox sleep 300", { isSetUp: true }),
      docker("run -d --name box busybox sleep 300"),
      docker("network connect --ip 10.80.0.60 --alias second again box"),
      docker("exec box sh -c 'ping -c1 -W2 second | grep -o 1.packets.received'"),
      docker("network disconnect again box"),
      docker("network disconnect again box"),
      docker("stop -t 0 box"),
      docker("network connect again box"),
      docker("start box"),
      docker("inspect -f '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}' box"),
    ],
  },
  {
    name: "a service's name on an attachable network",
    steps: [
      docker("network create -d overlay --attachable --subnet 10.81.0.0/24 third", { isSetUp: true }),
      docker("service create -d --name svc --network third --stop-grace-period 0s busybox sleep 300", { isSetUp: true }),
      until("service ls --format '{{.Replicas}}'", /1\/1/),
      docker(
        "run --rm --network third busybox sh -c 'nslookup svc 127.0.0.11 | grep -c 10.81; nslookup tasks.svc 127.0.0.11 | grep -c 10.81'",
      ),
      docker("run --rm --network third busybox sh -c 'ping -c1 -W2 tasks.svc | grep -o 1.packets.received'"),
      docker("network inspect -f '{{.Scope}} {{.Attachable}} {{.Driver}}' third"),
      docker("service rm svc", { isSetUp: true }),
    ],
  },
  {
    name: "an attachable network's own addresses",
    steps: [
      docker(
        "network create -d overlay --attachable --subnet 10.82.0.0/24 --ip-range 10.82.0.128/25 --aux-address printer=10.82.0.2 fourth",
      ),
      docker("network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{.IPRange}} {{.Gateway}}{{end}}' fourth"),
      docker("run --rm --network fourth busybox sh -c 'ip -4 -o addr show dev eth0 | grep -c 10.82.0.1..'"),
      docker("network create -d overlay --subnet 10.83.0.0/24 --aux-address printer=10.84.0.2 fifth"),
    ],
  },
  {
    name: "what an attachable network refuses",
    steps: [
      docker("network create -d overlay closed", { isSetUp: true }),
      docker("run -d --name box busybox sleep 300", { isSetUp: true }),
      docker("network connect closed box"),
      docker("network connect nothere box"),
      docker("run --rm --network nothere busybox true"),
      docker("network create -d overlay --attachable --ingress in"),
      docker("create --name dock --network closed busybox true"),
      docker("start dock"),
      docker("inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' dock"),
      docker("network connect closed dock"),
      docker("network connect nothere dock"),
    ],
  },
];
