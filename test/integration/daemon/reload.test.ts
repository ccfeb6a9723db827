import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { call, importBusybox, ok, until } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";

interface EventJson {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

interface Dump {
  readonly memory: { readonly rss: number };
  readonly state: { readonly requests: readonly { readonly request: string }[]; readonly containers: Record<string, number> };
}

interface InfoJson {
  readonly ID: string;
  readonly Debug: boolean;
  readonly Labels: readonly string[];
  readonly LiveRestoreEnabled: boolean;
  readonly DefaultRuntime: string;
}

describe("daemon.json and signals", function () {
  this.timeout(60_000);
  let daemon: OwnDaemon;

  before(async () => {
    daemon = new OwnDaemon();
    daemon.writeConfig({ labels: ["a=b"] });
    await daemon.start({ flags: ["--config-file", daemon.configPath] });
    await importBusybox([daemon.host]);
  });
  after(async () => daemon?.[Symbol.asyncDispose]());

  const info = () => ok<InfoJson>(daemon.host, "GET", "/info");
  /** SIGHUP, and waits for the line that ends a reload. */
  async function reload(content: unknown): Promise<void> {
    if (typeof content === "string") writeFileSync(daemon.configPath, content);
    else daemon.writeConfig(content);
    const ends = () => daemon.logged("Reloaded configuration").length + daemon.logged("Error reloading configuration").length;
    const before = ends();
    daemon.signal("SIGHUP");
    await until("the reload has ended", 5_000, async () => ends() > before);
  }
  /** Events until now. */
  async function events(sinceSeconds: number): Promise<readonly EventJson[]> {
    const filters = encodeURIComponent(JSON.stringify({ type: ["daemon"] }));
    const path = `/events?since=${sinceSeconds}&until=${Date.now() / 1000}&filters=${filters}`;
    const text = await new Promise<string>((resolve, reject) => {
      request({ socketPath: daemon.host.socket, path }, response => {
        let body = "";
        response.on("data", chunk => (body += chunk));
        response.on("end", () => resolve(body));
      })
        .on("error", reject)
        .end();
    });
    return text.split("\n").flatMap(line => (line === "" ? [] : [JSON.parse(line) as EventJson]));
  }

  it("takes new settings over on SIGHUP and says so in an event", async () => {
    const since = Date.now() / 1000;
    await reload({ labels: ["c=d"], debug: true, "live-restore": false, "shutdown-timeout": 1, "default-shm-size": "32m" });
    const { ID, Debug, Labels, LiveRestoreEnabled, DefaultRuntime } = await info();
    assert.deepEqual([Debug, Labels, LiveRestoreEnabled], [true, ["c=d"], false]);
    const [event, ...more] = await events(since);
    assert.deepEqual([event?.Type, event?.Action, event?.Actor.ID, more.length], ["daemon", "reload", ID, 0]);
    const { name: _, "default-cgroupns-mode": __, ...attributes } = event?.Actor.Attributes ?? {};
    assert.deepEqual(attributes, {
      debug: "true",
      "default-ipc-mode": "private",
      "default-runtime": DefaultRuntime,
      "default-shm-size": "33554432",
      features: "map[]",
      "insecure-registries": "[]",
      labels: '["c=d"]',
      "live-restore": "false",
      "max-concurrent-downloads": "3",
      "max-concurrent-uploads": "5",
      "max-download-attempts": "5",
      "registry-mirrors": "[]",
      runtimes: "",
      "shutdown-timeout": "1",
    });
    await call(daemon.host, "GET", "/containers/nope/json");
    await until("debug entries are in the log", 5_000, async () => daemon.output.includes('"level":20'));
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", { Image: "busybox" });
    const { HostConfig } = await ok<{ HostConfig: { ShmSize: number } }>(daemon.host, "GET", `/containers/${Id}/json`);
    assert.equal(HostConfig.ShmSize, 32 * 1024 * 1024);
  });

  for (const content of ['{"debug": "x", "labels": ["x=y"]}', "{", '{"labels": ["x=y"], "default-runtime": "nope"}']) {
    it(`changes nothing for ${content}, and logs why`, async () => {
      const before = await info();
      const since = Date.now() / 1000;
      const errors = daemon.logged("Error reloading configuration").length;
      await reload(content);
      const after = await info();
      assert.deepEqual([after.Labels, after.Debug, after.DefaultRuntime], [before.Labels, before.Debug, before.DefaultRuntime]);
      assert.equal(daemon.logged("Error reloading configuration").length, errors + 1);
      assert.deepEqual(await events(since), []);
    });
  }

  it("offers a runtime that was named on reload, and no other", async () => {
    const { Runtimes } = await ok<{ Runtimes: Record<string, { path: string }> }>(daemon.host, "GET", "/info");
    const [path = ""] = Object.values(Runtimes).map(runtime => runtime.path);
    await reload({ runtimes: { mine: { path } }, "default-runtime": "mine", "live-restore": false, "shutdown-timeout": 1 });
    const body = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", body);
    await ok(daemon.host, "POST", `/containers/${Id}/start`);
    const { StatusCode } = await ok<{ StatusCode: number }>(daemon.host, "POST", `/containers/${Id}/wait`);
    const { HostConfig } = await ok<{ HostConfig: { Runtime: string } }>(daemon.host, "GET", `/containers/${Id}/json`);
    assert.deepEqual([StatusCode, HostConfig.Runtime], [0, "mine"]);
    await reload({ runtimes: {}, "default-runtime": Object.keys(Runtimes)[0] });
    const refused = await call(daemon.host, "POST", "/containers/create", { body: { ...body, HostConfig: { Runtime: "mine" } } });
    assert.deepEqual([refused.status, refused.body], [400, { message: "unknown or invalid runtime name: mine" }]);
  });

  it("changes the level of a manager's log too", async () => {
    await reload({ debug: false });
    const [ListenAddr, AdvertiseAddr] = ["127.0.0.1:2377", "127.0.0.1"];
    await ok(daemon.host, "POST", "/swarm/init", { ListenAddr, AdvertiseAddr });
    await until("the manager is ready", 15_000, async () => daemon.logged("manager ready").length === 1);
    await reload({ debug: true });
    const changes = () => daemon.logged("the log's level has changed");
    await until("the manager has heard of it", 5_000, async () => changes().length === 1);
    assert.deepEqual([changes()[0]?.["program"], changes()[0]?.["level"]], ["manager", "debug"]);
    await ok(daemon.host, "POST", "/swarm/leave?force=1");
  });

  it("opens no debugger port on SIGUSR1, and writes its state", async () => {
    await ok(daemon.host, "POST", "/containers/create?name=waited", { Image: "busybox", Cmd: ["true"] });
    const waiting = call(daemon.host, "POST", "/containers/waited/wait?condition=removed");
    const crashes = join(daemon.dataRoot, "crash");
    const dump = (): Dump => {
      const [name = ""] = readdirSync(crashes)
        .filter(file => file.includes("-state-"))
        .sort()
        .slice(-1);
      return JSON.parse(readFileSync(join(crashes, name), "utf8")) as Dump;
    };
    await until("the request is among those under way", 5_000, async () => {
      const before = daemon.logged("state written").length;
      daemon.signal("SIGUSR1");
      await until("the state is written", 5_000, async () => daemon.logged("state written").length > before);
      return dump().state.requests.length > 0;
    });
    const { memory, state } = dump();
    assert.ok(memory.rss > 0);
    assert.deepEqual(
      state.requests.map(({ request }) => request),
      ["POST /containers/waited/wait"],
    );
    assert.ok((state.containers["created"] ?? 0) >= 1);
    await ok(daemon.host, "DELETE", "/containers/waited");
    assert.equal((await waiting).status, 200);
    assert.deepEqual(listeningPorts(daemon.pid), []);
  });

  it("stops containers within the shutdown timeout of the last reload, and ends", async () => {
    const body = {
      Image: "busybox",
      Cmd: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
      HostConfig: { NetworkMode: "none" },
    };
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create?name=stubborn", body);
    await ok(daemon.host, "POST", `/containers/${Id}/start`);
    const started = performance.now();
    await daemon.stop();
    const tookMs = performance.now() - started;
    assert.ok(tookMs >= 900 && tookMs < 5_000, `it took ${tookMs} ms`);
    await daemon.start({ flags: ["--config-file", daemon.configPath] });
    const { State } = await ok<{ State: { Status: string; ExitCode: number } }>(daemon.host, "GET", "/containers/stubborn/json");
    assert.deepEqual([State.Status, State.ExitCode], ["exited", 137]);
  });

  it("goes on with a container whose runtime is not there any more after a restart", async () => {
    type State = { readonly Status: string; readonly Pid: number; readonly ExitCode: number };
    const state = async () => (await ok<{ State: State }>(daemon.host, "GET", "/containers/kept/json")).State;
    const runtimes = async () => (await ok<{ Runtimes: Record<string, { path: string }> }>(daemon.host, "GET", "/info")).Runtimes;
    const restart = async (config: object): Promise<void> => {
      await daemon.stop();
      daemon.writeConfig({ ...config, "live-restore": true });
      await daemon.start({ flags: ["--config-file", daemon.configPath] });
    };
    const [path = ""] = Object.values(await runtimes()).map(runtime => runtime.path);
    await restart({ runtimes: { mine: { path } } });
    const HostConfig = { NetworkMode: "none", Runtime: "mine" };
    const body = { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig };
    await ok(daemon.host, "POST", "/containers/create?name=kept", body);
    await ok(daemon.host, "POST", "/containers/kept/start");
    const before = await state();
    await restart({});
    assert.deepEqual(await state(), before);
    assert.equal((await runtimes())["mine"], undefined);
    await ok(daemon.host, "POST", "/containers/kept/pause");
    await ok(daemon.host, "POST", "/containers/kept/unpause");
    await ok(daemon.host, "POST", "/containers/kept/stop?t=0");
    const { Status, ExitCode } = await state();
    assert.deepEqual([Status, ExitCode, existsSync(`/proc/${before.Pid}`)], ["exited", 137, false]);
    await ok(daemon.host, "DELETE", "/containers/kept");
  });
});

/** TCP ports that a process listens on. */
function listeningPorts(pid: number): readonly string[] {
  const LISTEN = "0A";
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map(fd => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ""; // Closed meanwhile.
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap(protocol =>
    readFileSync(`/proc/${pid}/net/${protocol}`, "utf8")
      .split("\n")
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(([, , , state, ...rest]) => state === LISTEN && sockets.has(`socket:[${rest[5]}]`))
      .map(([, local = ""]) => local),
  );
}
