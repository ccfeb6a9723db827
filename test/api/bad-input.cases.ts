/** A request that is refused, and how. Where a real daemon was asked, the words are its own. */
export interface BadInputCase {
  readonly when: string;
  readonly method?: "GET" | "POST" | "DELETE" | "PUT";
  readonly path: string;
  /** A string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly message: string;
  /** On a node that is a manager. */
  readonly onManager?: true;
  /** Answered as a text, for clients from before errors were JSON. */
  readonly isPlain?: true;
}

const CREATE = "/v1.50/containers/create";
const create = (extra: object, hostConfig?: object) => ({
  path: CREATE,
  body: { Image: "busybox", ...extra, ...(hostConfig === undefined ? {} : { HostConfig: hostConfig }) },
  status: 400,
});
const host = (hostConfig: object) => create({}, hostConfig);
const raw = (body: string) => ({ path: CREATE, body, status: 400 });
const service = (extra: object, container: object = {}, task: object = {}) => ({
  path: "/v1.50/services/create",
  body: { Name: "web", TaskTemplate: { ContainerSpec: { Image: "busybox", ...container }, ...task }, ...extra },
  status: 400,
  onManager: true as const,
});

const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

export const BAD_INPUT_CASES: readonly BadInputCase[] = [
  // ---- versions and routes ----
  {
    when: "the version is too old",
    method: "GET",
    path: "/v1.10/info",
    status: 400,
    message:
      "client version 1.10 is too old. Minimum supported API version is 1.40, please upgrade your client to a newer version",
    isPlain: true,
  },
  {
    when: "the version is too new",
    method: "GET",
    path: "/v1.99/info",
    status: 400,
    message: "client version 1.99 is too new. Maximum supported API version is 1.56",
  },
  { when: "the route is unknown", method: "GET", path: "/v1.50/foo", status: 404, message: "page not found" },
  { when: "the method is another", method: "PUT", path: "/v1.50/info", status: 404, message: "page not found" },

  // ---- JSON ----
  { when: "the body is cut off", ...raw("{"), message: "invalid JSON: unexpected EOF" },
  { when: "the body is no JSON", ...raw("x"), message: "invalid JSON: invalid character 'x' looking for beginning of value" },
  {
    when: "a key is not quoted",
    ...raw("{x"),
    message: "invalid JSON: invalid character 'x' looking for beginning of object key string",
  },
  { when: "a colon is missing", ...raw('{"a" 1}'), message: "invalid JSON: invalid character '1' after object key" },
  {
    when: "a comma is missing",
    ...raw('{"a":1 "b"'),
    message: "invalid JSON: invalid character '\"' after object key:value pair",
  },
  { when: "a comma is missing in a list", ...raw("[1 2"), message: "invalid JSON: invalid character '2' after array element" },
  {
    when: "a word is misspelt",
    ...raw('{"a":tru}'),
    message: "invalid JSON: invalid character '}' in literal true (expecting 'e')",
  },
  { when: "a number is none", ...raw('{"a":-}'), message: "invalid JSON: invalid character '}' in numeric literal" },
  { when: "more follows", ...raw("{} {}"), message: "unexpected content after JSON" },
  {
    when: "the content type is another",
    ...raw("{}"),
    headers: { "Content-Type": "text/plain" },
    message: "unsupported Content-Type header (text/plain): must be 'application/json'",
  },
  {
    when: "a field is of another type",
    ...host({ Memory: "x" }),
    message: "invalid JSON: json: cannot unmarshal string into Go struct field .HostConfig.Memory of type int64",
  },
  {
    when: "a whole number has a fraction",
    ...host({ Memory: 1.5 }),
    message: "invalid JSON: json: cannot unmarshal number 1.5 into Go struct field .HostConfig.Memory of type int64",
  },
  {
    when: "the body is a list",
    ...raw("[]"),
    message: "invalid JSON: json: cannot unmarshal array into Go value of type container.CreateRequest",
  },
  {
    when: "an object stands for a list",
    ...create({ Env: { a: 1 } }),
    message: "invalid JSON: json: cannot unmarshal object into Go struct field .Env of type []string",
  },
  {
    when: "a network's name is a number",
    path: "/v1.50/networks/create",
    body: { Name: 5 },
    status: 400,
    message: "invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Name of type string",
  },

  // ---- containers ----
  { when: "the config is empty", ...raw("{}"), message: "config cannot be empty in order to create a container" },
  {
    when: "the image's name has capitals",
    path: CREATE,
    body: { Image: "BUSYBOX" },
    status: 400,
    message: "invalid reference format: repository name (library/BUSYBOX) must be lowercase",
  },
  {
    when: "the image is missing",
    path: CREATE,
    body: { Image: "missing" },
    status: 404,
    message: "No such image: missing:latest",
  },
  { when: "the memory limit is tiny", ...host({ Memory: 1000 }), message: "Minimum memory limit allowed is 6MB" },
  {
    when: "swap is limited alone",
    ...host({ MemorySwap: 1000 }),
    message: "You should always set the Memory limit when using Memoryswap limit, see usage",
  },
  {
    when: "swap is less than memory",
    ...host({ Memory: 100_000_000, MemorySwap: 1000 }),
    message: "Minimum memoryswap limit should be larger than memory limit, see usage",
  },
  {
    when: "the swappiness is out of range",
    ...host({ MemorySwappiness: 200 }),
    message: "Invalid value: 200, valid memory swappiness range is 0-100",
  },
  {
    when: "the restart policy is unknown",
    ...host({ RestartPolicy: { Name: "foo" } }),
    message: "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  },
  {
    when: "retries are counted without on-failure",
    ...host({ RestartPolicy: { Name: "always", MaximumRetryCount: 2 } }),
    message: "invalid restart policy: maximum retry count can only be used with 'on-failure'",
  },
  {
    when: "it is removed and restarted",
    ...host({ RestartPolicy: { Name: "always" }, AutoRemove: true }),
    message: "can't create 'AutoRemove' container with restart policy",
  },
  {
    when: "the name is not one",
    ...create({}),
    path: `${CREATE}?name=-a`,
    message: "Invalid container name (-a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
  },
  {
    when: "CPUs are limited twice",
    ...host({ NanoCpus: 1, CpuPeriod: 100_000 }),
    message: "Conflicting options: Nano CPUs and CPU Period cannot both be set",
  },
  {
    when: "the CPU quota is tiny",
    ...host({ CpuQuota: 1 }),
    message: "CPU cfs quota can not be less than 1ms (i.e. 1000)",
  },
  {
    when: "a bind's target is relative",
    ...host({ Binds: ["/a:b"] }),
    message:
      "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute",
  },
  { when: "a bind's mode is unknown", ...host({ Binds: ["/a:/b:foo"] }), status: 500, message: "invalid mode: foo" },
  {
    when: "a volume's name is a path",
    ...host({ Binds: ["a/b:/b"] }),
    message:
      'create a/b: "a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  },
  { when: "two mounts share a target", ...host({ Binds: ["/c:/b", "/tmp:/b"] }), message: "Duplicate mount point: /b" },
  {
    when: "a mount's type is unknown",
    ...host({ Mounts: [{ Type: "foo", Target: "/a" }] }),
    message: 'invalid mount config for type "foo": mount type unknown',
  },
  {
    when: "a mount has no target",
    ...host({ Mounts: [{ Type: "volume" }] }),
    message: 'invalid mount config for type "volume": field Target must not be empty',
  },
  {
    when: "a bind mount has no source",
    ...host({ Mounts: [{ Type: "bind", Target: "/a" }] }),
    message: 'invalid mount config for type "bind": field Source must not be empty',
  },
  {
    when: "a tmpfs has a source",
    ...host({ Mounts: [{ Type: "tmpfs", Source: "a", Target: "/a" }] }),
    message: 'invalid mount config for type "tmpfs": field Source must not be specified',
  },
  {
    when: "a host port is none",
    ...host({ PortBindings: { "80/tcp": [{ HostPort: "x" }] } }),
    message: 'invalid port specification: "x"',
  },
  {
    when: "the working directory is relative",
    ...create({ WorkingDir: "a" }),
    message: "the working directory 'a' is invalid, it needs to be an absolute path",
  },
  { when: "the stop signal is unknown", ...create({ StopSignal: "FOO" }), message: "invalid signal: FOO" },
  { when: "a variable has no name", ...create({ Env: ["=a"] }), message: "invalid environment variable: =a" },
  {
    when: "the health check runs all the time",
    ...create({ Healthcheck: { Interval: 1 } }),
    message: "Interval in Healthcheck cannot be less than 1ms",
  },
  {
    when: "the OOM score is out of range",
    ...host({ OomScoreAdj: 2000 }),
    message: "Invalid value 2000, range for oom score adj is [-1000, 1000]",
  },
  { when: "the IPC mode is unknown", ...host({ IpcMode: "foo" }), message: "invalid IPC mode: foo" },
  {
    when: "the host's UTS namespace gets a name",
    ...create({ Hostname: "a" }, { UTSMode: "host" }),
    message: "conflicting options: hostname and the UTS mode",
  },
  { when: "an extra host is malformed", ...host({ ExtraHosts: ["a"] }), message: 'bad format for add-host: "a"' },
  { when: "a capability is unknown", ...host({ CapAdd: ["FOO"] }), message: 'invalid CapAdd: unknown capability: "CAP_FOO"' },
  {
    when: "a bandwidth is limited as on Windows",
    ...host({ IOMaximumBandwidth: 1 }),
    message: "invalid option: QoS maximum bandwidth configuration is not supported on linux",
  },
  {
    when: "a mount is a swarm's",
    ...host({ Mounts: [{ Type: "cluster", Source: "x", Target: "/m" }] }),
    message: 'invalid mount config for type "cluster": mount type unknown',
  },
  {
    when: "a tmpfs is given an owner",
    ...host({ Mounts: [{ Type: "tmpfs", Target: "/m", TmpfsOptions: { Options: [["uid", "7"]] } }] }),
    message: 'invalid mount config for type "tmpfs": invalid option: uid',
  },
  {
    when: "a volume is to propagate mounts",
    ...host({ Binds: ["vol:/v:shared"] }),
    status: 500,
    message:
      "invalid volume specification: 'vol:/v:shared': invalid mount config for type \"volume\": field BindOptions must not be specified",
  },
  {
    when: "the platform is none",
    ...create({}),
    path: `${CREATE}?platform=foo/bar/baz/x`,
    message: '"foo/bar/baz/x": cannot parse platform specifier: invalid argument',
  },
  {
    when: "the container is unknown",
    method: "GET",
    path: "/v1.50/containers/no/json",
    status: 404,
    message: "No such container: no",
  },
  {
    when: "no stream of the log is chosen",
    method: "GET",
    path: "/v1.50/containers/one/logs",
    status: 400,
    message: "Bad parameters: you must choose at least one stream",
  },
  {
    when: "filters are no JSON",
    method: "GET",
    path: "/v1.50/containers/json?filters=x",
    status: 400,
    message: "invalid filter",
  },
  {
    when: "a filter is unknown",
    method: "GET",
    path: `/v1.50/containers/json?filters=${encodeURIComponent('{"foo":["a"]}')}`,
    status: 400,
    message: "invalid filter 'foo'",
  },
  {
    when: "the condition is unknown",
    path: "/v1.50/containers/one/wait?condition=foo",
    status: 400,
    message: 'invalid condition: "foo"',
  },
  {
    when: "the size is no number",
    path: "/v1.50/containers/one/resize?h=a&w=1",
    status: 400,
    message: 'invalid resize height "a": invalid syntax',
  },
  {
    when: "nothing is to be run",
    path: "/v1.50/containers/one/exec",
    body: {},
    status: 400,
    message: "No exec command specified",
  },
  { when: "the exec is unknown", path: "/v1.50/exec/no/start", body: {}, status: 404, message: "No such exec instance: no" },

  // ---- images, networks, volumes ----
  { when: "the tag is none", path: "/v1.50/images/busybox/tag?repo=ok&tag=a%20b", status: 400, message: "invalid tag format" },
  {
    when: "the network has no name",
    path: "/v1.50/networks/create",
    body: { Name: "" },
    status: 400,
    message: "invalid name: name is empty",
  },
  {
    when: "the network is Docker's own",
    path: "/v1.50/networks/create",
    body: { Name: "bridge" },
    status: 403,
    message: "operation is not permitted on predefined bridge network ",
  },
  {
    when: "the subnet is none",
    path: "/v1.50/networks/create",
    body: { Name: "x", IPAM: { Config: [{ Subnet: "a" }] } },
    status: 400,
    message: "invalid network config:\ninvalid subnet a: invalid CIDR block notation",
  },
  {
    when: "the gateway is elsewhere",
    path: "/v1.50/networks/create",
    body: { Name: "x", IPAM: { Config: [{ Subnet: "10.0.0.0/24", Gateway: "1.2.3.4" }] } },
    status: 400,
    message: "invalid network config:\ninvalid gateway 1.2.3.4: parent subnet 10.0.0.0/24 doesn't contain this address",
  },
  {
    when: "an overlay is made without a swarm",
    path: "/v1.50/networks/create",
    body: { Name: "x", Driver: "overlay" },
    status: 403,
    message: NO_MANAGER,
  },
  {
    when: "a mount has another type's options",
    ...host({ Mounts: [{ Type: "bind", Source: "/tmp", Target: "/a", VolumeOptions: {} }] }),
    message: 'VolumeOptions must not be specified on mount type "bind"',
  },
  {
    when: "nothing is to be connected",
    path: "/v1.50/networks/net/connect",
    body: {},
    status: 400,
    message: 'invalid name or ID supplied: ""',
  },
  {
    when: "dangling is not a flag",
    method: "GET",
    path: `/v1.50/volumes?filters=${encodeURIComponent('{"dangling":["a"]}')}`,
    status: 400,
    message: "invalid filter 'dangling=[a]'",
  },
  {
    when: "the volume's name has a space",
    path: "/v1.50/volumes/create",
    body: { Name: "a b" },
    status: 400,
    message:
      'create a b: "a b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  },

  // ---- swarm ----
  { when: "the node is in no swarm", method: "GET", path: "/v1.50/services", status: 503, message: NO_MANAGER },
  { when: "it leaves no swarm", path: "/v1.50/swarm/leave", status: 503, message: "This node is not part of a swarm" },
  {
    when: "there is no address to listen on",
    path: "/v1.50/swarm/init",
    body: {},
    status: 400,
    message: 'invalid ListenAddr "": invalid empty address',
  },
  {
    when: "it is in a swarm already",
    path: "/v1.50/swarm/init",
    body: { ListenAddr: "0.0.0.0:2377" },
    status: 503,
    message: 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.',
    onManager: true,
  },
  {
    when: "the service runs nothing",
    ...service({}, { Image: "" }),
    message: "rpc error: code = InvalidArgument desc = ContainerSpec: image reference must be provided",
  },
  {
    when: "the service's image has capitals",
    ...service({}, { Image: "BAD" }),
    message: 'rpc error: code = InvalidArgument desc = ContainerSpec: "BAD" is not a valid repository/tag',
  },
  {
    when: "a service has two modes",
    ...service({ Mode: { Replicated: {}, Global: {} } }),
    message: "must specify only one service mode",
  },
  {
    when: "the restart condition is unknown",
    ...service({}, {}, { RestartPolicy: { Condition: "foo" } }),
    message: 'invalid RestartCondition: "foo"',
  },
  {
    when: "the endpoint mode is unknown",
    ...service({ EndpointSpec: { Mode: "foo" } }),
    message: 'invalid resolution mode: "foo"',
  },
  {
    when: "the failure action is unknown",
    ...service({ UpdateConfig: { FailureAction: "foo" } }),
    message: "unrecognized update failure action foo",
  },
  { when: "the runtime is unknown", ...service({}, {}, { Runtime: "foo" }), message: "unsupported runtime" },
  {
    when: "a service's seccomp mode is unknown",
    ...service({}, { Privileges: { Seccomp: { Mode: "nope" } } }),
    message: "invalid Privileges: unsupported Seccomp mode: nope",
  },
  {
    when: "the version is none",
    path: "/v1.50/services/web/update?version=x",
    body: { TaskTemplate: { ContainerSpec: { Image: "busybox" } } },
    status: 400,
    message: "invalid service version 'x': strconv.ParseUint: parsing \"x\": invalid syntax",
    onManager: true,
  },
  {
    when: "the service is unknown",
    method: "GET",
    path: "/v1.50/services/no",
    status: 404,
    message: "service no not found",
    onManager: true,
  },
  {
    when: "the role is unknown",
    path: "/v1.50/nodes/m1/update?version=3",
    body: { Role: "foo", Availability: "active" },
    status: 400,
    message: 'invalid Role: "foo"',
    onManager: true,
  },
  {
    when: "the secret has no name",
    path: "/v1.50/secrets/create",
    body: {},
    status: 400,
    message: "rpc error: code = InvalidArgument desc = name must be provided",
    onManager: true,
  },
  {
    when: "the secret is empty",
    path: "/v1.50/secrets/create",
    body: { Name: "ab" },
    status: 400,
    message: "rpc error: code = InvalidArgument desc = secret data must be larger than 0 and less than 512000 bytes",
    onManager: true,
  },
  {
    when: "a task's state is unknown",
    method: "GET",
    path: `/v1.50/tasks?filters=${encodeURIComponent('{"desired-state":["a"]}')}`,
    status: 400,
    message: "Invalid desired-state filter: 'a'",
    onManager: true,
  },
];
