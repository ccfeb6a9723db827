import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Authority } from "../../model/session.ts";
import type { TaskLogLine, TaskLogsRequest } from "../../model/task-logs.ts";
import type { NodeRole } from "../../model/cluster.ts";
import type { UnlockKey } from "../../model/unlock-key.ts";
import type { ClusterNetwork } from "../../network/cluster-network.ts";
import type { NodeCertificate } from "../../ports/certificates.ts";
import { tlsOf } from "../../system/certificate-chain.ts";
import { readCertificate } from "../../system/certificates.ts";
import type { PeerListener } from "../../rpc/peer-listener.ts";
import { peerAddress, taskLogsOf } from "../../rpc/peer-client.ts";
import { AddressWatch } from "./address-watch.ts";
import { attachmentCalls } from "./attachment-calls.ts";
import {
  hasLostItsPlace,
  joinRaft,
  newKeys,
  ownAddress,
  placeOf,
  renewCertificate,
  sayGoodbye,
  tellAddress,
} from "./manager-calls.ts";
import type { ManagerControl } from "./manager-control.ts";
import type { NodeFiles, NodeRecord } from "./node-files.ts";
import { type KeyReport, type NodeKeys, withIdentity } from "./node-keys.ts";
import { nodeStateAt } from "./node-state.ts";
import { openPeerPort } from "./peer-port.ts";
import { MemberState } from "./member-state.ts";
import { RunningManager } from "./running-manager.ts";
import type { SwarmNodeOptions } from "./swarm-node.ts";
import { renewalTimeMs, type Standing, Upkeep } from "./upkeep.ts";
import { WorkerNode } from "./worker-node.ts";

/** How long the worker waits for the manager process of its own node before it tries another. */
const OWN_MANAGER_MS = 3_000;
const OWN_MANAGER_POLL_MS = 20;

interface MemberSetup {
  readonly options: SwarmNodeOptions;
  readonly files: NodeFiles;
  readonly record: NodeRecord;
  readonly keys: NodeKeys;
}

/** What runs while this node is in a swarm: its worker, its manager if it is to have one, and the upkeep of its certificate. */
export class Member implements AsyncDisposable {
  readonly #options: SwarmNodeOptions;
  readonly #files: NodeFiles;
  readonly #state: MemberState;
  #certificate: NodeCertificate;
  #renewAtMs: number;
  #manager: RunningManager | undefined;
  #worker: WorkerNode | undefined;
  #upkeep: Upkeep | undefined;
  #peers: PeerListener | undefined;
  #wantedRole: NodeRole | undefined;
  #isRefused = false;
  #authority: Authority | undefined;
  #expulsion: string | undefined;
  #address: AddressWatch | undefined;

  private constructor({ options, files, record, keys }: MemberSetup) {
    this.#options = options;
    this.#files = files;
    this.#state = new MemberState({ files, random: options.random, record, keys });
    this.#certificate = readCertificate(keys.identity.certificatePem);
    this.#renewAtMs = this.#drawRenewalTime();
  }

  /** Goes on from what is on disk: a change of role that was cut short is brought to its end. */
  static async start(setup: MemberSetup): Promise<Member> {
    const member = new Member(setup);
    const { options, files } = setup;
    if (member.#certificate.role === "manager" && member.#state.record.manager !== undefined) {
      await member.#state.prepareManager(member.#state.record);
      member.#startManager();
    }
    member.#worker = await WorkerNode.start({
      ...options,
      ...{
        nodeId: member.#state.record.nodeId,
        advertiseHost: () => member.#state.record.advertiseHost,
        placeOf: address => placeOf(address, member.#state.record),
        dataPathHost: member.#state.record.dataPathHost,
        taskDirectory: files.taskDirectory,
      },
      identity: () => member.#state.identity,
      managers: () => member.#state.record.managers,
      onManagers: managers => member.#setManagers(managers),
      onAuthority: authority => member.#setAuthority(authority),
      onRole: role => member.#setWantedRole(role),
      onRefused: () => member.#setRefused(),
      attachments: attachmentCalls({ ...options, state: member.#state, control: () => member.control }),
      untilReachable: (address, waiting) => member.#untilOwnManager(address, waiting),
    });
    member.#peers = await openPeerPort({ ...options, identity: member.#state.identity, record: () => member.#state.record });
    member.#upkeep = new Upkeep({
      ...options,
      standing: () => member.#standing(),
      steps: {
        renew: waiting => member.#renew(waiting),
        "join-raft": waiting => member.#joinRaft(waiting),
        "tell-address": waiting => member.#tellAddress(waiting),
        "end-manager": () => member.#endManager(),
        "settle-keys": () => member.#settleKeys(),
      },
      onExpelled: error => member.#expel(error),
    });
    member.#address = new AddressWatch({
      ...options,
      state: member.#state,
      onGone: () => member.#worker?.reconnect(),
      onMoved: () => {
        member.#worker?.describeAgain();
        member.#upkeep?.wake();
      },
    });
    return member;
  }

  get record(): NodeRecord {
    return this.#state.record;
  }

  /** This host's part in the cluster's networks; it outlives the membership as long as the node keeps its id. */
  get clusterNetwork(): ClusterNetwork | undefined {
    return this.#worker?.clusterNetwork;
  }

  /** As they are on disk. */
  get keys(): NodeKeys {
    return this.#state.keys;
  }

  get control(): ManagerControl | undefined {
    return this.#manager?.control;
  }

  /** What keeps this node out of its swarm; `undefined` while nothing does. */
  get error(): string | undefined {
    if (this.#expulsion !== undefined) return this.#expulsion;
    const { notAfterMs } = this.#certificate;
    if (this.#options.clock.nowMs() <= notAfterMs) return undefined;
    return `the certificate of this node expired at ${new Date(notAfterMs).toISOString()}: leave the swarm and join it again`;
  }

  /** A manager is ready when the cluster's state says so, a worker when a manager has taken its session. */
  async isReady(): Promise<boolean> {
    if (this.control === undefined) return this.#worker?.isConnected() === true;
    return (await nodeStateAt(this.control, this.#state.record, this.#options)) === "ready";
  }

  /**
   * The managers are told that this node leaves, once it says nothing else to them any more. Best effort: one that reaches none of
   * them leaves all the same.
   */
  async sayGoodbye(): Promise<void> {
    await this.#upkeep?.[Symbol.asyncDispose]();
    await this.#worker?.[Symbol.asyncDispose]();
    if (this.error !== undefined) return;
    const { clock, log } = this.#options;
    try {
      await sayGoodbye(this.#state.record, { identity: this.#state.identity, clock });
    } catch (error) {
      log.warn({ error: errorMessage(error) }, "the managers could not be told that this node leaves");
    }
  }

  /** Containers made by hand are taken off the cluster's networks; they run on. */
  async disconnectContainers(): Promise<void> {
    await this.#worker?.disconnectContainers();
  }

  /** When the node has left its swarm: no task of it stays. */
  async removeAll(): Promise<void> {
    await this.#worker?.removeAll();
  }

  /** Containers run on; the manager hands leadership over. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#address?.[Symbol.asyncDispose]();
    await this.#upkeep?.[Symbol.asyncDispose]();
    await this.#peers?.[Symbol.asyncDispose]();
    await this.#worker?.[Symbol.asyncDispose]();
    await this.#stopManager();
    await this.#state[Symbol.asyncDispose]();
  }

  /** Lines of a task at its node. */
  taskLogs(
    { nodeId, host }: { readonly nodeId: NodeId; readonly host: string },
    request: TaskLogsRequest,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncIterable<readonly TaskLogLine[]> {
    return taskLogsOf({ nodeId, address: peerAddress(host) }, request, {
      identity: this.#state.identity,
      clock: this.#options.clock,
      signal,
    });
  }

  // ---- upkeep ----

  #standing(): Standing {
    const { managers, addressFrom } = this.#state.record;
    return {
      role: this.#certificate.role,
      renewAtMs: this.#state.keys.isExposed ? 0 : this.#renewAtMs,
      hasKeysToSettle: this.#manager !== undefined && this.#state.hasKeysToSettle,
      wantedRole: this.#wantedRole,
      isRefused: this.#isRefused,
      isInRaft: this.#state.record.manager !== undefined,
      isElsewhere: addressFrom !== undefined && !managers.includes(ownAddress(this.#state.record)),
    };
  }

  logLevelChanged(): void {
    this.#manager?.process.logLevelChanged();
  }

  describeAgain(): void {
    this.#worker?.describeAgain();
  }

  /** @returns false when the node has not got the role that it is to have yet: it is still a member of Raft. */
  async #renew({ signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    const { clock, random, log } = this.#options;
    const wasRefused = this.#isRefused;
    const identity = await renewCertificate(this.#state.record, { identity: this.#state.identity, clock, signal });
    const certificate = readCertificate(identity.certificatePem);
    const { role } = certificate;
    const hasChangedRole = role !== this.#certificate.role;
    const isInDoubt = role === "manager" && (wasRefused || this.#wantedRole === "worker");
    const hasLostPlace = isInDoubt && (await hasLostItsPlace(this.#state.record, { identity, clock, signal }));
    if (!hasLostPlace && this.#wantedRole !== undefined && !hasChangedRole && this.#wantedRole !== certificate.role) return false;
    const inNewRole = hasChangedRole ? await newKeys(this.#state.record, { identity, clock, random, signal }) : undefined;
    if (hasLostPlace) await this.#endManager(); // It comes in anew, as one that never was a manager.
    const record = { ...this.#state.record, role };
    await this.#state.save(record, keys => inNewRole ?? withIdentity(keys, identity));
    this.#certificate = certificate;
    this.#renewAtMs = this.#drawRenewalTime();
    this.#isRefused = false;
    this.#showIdentity();
    if (this.#authority !== undefined) this.#setAuthority(this.#authority); // It may be another one than what the certificate is of.
    if (hasChangedRole || wasRefused || hasLostPlace) this.#worker?.reconnect();
    log.info({ role, until: new Date(certificate.notAfterMs).toISOString() }, "this node's certificate was renewed");
    return true;
  }

  /** On disk before the manager seals with them. */
  async #settleKeys(): Promise<boolean> {
    const isOther = await this.#state.settleKeys();
    this.#manager?.process.keysChanged();
    const isLocked = this.#state.keys.unlock.key !== undefined;
    if (isOther) this.#options.log.info({ isLocked }, "the unlock key of this manager has changed");
    return true;
  }

  /** A manager told of it, rather than this node's own, which may be behind. @throws Error when it is not on disk. */
  async adoptUnlockKey(unlock: UnlockKey): Promise<void> {
    if (this.#manager === undefined) return;
    this.#state.hear({ unlock });
    await this.#settleKeys();
  }

  #setKeyReport(report: KeyReport): void {
    this.#state.hear(report);
    this.#upkeep?.wake();
  }

  async #joinRaft({ signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    // Nothing of an earlier time as a manager: its Raft id would not fit.
    await this.#files.clearManager();
    const { clock, log } = this.#options;
    const joined = await joinRaft(this.#state.record, { identity: this.#state.identity, clock, signal });
    await this.#state.prepareManager(joined);
    this.#startManager();
    log.info({ raftId: joined.manager?.raftId }, "this node is a manager now");
    return true;
  }

  async #tellAddress({ signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    const { clock, log } = this.#options;
    const { record, identity } = this.#state;
    const managers = await tellAddress(record, { identity, clock, signal });
    await this.#state.save({ ...this.#state.record, managers });
    log.info({ address: ownAddress(record) }, "the managers know where this one is");
    return true;
  }

  async #endManager(): Promise<boolean> {
    await this.#stopManager();
    await this.#files.clearManager();
    const { manager: _, ...record } = this.#state.record;
    await this.#state.save(record);
    this.#options.log.info({}, "this node's manager has ended");
    return true;
  }

  #expel(error: unknown): void {
    this.#expulsion = errorMessage(error);
    // Containers run on until the node leaves; nobody is asked for anything any more.
    const ended = Promise.all([this.#worker?.[Symbol.asyncDispose](), this.#stopManager()]);
    ended.catch((cause: unknown) =>
      this.#options.log.error({ error: errorMessage(cause) }, "could not end this node's part in the swarm"),
    );
  }

  #setWantedRole(role: NodeRole | undefined): void {
    this.#wantedRole = role;
    this.#upkeep?.wake();
  }

  #setRefused(): void {
    this.#isRefused = true;
    this.#upkeep?.wake();
  }

  #setManagers(heard: { readonly addresses: readonly string[]; readonly nodeIds: readonly NodeId[] }): void {
    const { managers, managerIds } = this.#state.record;
    if (heard.addresses.length === 0) return;
    if (heard.addresses.join() === managers.join() && heard.nodeIds.join() === managerIds?.join()) return;
    this.#state
      .save({ ...this.#state.record, managers: heard.addresses, managerIds: heard.nodeIds })
      .catch((error: unknown) =>
        this.#options.log.error({ error: errorMessage(error) }, "the managers' addresses could not be kept"),
      );
  }

  /** What a manager says of roots is believed: it proved to be one. The certificate follows in its own time. */
  #setAuthority(authority: Authority): void {
    this.#authority = authority;
    const { clock, random, log } = this.#options;
    const { rootsPem: rootPem, issuer, spreadMs } = authority;
    const { issuer: present } = tlsOf(this.#state.identity);
    if (issuer.subject !== present.subject || issuer.publicKey !== present.publicKey) {
      this.#renewAtMs = Math.min(this.#renewAtMs, clock.nowMs() + (random.uint32() / 2 ** 32) * spreadMs);
      this.#upkeep?.wake();
    }
    if (rootPem === this.#state.identity.rootPem) return;
    this.#state
      .save(this.#state.record, keys => ({ ...keys, identity: { ...keys.identity, rootPem } }))
      .then(
        () => this.#showIdentity(),
        (error: unknown) => log.error({ error: errorMessage(error) }, "the roots to trust could not be kept"),
      );
  }

  /** It is on disk. */
  #showIdentity(): void {
    this.#peers?.setIdentity(this.#state.identity);
    if (this.#certificate.role === "manager") this.#manager?.process.keysChanged();
    this.#worker?.describeAgain();
  }

  #drawRenewalTime(): number {
    return renewalTimeMs(this.#certificate, this.#options.random.uint32() / 2 ** 32);
  }

  // ---- the manager process ----

  #startManager(): void {
    const { manager } = this.#state.record;
    if (manager === undefined || this.#manager !== undefined) return;
    this.#manager = new RunningManager({
      ...{ daemon: this.#options, record: { ...this.#state.record, manager } },
      keys: () => this.#state.keys,
      onKeyReport: report => this.#setKeyReport(report),
    });
  }

  async #stopManager(): Promise<void> {
    const manager = this.#manager;
    this.#manager = undefined;
    await manager?.[Symbol.asyncDispose]();
  }

  /** The worker does not knock at its own manager's door before that is open and knows this node. */
  async #untilOwnManager(address: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock } = this.#options;
    const control = this.control;
    if (control === undefined || address !== ownAddress(this.#state.record)) return;
    const waiting = AbortSignal.any([signal, clock.timeout(OWN_MANAGER_MS)]);
    while (this.control === control) {
      const state = await nodeStateAt(control, this.#state.record, { random: this.#options.random, signal: waiting }).catch(
        () => undefined,
      );
      if (state !== undefined) return;
      await clock.sleep(OWN_MANAGER_POLL_MS, { signal: waiting });
    }
    throw new OperationError("unavailable", "this node has no manager any more");
  }
}
