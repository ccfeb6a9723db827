import { crc32 } from "node:zlib";
import type { ControlPlane } from "../../../src/daemon/manager/control-plane.ts";
import { assert } from "../../../src/lib/assert.ts";
import { OperationError } from "../../../src/lib/errors.ts";
import { makeInitialEntry } from "../../../src/manager/control-api/initial.ts";
import type { LeaderCalls, StatusReport } from "../../../src/manager/dispatcher/leader-calls.ts";
import { isNewer } from "../../../src/manager/dispatcher/status-writer.ts";
import type { IssueCall, IssuedCertificate } from "../../../src/manager/ca/authority.ts";
import { entryBytes, FORMAT_LEVEL } from "../../../src/codec/entry.ts";
import type { ControlCallOptions, ControlRequest, ControlResponse } from "../../../src/model/control.ts";
import { type ClusterId, clusterIdFrom, type NetworkId, type NodeId } from "../../../src/model/ids.ts";
import type { SessionDown, SessionUp } from "../../../src/model/session.ts";
import type { NodeCertificate } from "../../../src/ports/certificates.ts";
import type { RaftTransport } from "../../../src/ports/consensus.ts";
import type { Log } from "../../../src/ports/log.ts";
import { SimulatedNetwork } from "../network.ts";
import { Pipe } from "../pipe.ts";
import { SimulatedProcess } from "../process.ts";
import { SeededRandom } from "../seeded-random.ts";
import { simulatedClock, VirtualTime } from "../virtual-time.ts";
import { readSimulatedCertificate, simulatedCertificates } from "./certificates.ts";
import { SimulatedHost } from "./host.ts";
import type { ManagerRun } from "./host-record.ts";
import { Ledger } from "./ledger.ts";
import { type Place, Wires } from "./wires.ts";

const ignored = (): void => undefined;

type Waiting = { readonly signal?: AbortSignal };

/** How often a manager looks whether those that are connected still may be. */
const REVIEW_MS = 5_000;
const YEAR_MS = 365 * 86_400_000;

interface JoinCall {
  readonly own: string;
  readonly formatLevel?: number;
  readonly onBehalfOf?: NodeId;
}

/** A cluster: its hosts, what connects them, and what all of its managers applied together. */
export class World {
  readonly time = new VirtualTime();
  readonly clock = simulatedClock(this.time);
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly wires: Wires;
  readonly ledger: Ledger;
  readonly hosts = new Map<string, SimulatedHost>();
  /** Clients and whoever joins: at a place that nothing cuts off. */
  readonly outside: Place;
  /** Changes with everything that happens: the same seed gives the same hash. */
  traceHash = 0;
  readonly #onTrace: ((line: string) => void) | undefined;
  #failure: Error | undefined;
  #places = 0;
  readonly isMixed: boolean;

  constructor(seed: number, { onTrace }: { readonly onTrace?: ((line: string) => void) | undefined } = {}) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(this.time, this.random.fork());
    this.wires = new Wires(this.time, this.network);
    this.ledger = new Ledger(this.time);
    this.outside = { at: 0, process: new SimulatedProcess(this.time) };
    this.#onTrace = onTrace;
    this.isMixed = this.random.chance(0.4);
  }

  /** What a host's programs write to their logs is in the trace. */
  logOf(host: string): Log {
    if (this.#onTrace === undefined) return { debug: ignored, info: ignored, warn: ignored, error: ignored };
    const told = (fields: Readonly<Record<string, unknown>>, message: string) =>
      this.trace(`log ${host}: ${message} ${JSON.stringify(fields)}`);
    return { debug: ignored, info: told, warn: told, error: told };
  }

  trace(line: string): void {
    if (this.#onTrace === undefined && line.startsWith("log ")) return;
    const stamped = `${this.time.nowMs.toFixed(3)} ${line}`;
    if (!line.startsWith("log ")) this.traceHash = crc32(stamped, this.traceHash);
    this.#onTrace?.(stamped);
  }

  fail(error: unknown): void {
    if (this.#failure === undefined) this.trace(`FAILED ${error instanceof Error ? error.stack : String(error)}`);
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  id<Id extends string>(): Id {
    return clusterIdFrom(this.random.bytes(25)) as string as Id;
  }

  /** Runs until `untilMs`, or until `isDone`. @throws What went wrong, as soon as it did. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    while (!isDone() && (await this.time.step(untilMs))) {
      const failure = this.#failure ?? this.ledger.failure;
      if (failure !== undefined) throw failure;
    }
    if (!isDone()) this.time.nowMs = Math.max(this.time.nowMs, untilMs);
  }

  /** In some clusters every other host comes with a program that is one format older. */
  newProgramLevel(): number {
    return this.isMixed && this.random.chance(0.5) ? FORMAT_LEVEL - 1 : FORMAT_LEVEL;
  }

  // ---- hosts ----

  #place(): { readonly name: string; readonly at: number } {
    const at = ++this.#places;
    return { name: `h${at}`, at };
  }

  /** `swarm init`. */
  found(): SimulatedHost {
    const nodeId = this.id<NodeId>();
    const clusterId = this.id<ClusterId>();
    const place = this.#place();
    const certificate = { nodeId, clusterId, role: "manager", ...this.#validity() } as const;
    const address = `${place.name}:2377`;
    const record = { nodeId, certificate, managers: [address], manager: { raftId: 1, isFounder: true } };
    const host = new SimulatedHost(this, { ...place, record });
    if (this.isMixed) host.formatLevel = FORMAT_LEVEL - 1; // A newer one would let no older one in.
    const entry = makeInitialEntry({
      formatLevel: host.formatLevel,
      ...{ clusterId, nodeId, raftId: 1, managerAddress: address, availability: "active", ingressId: this.id<NetworkId>() },
      ...{
        root: { certificatePem: "root", keyPem: "root key" },
        certificates: simulatedCertificates,
        random: this.random.fork(),
      },
    });
    host.initialEntry = entryBytes.encode({ ...entry, atMs: this.clock.nowMs() });
    this.hosts.set(host.name, host);
    host.start();
    return host;
  }

  #validity() {
    return { notBeforeMs: this.clock.nowMs(), notAfterMs: this.clock.nowMs() + YEAR_MS };
  }

  /** `swarm join`, asked of any manager. @throws OperationError `unavailable`. */
  async join(place: Place, address: string, options: JoinCall & Waiting) {
    return await this.#call(place, address, options, (plane, peer, { signal }) =>
      plane.backends.join.join(
        { nodeId: options.onBehalfOf ?? peer.nodeId, role: peer.role },
        { address: options.own, signal, ...(options.formatLevel !== undefined && { formatLevel: options.formatLevel }) },
      ),
    );
  }

  /** A new machine asks for a certificate with a join token, and starts as what the token says. */
  async joinSwarm(address: string, joinToken: string): Promise<SimulatedHost> {
    const call = { csrPem: "request", joinToken, availability: "active" } as const;
    const issued = await this.issue(this.outside, address, call, { signal: this.clock.timeout(5_000) });
    const certificate = readSimulatedCertificate(issued.certificatePem);
    const managers = [...this.hosts.values()].filter(({ manager }) => manager !== undefined).map(host => host.address);
    const host = new SimulatedHost(this, { ...this.#place(), record: { nodeId: certificate.nodeId, certificate, managers } });
    this.hosts.set(host.name, host);
    host.start();
    return host;
  }

  isConnected(a: number, b: number): boolean {
    return this.network.isOpen(a, b) && this.network.isOpen(b, a);
  }

  hostAt(address: string): SimulatedHost | undefined {
    return this.hosts.get(address.slice(0, address.indexOf(":")));
  }

  hostOf(nodeId: NodeId): SimulatedHost | undefined {
    return [...this.hosts.values()].find(host => host.nodeId === nodeId);
  }

  /** It was acknowledged that this node has left. */
  isToBeDown(nodeId: NodeId): void {
    const state = this.ledger.view.get("node", nodeId)?.status.state ?? "gone";
    if (state !== "down" && state !== "gone") this.fail(new Error(`node ${nodeId} said goodbye, was answered, and is ${state}`));
  }

  /** It was acknowledged that these are in the state. */
  #areKnown({ nodeId, statuses }: StatusReport): void {
    for (const { taskId, status } of statuses) {
      const task = this.ledger.view.get("task", taskId);
      if (task?.nodeId === nodeId && isNewer(status, task.status))
        this.fail(
          new Error(`report lost: that task ${taskId} is ${status.state} was acknowledged, and it is ${task.status.state}`),
        );
    }
  }

  /** Whether a node's daemon takes a connection from there. */
  async reaches(from: Place, nodeId: NodeId, { signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    const host = this.hostOf(nodeId);
    if (host === undefined) return false;
    const there = { at: host.at, process: () => host.daemon };
    return await this.wires.call(from, there, async () => true, { signal }).catch(() => false);
  }

  /** The one that leads in the newest term, if any does. */
  leader(): SimulatedHost | undefined {
    let newest: SimulatedHost | undefined;
    let newestTerm = 0;
    for (const host of this.hosts.values()) {
      const status = host.manager?.plane?.consensus.status();
      if (status?.role !== "leader" || status.term <= newestTerm) continue;
      newest = host;
      newestTerm = status.term;
    }
    return newest;
  }

  // ---- calls to manager ports ----

  /** Who calls is known by the certificate of its host; managers admit whom the state says they may. */
  async #call<T>(
    place: Place,
    address: string,
    { signal }: Waiting,
    run: (plane: ControlPlane, peer: NodeCertificate, waiting: { readonly signal: AbortSignal }) => Promise<T>,
    { isForAll = false }: { readonly isForAll?: boolean } = {},
  ): Promise<T> {
    const callee = this.#manager(address);
    const work = async (waiting: { readonly signal: AbortSignal }) => {
      const plane = this.hostAt(address)?.manager?.plane;
      assert(plane !== undefined, "a process that listens has a control plane");
      const caller = [...this.hosts.values()].find(({ at }) => at === place.at)?.record.certificate;
      const peer = caller ?? ({ nodeId: "", role: "worker" } as unknown as NodeCertificate);
      if (!isForAll) admit(plane, peer);
      return await run(plane, peer, waiting);
    };
    return await this.wires.call(place, callee, work, signal === undefined ? {} : { signal });
  }

  #manager(address: string) {
    const host = this.hostAt(address);
    const process = () => (host?.manager?.plane === undefined ? undefined : host.manager.process);
    return { at: host?.at ?? -1, process };
  }

  async issue(place: Place, address: string, call: IssueCall, waiting: Waiting): Promise<IssuedCertificate> {
    return await this.#call(place, address, waiting, (plane, _peer, { signal }) => plane.backends.ca.issue(call, { signal }), {
      isForAll: true,
    });
  }

  async leave(place: Place, address: string, options: { readonly onBehalfOf: NodeId } & Waiting): Promise<void> {
    await this.#call(place, address, options, (plane, _peer, { signal }) =>
      plane.backends.join.leave({ nodeId: options.onBehalfOf }, { signal }),
    );
  }

  async control(
    place: Place,
    address: string,
    request: ControlRequest,
    options: ControlCallOptions & { readonly isForwarded: boolean } & Waiting,
  ): Promise<ControlResponse> {
    return await this.#call(
      place,
      address,
      options,
      (plane, _peer, waiting) => plane.backends.control.call(request, { ...options, ...waiting }),
      { isForAll: place === this.outside },
    );
  }

  leaderCalls(place: Place, address: string): LeaderCalls {
    const leader = (plane: ControlPlane) => plane.backends.leader;
    return {
      writeStatuses: (report, waiting) =>
        this.#call(place, address, waiting, async (plane, _peer, inner) => {
          this.trace(`log ${address} is told ${JSON.stringify(report)}`);
          await leader(plane).writeStatuses(report, inner);
          this.#areKnown(report);
        }),
      describeNode: (report, waiting) =>
        this.#call(place, address, waiting, (plane, _peer, inner) => leader(plane).describeNode(report, inner)),
      reportSessions: (report, waiting) =>
        this.#call(place, address, waiting, (plane, _peer, inner) => leader(plane).reportSessions(report, inner)),
    };
  }

  session(
    host: SimulatedHost,
    place: Place,
    address: string,
    { up, signal }: { readonly up: AsyncIterable<SessionUp>; readonly signal: AbortSignal },
  ): AsyncIterable<SessionDown> {
    const serve = (upward: AsyncIterable<SessionUp>, waiting: { readonly signal: AbortSignal }) =>
      this.#serve(host.record.certificate, address, upward, waiting);
    return this.wires.converse(place, this.#manager(address), serve, { up, signal });
  }

  async *#serve(
    peer: NodeCertificate,
    address: string,
    up: AsyncIterable<SessionUp>,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SessionDown, void, undefined> {
    const run = this.hostAt(address)?.manager;
    const plane = run?.plane;
    if (run === undefined || plane === undefined) throw new OperationError("unavailable", "connection refused");
    admit(plane, peer);
    const over = new AbortController();
    const review = async () => {
      for (;;) {
        await run.process.clock.sleep(REVIEW_MS, { signal: AbortSignal.any([signal, over.signal]) });
        if (plane.backends.admission(peer) !== "member") over.abort(new OperationError("unavailable", "the connection was cut"));
      }
    };
    review().catch(() => undefined);
    try {
      const { nodeId, role } = peer;
      yield* plane.backends.dispatcher.session({ nodeId, role }, this.#traced(up, nodeId), {
        signal: AbortSignal.any([signal, over.signal]),
      });
      over.signal.throwIfAborted();
    } finally {
      over.abort(new OperationError("cancelled", "the session is over"));
    }
  }

  async *#traced(up: AsyncIterable<SessionUp>, nodeId: NodeId): AsyncGenerator<SessionUp> {
    for await (const message of up) {
      this.trace(`log ${nodeId} says ${JSON.stringify(message)}`);
      yield message;
    }
  }

  // ---- Raft's messages ----

  /** The other managers that the network reaches find out that this one's connections are broken. */
  disconnect(host: SimulatedHost): void {
    for (const { at, manager: other } of this.hosts.values()) {
      if (other === undefined || at === host.at || !this.network.isOpen(host.at, at)) continue;
      const tell = () => other.plane?.backends.raft.disconnected(host.record.certificate);
      this.time.after(this.network.latencyMs(), () => other.process.pass(tell));
    }
  }

  transportOf(host: SimulatedHost, sender: ManagerRun): RaftTransport {
    let tellLost = (_address: string) => {};
    const admits = ({ plane }: ManagerRun) =>
      plane !== undefined && plane.backends.admission(host.record.certificate) !== "superseded";
    return {
      onLost: tell => {
        tellLost = tell;
      },
      send: ({ address }, message) => {
        const to = this.hostAt(address);
        if (to === undefined) return;
        if (!this.network.isOpen(host.at, to.at)) this.time.after(1, () => sender.process.pass(() => tellLost(address)));
        this.network.send(host.at, to.at, () => {
          const receiver = to.manager;
          receiver?.process.pass(() => {
            if (admits(receiver)) receiver.plane?.backends.raft.receive(message, host.record.certificate);
          });
        });
      },
      sendSnapshot: async ({ address }, chunks) => {
        const to = this.hostAt(address);
        const receiver = to?.manager;
        const raft = receiver?.plane?.backends.raft;
        if (to === undefined || receiver === undefined || raft === undefined || !admits(receiver))
          throw new OperationError("unavailable", "nobody is there");
        const pipe = new Pipe<Uint8Array>(sender.process, receiver.process);
        const received = raft.receiveSnapshot(pipe.read(), host.record.certificate);
        const broken = new Promise<never>((_, reject) =>
          receiver.process.onDeath.add(() => reject(new OperationError("unavailable", "the receiver died"))),
        );
        broken.catch(() => undefined);
        received.catch(() => undefined);
        try {
          for await (const chunk of chunks) {
            await sender.process.clock.sleep(this.network.latencyMs());
            if (!this.network.isOpen(host.at, to.at) || this.network.isUnlucky()) pipe.fail("the connection broke");
            pipe.throwIfFailed();
            pipe.push(chunk);
          }
          pipe.end();
        } catch (error) {
          pipe.fail("the sender gave up");
          throw error;
        }
        await sender.process.hear(Promise.race([received, broken]));
      },
    };
  }
}

/** As the manager port does with whatever is not Raft's. */
function admit({ backends }: ControlPlane, peer: NodeCertificate): void {
  const admission = backends.admission(peer);
  if (admission === "superseded") throw new OperationError("forbidden", "the certificate is superseded");
  if (admission === "ahead") throw new OperationError("unavailable", "this manager does not know the node yet");
}
