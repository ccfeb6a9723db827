/** Requests that a real engine is asked alone: what it answers is what is right. */
export interface BadRequest {
  readonly when: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** In a swarm. */
  readonly onManager?: true;
}

const create = (when: string, hostConfig: object, config: object = {}): BadRequest => ({
  when,
  path: "/v1.50/containers/create?name=box",
  body: { Image: "busybox", ...config, HostConfig: hostConfig },
});
const network = (when: string, body: object): BadRequest => ({ when, path: "/v1.50/networks/create", body });
const volume = (when: string, body: object): BadRequest => ({ when, path: "/v1.50/volumes/create", body });
/** Some are taken by a real engine too: without tasks, so that what is there afterwards does not depend on how soon one begins. */
const service = (when: string, spec: object, container: object = {}, task: object = {}): BadRequest => ({
  when,
  path: "/v1.50/services/create",
  body: {
    ...{ Name: "web", Mode: { Replicated: { Replicas: 0 } } },
    ...{ TaskTemplate: { ContainerSpec: { Image: "busybox", ...container }, ...task }, ...spec },
  },
  onManager: true,
});
const get = (when: string, path: string): BadRequest => ({ when, method: "GET", path: `/v1.50${path}` });
const post = (when: string, path: string, body?: unknown): BadRequest => ({ when, path: `/v1.50${path}`, body });

export const BAD_REQUESTS: readonly BadRequest[] = [
  post("a name has a space", "/containers/create?name=a%20b", { Image: "busybox" }),
  post("a name has one character", "/containers/create?name=a", { Image: "busybox" }),
  post("an image is only a slash", "/containers/create", { Image: "/" }),
  post("an image has a bad digest", "/containers/create", { Image: "busybox@sha256:123" }),
  create("an exposed port is too high", {}, { ExposedPorts: { "99999/tcp": {} } }),
  create("a port has an unknown protocol", { PortBindings: { "80/xyz": [{ HostPort: "1" }] } }),
  create("a host port is too high", { PortBindings: { "80/tcp": [{ HostPort: "70000" }] } }),
  create("memory is negative", { Memory: -1 }),
  create("CPUs are negative", { NanoCpus: -5 }),
  create("CPUs are more than there are", { NanoCpus: 99_000_000_000 }),
  create("a reservation is over the limit", { Memory: 16_777_216, MemoryReservation: 33_554_432 }),
  create("a limit of pids is text", { PidsLimit: "x" }),
  create("a set of CPUs is none", { CpusetCpus: "x" }),
  create("a set of memory nodes is not there", { CpusetMems: "99" }),
  create("a weight is too small", { BlkioWeight: 5 }),
  create("a CPU period is too long", { CpuPeriod: 10_000_000 }),
  create("a mount's source is relative", { Mounts: [{ Type: "bind", Source: "relative", Target: "/x" }] }),
  create("a mount's target is the root", { Mounts: [{ Type: "tmpfs", Target: "/" }] }),
  create("a mount's target is relative", { Mounts: [{ Type: "tmpfs", Target: "x" }] }),
  create("a bind has too many parts", { Binds: ["a:b:c:d"] }),
  create("a bind's target is the root", { Binds: ["/tmp:/"] }),
  create("a tmpfs is relative", { Tmpfs: { relative: "" } }),
  create("a tmpfs has an unknown option", { Tmpfs: { "/t": "nope" } }),
  create("a volume's propagation is set", { Mounts: [{ Type: "volume", Target: "/v", BindOptions: { Propagation: "shared" } }] }),
  create("the process ids are of nowhere", { PidMode: "nope" }),
  create("the user namespace is of nowhere", { UsernsMode: "nope" }),
  create("the cgroup namespace is of nowhere", { CgroupnsMode: "nope" }),
  create("the network container has no name", { NetworkMode: "container:" }),
  create("a security option is unknown", { SecurityOpt: ["nope=1"] }),
  create("a shared memory is negative", { ShmSize: -1 }),
  create("a name server is none", { Dns: ["nope"] }),
  create("a link leads nowhere", { Links: ["nope:x"] }),
  create("a runtime is unknown", { Runtime: "nope" }),
  create("an isolation is unknown", { Isolation: "nope" }),
  create("a log option is none of its driver's", { LogConfig: { Type: "json-file", Config: { nope: "1" } } }),
  create("a hostname is too long", {}, { Hostname: "x".repeat(70) }),
  create("a health check's time is negative", {}, { Healthcheck: { Test: ["CMD", "true"], Interval: -1 } }),
  create("a health check's kind is unknown", {}, { Healthcheck: { Test: ["NOPE"] } }),
  create("an entrypoint is a number", {}, { Entrypoint: 5 }),
  create("a label is a number", {}, { Labels: { a: 1 } }),
  create(
    "an address is none",
    {},
    { NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { IPv4Address: "nope" } } } } },
  ),
  create("a hardware address is none", {}, { NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: "nope" } } } }),

  network("a network's name has a space", { Name: "a b" }),
  network("a network's MTU is none", { Name: "net", Options: { "com.docker.network.driver.mtu": "x" } }),
  network("a subnet is not on its boundary", { Name: "net", IPAM: { Config: [{ Subnet: "10.1.2.3/24" }] } }),
  network("a range is outside", { Name: "net", IPAM: { Config: [{ Subnet: "10.1.2.0/24", IPRange: "10.9.0.0/25" }] } }),
  network("an auxiliary address is outside", {
    Name: "net",
    IPAM: { Config: [{ Subnet: "10.1.2.0/24", AuxiliaryAddresses: { a: "10.9.0.1" } }] },
  }),
  post("a network is connected to nothing", "/networks/bridge/connect", { Container: "nope" }),
  post("a network is left by nothing", "/networks/bridge/disconnect", { Container: "nope" }),
  { when: "a network is removed twice", method: "DELETE", path: "/v1.50/networks/nope" },

  volume("a volume's option is unknown", { Name: "vol", DriverOpts: { nope: "1" } }),
  volume("a volume's name is short", { Name: "v" }),
  { when: "a volume is removed twice", method: "DELETE", path: "/v1.50/volumes/nope" },

  { when: "an image is removed that has capitals", method: "DELETE", path: "/v1.50/images/Bad" },
  post("a tag has capitals", "/images/busybox/tag?repo=Bad"),
  post("a tag is put on nothing", "/images/nope/tag?repo=x"),
  get("an image is not there", "/images/nope/json"),
  get("a history is of nothing", "/images/nope/history"),
  post("an image filter is unknown", "/images/prune?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D"),

  get("a limit is no number", "/containers/json?limit=x"),
  get("a filter has an unknown state", "/containers/json?filters=%7B%22status%22%3A%5B%22nope%22%5D%7D"),
  get("logs are of nothing", "/containers/nope/logs?stdout=1"),
  get("events are since never", "/events?since=x"),
  post("a signal is sent to nothing", "/containers/nope/kill?signal=NOPE"),
  post("a restart is of nothing", "/containers/nope/restart?t=x"),
  post("nothing is renamed", "/containers/nope/rename?name=x"),
  post("nothing is updated", "/containers/nope/update", { Memory: 1 }),
  post("nothing is resized", "/containers/nope/resize?h=1&w=1"),
  post("an exec is made in nothing", "/containers/nope/exec", { Cmd: ["x"] }),
  get("an exec is not there", "/exec/nope/json"),
  post("containers are pruned by an unknown filter", "/containers/prune?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D"),
  get("a path has an empty part", "/containers//json"),
  { when: "a container without a name is removed", method: "DELETE", path: "/v1.50/containers/" },
  post("a container without a name is committed", "/commit"),
  get("a plugin is not there", "/plugins/nope/json"),
  post("volumes are pruned by what is no flag", "/volumes/prune?filters=%7B%22all%22%3A%5B%22x%22%5D%7D"),
  { when: "options are asked for", method: "OPTIONS", path: "/v1.50/info" },
  post("a login names no server", "/auth", { username: 5 }),

  post("a join token is none", "/swarm/join", { ListenAddr: "0.0.0.0:2377", RemoteAddrs: ["127.0.0.1:1"], JoinToken: "x" }),
  post("a join has no manager", "/swarm/join", { ListenAddr: "0.0.0.0:2377", JoinToken: "x" }),
  post("a swarm is advertised nowhere", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "nope" }),
  post("a swarm has a bad address pool", "/swarm/init", {
    ListenAddr: "0.0.0.0:2377",
    AdvertiseAddr: "127.0.0.1",
    DefaultAddrPool: ["x"],
  }),
  post("a swarm has a bad data port", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "127.0.0.1", DataPathPort: 1 }),
  get("a node is asked for without a swarm", "/nodes/nope"),
  post("a secret is made without a swarm", "/secrets/create", { Name: "x" }),

  service("a service's name has a space", { Name: "a b" }),
  service("a service's name is too long", { Name: "x".repeat(70) }),
  service("replicas are negative", { Mode: { Replicated: { Replicas: -1 } } }),
  service("a published port is too high", { EndpointSpec: { Ports: [{ TargetPort: 80, PublishedPort: 70_000 }] } }),
  service("one port is published twice", {
    EndpointSpec: {
      Ports: [
        { TargetPort: 80, PublishedPort: 8000 },
        { TargetPort: 81, PublishedPort: 8000 },
      ],
    },
  }),
  service("a port has no target", { EndpointSpec: { Ports: [{ PublishedPort: 8000 }] } }),
  service("a constraint is none", {}, {}, { Placement: { Constraints: ["nonsense"] } }),
  service("a memory limit is tiny", {}, {}, { Resources: { Limits: { MemoryBytes: 1 } } }),
  service("CPUs are too few", {}, {}, { Resources: { Limits: { NanoCPUs: 1 } } }),
  service("a restart's delay is negative", {}, {}, { RestartPolicy: { Delay: -1 } }),
  service("an update order is unknown", { UpdateConfig: { Order: "nope" } }),
  service("a failure ratio is over one", { UpdateConfig: { MaxFailureRatio: 2 } }),
  service("a service's mount has no target", {}, { Mounts: [{ Type: "bind", Source: "/x" }] }),
  service("a service's network is not there", {}, {}, { Networks: [{ Target: "nope" }] }),
  service(
    "a service's secret is not there",
    {},
    {
      Secrets: [{ SecretID: "nope", SecretName: "nope", File: { Name: "x", UID: "0", GID: "0", Mode: 292 } }],
    },
  ),
  service("a service's seccomp profile is none", {}, { Privileges: { Seccomp: { Mode: "custom", Profile: "eA==" } } }),
  service("a custom profile is missing", {}, { Privileges: { Seccomp: { Mode: "custom" } } }),
  service("a grace period is negative", {}, { StopGracePeriod: -1 }),
  { ...get("a task is not there", "/tasks/nope"), onManager: true },
  { ...get("services are filtered by nonsense", "/services?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D"), onManager: true },
  { ...post("a service is updated without a version", "/services/nope/update", {}), onManager: true },
  { ...post("a secret's name has a space", "/secrets/create", { Name: "a b", Data: "eA==" }), onManager: true },
  { ...post("a secret is no base64", "/secrets/create", { Name: "x", Data: "***" }), onManager: true },
  { ...post("a config has no data", "/configs/create", { Name: "x" }), onManager: true },
  { when: "a secret is removed twice", method: "DELETE", path: "/v1.50/secrets/nope", onManager: true },
  { when: "a config is removed twice", method: "DELETE", path: "/v1.50/configs/nope", onManager: true },
  { when: "a node is removed that is not there", method: "DELETE", path: "/v1.50/nodes/nope", onManager: true },
  {
    ...post("a second swarm is joined", "/swarm/join", { ListenAddr: "x", RemoteAddrs: ["x"], JoinToken: "x" }),
    onManager: true,
  },
  { ...post("a token is rotated by nonsense", "/swarm/update?version=1&rotateWorkerToken=x", {}), onManager: true },
];
