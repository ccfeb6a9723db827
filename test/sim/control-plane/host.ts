import { FORMAT_LEVEL } from "../../../src/codec/entry.ts";
import { createControlPlane, type RemoteManagers } from "../../../src/daemon/manager/control-plane.ts";
import { type Standing, Upkeep } from "../../../src/daemon/swarm/upkeep.ts";
import { errorKind, OperationError } from "../../../src/lib/errors.ts";
import type { NodeRole } from "../../../src/model/cluster.ts";
import type { NodeId } from "../../../src/model/ids.ts";
import type { SessionDown, SessionUp } from "../../../src/model/session.ts";
import { isDiskFull } from "../../../src/raft/disk-health.ts";
import { Agent } from "../../../src/worker/agent.ts";
import { MemoryTaskDb } from "../cluster/memory-task-db.ts";
import { SimulatedExecutor } from "../cluster/simulated-executor.ts";
import { SimulatedDisk } from "../disk.ts";
import { SimulatedProcess } from "../process.ts";
import { noExternalSigner, readSimulatedCertificate, simulatedCertificates } from "./certificates.ts";
import type { HostRecord, ManagerRun } from "./host-record.ts";
import { LedgerStore } from "./ledger.ts";
import { summary } from "./session-summary.ts";
import type { Place } from "./wires.ts";
import type { World } from "./world.ts";

const RESTART_MS = 200;
const ANSWER_MS = 6_000;
const OWN_MANAGER_MS = 3_000;
const GOODBYE_MS = 3_000;
const OWN_MANAGER_POLL_MS = 20;
/** What one entry takes to apply; on a weak machine so long that other work gets its turn while a manager catches up. */
const APPLY_MS = 0.05;
const SLOW_APPLY_MS = 6;
/** Certificates are good for longer than any run. */
const RENEWAL_MS = 4e12;

/** A machine with a daemon and, while its node is a manager, a manager process: put together as `daemon/swarm/member.ts` does it. */
export class SimulatedHost {
  readonly name: string;
  readonly at: number;
  readonly #world: World;
  disk: SimulatedDisk;
  executor: SimulatedExecutor;
  readonly db = new MemoryTaskDb();
  record: HostRecord;
  initialEntry: Uint8Array | undefined;
  daemon: SimulatedProcess | undefined;
  manager: ManagerRun | undefined;
  #wantedRole: NodeRole | undefined;
  #isRefused = false;
  #upkeep: Upkeep | undefined;
  #agent: Agent | undefined;
  #agentOver = new AbortController();
  /** Its sessions with managers end, and come again with the present certificate. */
  #renewed = new AbortController();
  isExpelled = false;
  /** The address of the manager that has its session. */
  servedBy: string | undefined;
  readonly #isSlow: boolean;
  /** The newest format of the log's entries that its program reads. */
  formatLevel: number;

  constructor(world: World, { name, at, record }: { readonly name: string; readonly at: number; readonly record: HostRecord }) {
    this.#world = world;
    this.name = name;
    this.at = at;
    this.record = record;
    this.#isSlow = world.random.chance(0.5);
    this.formatLevel = world.newProgramLevel();
    this.disk = this.#newDisk();
    this.executor = new SimulatedExecutor(world.clock);
  }

  get address(): string {
    return `${this.name}:2377`;
  }

  get nodeId(): NodeId {
    return this.record.nodeId;
  }

  #newDisk(): SimulatedDisk {
    const { time, random } = this.#world;
    return new SimulatedDisk({ time, random: random.fork(), syncMsMax: random.chance(0.2) ? 30 : 4 });
  }

  // ---- life and death ----

  start(): void {
    if (this.daemon !== undefined || this.isExpelled) return;
    this.#world.trace(`${this.name} starts`);
    const daemon = new SimulatedProcess(this.#world.time);
    this.daemon = daemon;
    this.#wantedRole = undefined;
    this.#isRefused = false;
    if (this.record.certificate.role === "manager" && this.record.manager !== undefined) this.startManager();
    this.#startAgent(daemon);
    const { clock } = daemon;
    this.#upkeep = new Upkeep({
      standing: () => this.#standing(),
      steps: {
        renew: () => this.#renew(daemon),
        "join-raft": () => this.#joinRaft(daemon),
        "tell-address": async () => true, // A simulated host stays where it is.
        "end-manager": () => this.#endManager(),
        "settle-keys": async () => true, // Nothing on a simulated disk is sealed.
      },
      onExpelled: () => this.#expel(),
      ...{ clock, random: this.#world.random.fork(), log: this.#world.logOf(this.name) },
    });
  }

  /** The daemon and its manager end at once; containers run on, unless the whole machine loses power. */
  crash({ isPowerLoss }: { readonly isPowerLoss: boolean }): void {
    this.#world.trace(`${this.name} ${isPowerLoss ? "loses power" : "is killed"}`);
    this.killManager({ isPowerLoss });
    this.daemon?.die();
    this.daemon = undefined;
    this.servedBy = undefined;
    if (!isPowerLoss) return;
    this.disk.crash();
    this.executor = this.executor.afterPowerLoss();
  }

  /** The newest program takes the place of the one it has. */
  upgrade(): void {
    if (this.formatLevel === FORMAT_LEVEL || this.isExpelled) return;
    this.#world.trace(`${this.name} is upgraded`);
    this.crash({ isPowerLoss: false });
    this.formatLevel = FORMAT_LEVEL;
    this.start();
  }

  killManager({ isPowerLoss = false }: { readonly isPowerLoss?: boolean } = {}): void {
    if (this.manager === undefined) return;
    this.manager.process.die();
    this.manager = undefined;
    if (!isPowerLoss) this.#world.disconnect(this);
  }

  startManager(): void {
    const { record, disk } = this;
    const { manager } = record;
    if (manager === undefined || this.manager !== undefined) return;
    const world = this.#world;
    const process = new SimulatedProcess(world.time);
    const work = () => process.work(this.#isSlow ? SLOW_APPLY_MS : APPLY_MS);
    const store = new LedgerStore(this.name, world.ledger, { formatLevel: this.formatLevel, work });
    const run: ManagerRun = { process, store };
    this.manager = run;
    const { clock } = process;
    const random = world.random.fork();
    world.trace(`${this.name}'s manager ${manager.raftId} starts`);
    createControlPlane({
      options: { nodeId: record.nodeId, advertiseAddress: this.address, ...manager },
      files: {
        loadInitialEntry: async () => this.initialEntry,
        removeInitialEntry: async () => {
          this.initialEntry = undefined;
        },
        isForceNewClusterMarked: async () => false,
        unmarkForceNewCluster: async () => {},
      },
      ...{
        disk: disk.mount(process),
        raftDirectory: "raft",
        clock,
        random,
        log: world.logOf(this.name),
        store,
        formatLevel: this.formatLevel,
      },
      transport: world.transportOf(this, run),
      remote: this.#remote({ at: this.at, process }),
      reaches: ({ nodeId }, waiting) => world.reaches({ at: this.at, process }, nodeId, waiting),
      certificates: simulatedCertificates,
      external: noExternalSigner,
      raft: { snapshotEveryEntries: 150, keepEntries: 20, segmentBytesMax: 64 * 1024, onFatal: error => world.fail(error) },
    }).then(
      plane => {
        run.plane = plane;
        plane.run({ signal: new AbortController().signal }).catch((error: unknown) => world.fail(error));
      },
      (error: unknown) => {
        if (!isDiskFull(error)) world.fail(error);
        else world.time.after(RESTART_MS, () => this.#startManagerAgain(run)); // As whoever runs managers would.
      },
    );
  }

  #startManagerAgain(run: ManagerRun): void {
    if (this.manager !== run || this.daemon === undefined) return;
    run.process.die();
    this.manager = undefined;
    this.startManager();
  }

  /** As the daemon, which starts a manager that ended. */
  startManagerIfDue(): void {
    if (this.daemon !== undefined && this.record.certificate.role === "manager") this.startManager();
  }

  #expel(): void {
    this.#world.trace(`${this.name} is expelled`);
    this.leave();
  }

  /** What comes before `leave`, as `daemon/swarm/member.ts` does it: the worker ends, then the managers are told. */
  async sayGoodbye(): Promise<void> {
    const { daemon } = this;
    if (daemon === undefined) throw new OperationError("unavailable", "the daemon does not run");
    this.#world.trace(`${this.name} says goodbye`);
    this.#agentOver.abort();
    const options = { onBehalfOf: this.nodeId, signal: this.#world.clock.timeout(GOODBYE_MS) };
    const told = this.record.managers.map(address => this.#world.leave({ at: this.at, process: daemon }, address, options));
    await Promise.any(told);
    if (this.daemon === daemon) this.#world.isToBeDown(this.nodeId);
  }

  /** `swarm leave`, when the swarm was told or cannot be. */
  leave(): void {
    this.#world.trace(`${this.name} leaves`);
    this.isExpelled = true;
    this.crash({ isPowerLoss: false });
    // Whoever runs it has it leave the swarm: no task of it stays.
    this.executor = new SimulatedExecutor(this.#world.clock);
  }

  // ---- membership, as the member of a real node ----

  #standing(): Standing {
    return {
      role: this.record.certificate.role,
      renewAtMs: RENEWAL_MS,
      wantedRole: this.#wantedRole,
      isRefused: this.#isRefused,
      isInRaft: this.record.manager !== undefined,
      isElsewhere: false,
      hasKeysToSettle: false,
    };
  }

  async #renew(daemon: SimulatedProcess): Promise<boolean> {
    const call = { csrPem: "request", joinToken: "", availability: "active", nodeId: this.nodeId } as const;
    const wasRefused = this.#isRefused;
    const issued = await this.#atSomeManager(daemon, (place, address, waiting) =>
      this.#world.issue(place, address, call, waiting),
    );
    const certificate = readSimulatedCertificate(issued.certificatePem);
    const { role } = certificate;
    const hasChangedRole = role !== this.record.certificate.role;
    const isInDoubt = role === "manager" && (wasRefused || this.#wantedRole === "worker");
    const hasLostPlace = isInDoubt && (await this.#hasLostItsPlace(daemon));
    if (!hasLostPlace && this.#wantedRole !== undefined && !hasChangedRole && this.#wantedRole !== certificate.role) return false;
    this.#world.trace(`${this.name} has the certificate of a ${certificate.role}`);
    this.record = { ...this.record, certificate };
    if (hasLostPlace) await this.#endManager();
    this.#isRefused = false;
    if (hasChangedRole || wasRefused || hasLostPlace) this.#reconnect();
    return true;
  }

  async #hasLostItsPlace(daemon: SimulatedProcess): Promise<boolean> {
    const { manager } = this.record;
    if (manager === undefined) return false;
    try {
      return (await this.#askForPlace(daemon)).raftId !== manager.raftId;
    } catch (cause) {
      throw new OperationError("unavailable", "no manager could tell", { cause });
    }
  }

  async #askForPlace(daemon: SimulatedProcess) {
    return await this.#atSomeManager(daemon, (place, address, waiting) =>
      this.#world.join(place, address, { own: this.address, formatLevel: this.formatLevel, ...waiting }),
    );
  }

  async #joinRaft(daemon: SimulatedProcess): Promise<boolean> {
    this.disk = this.#newDisk();
    const { raftId, members } = await this.#askForPlace(daemon);
    const managers = [...new Set([...members.map(({ address }) => address), ...this.record.managers])];
    this.record = { ...this.record, managers, manager: { raftId, isFounder: false } };
    this.startManager();
    return true;
  }

  async #endManager(): Promise<boolean> {
    this.#world.trace(`${this.name} is a manager no more`);
    this.killManager();
    const { manager: _, ...record } = this.record;
    this.record = record;
    return true;
  }

  async #atSomeManager<T>(
    process: SimulatedProcess,
    call: (place: Place, address: string, waiting: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { managers, manager } = this.record;
    const addresses = [...managers.filter(address => address !== this.address), ...(manager === undefined ? [] : [this.address])];
    let failure: unknown = new OperationError("unavailable", "no manager is known");
    for (const address of addresses) {
      try {
        return await call({ at: this.at, process }, address, { signal: process.clock.timeout(ANSWER_MS) });
      } catch (error) {
        if (errorKind(error) !== "unavailable") throw error;
        failure = error;
      }
    }
    throw failure;
  }

  // ---- its worker ----

  #reconnect(): void {
    this.#renewed.abort();
    this.#renewed = new AbortController();
    this.#agent?.retryNow();
  }

  #startAgent(daemon: SimulatedProcess): void {
    const { clock } = daemon;
    const world = this.#world;
    const agent = new Agent({
      ...{ executor: this.executor, db: this.db, clock, random: world.random.fork(), log: world.logOf(this.name) },
      managers: () => this.record.managers,
      onManagers: ({ addresses: managers }) => {
        if (managers.length > 0) this.record = { ...this.record, managers };
      },
      onAuthority: () => {}, // The one root stays.
      describe: async () => ({
        address: `192.0.2.${this.at}`,
        description: {
          hostname: this.name,
          platform: { architecture: "x86_64", os: "linux" },
          resources: { nanoCpus: 4e9, memoryBytes: 8e9 },
          engine: { version: "1", labels: {}, plugins: [] },
        },
      }),
      openSession: (address, session) => this.#session({ at: this.at, process: daemon }, address, session),
    });
    this.#agent = agent;
    const over = new AbortController();
    this.#agentOver = over;
    agent.run({ signal: over.signal }).catch((error: unknown) => {
      if (!over.signal.aborted) world.fail(error);
    });
  }

  async *#session(
    place: Place,
    address: string,
    { up, signal }: { readonly up: AsyncIterable<SessionUp>; readonly signal: AbortSignal },
  ): AsyncGenerator<SessionDown, void, undefined> {
    const until = AbortSignal.any([signal, this.#renewed.signal]);
    try {
      await this.#untilOwnManager(place.process, address);
      for await (const message of this.#world.session(this, place, address, { up, signal: until })) {
        if (place.process.isDead) return;
        this.servedBy = address;
        this.#world.trace(`log ${this.name} hears ${message.kind} of ${address}: ${summary(message)}`);
        if (message.kind === "welcome") this.#setWantedRole(undefined);
        if (message.kind === "role") this.#setWantedRole(message.role);
        else yield message;
      }
    } catch (error) {
      if (until.aborted && !signal.aborted) return;
      if (errorKind(error) === "forbidden" || errorKind(error) === "not-found") {
        this.#isRefused = true;
        this.#upkeep?.wake();
      }
      throw error;
    } finally {
      if (!place.process.isDead) this.servedBy = undefined;
    }
  }

  /** The worker does not knock at its own manager's door before that knows this node. */
  async #untilOwnManager({ clock }: SimulatedProcess, address: string): Promise<void> {
    const run = this.manager;
    if (run === undefined || address !== this.address) return;
    for (let waitedMs = 0; this.manager === run; waitedMs += OWN_MANAGER_POLL_MS) {
      if (run.store.view().get("node", this.nodeId) !== undefined) return;
      if (waitedMs >= OWN_MANAGER_MS) throw new OperationError("unavailable", "this node's manager does not know it yet");
      await clock.sleep(OWN_MANAGER_POLL_MS);
    }
    throw new OperationError("unavailable", "this node has no manager any more");
  }

  #setWantedRole(role: NodeRole | undefined): void {
    this.#wantedRole = role;
    this.#upkeep?.wake();
  }

  // ---- what its manager asks of others ----

  #remote(place: Place): RemoteManagers {
    const world = this.#world;
    return {
      control: (address, request, waiting) => world.control(place, address, request, { ...waiting, isForwarded: true }),
      issue: (address, call, waiting) => world.issue(place, address, call, waiting),
      join: (address, options) => world.join(place, address, options),
      leave: (address, options) => world.leave(place, address, options),
      leader: address => world.leaderCalls(place, address),
    };
  }
}
