import { isIP } from "node:net";
import type { LocalSwarmState, SwarmMembershipBackend } from "../../api/swarm-backend.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { ControlCaller, ControlRequest, ControlResponse, NodeView } from "../../model/control.ts";
import { clusterIdFrom, type RequestId } from "../../model/ids.ts";
import { parseJoinToken } from "../../model/join-token.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { ClusterNetwork } from "../../network/cluster-network.ts";
import { parseUnlockKey, type UnlockKey } from "../../model/unlock-key.ts";
import { RaftStorage } from "../../raft/storage.ts";
import { enrol } from "../../rpc/join-client.ts";
import { systemCertificates } from "../../system/certificates.ts";
import { DataCipher } from "../../system/data-cipher.ts";
import type { DaemonConfig, LogLevel } from "../config.ts";
import type { Engine } from "../engine.ts";
import { addressesOf, addressTowardsAny, askedBefore } from "./addresses.ts";
import { hostOf, withPort } from "./host-and-port.ts";
import { ClusterLogs } from "./cluster-logs.ts";
import { foundCluster } from "./founding.ts";
import { leaveWarning } from "./leave-warning.ts";
import { type LockedKeys, openKeyFile } from "./key-file.ts";
import { joinRaft, newKeys, ownAddress } from "./manager-calls.ts";
import type { ManagerControl } from "./manager-control.ts";
import { Member } from "./member.ts";
import { NodeFiles, type NodeRecord } from "./node-files.ts";
import type { NodeKeys } from "./node-keys.ts";
import { restoredCluster } from "./restoring.ts";
import { removeTasksOfNode } from "./worker-node.ts";

/** How long `init` and `join` wait for the swarm to take this node in. */
const READY_MS = 30_000;
const POLL_MS = 50;
/** How long the cluster is asked about its managers by one that leaves. */
const MANAGERS_MS = 2000;
const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const WORKER_NOT_MANAGER =
  "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.";
/** How long `unlock` waits for the manager: the others that it needs may be locked still. */
const UNLOCKED_MS = 5_000;
export const LOCKED =
  'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.';
const LOCKED_LEAVE = "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.";
const PORT_IS_KEPT = "a cluster keeps its data path port: --data-path-port cannot be used with --force-new-cluster";
const ALREADY_MEMBER = 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.';

export interface SwarmNodeOptions {
  readonly config: DaemonConfig;
  /** As it is now: a reload changes it. */
  readonly logLevel: () => LogLevel;
  readonly engine: Engine;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** This host's part in the cluster's networks, when it was in a swarm before the engine started. */
  readonly clusterNetwork?: ClusterNetwork | undefined;
}

/** This node's part in a swarm: founding, joining and leaving one, and what runs meanwhile. */
export class SwarmNode implements SwarmMembershipBackend, AsyncDisposable {
  readonly #options: SwarmNodeOptions;
  readonly #files: NodeFiles;
  #member: Member | undefined;
  /** The swarm that this node is in, while nothing of it can be read. */
  #locked: { readonly record: NodeRecord; readonly keys: LockedKeys } | undefined;
  #clusterNetwork: ClusterNetwork | undefined;
  #isBusy = false;

  /** Calls to the managers, for REST. */
  readonly control: ControlCaller = { call: (request, options) => this.#call(request, options) };
  readonly logs: ClusterLogs;

  private constructor(options: SwarmNodeOptions) {
    this.#options = options;
    this.#clusterNetwork = options.clusterNetwork;
    const { clock, random } = options;
    this.logs = new ClusterLogs({
      ...{ control: this.control, clock, random },
      taskLogs: (...asked) => {
        if (this.#member === undefined) throw new OperationError("unavailable", NOT_A_MANAGER);
        return this.#member.taskLogs(...asked);
      },
    });
    this.#files = new NodeFiles({ dataRoot: options.config.dataRoot, disk: options.disk });
  }

  /** Goes on with the swarm that the node was in. */
  static async create(options: SwarmNodeOptions): Promise<SwarmNode> {
    const node = new SwarmNode(options);
    const known = await node.#files.load();
    if (known?.keyFile.kind === "locked") {
      node.#locked = { record: known.record, keys: known.keyFile };
      options.log.warn({}, "this node's swarm is locked: it takes part when it is unlocked");
    } else if (known !== undefined) await node.#start(known.record, known.keyFile.keys);
    return node;
  }

  local(): LocalSwarmState {
    const member = this.#member;
    if (member === undefined) {
      const nobody = { nodeId: "", nodeAddress: "", isManager: false, remoteManagers: [] };
      if (this.#locked === undefined) return { ...nobody, state: this.#isBusy ? "pending" : "inactive", error: "" };
      return { ...nobody, state: "locked", nodeAddress: this.#locked.record.advertiseHost, error: LOCKED };
    }
    const { record, error } = member;
    const own = ownAddress(record);
    return {
      state: error === undefined ? "active" : "error",
      nodeId: record.nodeId,
      nodeAddress: record.advertiseHost,
      isManager: error === undefined && member.control !== undefined,
      error: error ?? "",
      remoteManagers: record.managers.map(address => ({ nodeId: address === own ? record.nodeId : "", address })),
    };
  }

  /** The level has changed. */
  logLevelChanged(): void {
    this.#member?.logLevelChanged();
  }

  /** What this node says of itself has changed. */
  describeAgain(): void {
    this.#member?.describeAgain();
  }

  /** Where the request says nothing, what the administrator said. */
  #withAdvertiseAddress<R extends { readonly advertiseAddress: string }>(request: R): R {
    return { ...request, advertiseAddress: request.advertiseAddress || this.#options.config.swarmAdvertiseAddress };
  }

  async init(asked: Parameters<SwarmMembershipBackend["init"]>[0]): Promise<{ readonly nodeId: string }> {
    const request = this.#withAdvertiseAddress(asked);
    if (request.forceNewCluster && this.#member !== undefined) return await this.#forceNewCluster(this.#member, request);
    return await this.#exclusively(async () => {
      const { record, keys, initialEntry } = await foundCluster(request, { ...this.#options, devices: this.#ownDevices() });
      await this.#files.clear(); // What a crash left of an attempt before.
      await this.#files.saveInitialEntry(initialEntry, new DataCipher(keys.dataKeys, this.#options.random));
      await this.#enter(record, keys);
      return { nodeId: record.nodeId };
    });
  }

  async join(asked: Parameters<SwarmMembershipBackend["join"]>[0]): Promise<void> {
    const request = this.#withAdvertiseAddress(asked);
    await this.#exclusively(async () => {
      const { clock, random } = this.#options;
      parseJoinToken(request.joinToken);
      const remotes = request.remoteAddresses.map(withPort);
      // Of IPv4, which overlay networks need.
      const found = await addressTowardsAny(remotes.map(hostOf).filter(host => isIP(host) !== 6));
      const { advertiseAddress: _, ...addresses } = addressesOf(request, { devices: this.#ownDevices(), found });
      const { joinToken, availability } = request;
      const issued = await enrol({ addresses: remotes, joinToken, availability, certificates: systemCertificates, clock });
      const { address, certificatePem, keyPem, rootPem, nodeId, role } = issued;
      const identity = { certificatePem, keyPem, rootPem };
      const { clusterId } = systemCertificates.verify(certificatePem, { rootPem, nowMs: clock.nowMs() });
      const record: NodeRecord = { nodeId, clusterId, role, ...addresses, managers: [address] };
      const caller = { identity, clock, signal: clock.timeout(READY_MS) };
      const keys = await newKeys(record, { ...caller, random });
      await this.#enter(role === "manager" ? await joinRaft(record, caller) : record, keys);
    });
  }

  /** @throws OperationError in Docker's words where this node is no manager. */
  async *backup({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    yield* this.#control().backup({ signal });
  }

  async restore(asked: Parameters<SwarmMembershipBackend["restore"]>[0]): Promise<{ readonly nodeId: string }> {
    const request = this.#withAdvertiseAddress(asked);
    return await this.#exclusively(async () => {
      const { record, keys, snapshot } = await restoredCluster(request, { ...this.#options, devices: this.#ownDevices() });
      const { disk, random } = this.#options;
      const { index, term, raftId, address, chunks } = snapshot;
      await this.#files.clear(); // What a crash left of an attempt before.
      await RaftStorage.begin(
        { disk, directory: this.#files.raftDirectory, raftId, cipher: new DataCipher(keys.dataKeys, random) },
        { meta: { index, term, members: [{ raftId, address, isLearner: false }] }, chunks },
      ).catch(async (error: unknown) => {
        await this.#files.clear();
        throw error;
      });
      await this.#enter(record, keys);
      return { nodeId: record.nodeId };
    });
  }

  /** @throws OperationError in Docker's words: `conflict` when nothing is locked, `invalid` for what is no key, `unauthorized` for the wrong one. */
  async unlock(text: string): Promise<void> {
    const locked = this.#locked;
    if (locked === undefined) throw new OperationError("conflict", "swarm is not locked");
    const keys = openKeyFile(locked.keys, parseUnlockKey(text), this.#options.random);
    if (keys === undefined) throw new OperationError("unauthorized", "swarm could not be unlocked: invalid key provided");
    await this.#exclusively(
      async () => {
        await this.#start(locked.record, keys);
        this.#locked = undefined;
        await this.#untilReady(UNLOCKED_MS).catch((error: unknown) =>
          this.#options.log.info({ error: errorMessage(error) }, "the swarm is unlocked and not ready yet"),
        );
      },
      { isMember: true },
    );
  }

  async adoptUnlockKey(unlock: UnlockKey): Promise<void> {
    await this.#member?.adoptUnlockKey(unlock);
  }

  async leave({ force }: { readonly force: boolean }): Promise<void> {
    const member = this.#member;
    if (this.#locked !== undefined) return await this.#leaveLocked(this.#locked.record, { force });
    if (member === undefined) throw new OperationError("unavailable", "This node is not part of a swarm");
    const isManager = member.control !== undefined && member.error === undefined;
    if (isManager && !force) throw new OperationError("unavailable", leaveWarning(await this.#managers()));
    await this.#exclusively(
      async () => {
        await member.disconnectContainers();
        await member.sayGoodbye();
        await this.#stop();
        await member.removeAll();
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

  #ownDevices(): ReadonlySet<string> {
    return this.#options.engine.networks.ownDevices();
  }

  /** Nobody can be told: the node has no certificate that it could show. */
  async #leaveLocked({ nodeId }: NodeRecord, { force }: { readonly force: boolean }): Promise<void> {
    if (!force) throw new OperationError("unavailable", LOCKED_LEAVE);
    await this.#exclusively(
      async () => {
        await removeTasksOfNode({ ...this.#options, clusterNetwork: this.#takeClusterNetwork(), nodeId });
        await this.#files.clear();
        this.#locked = undefined;
      },
      { isMember: true },
    );
  }

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

  /** This manager goes on alone with what it knows of the cluster; the others, if they come back, are workers. */
  async #forceNewCluster(
    member: Member,
    request: Parameters<SwarmMembershipBackend["init"]>[0],
  ): Promise<{ readonly nodeId: string }> {
    if (member.control === undefined) throw new OperationError("unavailable", WORKER_NOT_MANAGER);
    if (request.dataPathPort !== 0) throw new OperationError("invalid", PORT_IS_KEPT);
    return await this.#exclusively(
      async () => {
        const { nodeId, advertiseHost } = member.record;
        const before = askedBefore(member.record);
        const asked = {
          ...request,
          advertiseAddress: request.advertiseAddress || before.advertiseAddress,
          dataPathAddress: request.dataPathAddress || before.dataPathAddress,
        };
        const host = { devices: this.#ownDevices(), found: advertiseHost };
        const { advertiseAddress, ...addresses } = addressesOf(asked, host);
        await this.#stop();
        this.#clusterNetwork = member.clusterNetwork; // With the containers that are on it.
        await this.#files.markForceNewCluster();
        const { addressFrom: _, advertisePort: __, ...record } = member.record;
        const alone = { ...record, ...addresses, managers: [advertiseAddress] };
        await this.#files.save(alone);
        await this.#start(alone, member.keys);
        // Ready is what the old state says of it too; the others are managers until the mark is gone.
        await this.#untilReady(READY_MS, async () => !(await this.#files.isForceNewClusterMarked()));
        return { nodeId };
      },
      { isMember: true },
    );
  }

  /** Durable first, then running; what does not come up is undone. */
  async #enter(record: NodeRecord, keys: NodeKeys): Promise<void> {
    await this.#files.save(record, { next: keys, random: this.#options.random });
    try {
      await this.#start(record, keys);
      await this.#untilReady(READY_MS);
    } catch (error) {
      await this.#stop();
      await this.#files.clear();
      throw error;
    }
  }

  async #start(record: NodeRecord, keys: NodeKeys): Promise<void> {
    const options = { ...this.#options, clusterNetwork: this.#takeClusterNetwork() };
    this.#member = await Member.start({ options, files: this.#files, record, keys });
  }

  /** It is of the membership that the daemon started with; another node id needs another one. */
  #takeClusterNetwork(): ClusterNetwork | undefined {
    const clusterNetwork = this.#clusterNetwork;
    this.#clusterNetwork = undefined;
    return clusterNetwork;
  }

  async #stop(): Promise<void> {
    const member = this.#member;
    this.#member = undefined;
    await member?.[Symbol.asyncDispose]();
  }

  async #untilReady(waitMs: number, isDone = async () => true): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + waitMs;
    for (;;) {
      try {
        if ((await this.#member?.isReady()) === true && (await isDone())) return;
      } catch (error) {
        if (clock.monotonicMs() >= deadlineMs) throw error;
      }
      if (clock.monotonicMs() >= deadlineMs) throw new OperationError("unavailable", "Timeout was reached before node joined.");
      await clock.sleep(POLL_MS);
    }
  }

  async #exclusively<T>(work: () => Promise<T>, { isMember = false } = {}): Promise<T> {
    if (this.#isBusy) throw new OperationError("unavailable", "another change of this node's swarm membership is under way");
    if (!isMember && (this.#member ?? this.#locked) !== undefined) throw new OperationError("unavailable", ALREADY_MEMBER);
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }

  async #call(request: ControlRequest, options: Parameters<ControlCaller["call"]>[1]): Promise<ControlResponse> {
    return await this.#control().call(request, options);
  }

  #control(): ManagerControl {
    const member = this.#member;
    if (member?.control !== undefined) return member.control;
    const reason = this.#locked !== undefined ? LOCKED : member === undefined ? NOT_A_MANAGER : WORKER_NOT_MANAGER;
    throw new OperationError("unavailable", reason);
  }
}
