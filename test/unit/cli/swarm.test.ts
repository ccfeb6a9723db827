import assert from "node:assert/strict";
import { ApiClient } from "../../../src/api/client/client.ts";
import { runProgram } from "../../../src/cli/program.ts";

interface Outcome {
  readonly exitCode: number;
  readonly stderr: string;
  /** Bodies by method and path. */
  readonly sent: Readonly<Record<string, unknown>>;
}

const SWARM = { Version: { Index: 7 }, Spec: { Raft: { SnapshotInterval: 10_000 } }, JoinTokens: { Worker: "SWMTKN-1-a-b" } };
const ANSWERS: Readonly<Record<string, object>> = {
  "GET /swarm": SWARM,
  "GET /info": { Swarm: { NodeAddr: "10.0.0.1", LocalNodeState: "active" } },
};

async function outcome(...args: readonly string[]): Promise<Outcome> {
  let stderr = "";
  const sent: Record<string, unknown> = {};
  const exitCode = await runProgram(args, {
    connect: () => ({
      api: {
        json: (method, path, options) => {
          if (method === "POST") sent[`${method} ${path}`] = options?.body;
          return Promise.resolve((ANSWERS[`${method} ${path}`] ?? "node1") as never);
        },
      },
      client: new ApiClient({ kind: "unix", path: "/nonexistent/socket" }),
      stdout: () => undefined,
      stderr: text => (stderr += text),
      contextName: "default",
      defaultHost: "unix:///a",
      nowMs: () => 0,
      sleep: () => Promise.resolve(),
    }),
    stdout: () => undefined,
    stderr: text => (stderr += text),
    version: "Shoal version 1",
  });
  return { exitCode, stderr, sent };
}

const ASKED = {
  ListenAddr: "0.0.0.0:2377",
  AdvertiseAddr: "",
  DataPathAddr: "",
  DataPathPort: undefined,
  DefaultAddrPool: [],
  SubnetSize: 24,
  Availability: "active",
  ForceNewCluster: false,
  AutoLockManagers: false,
  Spec: {},
};

describe("shoal swarm", () => {
  const founded: readonly { readonly given: string; readonly asked: object }[] = [
    { given: "", asked: {} },
    {
      given: "--listen-addr 10.0.0.1:2399 --advertise-addr eth0 --availability drain --force-new-cluster",
      asked: { ListenAddr: "10.0.0.1:2399", AdvertiseAddr: "eth0", Availability: "drain", ForceNewCluster: true },
    },
    { given: "--data-path-port 7777 --data-path-addr eth1", asked: { DataPathPort: 7777, DataPathAddr: "eth1" } },
    {
      given: "--default-addr-pool 10.7.1.0/16,10.8.0.0/16 --default-addr-pool fd00::1/64 --default-addr-pool-mask-length 26",
      asked: { DefaultAddrPool: ["10.7.0.0/16", "10.8.0.0/16", "fd00::/64"], SubnetSize: 26 },
    },
    {
      given: "--max-snapshots 3 --snapshot-interval 500 --task-history-limit 2 --dispatcher-heartbeat 6s --cert-expiry -48h",
      asked: {
        Spec: {
          CAConfig: { NodeCertExpiry: -172_800e9 },
          Dispatcher: { HeartbeatPeriod: 6e9 },
          Raft: { KeepOldSnapshots: 3, SnapshotInterval: 500 },
          Orchestration: { TaskHistoryRetentionLimit: 2 },
        },
      },
    },
    { given: "--autolock", asked: { AutoLockManagers: true, Spec: { EncryptionConfig: { AutoLockManagers: true } } } },
  ];
  for (const { given, asked } of founded)
    it(`founds a swarm with ${given || "nothing said"}`, async () => {
      const { exitCode, sent } = await outcome("swarm", "init", ...given.split(" ").filter(Boolean));
      assert.deepEqual({ exitCode, body: sent["POST /swarm/init"] }, { exitCode: 0, body: { ...ASKED, ...asked } });
    });

  it("joins with a data path of its own", async () => {
    const { sent } = await outcome(
      "swarm",
      "join",
      "--token",
      "t",
      "--data-path-addr",
      "eth1",
      "--availability",
      "Pause",
      "10.0.0.1",
    );
    assert.deepEqual(sent["POST /swarm/join"], {
      ...{ ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "", DataPathAddr: "eth1" },
      ...{ RemoteAddrs: ["10.0.0.1"], JoinToken: "t", Availability: "pause" },
    });
  });

  // In the words of Docker's CLI.
  const refused = [
    {
      given: "init --default-addr-pool 10.0.0.0/8,10.2.0.0/99",
      says: 'invalid argument "10.0.0.0/8,10.2.0.0/99" for "--default-addr-pool" flag: invalid string being converted to CIDR: 10.2.0.0/99',
    },
    {
      given: "init --data-path-port 99999999999",
      says: 'invalid argument "99999999999" for "--data-path-port" flag: strconv.ParseUint: parsing "99999999999": value out of range',
    },
    {
      given: "init --max-snapshots -1",
      says: 'invalid argument "-1" for "--max-snapshots" flag: strconv.ParseUint: parsing "-1": invalid syntax',
    },
    { given: "init --cert-expiry 5", says: 'invalid argument "5" for "--cert-expiry" flag: time: missing unit in duration "5"' },
    { given: "init --availability nope", says: 'invalid availability "nope", only active, pause and drain are supported' },
    { given: "join --availability nope x", says: 'invalid availability "nope", only active, pause and drain are supported' },
  ];
  for (const { given, says } of refused)
    it(`refuses ${given} and asks nothing of the daemon`, async () => {
      const { stderr, sent } = await outcome("swarm", ...given.split(" "));
      assert.deepEqual({ says: stderr.split("\n")[0], sent }, { says, sent: {} });
    });
});
