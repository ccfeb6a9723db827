import assert from "node:assert/strict";
import { connect as connectTcp, type Socket } from "node:net";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import { enrol } from "../../../src/rpc/join-client.ts";
import { strangerCredentials, unaryCall } from "../../../src/rpc/channel.ts";
import { clientOptions } from "../../../src/rpc/limits.ts";
import { CaClient, JoinClient } from "../../../src/gen/ca.ts";
import { ControlClient } from "../../../src/gen/control.ts";
import { DispatcherClient, LeaderClient } from "../../../src/gen/dispatcher.ts";
import { RaftPeerClient } from "../../../src/gen/raft.ts";
import { memberCredentials } from "../../../src/rpc/channel.ts";
import { certificates, clock, DAY_MS, dial, type ForgedCertificate, isCut, startWorld, until, type World } from "./world.ts";

/** After so long a handshake is given up. */
const HANDSHAKE_MS = 10_000;
const HALF_OPEN = 700;
const STRANGERS = 300;

describe("attacks on the managers' port", function () {
  this.timeout(30_000);
  let world: World;
  let otherRoot: Awaited<ReturnType<typeof certificates.createRoot>>;

  before(async () => {
    world = await startWorld();
    otherRoot = await certificates.createRoot({ nowMs: clock.nowMs() });
  });
  after(async () => world[Symbol.asyncDispose]());

  /** A manager's call, as the sharpest thing that a connection is good for. */
  const asManager = (who: NodeIdentity) =>
    world.clients(who).control(world.address, { kind: "get-cluster" }, { requestId: "r" as never });

  const stillServes = async (): Promise<void> => assert.equal((await world.cluster()).id, world.clusterId);

  it("a manager's true certificate is let in (so that the refusals below mean something)", stillServes);

  it("a port scan without TLS learns nothing", async () => {
    for (const said of ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0".repeat(64)]) {
      const socket = connectTcp(world.port, "127.0.0.1");
      const got: Buffer[] = [];
      socket.on("data", data => got.push(data)).on("error", () => {});
      socket.write(said);
      await until("it is cut", () => socket.destroyed);
      // At most a TLS alert: 7 bytes of type 21.
      assert.ok(Buffer.concat(got).length === 0 || (got[0]?.[0] === 21 && Buffer.concat(got).length <= 7));
    }
  });

  it("TLS 1.2 is not spoken", async () => {
    await assert.rejects(dial(world.port, { maxVersion: "TLSv1.2", identity: world.identity, minVersion: "TLSv1.2" }));
  });

  for (const [what, ALPNProtocols] of [
    ["no protocol", []],
    ["HTTP/1.1", ["http/1.1"]],
  ] as const) {
    it(`a connection that asks for ${what} is cut, with a true certificate too`, async () => {
      const got: Buffer[] = [];
      const tried = dial(world.port, { ALPNProtocols: [...ALPNProtocols], identity: world.identity }).then(
        socket => isCut(socket.on("data", data => got.push(data))),
        () => true,
      );
      assert.equal(await tried, true);
      assert.equal(Buffer.concat(got).toString(), "", "nobody answered it");
    });
  }

  const forgeries: readonly (readonly [string, ForgedCertificate & { readonly isOfOtherRoot?: boolean }])[] = [
    ["of another root, with this cluster's names", { isOfOtherRoot: true }],
    ["that has expired", { issuedMsAgo: 2 * DAY_MS }],
    ["that is not valid yet", { issuedMsAgo: -DAY_MS }],
    ["of this root for another cluster", { clusterId: "other" }],
  ];
  for (const [what, { isOfOtherRoot, ...forged }] of forgeries) {
    it(`a manager's certificate ${what} is refused`, async () => {
      const who = await world.forge({ ...forged, ...(isOfOtherRoot === true && { root: otherRoot }) });
      await assert.rejects(asManager(who), { kind: "unavailable" });
      assert.equal(await dial(world.port, { identity: who }).then(isCut, () => true), true);
    });
  }

  it("a self-signed certificate with a manager's names is refused", async () => {
    const own = await certificates.createRoot({ nowMs: clock.nowMs() });
    const self = await world.forge({ root: own });
    for (const who of [{ ...self }, { ...own, rootPem: world.root.certificatePem }]) {
      assert.equal(await dial(world.port, { identity: who }).then(isCut, () => true), true);
    }
  });

  it("a certificate that a node signed with its own key is refused", async () => {
    const worker = await world.join("worker");
    const who = await world.forge({ root: worker });
    const chained = { ...who, certificatePem: who.certificatePem + worker.certificatePem };
    await assert.rejects(asManager(chained), { kind: "unavailable" });
    await stillServes();
  });

  it("a manager's certificate of a node that the cluster never had is good for nothing", async () => {
    await assert.rejects(asManager(await world.forge({ nodeId: "never" })), { kind: "forbidden" });
  });

  it("somebody without a certificate reaches the certificate authority alone", async () => {
    const open = <T extends Client>(
      Type: new (address: string, ...rest: [ReturnType<typeof strangerCredentials>, object]) => T,
    ) => new Type(world.address, strangerCredentials({ rootPem: world.root.certificatePem }), clientOptions);
    const [control, join, dispatcher, leader, raft] = [
      open(ControlClient),
      open(JoinClient),
      open(DispatcherClient),
      open(LeaderClient),
      open(RaftPeerClient),
    ] as const;
    const status = (start: (tell: (error: { readonly code: number } | null) => void) => unknown) =>
      new Promise<number>(resolve => void start(error => resolve(error?.code ?? 0)));
    const streamed = (stream: NodeJS.EventEmitter) =>
      status(tell =>
        stream
          .on("error", tell)
          .on("data", () => {})
          .on("end", () => tell(null)),
      );
    const codes = await Promise.all([
      streamed(control.call({ requestId: "r", isForwarded: true, request: { $case: "getCluster", value: {} } } as never)),
      streamed(control.events({})),
      streamed(dispatcher.session()),
      status(tell => join.join({ address: "1.2.3.4:1", onBehalfOf: world.nodeId }, tell)),
      status(tell => join.leave({ onBehalfOf: world.nodeId }, tell)),
      status(tell => leader.writeStatuses({ nodeId: world.nodeId, statuses: [] }, tell)),
      status(tell => leader.writeManyStatuses({ reports: [] }, tell)),
      status(tell => leader.reportSessions({ managerId: world.nodeId, sessions: [] }, tell)),
      status(tell => raft.stream(tell)),
      status(tell => raft.snapshot(tell)),
    ]);
    assert.deepEqual(
      codes,
      codes.map(() => 12),
      "UNIMPLEMENTED each",
    );
    for (const client of [control, join, dispatcher, leader, raft]) client.close();
  });

  it("handshakes that never end keep nobody out", async () => {
    const held: Socket[] = [];
    for (let index = 0; index < HALF_OPEN; index++) {
      const socket = connectTcp(world.port, "127.0.0.1");
      socket.on("error", () => {});
      held.push(socket);
      await new Promise(resolve => socket.once("connect", resolve));
    }
    const startedMs = performance.now();
    assert.equal((await asManager(world.identity)).kind, "cluster");
    assert.ok(performance.now() - startedMs < HANDSHAKE_MS / 2, "it did not wait until they were given up");
    await until("the oldest are cut", () => held.filter(socket => socket.destroyed).length >= HALF_OPEN - 520);
    for (const socket of held) socket.destroy();
  });

  it("connections of strangers that ask for nothing keep no newcomer out", async () => {
    const held = await Promise.all(Array.from({ length: STRANGERS }, () => dial(world.port)));
    for (const socket of held) socket.on("error", () => {}).resume();
    const { nodeId } = await world.join("worker");
    assert.notEqual(nodeId, "");
    await until("the oldest are cut", () => held.filter(socket => socket.destroyed).length >= STRANGERS - 256);
    for (const socket of held) socket.destroy();
  });

  it("a half-open session, which speaks no HTTP/2 after its handshake, is cut", async () => {
    const socket = await dial(world.port, { identity: await world.join("worker") });
    assert.equal(await isCut(socket, 13_000), true);
  });

  it("a stranger's request of more than 64 KiB is refused", async () => {
    const client = new CaClient(world.address, strangerCredentials({ rootPem: world.root.certificatePem }), clientOptions);
    const request = { csrPem: "x".repeat(100_000), joinToken: "", availability: "", onBehalfOf: "" };
    await assert.rejects(
      unaryCall(tell => client.issueCertificate(request, tell)),
      (error: Error) => /larger than max/i.test(error.message),
    );
    client.close();
  });

  it("a manager's message of more than 16 MiB is refused, and the next one is answered", async () => {
    const client = new LeaderClient(world.address, memberCredentials(world.identity), clientOptions);
    const description = { hostname: "x".repeat(17 * 1024 * 1024) } as never;
    await assert.rejects(
      unaryCall(tell => client.describeNode({ nodeId: world.nodeId, description, address: "" }, tell)),
      (error: Error) => /larger than max/i.test(error.message),
    );
    client.close();
    await stillServes();
  });

  it("metadata beyond measure is refused", async () => {
    const client = new CaClient(world.address, strangerCredentials({ rootPem: world.root.certificatePem }), clientOptions);
    const metadata = new Metadata();
    for (let index = 0; index < 200; index++) metadata.set(`x-${index}`, "y".repeat(4_000));
    await assert.rejects(unaryCall(tell => client.getRootCertificate({}, metadata, tell)));
    client.close();
    await stillServes();
  });

  it("malformed protobuf is refused, from strangers and from members, and the port serves on", async () => {
    const send = (channel: ReturnType<typeof credentials.createSsl>, method: string) => {
      const client = new Client(world.address, channel, clientOptions);
      const bytes = (data: Buffer) => data;
      return unaryCall<Buffer>(tell =>
        client.makeUnaryRequest(method, bytes, bytes, Buffer.from("ffffffffffffffffff07", "hex"), new Metadata(), tell as never),
      ).finally(() => client.close());
    };
    const stranger = strangerCredentials({ rootPem: world.root.certificatePem });
    await assert.rejects(send(stranger, "/shoal.Ca/IssueCertificate"));
    for (const method of ["Join/Join", "Leader/WriteStatuses", "Control/Call"]) {
      await assert.rejects(send(memberCredentials(world.identity), `/shoal.${method}`), method);
    }
    await stillServes();
  });

  it("a manager that an attacker plays gets no join token: its root is not the one that the token pins", async () => {
    const { rootCa } = await world.cluster();
    await using other = await startWorld();
    const tried = enrol({
      addresses: [other.address, world.address],
      joinToken: rootCa.joinTokenWorker,
      availability: "active",
      certificates,
      clock,
    });
    await assert.rejects(tried, { kind: "unauthorized", message: /remote CA does not match fingerprint/ });
  });

  it("a manager of another root is no manager to a member that calls it", async () => {
    await using other = await startWorld();
    const call = world.clients(world.identity).control(other.address, { kind: "get-cluster" }, { requestId: "r" as never });
    await assert.rejects(call, { kind: "unavailable" });
  });
});
