import assert from "node:assert/strict";
import { get, send } from "../../faults/client.ts";
import { FaultHost } from "../../faults/fault-host.ts";
import { settledLeftovers } from "../../faults/leftovers.ts";
import { OpenStream } from "../../faults/open-stream.ts";
import { importBusybox, until } from "../lab/lab.ts";

interface Inspect {
  readonly Id: string;
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string; readonly Log: readonly { readonly Start: string }[] };
  };
  readonly RestartCount: number;
}

const WAIT_MS = 15_000;
const FOREVER = ["sleep", "1000000"];

/** How one daemon is followed by the next. An upgrade is the second, with other programs. */
const CHANGES = [
  { what: "killed", change: (host: FaultHost) => host.kill() },
  { what: "stopped", change: (host: FaultHost) => host.stop() },
];

for (const { what, change } of CHANGES) {
  describe(`containers whose daemon is ${what} and started again`, function () {
    this.timeout(120_000);
    let host: FaultHost;
    const earlier = new Map<string, Inspect>();
    const streams: Record<string, OpenStream> = {};

    const inspect = (name: string): Promise<Inspect> => get<Inspect>(host.socket, `/containers/${name}/json`);
    const post = async (path: string, body?: unknown): Promise<unknown> => {
      const reply = await send(host.socket, { method: "POST", path, body });
      assert.ok(reply.kind === "answer" && reply.status < 300, `${path}: ${JSON.stringify(reply)}`);
      return reply.body;
    };
    const run = async (name: string, options: object): Promise<void> => {
      await post(`/containers/create?name=${name}`, { Image: "busybox", Cmd: FOREVER, StopSignal: "SIGKILL", ...options });
      await post(`/containers/${name}/start`);
    };
    const exec = async (name: string, command: readonly string[]): Promise<string> => {
      const { Id } = (await post(`/containers/${name}/exec`, { Cmd: command, AttachStdout: true, Tty: true })) as { Id: string };
      return String(await post(`/exec/${Id}/start`, { Tty: true }));
    };

    before(async () => {
      host = await FaultHost.up();
      await importBusybox([{ name: "m1", address: "", socket: host.socket }]);
      await run("plain", { ExposedPorts: { "80/tcp": {} }, HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } } });
      await run("execs", {});
      await run("tty", { Cmd: ["sh"], Tty: true, OpenStdin: true, AttachStdin: true, AttachStdout: true });
      await run("paused", {});
      await post("/containers/paused/pause");
      await run("restarts", { Cmd: ["false"], HostConfig: { RestartPolicy: { Name: "always" } } });
      const Healthcheck = { Test: ["CMD", "true"], Interval: 200_000_000, Timeout: 5_000_000_000, Retries: 1 };
      await run("healthy", { Healthcheck });
      // Always amid a probe.
      await run("probed", { Healthcheck: { ...Healthcheck, Test: ["CMD", "usleep", "700000"], Interval: 20_000_000 } });
      await run("writes", { Cmd: ["sh", "-c", "i=0; while true; do i=$((i+1)); echo $i; usleep 2000; done"] });
      await post("/containers/create?name=created", { Image: "busybox", Cmd: FOREVER });
      for (const name of ["healthy", "probed"])
        await until("the health", WAIT_MS, async () => (await inspect(name)).State.Health?.Status === "healthy");
      await until("a second restart", WAIT_MS, async () => (await inspect("restarts")).RestartCount >= 2);
      const { Id } = (await post("/containers/execs/exec", { Cmd: ["sleep", "7777"], AttachStdout: true })) as { Id: string };
      streams["exec"] = await OpenStream.open(host.socket, "POST", `/exec/${Id}/start`, { Detach: false, Tty: false });
      streams["tty"] = await OpenStream.open(host.socket, "POST", "/containers/tty/attach?stream=1&stdin=1&stdout=1");
      streams["stats"] = await OpenStream.open(host.socket, "GET", "/containers/plain/stats");
      streams["logs"] = await OpenStream.open(host.socket, "GET", "/containers/writes/logs?follow=1&stdout=1");
      streams["wait"] = await OpenStream.open(host.socket, "POST", "/containers/plain/wait");
      streams["events"] = await OpenStream.open(host.socket, "GET", "/events");
      for (const name of ["plain", "execs", "tty", "paused", "restarts", "healthy", "probed", "writes", "created"])
        earlier.set(name, await inspect(name));
      await change(host);
      await host.start();
    });
    after(async () => host?.[Symbol.asyncDispose]());

    for (const name of ["plain", "execs", "tty", "healthy", "probed", "writes"]) {
      it(`run on: ${name}`, async () => {
        const { State, RestartCount } = await inspect(name);
        const was = earlier.get(name);
        const { Status, Pid, StartedAt } = State;
        assert.deepEqual(
          { Status, Pid, StartedAt, RestartCount },
          { Status: "running", Pid: was?.State.Pid, StartedAt: was?.State.StartedAt, RestartCount: 0 },
        );
      });
    }

    it("leave no client waiting for an answer that never comes", async () => {
      for (const [name, stream] of Object.entries(streams)) await until(`the end of ${name}`, WAIT_MS, async () => stream.isOver);
    });

    it("keep what was begun in them by exec, and take more", async () => {
      const { Processes } = await get<{ readonly Processes: readonly (readonly string[])[] }>(
        host.socket,
        "/containers/execs/top",
      );
      assert.equal(Processes.filter(process => process.some(word => word.includes("sleep 7777"))).length, 1);
      assert.match(await exec("execs", ["echo", "more"]), /more/);
    });

    it("answer on their terminal again", async () => {
      await using stream = await OpenStream.open(host.socket, "POST", "/containers/tty/attach?stream=1&stdin=1&stdout=1");
      stream.write("echo $((6*7))\n");
      await until("an answer", WAIT_MS, async () => stream.text.includes("42"));
    });

    it("stay paused, and go on when they are told to", async () => {
      assert.equal((await inspect("paused")).State.Status, "paused");
      await post("/containers/paused/unpause");
      assert.match(await exec("paused", ["echo", "awake"]), /awake/);
    });

    it("restart by their policy as before, until they are stopped", async () => {
      const count = earlier.get("restarts")?.RestartCount ?? 0;
      await until("another restart", WAIT_MS, async () => (await inspect("restarts")).RestartCount > count);
      await post("/containers/restarts/stop?t=0");
      const { State, RestartCount } = await inspect("restarts");
      assert.equal(State.Status, "exited");
      assert.equal((await inspect("restarts")).RestartCount, RestartCount);
    });

    for (const name of ["healthy", "probed"]) {
      it(`are still looked after: ${name}`, async () => {
        const last = earlier.get(name)?.State.Health?.Log.at(-1)?.Start ?? "";
        const isLater = async (): Promise<boolean> => {
          const { State } = await inspect(name);
          return State.Health?.Status === "healthy" && (State.Health.Log.at(-1)?.Start ?? "") > last;
        };
        await until("a later probe", WAIT_MS, isLater);
      });
    }

    it("lost no line of their logs", async () => {
      await post("/containers/writes/kill");
      await until("its end", WAIT_MS, async () => (await inspect("writes")).State.Status === "exited");
      const lines = numbersIn(String(await get<unknown>(host.socket, "/containers/writes/logs?stdout=1")));
      assert.ok(lines.length > 100);
      assert.deepEqual(
        lines,
        lines.map((_, index) => index + 1),
      );
    });

    it("can be measured, started, ended and removed, and leave nothing", async () => {
      const { memory_stats: memory } = await get<{ readonly memory_stats: { readonly usage: number } }>(
        host.socket,
        "/containers/plain/stats?stream=0&one-shot=1",
      );
      assert.ok(memory.usage > 0);
      await post("/containers/created/start");
      assert.deepEqual(await settledLeftovers(host), []);
      for (const name of earlier.keys()) await send(host.socket, { method: "DELETE", path: `/containers/${name}?force=1&v=1` });
      assert.deepEqual(await get(host.socket, "/containers/json?all=1"), []);
      assert.deepEqual(await settledLeftovers(host), []);
    });
  });
}

/** Numbers that are lines of their own; the frames around them are no digits. */
function numbersIn(text: string): readonly number[] {
  return [...text.matchAll(/(\d+)\n/g)].map(([, digits]) => Number(digits));
}
