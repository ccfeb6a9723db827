import { docker, http, kept, type Scenario, type Step, until } from "./scenario.ts";

const HERE = "127.0.0.1";
/** Whatever came before, the engine is in no swarm. */
const OUT = docker("swarm leave --force", { isSetUp: true });
/** The scenarios that follow are in a swarm. */
const IN = docker(`swarm init --advertise-addr ${HERE}`, { isSetUp: true });
const STATE = docker(
  "info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.NodeAddr}} {{.Swarm.Nodes}} {{.Swarm.Managers}} {{len .Swarm.RemoteManagers}} {{.Swarm.Error}}'",
);
/** Without the heartbeat, whose default is another. */
const SPEC = docker(
  "info --format '{{with .Swarm.Cluster.Spec}}{{.Name}} {{json .Labels}} {{json .Orchestration}} {{json .Raft}} {{json .CAConfig}} {{json .EncryptionConfig}}{{end}} {{json .Swarm.Cluster.DefaultAddrPool}} {{.Swarm.Cluster.SubnetSize}} {{.Swarm.Cluster.DataPathPort}} {{.Swarm.Cluster.RootRotationInProgress}}'",
);

const HEARTBEAT = docker("info --format '{{.Swarm.Cluster.Spec.Dispatcher.HeartbeatPeriod}}'");

const OUTSIDE: readonly string[] = [
  ...["node ls", "node inspect self", "node ps", "node promote x", "node demote x", "node rm x", "node update --role worker x"],
  ...[
    "service ls",
    "service inspect x",
    "service ps x",
    "service logs x",
    "service rm x",
    "service scale -d x=1",
    "service rollback -d x",
  ],
  ...["service create -d busybox", "service update -d --force x"],
  ...["secret ls", "secret inspect x", "secret rm x", "config ls", "config inspect x", "config rm x"],
  ...["secret create x test/fixtures/oracle/labels", "config create x test/fixtures/oracle/labels"],
  ...["stack ls", "stack ps x", "stack services x", "stack rm x", "stack deploy -c test/fixtures/oracle/stack.yml x"],
  ...[
    "swarm ca",
    "swarm join-token worker",
    "swarm join-token --rotate manager",
    "swarm unlock-key",
    "swarm update --task-history-limit 1",
  ],
  ...["swarm leave", "swarm leave --force"],
];

/** Founding with values that are refused. */
const INIT_REFUSED: readonly string[] = [
  "--advertise-addr nope",
  "--advertise-addr 0.0.0.0",
  "--listen-addr nope:2377",
  "--data-path-addr nope",
  "--data-path-port 80",
  "--data-path-port 60000",
  "--default-addr-pool 10.77.0.0/16 --default-addr-pool-mask-length 8",
  "--availability nope",
  "--autolock=nope",
];

const swarmUpdates: readonly string[] = [
  "--task-history-limit 3",
  "--cert-expiry 720h",
  "--dispatcher-heartbeat 7s",
  "--snapshot-interval 2000",
  "--task-history-limit 4 --cert-expiry 48h --dispatcher-heartbeat 5s --snapshot-interval 10000",
];
const UPDATE = "/v1.50/swarm/update";

/** An engine comes into a swarm, changes it and leaves it. The last ones: what other scenarios use is another swarm from then on. */
export const SWARM_MEMBERSHIP_SCENARIOS: readonly Scenario[] = [
  { name: "commands outside of a swarm", steps: [OUT, STATE, ...OUTSIDE.map(line => docker(line)), IN] },
  {
    name: "a swarm is founded and left",
    steps: [
      OUT,
      docker(`swarm init --advertise-addr ${HERE}`),
      STATE,
      SPEC,
      docker(`swarm init --advertise-addr ${HERE}`),
      docker("swarm join --token SWMTKN-1-bad 127.0.0.1:2377"),
      docker("swarm leave"),
      docker("swarm leave -f"),
      STATE,
      docker("swarm leave"),
      IN,
    ],
  },
  {
    name: "a swarm is founded with every option",
    steps: [
      OUT,
      docker(
        `swarm init --advertise-addr ${HERE} --listen-addr 127.0.0.1:2399 --availability drain --task-history-limit 2 --dispatcher-heartbeat 6s --cert-expiry 48h --snapshot-interval 5000 --max-snapshots 3 --default-addr-pool 10.77.0.0/16 --default-addr-pool 10.78.0.0/16 --default-addr-pool-mask-length 26 --external-ca protocol=cfssl,url=https://127.0.0.1:1/sign`,
      ),
      SPEC,
      HEARTBEAT,
      docker("node inspect -f '{{json .Spec}} {{json .ManagerStatus}}' self"),
      docker("network inspect -f '{{json .IPAM}}' ingress"),
      docker("network create -d overlay net"),
      until("network inspect -f '{{json .IPAM}}' net", /Subnet/),
      OUT,
      docker("swarm init --advertise-addr lo --availability pause --force-new-cluster=false"),
      docker("node inspect -f '{{.Spec.Availability}} {{.Status.Addr}}' self"),
      docker("swarm init --force-new-cluster --advertise-addr lo"),
      docker("node ls --format '{{.Status}} {{.Availability}} {{.ManagerStatus}}'"),
      OUT,
      IN,
    ],
  },
  {
    name: "a swarm is founded elsewhere on the network",
    steps: [
      OUT,
      docker(`swarm init --advertise-addr ${HERE} --data-path-port 7777`),
      SPEC,
      docker("network create -d overlay net"),
      docker("service create -d --name svc --network net --stop-grace-period 0s busybox sleep 300"),
      until("service ls --format '{{.Replicas}}'", /1\/1/),
      OUT,
      docker(`swarm init --advertise-addr ${HERE} --data-path-addr ${HERE}`),
      OUT,
      docker(`swarm init --advertise-addr ${HERE} --data-path-addr lo`),
      OUT,
      IN,
    ],
  },
  {
    name: "a swarm that is not founded",
    steps: [
      OUT,
      ...INIT_REFUSED.map(given => docker(`swarm init ${given.includes("--adv") ? "" : `--advertise-addr ${HERE}`} ${given}`)),
      STATE,
      docker(`swarm init --advertise-addr ${HERE} --cert-expiry 1m`),
      OUT, // Docker's engine is in a swarm after that, ours is not.
      IN,
    ],
  },
  {
    name: "a swarm that is not joined",
    steps: [
      OUT,
      docker("swarm join --token x 127.0.0.1:1"),
      docker("swarm join --availability nope --token x 127.0.0.1:1"),
      docker("swarm join --advertise-addr nope --token SWMTKN-1-x-y 127.0.0.1:1"),
      STATE,
      IN,
    ],
  },
  {
    name: "a swarm is updated",
    steps: [
      ...swarmUpdates.flatMap((given): readonly Step[] => [docker(`swarm update ${given}`), SPEC]),
      HEARTBEAT,
      docker("swarm update"),
      docker("swarm update --cert-expiry 1s"),
      docker("swarm update --dispatcher-heartbeat -1s"),
      docker("swarm update --task-history-limit -1"),
      docker("swarm update --cert-expiry 2160h --task-history-limit 5"),
      SPEC,
    ],
  },
  {
    name: "older snapshots that managers keep",
    steps: [docker("swarm update --max-snapshots 2"), SPEC, docker("swarm update --max-snapshots 0"), SPEC],
  },
  {
    name: "tokens of a swarm",
    steps: [
      docker("swarm join-token worker"),
      docker("swarm join-token -q manager"),
      docker("swarm join-token --rotate worker"),
      docker("swarm join-token --rotate -q manager"),
      docker("swarm join-token nope"),
      docker("swarm unlock-key"),
      docker("swarm unlock-key -q"),
      docker("swarm unlock", { stdin: "SWMKEY-1-x\n" }),
    ],
  },
  {
    name: "a swarm updated past the client",
    steps: [
      kept("version", "info --format '{{.Swarm.Cluster.Version.Index}}'"),
      http("POST", UPDATE, {}),
      http("POST", `${UPDATE}?version=x`, {}),
      http("POST", `${UPDATE}?version=1`, { Name: "default" }),
      http("POST", `${UPDATE}?version=<<version>>`, { Name: "other" }),
      http("POST", `${UPDATE}?version=<<version>>&rotateManagerToken=x`, { Name: "default" }),
      http("POST", `${UPDATE}?version=<<version>>`, { Name: "default", CAConfig: { NodeCertExpiry: 1 } }),
      http("POST", `${UPDATE}?version=<<version>>`, { Name: "default", Labels: { a: "b" } }),
      SPEC,
      kept("next", "info --format '{{.Swarm.Cluster.Version.Index}}'"),
      http("POST", `${UPDATE}?version=<<next>>`, { Name: "default", Labels: {} }),
      http("POST", "/v1.50/swarm/init", { ListenAddr: "" }),
      http("POST", "/v1.50/swarm/join", {}),
      http("POST", "/v1.50/swarm/leave?force=x"),
      http("GET", "/v1.50/swarm/unlockkey"),
      http("POST", "/v1.50/swarm/unlock", { UnlockKey: "x" }),
      IN,
    ],
  },
];
