import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { LocalSwarmState, SwarmMembershipBackend } from "../../api/backends.ts";
import { entryBytes } from "../../codec/entry.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { CLUSTER_DEFAULTS, makeInitialEntry } from "../../manager/control-api/initial.ts";
import { clusterIdFrom, type ClusterId, type NetworkId, type NodeId, type RequestId } from "../../model/ids.ts";
import type { ControlCaller, ControlRequest, ControlResponse, NodeView } from "../../model/control.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { ClusterNetwork } from "../../network/cluster-network.ts";
import { LocalControl } from "../../rpc/control-client.ts";
import { enrol } from "../../rpc/join-client.ts";
import { ManagerClients } from "../../rpc/manager-clients.ts";
import { systemCertificates } from "../../system/certificates.ts";
import { createSpawner } from "../../system/spawn.ts";
import type { DaemonConfig } from "../config.ts";
import type { Engine } from "../engine.ts";
import { leaveWarning } from "./leave-warning.ts";
import { type ManagerRecord, NodeFiles, type NodeRecord } from "./node-files.ts";
import { ManagerProcess } from "./manager-process.ts";
import { WorkerNode } from "./worker-node.ts";

const DEFAULT_PORT = 2377;
/** How long `init` and `join` wait for the swarm to take this node in. */
const READY_MS = 30_000;
const POLL_MS = 100;
/** How long the cluster is asked about its managers by one that leaves. */
const MANAGERS_MS = 2000;
const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const WORKER_NOT_MANAGER =
  "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.";
const ALREADY_MEMBER = 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.';

export interface SwarmNodeOptions {
  readonly config: DaemonConfig;
  readonly engine: Engine;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** This host's part in the cluster's networks, when it was in a swarm before the engine started. */
  readonly clusterNetwork?: ClusterNetwork | undefined;
}

/** What runs while this node is in a swarm. */
interface Membership {
  readonly record: NodeRecord;
  readonly manager: ManagerProcess | undefined;
  readonly control: LocalControl | undefined;
  readonly worker: WorkerNode;
}

/** This node's part in a swarm: founding, joining and leaving one, and what runs meanwhile. */
export class SwarmNode implements SwarmMembershipBackend, AsyncDisposable {
  readonly #options: SwarmNodeOptions;
  readonly #files: NodeFiles;
  #membership: Membership | undefined;
  #isBusy = false;
  #error = "";

  /** Calls to the managers, for REST. */
  readonly control: ControlCaller = { call: (request, options) => this.#call(request, options) };

  private constructor(options: SwarmNodeOptions) {
    this.#options = options;
    this.#files = new NodeFiles({ dataRoot: options.config.dataRoot, disk: options.disk });
  }

  /** Goes on with the swarm that the node was in. */
  static async create(options: SwarmNodeOptions): Promise<SwarmNode> {
    const node = new SwarmNode(options);
    const known = await node.#files.load();
    if (known !== undefined) await node.#start(known.record, known.identity);
    return node;
  }

  local(): LocalSwarmState {
    const membership = this.#membership;
    if (membership === undefined) {
      return {
        state: this.#isBusy ? "pending" : "inactive",
        nodeId: "",
        nodeAddress: "",
        isManager: false,
        error: this.#error,
        remoteManagers: [],
      };
    }
    const { record } = membership;
    return {
      state: "active",
      nodeId: record.nodeId,
      nodeAddress: record.advertiseHost,
      isManager: record.role === "manager",
      error: "",
      remoteManagers: membership.worker
        .managers()
        .map(address => ({ nodeId: address.startsWith(`${record.advertiseHost}:`) ? record.nodeId : "", address })),
    };
  }

  async init(request: Parameters<SwarmMembershipBackend["init"]>[0]): Promise<{ readonly nodeId: string }> {
    return await this.#exclusively(async () => {
      const { clock, random } = this.#options;
      const { listenAddress, advertiseHost, advertiseAddress } = addressesOf(request);
      const nodeId = clusterIdFrom<NodeId>(random.bytes(25));
      const clusterId = clusterIdFrom<ClusterId>(random.bytes(25));
      const nowMs = clock.nowMs();
      const root = await systemCertificates.createRoot({ nowMs });
      const { csrPem, keyPem } = await systemCertificates.createRequest();
      const raftId = 1;
      const entry = makeInitialEntry({
        ...{ clusterId, nodeId, root, random, raftId, certificates: systemCertificates },
        ingressId: clusterIdFrom<NetworkId>(random.bytes(25)),
        managerAddress: advertiseAddress,
        availability: request.availability,
        ...(request.defaultAddressPool.length > 0 && { defaultAddressPool: request.defaultAddressPool }),
        ...(request.subnetSize > 0 && { subnetSize: request.subnetSize }),
      });
      const lifetimeMs = CLUSTER_DEFAULTS.nodeCertExpiryNs / 1e6;
      const certificatePem = await systemCertificates.issue({
        csrPem,
        root,
        nodeId,
        clusterId,
        role: "manager",
        nowMs,
        lifetimeMs,
      });
      const identity: NodeIdentity = { certificatePem, keyPem, rootPem: root.certificatePem };
      const record: NodeRecord = {
        ...{ nodeId, clusterId, listenAddress, advertiseHost },
        role: "manager",
        managers: [advertiseAddress],
        manager: { raftId, isFounder: true },
      };
      await this.#files.saveInitialEntry(entryBytes.encode({ ...entry, atMs: nowMs }));
      await this.#enter(record, identity);
      return { nodeId };
    });
  }

  async join(request: Parameters<SwarmMembershipBackend["join"]>[0]): Promise<void> {
    await this.#exclusively(async () => {
      const { clock } = this.#options;
      const { listenAddress, advertiseHost, advertiseAddress } = addressesOf(request);
      const [remote] = request.remoteAddresses;
      if (remote === undefined) throw new OperationError("invalid", "at least 1 RemoteAddr is required to join");
      const address = withPort(remote);
      const issued = await enrol({
        address,
        joinToken: request.joinToken,
        availability: request.availability,
        certificates: systemCertificates,
        clock,
      });
      const identity: NodeIdentity = { certificatePem: issued.certificatePem, keyPem: issued.keyPem, rootPem: issued.rootPem };
      const { clusterId } = systemCertificates.verify(issued.certificatePem, { rootPem: issued.rootPem, nowMs: clock.nowMs() });
      const base: NodeRecord = {
        nodeId: issued.nodeId,
        clusterId,
        role: issued.role,
        listenAddress,
        advertiseHost,
        managers: [address],
      };
      const record = issued.role === "manager" ? await this.#joinRaft(base, { identity, address, advertiseAddress }) : base;
      await this.#enter(record, identity);
    });
  }

  async leave({ force }: { readonly force: boolean }): Promise<void> {
    const membership = this.#membership;
    if (membership === undefined) throw new OperationError("unavailable", "This node is not part of a swarm");
    if (membership.record.role === "manager" && !force) {
      throw new OperationError("unavailable", leaveWarning(await this.#managers()));
    }
    await this.#exclusively(
      async () => {
        await this.#leaveRaft(membership);
        await this.#stop();
        await membership.worker.removeAll();
        await this.#files.clear();
      },
      { isMember: true },
    );
  }

  /** Containers run on; the manager hands leadership over. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  // ---- steps ----

  /** `undefined` when the cluster does not answer. */
  async #managers(): Promise<readonly NodeView[] | undefined> {
    const { clock, random } = this.#options;
    const requestId = clusterIdFrom<RequestId>(random.bytes(25));
    try {
      const answer = await this.#call({ kind: "list-nodes", filters: {} }, { requestId, signal: clock.timeout(MANAGERS_MS) });
      return answer.kind === "nodes" ? answer.nodes.filter(({ node }) => node.manager !== undefined) : undefined;
    } catch {
      return undefined;
    }
  }

  async #joinRaft(
    record: NodeRecord,
    {
      identity,
      address,
      advertiseAddress,
    }: { readonly identity: NodeIdentity; readonly address: string; readonly advertiseAddress: string },
  ): Promise<NodeRecord> {
    await using clients = new ManagerClients({ identity: () => identity, clock: this.#options.clock });
    const { raftId, members } = await clients.join(address, { own: advertiseAddress });
    const manager: ManagerRecord = { raftId, isFounder: false };
    return { ...record, manager, managers: [...new Set([...members.map(member => member.address), address])] };
  }

  async #leaveRaft({ record }: Membership): Promise<void> {
    if (record.manager === undefined) return;
    try {
      const identity = await this.#files.loadIdentity();
      await using clients = new ManagerClients({ identity: () => identity, clock: this.#options.clock });
      await clients.leave(`127.0.0.1:${portOf(record.listenAddress)}`, { signal: this.#options.clock.timeout(POLL_MS * 50) });
    } catch (error) {
      this.#options.log.warn({ error: errorMessage(error) }, "the other managers could not be told that this one leaves");
    }
  }

  /** Durable first, then running; what does not come up is undone. */
  async #enter(record: NodeRecord, identity: NodeIdentity): Promise<void> {
    await this.#files.save(record, identity);
    try {
      await this.#start(record, identity);
      await this.#untilReady();
    } catch (error) {
      await this.#stop();
      await this.#files.clear();
      throw error;
    }
  }

  async #start(record: NodeRecord, identity: NodeIdentity): Promise<void> {
    const { config, clock, log } = this.#options;
    const { manager: managerRecord } = record;
    const socketPath = join(config.execRoot, "manager.sock");
    const manager =
      managerRecord === undefined
        ? undefined
        : new ManagerProcess({
            ...{ clock, log },
            spawner: createSpawner(),
            options: {
              ...{ dataRoot: config.dataRoot, socketPath, logLevel: config.logLevel },
              ...{ nodeId: record.nodeId, clusterId: record.clusterId, listenAddress: record.listenAddress },
              ...managerRecord,
              advertiseAddress: `${record.advertiseHost}:${portOf(record.listenAddress)}`,
              crashDirectory: join(config.dataRoot, "crash"),
            },
          });
    const control = manager === undefined ? undefined : new LocalControl({ path: socketPath, clock });
    const worker = await WorkerNode.start({ ...this.#options, record, identity, files: this.#files });
    this.#membership = { record, manager, control, worker };
  }

  async #stop(): Promise<void> {
    const membership = this.#membership;
    if (membership === undefined) return;
    this.#membership = undefined;
    await membership.worker[Symbol.asyncDispose]();
    await membership.control?.[Symbol.asyncDispose]();
    await membership.manager?.[Symbol.asyncDispose]();
  }

  /** A manager is ready when the cluster's state says so, a worker when a manager has taken its session. */
  async #isReady(): Promise<boolean> {
    if (this.#membership === undefined) return false;
    const { control, worker, record } = this.#membership;
    if (control === undefined) return worker.isConnected();
    const requestId = clusterIdFrom<RequestId>(this.#options.random.bytes(25));
    const answer = await control.call({ kind: "get-node", idOrName: record.nodeId }, { requestId });
    return answer.kind === "nodes" && answer.nodes[0]?.node.status.state === "ready";
  }

  async #untilReady(): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + READY_MS;
    for (;;) {
      try {
        if (await this.#isReady()) return;
      } catch (error) {
        if (clock.monotonicMs() >= deadlineMs) throw error;
      }
      if (clock.monotonicMs() >= deadlineMs) {
        throw new OperationError(
          "unavailable",
          "Timeout was reached before node joined. The attempt to join the swarm will continue in the background.",
        );
      }
      await clock.sleep(POLL_MS);
    }
  }

  async #exclusively<T>(work: () => Promise<T>, { isMember = false } = {}): Promise<T> {
    if (this.#isBusy) throw new OperationError("unavailable", "another change of this node's swarm membership is under way");
    if (!isMember && this.#membership !== undefined) throw new OperationError("unavailable", ALREADY_MEMBER);
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }

  #call(request: ControlRequest, options: Parameters<ControlCaller["call"]>[1]): Promise<ControlResponse> {
    const membership = this.#membership;
    if (membership?.control !== undefined) return membership.control.call(request, options);
    return Promise.reject(new OperationError("unavailable", membership === undefined ? NOT_A_MANAGER : WORKER_NOT_MANAGER));
  }
}

/** Where this manager listens, and where others reach the node. */
function addressesOf(request: { readonly listenAddress: string; readonly advertiseAddress: string }): {
  readonly listenAddress: string;
  readonly advertiseHost: string;
  readonly advertiseAddress: string;
} {
  const listenAddress = withPort(request.listenAddress === "" ? "0.0.0.0" : request.listenAddress);
  const advertise = request.advertiseAddress === "" ? onlyAddress() : request.advertiseAddress;
  const advertiseHost = hostOf(withPort(advertise));
  const own = interfaceAddress(advertiseHost) ?? advertiseHost;
  if (isIP(own) === 0)
    throw new OperationError(
      "invalid",
      `advertise address must be a non-zero IP address or network interface (with optional port number)`,
    );
  return { listenAddress, advertiseHost: own, advertiseAddress: `${own}:${portOf(listenAddress)}` };
}

/** @throws OperationError `invalid` in Docker's words when there is more than one to choose from. */
function onlyAddress(): string {
  const candidates = Object.values(networkInterfaces())
    .flat()
    .filter(address => address !== undefined)
    .filter(({ internal, family }) => !internal && family === "IPv4");
  const [first, second] = candidates;
  if (first === undefined)
    throw new OperationError("invalid", "could not find the system's IP address - specify one with --advertise-addr");
  if (second !== undefined) {
    throw new OperationError(
      "invalid",
      `could not choose an IP address to advertise since this system has multiple addresses on different interfaces (${first.address} and ${second.address}) - specify one with --advertise-addr`,
    );
  }
  return first.address;
}

function interfaceAddress(name: string): string | undefined {
  return networkInterfaces()[name]?.find(({ family }) => family === "IPv4")?.address;
}

function withPort(address: string): string {
  if (/^\[.*\]:\d+$|^[^:]*:\d+$/.test(address)) return address;
  return `${address}:${DEFAULT_PORT}`;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
