import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryBytes } from "../../../src/codec/entry.ts";
import type { ManagerOptions } from "../../../src/daemon/manager/options.ts";
import { formatKeyFile } from "../../../src/daemon/swarm/key-file.ts";
import { NodeFiles } from "../../../src/daemon/swarm/node-files.ts";
import { managerKeys } from "../../../src/daemon/swarm/node-keys.ts";
import { makeInitialEntry } from "../../../src/manager/control-api/initial.ts";
import type { Node, NodeDescription, NodeRole, ServiceSpec } from "../../../src/model/cluster.ts";
import type { ControlRequest, ControlResponse } from "../../../src/model/control.ts";
import type { Change } from "../../../src/model/entry.ts";
import { asId, clusterIdFrom } from "../../../src/model/ids.ts";
import type { ClusterId, ClusterObjectId, NodeId, RequestId, ServiceId, SessionId } from "../../../src/model/ids.ts";
import type { CertificateWithKey, NodeIdentity } from "../../../src/ports/certificates.ts";
import { RaftStorage } from "../../../src/raft/storage.ts";
import { LocalControl } from "../../../src/rpc/control-client.ts";
import { ManagerClients } from "../../../src/rpc/manager-clients.ts";
import { systemCertificates } from "../../../src/system/certificates.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { DataCipher } from "../../../src/system/data-cipher.ts";
import { openDisk } from "../../../src/system/disk.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { Child } from "./child.ts";
import { freePort } from "./free-port.ts";
import type { ManagerCall, ManagerFigures, SimulatedWorker, WorkerCall, WorkerFigures } from "./protocol.ts";

const MANAGERS = 3;
const REPORTERS = 4;
const REPORT_MS = 500;
const DAY_MS = 24 * 3_600_000;
const NEW = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
const disk = openDisk({ root: "/" });

interface Member {
  readonly options: ManagerOptions;
  readonly identity: NodeIdentity;
  process: Child<ManagerCall>;
  readonly control: LocalControl;
}

/** Three managers in processes of their own and any number of simulated workers in a few more, on loopback. */
export class World implements AsyncDisposable {
  readonly directory: string;
  readonly members: Member[] = [];
  readonly workers: Child<WorkerCall>[] = [];
  readonly #nodes: readonly { readonly id: NodeId; readonly description: NodeDescription }[];
  readonly #clusterId: ClusterId;
  readonly #root: CertificateWithKey;

  private constructor(parts: {
    readonly directory: string;
    readonly nodes: readonly { readonly id: NodeId; readonly description: NodeDescription }[];
    readonly clusterId: ClusterId;
    readonly root: CertificateWithKey;
  }) {
    this.directory = parts.directory;
    this.#nodes = parts.nodes;
    this.#clusterId = parts.clusterId;
    this.#root = parts.root;
  }

  /** Founded with `workers` nodes in its state, as a cluster that has been there for a while. */
  static async create({ workers, areReady = false }: { readonly workers: number; readonly areReady?: boolean }): Promise<World> {
    const nodes = Array.from({ length: workers }, (_, index) => ({ id: newId<NodeId>(), description: describe(index) }));
    const world = new World({
      directory: mkdtempSync(join(tmpdir(), "shoal-scale-")),
      nodes,
      clusterId: newId<ClusterId>(),
      root: await systemCertificates.createRoot({ nowMs: Date.now() }),
    });
    await world.#found({ areReady });
    return world;
  }

  async #found({ areReady }: { readonly areReady: boolean }): Promise<void> {
    const managers = [];
    for (let raftId = 1; raftId <= MANAGERS; raftId++) {
      managers.push({ raftId, id: newId<NodeId>(), address: `127.0.0.1:${await freePort()}` });
    }
    const [first] = managers;
    if (first === undefined) throw new Error("there are no managers");
    const entry = makeInitialEntry({
      ...{
        clusterId: this.#clusterId,
        nodeId: first.id,
        root: this.#root,
        random: systemRandom,
        certificates: systemCertificates,
      },
      ...{ ingressId: newId(), managerAddress: first.address, raftId: first.raftId, availability: "drain", subnetSize: 16 },
    });
    const changes: Change[] = [...entry.changes];
    for (const { id, raftId, address } of managers.slice(1)) {
      const manager = { raftId, address };
      changes.push(
        put({
          ...NEW,
          id,
          role: "manager",
          spec: { labels: {}, role: "manager", availability: "drain" },
          status: unknown,
          manager,
        }),
      );
    }
    for (const [index, { id, description }] of this.#nodes.entries())
      changes.push(put(workerNode(id, { description, index, areReady })));
    const initial = {
      index: 0,
      term: 0,
      members: managers.map(({ raftId, address }) => ({ raftId, address, isLearner: false })),
    };
    const identities = await this.#identities(
      managers.map(({ id }) => id),
      "manager",
    );
    for (const [at, { id, raftId, address }] of managers.entries()) {
      const identity = identities[at];
      if (identity === undefined) throw new Error("a manager has no certificate");
      const dataRoot = join(this.directory, `m${raftId}`);
      const files = new NodeFiles({ dataRoot, disk });
      const keys = managerKeys(identity, { version: 0 }, systemRandom);
      const cipher = new DataCipher(keys.dataKeys, systemRandom);
      await files.saveInitialEntry(entryBytes.encode({ ...entry, changes, atMs: Date.now() }), cipher);
      await disk.replace(join(files.directory, "identity.json"), Buffer.from(formatKeyFile(keys, systemRandom)));
      const directory = join(files.managerDirectory, "raft");
      const storage = await RaftStorage.open({ disk, directory, cipher, raftId, initial });
      await storage[Symbol.asyncDispose]();
      const options: ManagerOptions = {
        ...{ dataRoot, socketPath: join(dataRoot, "control.sock"), nodeId: id, clusterId: this.#clusterId, raftId },
        ...{ listenAddress: address, advertiseAddress: address, isFounder: false, crashDirectory: dataRoot },
        ...{ logLevel: "info", logFormat: "text" },
      };
      const control = new LocalControl({ path: options.socketPath, clock: systemClock });
      this.members.push({ options, identity, process: startManager(options), control });
    }
    await Promise.all(this.members.map(({ process }) => process.ready()));
    await this.until(
      "the cluster is founded",
      async () => (await this.call({ kind: "list-nodes", filters: {} })).kind === "nodes",
      30_000,
    );
  }

  async restart(): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.kill()));
    for (const member of this.members) member.process = startManager(member.options);
    await Promise.all(this.members.map(({ process }) => process.ready()));
  }

  /** One that was killed comes back with what it had. */
  async startMember(at: number): Promise<void> {
    const member = this.members[at];
    if (member === undefined) throw new Error(`there is no manager ${at}`);
    member.process = startManager(member.options);
    await member.process.ready();
  }

  /** Where every worker's session is said to be heard, four times as many managers as there are: for nodes that only have to be there. */
  beatForAll(): AsyncDisposable {
    const over = new AbortController();
    const [member] = this.members;
    if (member === undefined) throw new Error("there are no managers");
    const clients = new ManagerClients({ identity: () => member.identity, clock: systemClock });
    const sessions = this.#nodes.map(({ id: nodeId }) => ({ nodeId, sessionId: newId<SessionId>(), ageMs: 0, silenceMs: 0 }));
    const share = Math.ceil(sessions.length / REPORTERS);
    const reports = Array.from({ length: REPORTERS }, (_, at) => ({
      managerId: newId<NodeId>(),
      sessions: sessions.slice(at * share, (at + 1) * share),
    }));
    const beating = Promise.all(
      reports.map(async report => {
        while (!over.signal.aborted) {
          // Only the leader takes it; the others say that they do not lead.
          await Promise.allSettled(
            this.members.map(({ options }) => clients.leader(options.advertiseAddress).reportSessions(report, over)),
          );
          await systemClock.sleep(REPORT_MS);
        }
      }),
    );
    return {
      [Symbol.asyncDispose]: async () => {
        over.abort();
        await beating;
        await clients[Symbol.asyncDispose]();
      },
    };
  }

  /** Opens sessions for every node, shared out to `processes`. */
  async startWorkers({ processes, startMs = 100 }: { readonly processes: number; readonly startMs?: number }): Promise<void> {
    const identities = await this.#identities(
      this.#nodes.map(({ id }) => id),
      "worker",
    );
    const workers = this.#nodes.flatMap(({ id: nodeId, description }, at): readonly SimulatedWorker[] => {
      const identity = identities[at];
      return identity === undefined ? [] : [{ nodeId, identity, description, address: "127.0.0.1" }];
    });
    const managers = this.members.map(({ options }) => options.advertiseAddress);
    const share = Math.ceil(workers.length / processes);
    await Promise.all(
      Array.from({ length: processes }, async (_, at) => {
        const child = new Child<WorkerCall>("workers", {});
        this.workers.push(child);
        await child.ready();
        await child.call({ kind: "start", workers: workers.slice(at * share, (at + 1) * share), managers, startMs });
      }),
    );
  }

  /** One key for all and a certificate each: making keys is not what is measured. */
  async #identities(ids: readonly NodeId[], role: NodeRole): Promise<readonly NodeIdentity[]> {
    const { csrPem, keyPem } = await systemCertificates.createRequest();
    const identities: NodeIdentity[] = [];
    for (const nodeId of ids) {
      const request = {
        csrPem,
        root: this.#root,
        nodeId,
        clusterId: this.#clusterId,
        role,
        nowMs: Date.now(),
        lifetimeMs: DAY_MS,
      };
      identities.push({ certificatePem: await systemCertificates.issue(request), keyPem, rootPem: this.#root.certificatePem });
    }
    return identities;
  }

  /** A call of the control API, at the first manager or another. */
  async call(request: ControlRequest, { at = 0 }: { readonly at?: number } = {}): Promise<ControlResponse> {
    const member = this.members[at];
    if (member === undefined) throw new Error(`there is no manager ${at}`);
    return await member.control.call(request, { requestId: newId<RequestId>() });
  }

  async createService(name: string, replicas: number, { image = "app:1" } = {}): Promise<ServiceId> {
    const spec: ServiceSpec = {
      ...{ name, labels: {}, mode: { kind: "replicated", replicas } },
      task: { container: { image, labels: {} }, networks: [], forceUpdate: 0, restart: { condition: "any", delayNs: 0 } },
    };
    const created = await this.call({ kind: "create-service", spec });
    if (created.kind !== "created") throw new Error(`a service was not created: ${created.kind}`);
    return asId(created.id);
  }

  async scale(idOrName: string, replicas: number): Promise<void> {
    const answer = await this.call({ kind: "get-service", idOrName });
    const service = answer.kind === "services" ? answer.services[0]?.service : undefined;
    if (service === undefined) throw new Error(`there is no service ${idOrName}`);
    const spec: ServiceSpec = { ...service.spec, mode: { kind: "replicated", replicas } };
    await this.call({ kind: "update-service", id: service.id, version: service.version, spec, rollback: false });
  }

  /** Every manager has written one, and cut its log. */
  haveSnapshots(): boolean {
    return this.members.every(({ options }) =>
      readdirSync(join(options.dataRoot, "swarm/manager/raft")).some(name => name.endsWith(".manifest")),
    );
  }

  /** Of all managers, in bytes. */
  diskBytes(): number {
    const sizes = this.members.flatMap(({ options }) => {
      const directory = join(options.dataRoot, "swarm/manager/raft");
      return readdirSync(directory).map(name => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0);
    });
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async runningTasks(idOrName: string, options: { readonly at?: number } = {}): Promise<number> {
    const answer = await this.call({ kind: "get-service", idOrName }, options);
    return answer.kind === "services" ? (answer.services[0]?.runningTasks ?? 0) : 0;
  }

  async readyNodes(): Promise<number> {
    const answer = await this.call({ kind: "list-nodes", filters: {} });
    return answer.kind === "nodes" ? answer.nodes.filter(({ node }) => node.status.state === "ready").length : 0;
  }

  async workerFigures(): Promise<WorkerFigures> {
    const all = await Promise.all(this.workers.map(child => child.call<WorkerFigures>({ kind: "figures" })));
    const sum = (key: keyof WorkerFigures): number => all.reduce((total, figures) => total + figures[key], 0);
    return { started: sum("started"), running: sum("running"), sessions: sum("sessions") };
  }

  /** Of every manager. Without options stalls and turns begin anew with this call. */
  async managerFigures({ collects = false, beginsAnew = true, looksForStalls = true } = {}): Promise<readonly ManagerFigures[]> {
    const call = { collects, beginsAnew, looksForStalls };
    return await Promise.all(this.members.map(({ process }) => process.call<ManagerFigures>(call)));
  }

  /** @returns how long it took, in ms. */
  async until(what: string, isTrue: () => Promise<boolean>, limitMs: number, everyMs = 50): Promise<number> {
    const beganMs = performance.now();
    let failure: unknown;
    for (;;) {
      try {
        if (await isTrue()) return performance.now() - beganMs;
      } catch (error) {
        failure = error;
      }
      if (performance.now() - beganMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`, { cause: failure });
      await systemClock.sleep(everyMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map(child => child.end()));
    for (const { control } of this.members) await control[Symbol.asyncDispose]();
    await Promise.all(this.members.map(({ process }) => process.end()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const unknown = { state: "unknown", message: "", address: "127.0.0.1" } as const;

function put(object: Node): Change {
  return { kind: "put", table: "node", object, basedOn: 0 };
}

function describe(index: number): NodeDescription {
  return {
    hostname: `w${index}`,
    platform: { architecture: "x86_64", os: "linux" },
    resources: { nanoCpus: 64e9, memoryBytes: 256e9 },
    engine: { version: "1", labels: {}, plugins: [] },
  };
}

/** With its number and address in the ingress network, as it has them since it joined. */
function workerNode(
  id: NodeId,
  { description, index, areReady }: { readonly description: NodeDescription; readonly index: number; readonly areReady: boolean },
): Node {
  const host = index + 1_000;
  return {
    ...{ ...NEW, id, role: "worker", description, ingressNumber: index + 10 },
    spec: { labels: {}, role: "worker", availability: "active" },
    status: areReady ? { ...unknown, state: "ready" } : unknown,
    ingressAddress: `10.0.${Math.floor(host / 256)}.${host % 256}/16`,
  };
}

function startManager(options: ManagerOptions): Child<ManagerCall> {
  return new Child<ManagerCall>("manager", options);
}

function newId<Id extends ClusterObjectId | RequestId | SessionId>(): Id {
  return clusterIdFrom<Id>(systemRandom.bytes(25));
}
