import { docker, type Scenario } from "./scenario.ts";

const INSPECT = docker("inspect box");
const RUNNING = docker("run -d --name box busybox sleep 300", { isSetUp: true });
const ENDED = docker("run --name box busybox true", { isSetUp: true });

/** Networks of one host. */
export const NETWORK_SCENARIOS: readonly Scenario[] = [
  {
    name: "an interface by its options",
    steps: [
      docker(
        "run --name box --network name=bridge,driver-opt=com.docker.network.endpoint.ifname=given0,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 busybox cat /proc/sys/net/ipv4/conf/given0/log_martians",
      ),
      docker("inspect box"),
      docker("run --rm --network name=bridge,driver-opt=com.docker.network.endpoint.sysctls=kernel.msgmax=1 busybox true"),
    ],
  },
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
    name: "a new name on a network",
    steps: [
      docker("network create net", { isSetUp: true }),
      docker("run -d --name box --network net --network-alias web busybox sleep 300", { isSetUp: true }),
      docker("rename box other"),
      docker(
        "run --rm --network net busybox sh -c 'for name in box other web; do ping -c 1 -W 2 $name >/dev/null 2>&1 && echo $name; done'",
      ),
      docker("network inspect -f '{{range .Containers}}{{.Name}}{{end}}' net"),
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
    name: "links on the default bridge",
    steps: [
      docker("run -d --name db -e A=b --expose 81/udp --expose 6000-6003 busybox sleep 300", { isSetUp: true }),
      docker("run -d --name box --link db:my-db busybox sleep 300"),
      docker("exec box env"),
      docker("exec box grep my-db /etc/hosts"),
      docker("inspect -f '{{json .HostConfig.Links}} {{json (index .NetworkSettings.Networks \"bridge\").Links}}' box"),
      docker("restart -t 0 db"),
      docker("exec box grep -c my-db /etc/hosts"),
      docker("stop -t 0 db"),
      docker("run --rm --link db busybox true"),
      docker("run --rm --link nope busybox true"),
      docker("run --rm --link a:b:c busybox true"),
      docker("run --rm --network host --link db busybox true"),
    ],
  },
  {
    name: "bindings of ports that are not exposed",
    steps: [
      {
        kind: "http",
        method: "POST",
        path: "/v1.50/containers/create?name=box",
        body: {
          ...{ Image: "busybox", Cmd: ["sleep", "300"], ExposedPorts: { "81/tcp": {} } },
          HostConfig: { PublishAllPorts: true, PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
        },
      },
      docker("start box"),
      docker("port box 80"),
      docker("inspect -f '{{json .HostConfig.PortBindings}} {{len .NetworkSettings.Ports}} {{json .Config.ExposedPorts}}' box"),
    ],
  },
  {
    name: "a link taken away",
    steps: [
      docker("run -d --name db busybox sleep 300", { isSetUp: true }),
      docker("run -d --name box --link db:my-db --link db:other busybox sleep 300", { isSetUp: true }),
      docker("ps --no-trunc --format '{{.Names}}'"),
      docker("inspect -f '{{.Name}}' box/my-db"),
      docker("exec /box/my-db hostname"),
      docker("rm --link db"),
      docker("rm --link /box/nope"),
      docker("rm --link nope/my-db"),
      docker("rm --link box/my-db"),
      docker("rm --link box/my-db"),
      docker("ps --no-trunc --format '{{.Names}}'"),
      docker("inspect -f '{{json .HostConfig.Links}}' box"),
      docker("restart -t 0 box", { isSetUp: true }),
      docker("exec box grep -c -e my-db /etc/hosts"),
      docker("exec box grep -c -e other /etc/hosts"),
      docker("rm -f db", { isSetUp: true }),
      docker("inspect box/other"),
      docker("rm -f box", { isSetUp: true }),
    ],
  },
  {
    name: "a linked container that moves",
    steps: [
      docker("run -d --name db busybox sleep 300", { isSetUp: true }),
      docker("run -d --name box --link db:my-db busybox sleep 300", { isSetUp: true }),
      docker("stop -t 0 db", { isSetUp: true }),
      docker("run -d --name other busybox sleep 300", { isSetUp: true }),
      docker("start db", { isSetUp: true }),
      docker("exec box sh -c 'ping -c 1 -W 2 my-db >/dev/null; echo $?'"),
      docker("rm -f box", { isSetUp: true }),
      docker("rm -f db", { isSetUp: true }),
    ],
  },
  {
    name: "links on a network of the user's",
    steps: [
      docker("network create net", { isSetUp: true }),
      docker("run -d --name db --network net busybox sleep 300", { isSetUp: true }),
      docker("run -d --name box --network net --link db:store --link nope:gone busybox sleep 300"),
      docker("inspect -f '{{json .HostConfig.Links}} {{json .NetworkSettings.Networks.net.Links}}' box"),
      docker("exec box sh -c 'ping -c 1 -W 2 store >/dev/null; echo $?'"),
      docker("exec box sh -c 'ping -c 1 -W 2 gone 2>/dev/null; echo $?'"),
      docker("exec db sh -c 'ping -c 1 -W 2 store 2>/dev/null; echo $?'"),
      docker("exec box env"),
      docker("network create other", { isSetUp: true }),
      docker("network connect --link db:late other box"),
      docker("inspect -f '{{json .NetworkSettings.Networks.other.Links}}' box"),
      docker("rm -f box", { isSetUp: true }),
    ],
  },
  {
    name: "link-local addresses",
    steps: [
      docker("network create net", { isSetUp: true }),
      docker(
        "run --name box --network net --link-local-ip 169.254.7.7 --link-local-ip 169.254.7.8 busybox ip -4 -o addr show eth0",
      ),
      docker("inspect -f '{{json .NetworkSettings.Networks.net.IPAMConfig}}' box"),
      docker("run --rm --network net --link-local-ip 10.0.0.1 busybox true"),
      docker("run --rm --network net --link-local-ip 0.0.0.0 busybox true"),
    ],
  },
  {
    name: "a network with IPv6",
    steps: [
      docker("network create --ipv6 --subnet fd00:9::/64 net"),
      docker("network inspect -f '{{json .IPAM}} {{.EnableIPv4}} {{.EnableIPv6}}' net"),
      docker("run -d --name box --network net --ip6 fd00:9::77 -p 18080:80 busybox sleep 300"),
      docker("exec box ip -6 -o addr show dev eth0 scope global"),
      docker("exec box ip -6 route show default"),
      docker("exec box tail -n 2 /etc/hosts"),
      docker("exec box cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6"),
      docker("port box"),
      INSPECT,
      docker("network inspect -f '{{range .Containers}}{{.IPv4Address}} {{.IPv6Address}}{{end}}' net"),
      docker("run -d --name two --network net busybox sleep 300"),
      docker("exec two sh -c 'ping -6 -c 1 -W 2 box >/dev/null; echo $?'"),
      docker("exec two nslookup -type=aaaa box"),
      docker("exec two nslookup fd00:9::77"),
      docker("run --rm --network net --ip6 fd00:9::77 busybox true"),
      docker("run --rm --network net --ip6 fd00:8::77 busybox true"),
      docker("rm -f two", { isSetUp: true }),
      docker("rm -f box", { isSetUp: true }),
    ],
  },
  {
    name: "IPv6 addresses that nobody chose",
    steps: [
      docker("network create --ipv6 net", { isSetUp: true }),
      docker("network inspect -f '{{len .IPAM.Config}} {{.EnableIPv6}}' net"),
      docker("run --rm --network net busybox sh -c 'ip -6 -o addr show dev eth0 scope global | grep -c fd'"),
      docker("run --rm --network net --ip6 fd00:9::77 busybox true"),
      docker("network create --ipv6 --subnet 172.31.0.0/24 --subnet fd00:9::/64 --gateway fd00:9::9 both"),
      docker("network inspect -f '{{json .IPAM.Config}}' both"),
      docker("network create --ipv6 --ipv4=false --subnet fd00:8::/64 alone"),
      docker("network inspect -f '{{json .IPAM.Config}} {{.EnableIPv4}}' alone"),
      docker("run -d --name box --network alone -p 18081:80 busybox sleep 300"),
      docker("exec box ip -o addr show dev eth0 scope global"),
      docker("port box"),
      INSPECT,
      docker("network create --ipv6 --subnet fd00:7::1/64 net7"),
      docker("network create --ipv6 --subnet fd00:9::/96 net7"),
      docker("network create --subnet fd00:7::/64 net7"),
      docker("network inspect -f '{{json .IPAM.Config}} {{.EnableIPv6}}' net7"),
      docker("network create -o com.docker.network.enable_ipv6=maybe net8"),
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
  {
    name: "files of a container that joins a network and leaves it",
    steps: [
      docker("network create --subnet 10.88.7.0/24 net", { isSetUp: true }),
      docker("run -d --name box --hostname box busybox sleep 300", { isSetUp: true }),
      docker("network connect --ip 10.88.7.50 --alias second net box"),
      docker("exec box cat /etc/resolv.conf /etc/hosts"),
      docker("exec box sh -c 'ping -c1 -W2 second | grep -o 1.packets.received'"),
      docker("network disconnect net box"),
      docker("exec box cat /etc/resolv.conf /etc/hosts"),
      docker("run -d --name edited busybox sh -c 'echo nameserver 127.0.0.11 > /etc/resolv.conf; sleep 300'", { isSetUp: true }),
      docker("network connect net edited"),
      docker("exec edited cat /etc/resolv.conf"),
      docker("rm -f edited", { isSetUp: true }),
    ],
  },
];
