import { daemon, docker, type Scenario, type Step, until } from "./scenario.ts";

const WRONG_KEY = `SWMKEY-1-${"A".repeat(43)}`;
const STATE = "info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.Error}}'";
const LOCK = "info --format '{{json .Swarm.Cluster.Spec.EncryptionConfig}}'";
/** A swarm and live restore do not go together in the real engine. */
const RESTART = daemon("restart", { "live-restore": false });
const READY = until("node ls --format '{{.Status}} {{.ManagerStatus}}'", /^Ready Leader$/m);

function http(method: string, path: string, body?: unknown): Step {
  return { kind: "http", method, path: `/v1.50${path}`, ...(body !== undefined && { body }) };
}

/** A swarm of one whose manager asks for a key when it starts. */
export const LOCK_SCENARIOS: readonly Scenario[] = [
  {
    name: "a manager that is locked, and unlocked again",
    steps: [
      docker("swarm unlock-key"),
      docker("swarm unlock-key --rotate"),
      docker("swarm update --autolock"),
      docker("swarm unlock-key -q", { keeps: "key" }),
      docker("swarm unlock-key"),
      http("GET", "/swarm/unlockkey"),
      docker(LOCK),
      docker("swarm unlock", { stdin: "<<key>>" }),
      http("POST", "/swarm/unlock", { UnlockKey: "<<key>>" }),
      RESTART,
      docker(STATE),
      docker("info --format '{{.Swarm.NodeID}} {{json .Swarm.RemoteManagers}} {{.Swarm.Managers}} {{.Swarm.Nodes}}'"),
      docker("info", { shows: /^ ?Swarm:/ }),
      ...[
        "node ls",
        "service ls",
        "secret ls",
        "swarm unlock-key",
        "swarm join-token worker",
        "swarm update --autolock=false",
      ].map(line => docker(line)),
      http("GET", "/swarm/unlockkey"),
      docker("network create -d overlay late"),
      docker("swarm init --advertise-addr 127.0.0.1"),
      docker("swarm join --token SWMTKN-1-bad 127.0.0.1:2377"),
      docker("swarm leave"),
      docker("swarm unlock", { stdin: "nonsense" }),
      docker("swarm unlock", { stdin: WRONG_KEY }),
      docker("swarm unlock", { stdin: "SWMKEY-1-AAAA" }),
      docker("swarm unlock", { stdin: "" }),
      http("POST", "/swarm/unlock", {}),
      http("POST", "/swarm/unlock", { UnlockKey: WRONG_KEY }),
      docker(STATE),
      docker("swarm unlock", { stdin: "<<key>>" }),
      READY,
      docker(STATE),
      docker("swarm unlock", { stdin: "<<key>>" }),
    ],
  },
  {
    name: "an unlock key that is rotated, and given up",
    steps: [
      docker("swarm update --autolock=true", { isSetUp: true }),
      docker("swarm unlock-key -q", { keeps: "first" }),
      docker("swarm unlock-key --rotate"),
      docker("swarm unlock-key -q --rotate"),
      docker("swarm unlock-key -q", { keeps: "third" }),
      RESTART,
      docker("swarm unlock", { stdin: "<<first>>" }),
      docker("swarm unlock", { stdin: "<<third>>" }),
      READY,
      docker("info --format '{{.Swarm.Cluster.Version.Index}}'", { keeps: "version", isSetUp: true }),
      http("POST", "/swarm/update?version=<<version>>&rotateManagerUnlockKey=maybe", { Name: "default" }),
      docker("swarm update --autolock=false"),
      docker("swarm unlock-key"),
      docker("swarm unlock-key --rotate"),
      http("GET", "/swarm/unlockkey"),
      docker("info --format '{{.Swarm.Cluster.Version.Index}}'", { keeps: "version", isSetUp: true }),
      http("POST", "/swarm/update?version=<<version>>&rotateManagerUnlockKey=true", { Name: "default" }),
      http("GET", "/swarm/unlockkey"),
      docker("info --format '{{.Swarm.Cluster.Version.Index}}'", { keeps: "version", isSetUp: true }),
      http("POST", "/swarm/update?version=<<version>>", { Name: "default", EncryptionConfig: { AutoLockManagers: true } }),
      docker(LOCK),
      docker("info --format '{{.Swarm.Cluster.Version.Index}}'", { keeps: "version", isSetUp: true }),
      http("POST", "/swarm/update?version=<<version>>", { Name: "default" }),
      docker(LOCK),
      RESTART,
      docker(STATE),
    ],
  },
  {
    name: "a locked swarm that is left, and one that is locked from the start",
    steps: [
      docker("swarm update --autolock=true", { isSetUp: true }),
      RESTART,
      docker("swarm leave"),
      docker("swarm leave --force"),
      docker(STATE),
      docker("swarm unlock", { stdin: WRONG_KEY }),
      http("POST", "/swarm/unlock", { UnlockKey: WRONG_KEY }),
      docker("swarm init --autolock --advertise-addr 127.0.0.1"),
      docker("swarm unlock-key -q", { keeps: "key" }),
      docker(LOCK),
      RESTART,
      docker(STATE),
      docker("swarm unlock", { stdin: "<<key>>" }),
      READY,
      docker("swarm leave --force"),
      http("POST", "/swarm/init", { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "127.0.0.1", AutoLockManagers: true }),
      docker(LOCK),
      http("GET", "/swarm/unlockkey"),
      docker("swarm update --autolock=false", { isSetUp: true }),
    ],
  },
];
