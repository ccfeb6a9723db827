// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { asId, type ClusterId, type NodeId } from "../../../src/model/ids.ts";
import type { SessionUp } from "../../../src/model/session.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import { ControlClient } from "../../../src/gen/control.ts";
import { memberCredentials } from "../../../src/rpc/channel.ts";
import { Dialled } from "../../../src/rpc/dialled.ts";
import { ManagerClients } from "../../../src/rpc/manager-clients.ts";
import { RaftPeers } from "../../../src/rpc/raft-transport.ts";
import { openSession } from "../../../src/rpc/session-client.ts";
import { systemClock as clock } from "../../../src/system/clock.ts";
import { closeFd } from "../../../src/system/libc.ts";
import { bindHostPort } from "../../../src/system/network-sockets.ts";
import { managerIdentity } from "./manager-identity.ts";

const clusterId = asId<ClusterId>("cluster1");
const FILL_MS = 100;
const TCP_SYN_SENT = "02";

/** A port on loopback at which nobody answers, as at that of a host without power: its queue is full, so the kernel says nothing to whoever connects. */
class SilentPort implements AsyncDisposable {
  readonly #fd: number;
  readonly #queued: Socket[] = [];
  readonly port: number;

  private constructor(fd: number, port: number) {
    this.#fd = fd;
    this.port = port;
  }

  static async open(): Promise<SilentPort> {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise(resolve => free.once("listening", resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise(resolve => free.close(resolve));
    const silent = new SilentPort(bindHostPort({ protocol: "tcp", address: "127.0.0.1", port }, { isForwarded: true }), port);
    while (await silent.#isTaken());
    return silent;
  }

  async #isTaken(): Promise<boolean> {
    const socket = connect(this.port, "127.0.0.1");
    socket.on("error", () => {});
    this.#queued.push(socket);
    return await new Promise(resolve => {
      const timer = setTimeout(() => {
        socket.destroy();
        resolve(false);
      }, FILL_MS);
      socket.once("connect", () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Local ports of the sockets that are being connected to it. */
  tries(): readonly string[] {
    const remote = `0100007F:${this.port.toString(16).toUpperCase().padStart(4, "0")}`;
    return readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .map(line => line.trim().split(/\s+/))
      .filter(([, , to, state]) => to === remote && state === TCP_SYN_SENT)
      .map(([, from = ""]) => from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#queued) socket.destroy();
    closeFd(this.#fd);
  }
}

async function* nothing(): AsyncGenerator<SessionUp> {
  yield { kind: "beat" };
  await new Promise(() => {});
}

/** What is tried at a time, as often as it is looked at, for `ms`. */
async function watch(
  silent: SilentPort,
  ms: number,
  each: () => void = () => {},
): Promise<{ readonly seen: number; readonly most: number }> {
  const seen = new Set<string>();
  let most = 0;
  for (const endsAtMs = performance.now() + ms; performance.now() < endsAtMs; await clock.sleep(20)) {
    each();
    const tries = silent.tries();
    for (const from of tries) seen.add(from);
    most = Math.max(most, tries.length);
  }
  return { seen: seen.size, most };
}

describe("a host that says nothing, or takes no connection", () => {
  let identity: NodeIdentity;
  let silent: SilentPort;
  let address: string;

  before(async () => {
    identity = await managerIdentity({ nodeId: asId<NodeId>("m1"), clusterId });
    silent = await SilentPort.open();
    address = `127.0.0.1:${silent.port}`;
  });
  after(async () => await silent[Symbol.asyncDispose]());
  afterEach(async () => {
    const isTried = () => silent.tries().length > 0;
    for (const endsAtMs = performance.now() + 1_000; isTried() && performance.now() < endsAtMs; ) await clock.sleep(10);
    assert.deepEqual(silent.tries(), [], "a connection is still being made");
  });

  it("keeps a worker no longer than it was told to try, and what it tried is given up", async () => {
    const session = openSession({
      address,
      identity,
      up: nothing(),
      connectMs: 300,
      clock,
      signal: new AbortController().signal,
    });
    const beganMs = performance.now();
    const refused = assert.rejects(session.next(), { kind: "unavailable", message: "no connection within 300 ms" });
    await clock.sleep(100);
    assert.equal(silent.tries().length, 1);
    await refused;
    assert.ok(performance.now() - beganMs < 1_500, `${performance.now() - beganMs} ms`);
  });

  it("keeps a worker for 15 s more when it takes the connection, but nobody there speaks", async () => {
    const open = new Set<Socket>();
    const server = createServer(socket => {
      socket.on("error", () => {}).once("close", () => open.delete(socket));
      open.add(socket.resume());
    }).listen(0, "127.0.0.1");
    await new Promise(resolve => server.once("listening", resolve));
    const mute = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    // To gRPC, 15.3 s from then are 0.6 s from now.
    const early = { ...clock, nowMs: () => clock.nowMs() - 14_700 };
    const signal = new AbortController().signal;
    const session = openSession({ address: mute, identity, up: nothing(), connectMs: 300, clock: early, signal });
    const refused = assert.rejects(session.next(), { kind: "unavailable", message: "no connection within 15300 ms" });
    await clock.sleep(450);
    assert.equal(open.size, 1, "the host has answered: there is no hurry");
    await refused;
    for (const endsAtMs = performance.now() + 2_000; open.size > 0 && performance.now() < endsAtMs; ) await clock.sleep(10);
    assert.equal(open.size, 0, "the connection that was given up is closed");
    await new Promise(resolve => server.close(resolve));
  });

  it("is asked anew by Raft's transport, one connection at a time", async () => {
    const fast: Clock = { ...clock, sleep: (ms, options) => clock.sleep(ms / 10, options) };
    await using peers = new RaftPeers({ identity: () => identity, clock: fast });
    peers.keep([address]);
    const { seen, most } = await watch(silent, 1_500);
    assert.ok(seen >= 2, `${seen} tries`);
    assert.equal(most, 1);
  });

  it("is asked anew by the clients that are kept to managers, one connection at a time for each", async () => {
    const fast = { ...clock, monotonicMs: () => clock.monotonicMs() * 10 };
    await using clients = new ManagerClients({ identity: () => identity, clock: fast });
    const { seen, most } = await watch(silent, 1_500, () => clients.keep([address]));
    assert.ok(seen >= 4, `${seen} tries of two clients`);
    assert.equal(most, 2);
  });

  it("leaves nothing behind of connections that were refused", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on("warning", onWarning);
    const refusing = createServer().listen(0, "127.0.0.1");
    await new Promise(resolve => refusing.once("listening", resolve));
    const { port } = refusing.address() as AddressInfo;
    await new Promise(resolve => refusing.close(resolve));
    const often = { "grpc.initial_reconnect_backoff_ms": 10, "grpc.max_reconnect_backoff_ms": 10 };
    using dialled = new Dialled(ControlClient, `127.0.0.1:${port}`, memberCredentials(identity), often);
    await assert.rejects(dialled.connected(1_000, clock), { kind: "unavailable" });
    process.off("warning", onWarning);
    assert.deepEqual(warnings, [], "Node warns when an eleventh socket hangs on one signal");
  });
});
