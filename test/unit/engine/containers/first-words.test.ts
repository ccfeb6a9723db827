import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import type { ContainerId } from "../../../../src/model/ids.ts";
import { aClient, aRequest, FakeWorld, until } from "./fake-world.ts";

describe("a log that is read right after the start", () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = await FakeWorld.create();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function started(): Promise<ContainerId> {
    const { id } = await world.engine.create(aRequest());
    await world.engine.start(id);
    return id;
  }

  /** What a client that does not follow gets to read. */
  function readLog(id: ContainerId) {
    const reading = { isOver: false, text: readText(id) };
    const over = () => (reading.isOver = true);
    reading.text.then(over, over);
    return reading;
  }

  async function readText(id: ContainerId): Promise<string> {
    const { batches } = await world.engine.logs(id, {
      follow: false,
      wantsStdout: true,
      wantsStderr: true,
      timestamps: false,
      details: false,
      signal: new AbortController().signal,
    });
    const pieces: Uint8Array[] = [];
    for await (const lines of batches) for (const { data } of lines) pieces.push(data);
    return Buffer.concat(pieces).toString();
  }

  /** As many turns at the disk as any read of a log needs, and more. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await stat(".");
  }

  it("waits for the program's first words", async () => {
    const id = await started();
    const reading = readLog(id);
    await settle();
    assert.equal(reading.isOver, false);
    world.process(id).print("first\n");
    assert.equal(await reading.text, "first\n");
  });

  it("waits for the words of this run where an earlier one has left some", async () => {
    const id = await started();
    world.process(id).print("before\n");
    world.process(id).exit(0);
    await until(async () => (await world.engine.inspect(id)).state.status === "exited", "it is over");
    await world.engine.start(id);
    const reading = readLog(id);
    await settle();
    assert.equal(reading.isOver, false);
    world.process(id).print("after\n");
    assert.equal(await reading.text, "before\nafter\n");
  });

  it("waits as well for who attaches to what there was alone", async () => {
    const id = await started();
    const client = aClient();
    const attached = world.engine.attach(id, {
      stream: false,
      logs: true,
      output: client.output,
      wantsStdout: true,
      wantsStderr: true,
      signal: new AbortController().signal,
      onReady: () => {},
    });
    await settle();
    world.process(id).print("first\n");
    await attached;
    assert.equal(client.text(), "first\n");
  });

  it("waits no longer than for its end", async () => {
    const id = await started();
    const reading = readLog(id);
    world.process(id).exit(0);
    assert.equal(await reading.text, "");
  });

  it("waits not at all where the start is a tenth of a second ago, and no longer than till then", async () => {
    const id = await started();
    const early = readLog(id);
    await settle();
    await world.clock.advance(100);
    assert.equal(await early.text, "");
    assert.equal(await readLog(id).text, "");
  });
});
