import assert from "node:assert/strict";
import type { FailpointName } from "../../../src/ports/failpoint.ts";
import { type Call, get, type Reply, send } from "../../faults/client.ts";
import { FaultHost } from "../../faults/fault-host.ts";
import { settledLeftovers } from "../../faults/leftovers.ts";
import { importBusybox, until } from "../lab/lab.ts";

const WAIT_MS = 15_000;
const FOREVER = ["sleep", "1000000"];
const OPTIONS = { Image: "busybox", Cmd: FOREVER, StopSignal: "SIGKILL" };

interface Way {
  readonly how: string;
  readonly go: (host: FaultHost) => Promise<void>;
}

interface State {
  /** What the container is doing when its daemon goes. */
  readonly doing: string;
  /** Where that is held up. */
  readonly at: FailpointName;
  readonly moment: "before" | "after";
  readonly prepare?: (name: string) => readonly Call[];
  readonly call: (name: string) => Call;
  /** What it may be afterwards, `absent` too, where nobody was told; the first is what it is after success. */
  readonly ends: readonly [success: string, ...others: string[]];
}

const create = (name: string): Call => ({
  method: "POST",
  path: `/containers/create?name=${name}`,
  body: {
    ...OPTIONS,
    Volumes: { "/etc": {} },
    ExposedPorts: { "80/tcp": {} },
    HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
  },
});
const start = (name: string): Call => ({ method: "POST", path: `/containers/${name}/start` });
const remove = (name: string): Call => ({ method: "DELETE", path: `/containers/${name}?force=1&v=1` });

/** Those that pass. Exec, a terminal, pause, restarts and health checks go on: `live-restore.test.ts` has them. */
const STATES: readonly State[] = [
  { doing: "creating", at: "containers/volume-copy.spawn", moment: "after", call: create, ends: ["created", "absent"] },
  { doing: "creating", at: "state/container.sync", moment: "before", call: create, ends: ["created", "absent"] },
  { doing: "creating", at: "state/container.sync", moment: "after", call: create, ends: ["created"] },
  ...(["images/rootfs.mount", "networks/link.raise", "containers/bundle.write", "runtime/start.spawn"] as const).map(
    (at): State => ({
      ...{ doing: "starting", at, moment: "after", call: start },
      prepare: name => [create(name)],
      ends: ["running", "created", "exited"],
    }),
  ),
  ...(["state/container.sync", "images/trash.rename", "containers/folder.remove"] as const).map(
    (at): State => ({
      ...{ doing: "removing", at, moment: "before", call: remove },
      prepare: name => [create(name), start(name)],
      ends: ["absent", "running", "exited"],
    }),
  ),
];

/** The last of each kind. */
const ONE_EACH = STATES.filter(({ doing }, index) => STATES[index + 1]?.doing !== doing);

/** How a daemon goes that holds a step up. */
const WAYS: readonly Way[] = [
  {
    how: "killed",
    async go(host: FaultHost) {
      await host.kill();
      host.release();
    },
  },
  {
    how: "stopped",
    async go(host: FaultHost) {
      const stopped = host.stop();
      host.release();
      await stopped;
    },
  },
];

describe("a container whose daemon goes amid a change", function () {
  this.timeout(60_000);
  let host: FaultHost;
  let count = 0;

  before(async () => {
    host = await FaultHost.up();
    await importBusybox([{ name: "m1", address: "", socket: host.socket }]);
  });
  after(async () => host?.[Symbol.asyncDispose]());
  afterEach(async () => {
    host.disarm();
    host.release();
    if (!host.isUp()) await host.start();
    for (const { Id } of await get<readonly { readonly Id: string }[]>(host.socket, "/containers/json?all=1"))
      await send(host.socket, { method: "DELETE", path: `/containers/${Id}?force=1&v=1` });
  });

  const ask = async (call: Call): Promise<Reply> => {
    const reply = await send(host.socket, call);
    assert.ok(reply.kind === "answer" && (reply.status < 300 || reply.status === 304), `${call.path}: ${JSON.stringify(reply)}`);
    return reply;
  };
  const statusOf = async (name: string): Promise<string> => {
    const reply = await send(host.socket, { method: "GET", path: `/containers/${name}/json` });
    assert.ok(reply.kind === "answer");
    return reply.status === 404 ? "absent" : (reply.body as { State: { Status: string } }).State.Status;
  };

  for (const { how, go } of WAYS) {
    for (const { doing, at, moment, prepare, call, ends } of how === "killed" ? STATES : ONE_EACH) {
      it(`is whole or not there, as the client was told: ${how} while ${doing}, ${moment} ${at}`, async () => {
        const name = `c${count++}`;
        for (const each of prepare?.(name) ?? []) await ask(each);
        host.arm({ name: at, moment, action: "hold" });
        const answer = send(host.socket, call(name));
        await host.awaitHold();
        await go(host);
        const reply = await answer;
        await host.start();
        await until("it is at rest", WAIT_MS, async () => (await statusOf(name)) !== "restarting");
        const status = await statusOf(name);
        const isDone = reply.kind === "answer" && reply.status < 300;
        const isRefused = reply.kind === "answer" && !isDone;
        const right = isDone ? [ends[0]] : isRefused ? ends.slice(1) : ends;
        assert.ok(right.includes(status), `${JSON.stringify(reply)}, and it is ${status}`);
        assert.deepEqual(await settledLeftovers(host), []);
        // Whatever it is, it can be made, started and removed.
        if (status === "absent") await ask(create(name));
        await ask(start(name));
        assert.equal(await statusOf(name), "running");
        await ask(remove(name));
        assert.deepEqual(await get(host.socket, "/containers/json?all=1"), []);
        assert.deepEqual(await settledLeftovers(host), []);
      });
    }
  }
});
