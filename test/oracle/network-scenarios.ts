import { docker, type Scenario } from "./scenario.ts";

const INSPECT = docker("inspect box");
const RUNNING = docker("run -d --name box busybox sleep 300", { isSetUp: true });
const ENDED = docker("run --name box busybox true", { isSetUp: true });

/** Networks of one host. */
export const NETWORK_SCENARIOS: readonly Scenario[] = [
  {
    name: "an address of one's own",
    steps: [
      docker("network create --subnet 172.31.0.0/24 net", { isSetUp: true }),
      docker("run --name box --network net --ip 172.31.0.77 busybox ip -4 -o addr show eth0"),
      docker("run --rm --network net --ip 172.31.9.9 busybox true"),
      docker("run --rm --ip 172.17.0.9 busybox true"),
    ],
  },
  {
    name: "a hardware address of one's own",
    steps: [docker("run --name box --mac-address 02:42:00:00:00:99 busybox cat /sys/class/net/eth0/address"), INSPECT],
  },
  {
    name: "another container's network",
    steps: [
      RUNNING,
      docker("run --name two --network container:box busybox hostname"),
      docker("inspect -f '{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Networks}}' two"),
      docker("run --rm --network container:nope busybox true"),
      docker("run --rm --network container:box -p 80:80 busybox true"),
    ],
  },
  {
    name: "an internal network",
    steps: [
      docker("network create --internal --label a=b net"),
      docker("network inspect net"),
      docker("run --rm --network net busybox ip route"),
    ],
  },
  {
    name: "a network's address range",
    steps: [
      docker(
        "network create --subnet 172.31.0.0/16 --ip-range 172.31.5.0/24 --gateway 172.31.5.254 --aux-address printer=172.31.5.1 net",
      ),
      docker("network inspect net"),
      docker("run --rm --network net busybox ip -4 -o addr show eth0"),
    ],
  },
  {
    name: "networks that overlap",
    steps: [
      docker("network create --subnet 172.31.0.0/16 net"),
      docker("network create --subnet 172.31.4.0/24 other"),
      docker("network create net"),
    ],
  },
  {
    name: "two networks at once",
    steps: [
      docker("network create one", { isSetUp: true }),
      docker("network create two", { isSetUp: true }),
      docker("run --name box --network one --network two busybox ls /sys/class/net"),
      docker("inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' box"),
    ],
  },
  {
    name: "connect and disconnect refused",
    steps: [
      RUNNING,
      docker("network create net", { isSetUp: true }),
      docker("network connect nope box"),
      docker("network connect net nope"),
      docker("network connect bridge box"),
      docker("network disconnect net box"),
      docker("network connect host box"),
    ],
  },
  {
    name: "connect a stopped container",
    steps: [
      ENDED,
      docker("network create net", { isSetUp: true }),
      docker("network connect --alias web net box"),
      INSPECT,
      docker("start -a box"),
      docker("network disconnect net box"),
      INSPECT,
    ],
  },
  {
    name: "a random host port",
    steps: [
      docker("run -d --name box -p 127.0.0.1::80 -P --expose 81/udp busybox sleep 300"),
      docker("inspect -f '{{json .HostConfig.PortBindings}} {{json .Config.ExposedPorts}}' box"),
    ],
  },
  {
    name: "networks listed by filters",
    steps: [
      docker("network create --label a=b net", { isSetUp: true }),
      docker("network ls --filter label=a=b --format '{{.Name}}'"),
      docker("network ls --filter driver=null --format '{{.Name}}'"),
      docker("network ls --filter nope=x"),
      docker("network ls --filter dangling=true --format '{{.Name}}'"),
    ],
  },
];
