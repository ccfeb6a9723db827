import { has, type FieldRow } from "../row.ts";

const ENDPOINT = "NetworkingConfig.EndpointsConfig.*";
/** The network that rows are on. */
const ON_IT = { "HostConfig.NetworkMode": "fields" };
const SHOWN = "inspect NetworkSettings.Networks.fields";

function told(name: string, value: unknown): FieldRow {
  return {
    path: `${ENDPOINT}.${name}`,
    verdict: "told",
    note: "what the endpoint came to have",
    tries: [{ value, with: ON_IT }],
  };
}

export const NETWORKING_ROWS: readonly FieldRow[] = [
  {
    path: `${ENDPOINT}.IPAMConfig.IPv4Address`,
    verdict: "honoured",
    note: "",
    effects: [{ value: "10.213.0.77", with: ON_IT, in: `${SHOWN}.IPAddress`, is: "10.213.0.77" }],
    refusals: [
      {
        value: "10.9.9.9",
        with: ON_IT,
        status: 400,
        says: /no configured subnet or ip-range contain the IP address 10\.9\.9\.9/,
      },
    ],
  },
  {
    path: `${ENDPOINT}.IPAMConfig.IPv6Address`,
    verdict: "honoured",
    note: "",
    effects: [{ value: "fd00:213::77", with: ON_IT, in: `${SHOWN}.GlobalIPv6Address`, is: "fd00:213::77" }],
    refusals: [
      { value: "fd00::7", with: ON_IT, status: 400, says: /no configured subnet or ip-range contain the IP address fd00::7/ },
    ],
  },
  {
    path: `${ENDPOINT}.IPAMConfig.LinkLocalIPs`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: ["169.254.3.4"],
        with: { ...ON_IT, Cmd: ["ip", "-4", "-o", "address", "show", "dev", "eth0"] },
        in: "output",
        is: has("inet 169.254.3.4/16 "),
      },
    ],
    refusals: [{ value: ["nowhere"], with: ON_IT, status: 400, says: /invalid link-local IP address: nowhere/ }],
  },
  {
    path: `${ENDPOINT}.Links`,
    verdict: "honoured",
    note: "names for this container alone; on the default network `HostConfig.Links`",
    // Its own name will do: another by which it knows itself.
    effects: [
      {
        value: ["known:db"],
        with: { ...ON_IT, [`${ENDPOINT}.Aliases`]: ["known"], Cmd: ["nslookup", "db"] },
        in: "output",
        is: /Name:\\tdb\\nAddress: 10\.213\.0\./,
      },
    ],
  },
  {
    path: `${ENDPOINT}.MacAddress`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "02:00:5e:00:00:07",
        with: { ...ON_IT, Cmd: ["cat", "/sys/class/net/eth0/address"] },
        in: "output",
        is: "02:00:5e:00:00:07\n",
      },
    ],
    refusals: [{ value: "nowhere", with: ON_IT, status: 400, says: /invalid MAC address/ }],
  },
  {
    path: `${ENDPOINT}.Aliases`,
    verdict: "honoured",
    note: "",
    effects: [{ value: ["given"], with: ON_IT, in: `${SHOWN}.DNSNames`, is: has('"given"') }],
  },
  {
    path: `${ENDPOINT}.DriverOpts`,
    verdict: "honoured",
    note: "`com.docker.network.endpoint.ifname` and `com.docker.network.endpoint.sysctls`; others that begin with `com.docker.network.` are refused, the rest are notes that are kept and shown",
    effects: [
      { value: { "org.example.note": "1" }, with: ON_IT, in: `${SHOWN}.DriverOpts`, is: has('"org.example.note":"1"') },
      {
        value: { "com.docker.network.endpoint.ifname": "given0" },
        with: { ...ON_IT, Cmd: ["test", "-e", "/sys/class/net/given0"] },
        in: "exit code",
        is: 0,
      },
      {
        value: { "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1" },
        with: { ...ON_IT, Cmd: ["cat", "/proc/sys/net/ipv4/conf/eth0/log_martians"] },
        in: "output",
        is: "1\n",
      },
    ],
    refusals: [
      {
        value: { "com.docker.network.nosuch": "1" },
        with: ON_IT,
        status: 400,
        says: /driver option "com\.docker\.network\.nosuch" is not supported by this engine/,
      },
      {
        value: { "com.docker.network.endpoint.sysctls": "kernel.msgmax=1" },
        with: ON_IT,
        status: 400,
        says: /unrecognised network interface sysctl 'kernel\.msgmax=1'/,
      },
    ],
  },
  {
    path: `${ENDPOINT}.GwPriority`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: 100,
        // Of networks that nobody prefers, the first by name is the way out.
        with: { ...ON_IT, "NetworkingConfig.EndpointsConfig.a-fields": {}, [ENDPOINT]: {}, Cmd: ["ip", "route"] },
        in: "output",
        is: has("default via 10.213.0.1 "),
      },
    ],
  },
  {
    path: `${ENDPOINT}.NetworkID`,
    verdict: "honoured",
    note: "that network and no other of the name",
    refusals: [{ value: "given", with: ON_IT, status: 404, says: /network given not found/ }],
  },
  told("EndpointID", "given"),
  told("Gateway", "10.213.0.99"),
  told("IPAddress", "10.213.0.98"),
  told("IPPrefixLen", 13),
  told("IPv6Gateway", "fd00::99"),
  told("GlobalIPv6Address", "fd00::98"),
  told("GlobalIPv6PrefixLen", 13),
  told("DNSNames", ["given"]),
];
