import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { call, importBusybox, type NodeJson, ok, runningTasks, type TestHost, until } from "../lab/lab.ts";
import { OwnDaemon } from "../daemon/own-daemon.ts";

const run = promisify(execFile);
const SETTLE_MS = 30_000;
const MARKER = "a secret that the backup holds";
const ADDRESS = { ListenAddr: "127.0.0.1:2377", AdvertiseAddr: "127.0.0.1" };
const RESTORE = ["swarm", "restore", "--listen-addr", "127.0.0.1:2377", "--advertise-addr", "127.0.0.1"];

interface SwarmJson {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: object;
  readonly JoinTokens: unknown;
  readonly TLSInfo: unknown;
}

/** Our own CLI. @returns what it printed, or the error that it ended with. */
async function shoal(
  host: TestHost,
  args: readonly string[],
  stdin = "",
): Promise<{ readonly out: string; readonly error: string }> {
  const child = run(process.execPath, ["bin/shoal", "-H", `unix://${host.socket}`, ...args]);
  child.child.stdin?.end(stdin);
  return await child.then(
    ({ stdout }) => ({ out: stdout, error: "" }),
    ({ stderr }: { readonly stderr: string }) => ({ out: "", error: stderr }),
  );
}

async function stateOf(host: TestHost): Promise<string> {
  const { Swarm } = await ok<{ Swarm: { LocalNodeState: string } }>(host, "GET", "/info");
  return Swarm.LocalNodeState;
}

/** What users made, with ids and versions. */
async function kept(host: TestHost): Promise<unknown> {
  const kinds = ["services", "secrets", "configs", "networks?filters=%7B%22scope%22%3A%5B%22swarm%22%5D%7D"];
  const objects = await Promise.all(kinds.map(kind => ok<readonly Record<string, unknown>[]>(host, "GET", `/${kind}`)));
  return objects.map(list => list.map(({ ID, Id, Version, Spec }) => ({ ID, Id, Version, Spec })));
}

async function freshDaemon(): Promise<OwnDaemon> {
  const daemon = new OwnDaemon();
  await daemon.start();
  await importBusybox([daemon.host]);
  return daemon;
}

describe("a backup of a swarm, restored on another host", function () {
  this.timeout(120_000);
  let first: OwnDaemon;
  let file: string;
  let swarm: SwarmJson;

  before(async () => {
    first = await freshDaemon();
    file = join(first.directory, "swarm.backup");
    await ok(first.host, "POST", "/swarm/init", ADDRESS);
    const { ID } = await ok<{ ID: string }>(first.host, "POST", "/secrets/create", { Name: "marked", Data: encoded(MARKER) });
    await ok(first.host, "POST", "/configs/create", { Name: "page", Data: encoded("hello") });
    await ok(first.host, "POST", "/services/create", service(ID));
    await until("the service runs", SETTLE_MS, async () => (await runningTasks(first.host, "web")).length === 2);
    swarm = await ok(first.host, "GET", "/swarm");
    const { out, error } = await shoal(first.host, ["swarm", "backup", file]);
    assert.deepEqual([out, error], ["", ""]);
  });
  after(async () => first?.[Symbol.asyncDispose]());

  it("is a file that nobody else may read, and is refused where there is a swarm", async () => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!existsSync(`${file}.part`));
    const { error } = await shoal(first.host, [...RESTORE, file]);
    assert.match(error, /This node is already part of a swarm/);
    assert.equal((await ok<SwarmJson>(first.host, "GET", "/swarm")).ID, swarm.ID);
  });

  it("is refused when it is damaged, cut short or something else, and brings back all that the swarm had", async () => {
    await using daemon = await freshDaemon();
    const { host } = daemon;
    const whole = readFileSync(file);
    const changed = Buffer.from(whole);
    changed[whole.length >> 1] = (changed[whole.length >> 1] ?? 0) ^ 1;
    for (const [content, says] of [
      [changed, /the backup is damaged/],
      [whole.subarray(0, whole.length - 9), /the backup is cut short/],
      [whole.subarray(0, 700), /the backup is cut short/],
      [Buffer.concat([whole, whole]), /the backup goes on after its end/],
      [Buffer.from("something else"), /this is no backup of a swarm/],
    ] as const) {
      const path = join(daemon.directory, "bad.backup");
      writeFileSync(path, content);
      assert.match((await shoal(host, [...RESTORE, path])).error, says);
      assert.equal(await stateOf(host), "inactive");
      assert.ok(!existsSync(join(daemon.dataRoot, "swarm")), "nothing is kept of it");
    }
    assert.match((await shoal(host, ["swarm", "restore", "--advertise-addr", "0.0.0.0", file])).error, /non-zero IP address/);

    const { out, error } = await shoal(host, [...RESTORE, file]);
    assert.match(out, /^Swarm restored: current node \(\S{25}\) is now its only manager\.\n$/, error);
    const restored = await ok<SwarmJson>(host, "GET", "/swarm");
    for (const key of ["ID", "Spec", "JoinTokens", "TLSInfo"] as const) assert.deepEqual(restored[key], swarm[key]);
    assert.ok(restored.Version.Index > swarm.Version.Index, "that this node goes on alone is written");
    assert.deepEqual(await kept(host), await kept(first.host));
    const nodes = async () => await ok<readonly NodeJson[]>(host, "GET", "/nodes");
    const own = (await nodes()).find(node => node.ManagerStatus?.Leader === true)?.ID;
    const runsHere = async () => (await runningTasks(host, "web")).filter(({ NodeID }) => NodeID === own).length === 2;
    await until("the service runs here, with its secret", SETTLE_MS, runsHere);
    assert.deepEqual(
      (await nodes()).filter(({ ID }) => ID !== own).map(node => [node.Status.State, node.ManagerStatus]),
      [["down", undefined]],
    );

    // It is on disk like any other, and takes changes.
    await ok(host, "POST", "/secrets/create", { Name: "later", Data: encoded("x") });
    daemon.signal("SIGKILL");
    await daemon.stop();
    await daemon.start();
    await until("it leads again", SETTLE_MS, async () => (await call(host, "GET", "/services")).status === 200);
    assert.equal((await ok<readonly unknown[]>(host, "GET", "/secrets")).length, 2);
    await until("the service runs on", SETTLE_MS, runsHere);
  });

  it("needs the unlock key where managers are locked, and the restored one is locked with it", async () => {
    const { Version, Spec } = await ok<SwarmJson>(first.host, "GET", "/swarm");
    const locked = { ...Spec, EncryptionConfig: { AutoLockManagers: true } };
    await ok(first.host, "POST", `/swarm/update?version=${Version.Index}`, locked);
    const { UnlockKey } = await ok<{ UnlockKey: string }>(first.host, "GET", "/swarm/unlockkey");
    await shoal(first.host, ["swarm", "backup", file]);
    const content = readFileSync(file);
    for (const text of [MARKER, "PRIVATE KEY", UnlockKey.slice("SWMKEY-1-".length)]) assert.ok(!content.includes(text), text);
    assert.ok(!content.includes('"key"'), "nor what it is sealed with");

    await using daemon = await freshDaemon();
    const wrong = `SWMKEY-1-${"A".repeat(43)}`;
    assert.match((await shoal(daemon.host, [...RESTORE, file])).error, /invalid key string|unlock key that its swarm had/);
    assert.match((await shoal(daemon.host, [...RESTORE, file], wrong)).error, /invalid key provided/);
    assert.equal(await stateOf(daemon.host), "inactive");
    const { error } = await shoal(daemon.host, [...RESTORE, file], UnlockKey);
    assert.equal(error, "");
    assert.equal((await ok<{ UnlockKey: string }>(daemon.host, "GET", "/swarm/unlockkey")).UnlockKey, UnlockKey);
    await daemon.stop();
    await daemon.start();
    assert.equal(await stateOf(daemon.host), "locked");
    await ok(daemon.host, "POST", "/swarm/unlock", { UnlockKey });
    await until("it leads again", SETTLE_MS, async () => (await call(daemon.host, "GET", "/services")).status === 200);
  });
});

/** Its tasks run on only where the secret is what it was. */
function service(secretId: string): unknown {
  const script = `test "$(cat /run/secrets/marked)" = "${MARKER}" && exec sleep 1000`;
  const File = { Name: "marked", UID: "0", GID: "0", Mode: 0o444 };
  const Secrets = [{ SecretID: secretId, SecretName: "marked", File }];
  const ContainerSpec = { Image: "busybox:latest", Command: ["sh", "-c", script], StopGracePeriod: 1e9, Secrets };
  return { Name: "web", TaskTemplate: { ContainerSpec }, Mode: { Replicated: { Replicas: 2 } } };
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}
