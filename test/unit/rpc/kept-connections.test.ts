// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { asId, type ClusterId, type NodeId, type RequestId } from "../../../src/model/ids.ts";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import type { ManagerBackends } from "../../../src/rpc/backends.ts";
import { laggingBackends } from "../../../src/rpc/lagging.ts";
import { CONNECT_MS } from "../../../src/rpc/limits.ts";
import { ManagerListener } from "../../../src/rpc/listener.ts";
import { ManagerClients } from "../../../src/rpc/manager-clients.ts";
import { RaftPeers } from "../../../src/rpc/raft-transport.ts";
import { systemClock as clock } from "../../../src/system/clock.ts";
import { managerIdentity } from "./manager-identity.ts";

const clusterId = asId<ClusterId>("cluster1");
const requestId = asId<RequestId>("request1");
const log = { debug() {}, info() {}, warn() {}, error() {} };

async function until(condition: () => boolean, what: string): Promise<void> {
  const endsAtMs = performance.now() + 8_000;
  while (!condition()) {
    if (performance.now() > endsAtMs) throw new Error(`not within 8 s: ${what}`);
    await clock.sleep(10);
  }
}

describe("connections kept to another manager", () => {
  let identity: NodeIdentity;
  let listener: ManagerListener;
  let address: string;
  let opened: number;
  let received: number;
  let broken: string[];
  const backends: ManagerBackends = {
    ...laggingBackends,
    control: { call: async () => ({ kind: "created", id: "x", warnings: [] }) },
    raft: {
      receive: () => void received++,
      disconnected: ({ nodeId }) => void broken.push(nodeId),
      receiveSnapshot: async () => undefined,
    },
    ca: { rootCertificate: () => "", issue: async () => assert.fail("nobody asks for a certificate") },
    admission: () => {
      opened++;
      return "member";
    },
  };

  before(async () => {
    identity = await managerIdentity({ nodeId: asId<NodeId>("m1"), clusterId });
  });

  beforeEach(async () => {
    [opened, received, broken] = [0, 0, []];
    // Connections are judged anew only when they are opened, so that their number can be told.
    listener = await ManagerListener.listen({ host: "127.0.0.1", port: 0, identity, clusterId, backends, log, reviewMs: 1e6 });
    address = `127.0.0.1:${listener.port}`;
  });

  afterEach(async () => await listener[Symbol.asyncDispose]());

  it("are there before Raft has anything to say, and are those by which it says it", async () => {
    await using peers = new RaftPeers({ identity: () => identity, clock });
    peers.keep([address]);
    await until(() => opened === 1, "a connection");
    peers.send({ raftId: 2, address }, Uint8Array.of(1));
    await until(() => received === 1, "the message");
    assert.equal(opened, 1);
  });

  it("keep nothing of what went over them", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await using peers = new RaftPeers({ identity: () => identity, clock });
    const heldBytes = () => {
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const passOn = async (count: number) => {
      const expected = received + count;
      for (let at = 0; at < count; at++) peers.send({ raftId: 2, address }, new Uint8Array(10_000));
      await until(() => received === expected, "the messages");
    };
    await passOn(10);
    const beforeBytes = heldBytes();
    await passOn(90);
    await until(() => heldBytes() - beforeBytes < 200_000, "900,000 bytes that were received are let go");
  });

  it("last while they are kept, and end a minute after the last message when they are not", async () => {
    let nowMs = 0;
    // A minute goes by in a few turns; to connect takes the time that it takes.
    const fast = {
      ...clock,
      monotonicMs: () => nowMs,
      sleep: async (ms: number) => {
        if (ms === CONNECT_MS) return await clock.sleep(ms);
        nowMs += ms;
        await clock.sleep(1);
      },
    };
    await using peers = new RaftPeers({ identity: () => identity, clock: fast });
    peers.keep([address]);
    peers.send({ raftId: 2, address }, Uint8Array.of(1));
    await until(() => received === 1 && nowMs > 300_000, "five minutes");
    assert.deepEqual([opened, broken], [1, []]);
    peers.keep([]);
    await until(() => broken.length > 0, "the end");
  });

  it("tell the other manager when they break", async () => {
    const peers = new RaftPeers({ identity: () => identity, clock });
    peers.keep([address]);
    peers.send({ raftId: 2, address }, Uint8Array.of(1));
    await until(() => received === 1, "the message");
    assert.deepEqual(broken, []);
    await peers[Symbol.asyncDispose]();
    await until(() => broken.length > 0, "word of the break");
    assert.deepEqual(broken, ["m1"]);
  });

  it("are one to each manager that was away, however often they were tried meanwhile", async () => {
    const { port } = listener;
    await listener[Symbol.asyncDispose]();
    await using peers = new RaftPeers({ identity: () => identity, clock });
    peers.keep([address]);
    await clock.sleep(1_500); // Some five tries.
    listener = await ManagerListener.listen({ host: "127.0.0.1", port, identity, clusterId, backends, log, reviewMs: 1e6 });
    peers.send({ raftId: 2, address }, Uint8Array.of(1));
    await until(() => opened > 0, "a connection");
    await clock.sleep(1_500); // As long as a try may wait.
    assert.equal(opened, 1);
  });

  it("are there before the first call, and again after the other manager was away", async () => {
    await using managers = new ManagerClients({ identity: () => identity, clock });
    managers.keep([address]);
    await until(() => opened === 2, "a connection for control calls and one for the leader's");
    await managers.control(address, { kind: "get-cluster" }, { requestId });
    assert.equal(opened, 2);
    const { port } = listener;
    await listener[Symbol.asyncDispose]();
    listener = await ManagerListener.listen({ host: "127.0.0.1", port, identity, clusterId, backends, log, reviewMs: 1e6 });
    await until(() => {
      managers.keep([address]);
      return opened === 4;
    }, "both again");
  });
});
