import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { DetachKeys, parseDetachKeys } from "../../../../src/engine/containers/detach-keys.ts";
import type { AttachOptions } from "../../../../src/engine/containers/attach.ts";
import type { ContainerId } from "../../../../src/model/ids.ts";
import { aClient, aRequest, FakeWorld, type RequestOptions, until } from "./fake-world.ts";

const never = new AbortController().signal;

/** What a person types, piece by piece, when the test says so. */
function aKeyboard() {
  const queue: Uint8Array[] = [];
  let isClosed = false;
  let wake = () => {};
  async function* stdin(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else if (isClosed) return;
      else await new Promise<void>(resolve => (wake = resolve));
    }
  }
  return {
    stdin: stdin(),
    type: (text: string) => {
      queue.push(Buffer.from(text));
      wake();
    },
    close: () => {
      isClosed = true;
      wake();
    },
  };
}

describe("attach", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  function attach(id: ContainerId, options: Partial<AttachOptions> = {}) {
    const client = aClient();
    const done = world.engine.attach(id, {
      stream: true,
      logs: false,
      output: client.output,
      wantsStdout: true,
      wantsStderr: true,
      signal: never,
      onReady: () => {},
      ...options,
    });
    return { ...client, done };
  }

  async function runAttached(request: RequestOptions, options: Partial<AttachOptions> = {}) {
    const { id } = await world.engine.create(aRequest(request));
    const client = attach(id, options);
    await world.engine.start(id);
    return { id, client, process: world.process(id) };
  }

  /** Until what was to be recorded is, and what follows from that is done. */
  async function settle(): Promise<void> {
    await world.engine.create(aRequest());
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }

  it("serves several clients, each what it wants", async () => {
    const { id, client, process } = await runAttached({});
    process.print("one\n");
    const late = attach(id, { wantsStdout: false });
    await setImmediate();
    process.print("two\n");
    process.print("error\n", "stderr");
    process.exit(0);
    await Promise.all([client.done, late.done]);
    assert.equal(client.text(), "one\ntwo\nerror\n");
    assert.equal(late.text(), "error\n");
  });

  for (const isCutOff of [false, true]) {
    it(`has written all output when the end is told${isCutOff ? ", or two seconds have passed" : ""}`, async () => {
      const { id, client, process } = await runAttached({});
      const { result } = await world.engine.wait(id, "not-running", { signal: never });
      let isTold = false;
      void result.then(() => (isTold = true));
      process.exit(0, { isOutputLate: true });
      await until(async () => (await world.engine.inspect(id)).state.status === "exited", "it is exited");
      const late = await world.engine.wait(id, "not-running", { signal: never }); // Whose answer would have been there at once.
      void late.result.then(() => (isTold = true));
      await settle();
      assert.equal(isTold, false);
      process.print("last\n");
      if (!isCutOff) process.streams?.end();
      // The wait begins some turns after the end is recorded.
      else await until(async () => (await world.clock.advance(2000), isTold), "the end is told");
      await Promise.all([result, late.result]);
      assert.equal(client.text(), "last\n");
    });
  }

  it("has written what a late client follows when the end is told", async () => {
    const { id, process } = await world.run();
    const gate = { open: () => {} };
    const opened = new Promise<void>(resolve => (gate.open = resolve));
    const client = aClient();
    let isBegun = false;
    const output: AttachOptions["output"] = async (stream, data) => {
      isBegun = true;
      await opened;
      await client.output(stream, data);
    };
    const { done } = attach(id, { output });
    await until(async () => (process.print("x"), await setImmediate(), isBegun), "it follows");
    process.exit(0);
    await until(async () => (await world.engine.inspect(id)).state.status === "exited", "it is exited");
    const { result } = await world.engine.wait(id, "not-running", { signal: never });
    let isTold = false;
    void result.then(() => (isTold = true));
    await settle();
    assert.equal(isTold, false);
    gate.open();
    await result;
    await done;
    assert.match(client.text(), /^x+$/);
  });

  it("never waits for a slow client, which gets all from the log", async () => {
    const gate = { open: () => {} };
    const opened = new Promise<void>(resolve => (gate.open = resolve));
    const client = aClient();
    const { process } = await runAttached(
      {},
      {
        output: async (stream, data) => {
          await client.output(stream, data);
          await opened;
        },
      },
    );
    const expected: string[] = [];
    for (let number = 0; number < 400; number++) {
      const text = `${number} ${"x".repeat(9000)}\n`;
      expected.push(text);
      process.print(text);
      if (number % 100 === 0) process.print("noise\n", "stderr");
    }
    process.print("no newline at the end");
    process.exit(0);
    gate.open();
    await until(() => client.text("stdout").endsWith("at the end"), "all was served");
    assert.equal(client.text("stdout"), `${expected.join("")}no newline at the end`);
    assert.equal(client.text("stderr"), "noise\n".repeat(4));
  });

  for (const takenFirst of [1, 150]) {
    it(`serves a client that stalls after ${takenFirst} pieces across rotations and the container's removal`, async () => {
      const gate = { open: () => {} };
      const opened = new Promise<void>(resolve => (gate.open = resolve));
      const client = aClient();
      const logConfig = { type: "json-file", options: { "max-size": "300k", "max-file": "2" } };
      const { id, process } = await runAttached(
        { hostConfig: { logConfig, autoRemove: true } },
        {
          output: async (stream, data) => {
            await client.output(stream, data);
            if (client.pieces.length === takenFirst) await opened;
          },
        },
      );
      const expected: string[] = [];
      for (let number = 0; number < 400; number++) {
        const text = `${number} ${"x".repeat(7000)}\n`;
        expected.push(text);
        process.print(text);
        if (number < takenFirst) await until(() => client.pieces.length > number, "the client keeps up");
        if (number % 50 === 49) {
          const rotated = join(world.directory, "containers", id, `container.log.${(number + 1) / 50}`);
          await until(async () => {
            await world.clock.advance(1000);
            return existsSync(rotated);
          }, "the log is rotated");
        }
      }
      process.exit(0);
      await until(async () => (await world.engine.list({ all: true, filters: {} })).length === 0, "it is removed");
      assert.ok(world.hasFiles(id));
      gate.open();
      await until(() => client.text().length === expected.join("").length, "all was served");
      assert.equal(client.text(), expected.join(""));
      await until(() => !world.hasFiles(id), "its files are gone");
    });
  }

  it("holds a container without a log back instead", async () => {
    const gate = { open: () => {} };
    const opened = new Promise<void>(resolve => (gate.open = resolve));
    const client = aClient();
    const { process } = await runAttached(
      { hostConfig: { logConfig: { type: "none", options: {} } } },
      {
        output: async (stream, data) => {
          await client.output(stream, data);
          await opened;
        },
      },
    );
    for (let count = 0; count < 200; count++) process.print("y".repeat(8192));
    assert.equal(process.streams?.isPaused, true);
    gate.open();
    await until(() => process.streams?.isPaused === false, "it goes on");
    process.exit(0);
    await until(() => client.text().length === 200 * 8192, "all was served");
  });

  it("shows what a detached container prints from now on, and before when asked", async () => {
    const { id, process } = await world.run();
    process.print("before\n");
    const fromNow = attach(id);
    const withLogs = attach(id, { logs: true });
    await until(() => withLogs.text() === "before\n", "the log was replayed");
    process.print("prompt> ");
    await until(() => fromNow.text() === "prompt> ", "what has no newline yet is shown");
    process.exit(0);
    await Promise.all([fromNow.done, withLogs.done]);
    assert.equal(withLogs.text(), "before\nprompt> ");
  });

  it("ends the container's stdin with the client's when that was asked", async () => {
    const keyboard = aKeyboard();
    const config = { openStdin: true, stdinOnce: true, attachStdin: true };
    const { client, process } = await runAttached({ config }, { stdin: keyboard.stdin });
    keyboard.type("hello");
    keyboard.close();
    await until(() => process.streams?.isStdinClosed === true, "stdin was closed");
    assert.equal(Buffer.concat(process.streams?.stdin ?? []).toString(), "hello");
    process.print("bye\n");
    process.exit(0);
    await client.done;
    assert.equal(client.text(), "bye\n");
  });

  it("leaves by the detach keys of a terminal, and the container runs on", async () => {
    const keyboard = aKeyboard();
    const { id, client, process } = await runAttached({ config: { tty: true, openStdin: true } }, { stdin: keyboard.stdin });
    keyboard.type("a\x10b");
    keyboard.type("\x10");
    keyboard.type("\x11");
    await client.done;
    assert.equal(Buffer.concat(process.streams?.stdin ?? []).toString(), "a\x10b");
    assert.equal(process.streams?.isStdinClosed, false);
    assert.equal(await world.status(id), "running");
  });

  it("ends when the client leaves", async () => {
    const leave = new AbortController();
    const { client } = await runAttached({}, { signal: leave.signal });
    leave.abort();
    await client.done;
  });

  it("ends when the container cannot be started", async () => {
    const { id } = await world.engine.create(aRequest());
    const client = attach(id);
    world.networks.failConnect = true;
    await assert.rejects(world.engine.start(id), { kind: "conflict", message: "port is already allocated" });
    await client.done;
    const { state } = await world.engine.inspect(id);
    assert.deepEqual([state.status, state.exitCode, state.error], ["created", 128, "port is already allocated"]);
    world.networks.failConnect = false;
    await world.engine.start(id);
  });

  it("is refused while the container is paused", async () => {
    const { id } = await world.run();
    await world.engine.pause(id);
    await assert.rejects(attach(id).done, {
      kind: "conflict",
      message: `Container ${id} is paused, unpause the container before attach`,
    });
  });
});

describe("detach keys", () => {
  it("are control characters and letters", () => {
    assert.deepEqual(parseDetachKeys("ctrl-p,ctrl-q"), [16, 17]);
    assert.deepEqual(parseDetachKeys("a,ctrl-[,DEL"), [97, 27, 127]);
    assert.throws(() => parseDetachKeys("ctrl-1"), { kind: "invalid", message: "Invalid detach keys (ctrl-1) provided" });
  });

  it("are held back until it is clear that they are not meant", () => {
    const keys = new DetachKeys("a,b");
    assert.deepEqual(keys.feed(Buffer.from("xa")), { forward: Uint8Array.from([120]), isDetached: false });
    assert.deepEqual(keys.feed(Buffer.from("a")), { forward: Uint8Array.from([97]), isDetached: false });
    assert.deepEqual(keys.feed(Buffer.from("by")), { forward: Uint8Array.from([]), isDetached: true });
  });
});
