// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { entryBytes } from "../../../src/codec/entry.ts";
import { Disposal } from "../../../src/lib/disposal.ts";
import type { HistoryPosition } from "../../../src/model/history-position.ts";
import type { Cluster, NodeRole } from "../../../src/model/cluster.ts";
import type { ControlRequest, ControlResponse } from "../../../src/model/control.ts";
import { asId, clusterIdFrom, type ClusterId, type NodeId, type RequestId } from "../../../src/model/ids.ts";
import type { Assignment, SessionDown, SessionUp } from "../../../src/model/session.ts";
import type { CertificateWithKey, NodeIdentity } from "../../../src/ports/certificates.ts";
import { foundCluster } from "../../../src/daemon/swarm/founding.ts";
import { NodeFiles } from "../../../src/daemon/swarm/node-files.ts";
import { startManager } from "../../../src/daemon/manager/manager.ts";
import { contextOptions } from "../../../src/rpc/channel.ts";
import { enrol } from "../../../src/rpc/join-client.ts";
import { ManagerClients } from "../../../src/rpc/manager-clients.ts";
import { openSession } from "../../../src/rpc/session-client.ts";
import { systemCertificates as certificates } from "../../../src/system/certificates.ts";
import { DataCipher } from "../../../src/system/data-cipher.ts";
import { systemClock as clock } from "../../../src/system/clock.ts";
import { openDisk } from "../../../src/system/disk.ts";
import { systemRandom as random } from "../../../src/system/random.ts";

export { certificates, clock, random };

const BEAT_MS = 500;
const READY_MS = 10_000;
export const DAY_MS = 24 * 3600_000;

/** Keeps what was warned of: refusals are told there. */
class Warnings {
  readonly lines: string[] = [];
  readonly warn = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    this.lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  readonly debug = (): void => {};
  readonly info = (): void => {};
  readonly error = this.warn;
}

/** Whoever attacks knows the cluster's root key at most: what a stolen certificate or a mistake of the CA could bring about. */
export interface ForgedCertificate {
  readonly nodeId?: string;
  readonly role?: NodeRole;
  readonly root?: CertificateWithKey;
  readonly clusterId?: string;
  readonly issuedMsAgo?: number;
  readonly lifetimeMs?: number;
  readonly position?: HistoryPosition;
}

/** A real manager of one in this process, on loopback: Raft, store, certificate authority, dispatcher and its port. */
export async function startWorld() {
  const resources = new Disposal();
  const dataRoot = await mkdtemp(join(tmpdir(), "swarm-security-"));
  resources.defer(() => rm(dataRoot, { recursive: true, force: true }));
  const disk = openDisk({ root: "/" });
  const files = new NodeFiles({ dataRoot, disk });
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const request = {
    ...{
      listenAddress: address,
      advertiseAddress: "127.0.0.1",
      dataPathAddress: "",
      forceNewCluster: false,
      dataPathPort: 0,
      autoLockManagers: false,
    },
    ...{ defaultAddressPool: [], subnetSize: 24, availability: "drain" as const },
  };
  const { record, keys, initialEntry } = await foundCluster(request, { clock, random, devices: new Set() });
  const [{ object }] = entryBytes.decode(initialEntry).changes as unknown as [{ readonly object: Cluster }];
  const root: CertificateWithKey = object.rootCa;
  await files.saveInitialEntry(initialEntry, new DataCipher(keys.dataKeys, random));
  await files.save(record, { next: keys, random });
  const log = new Warnings();
  const { nodeId, clusterId } = record;
  const options = {
    ...{ dataRoot, nodeId, clusterId, listenAddress: address, advertiseAddress: address, raftId: 1, isFounder: true },
    ...{ socketPath: join(dataRoot, "manager.sock"), crashDirectory: join(dataRoot, "crash") },
    ...({ logLevel: "info", logFormat: "json" } as const),
  };
  resources.use(await startManager({ options, keys, report: () => {}, files, disk, clock, random, log }));

  /** Calls as this node makes them. */
  const clients = (who: NodeIdentity): ManagerClients => resources.use(new ManagerClients({ identity: () => who, clock }));
  const managers = clients(keys.identity);

  async function control<Kind extends ControlResponse["kind"]>(asked: ControlRequest, kind: Kind) {
    const requestId = clusterIdFrom<RequestId>(random.bytes(25));
    const answer = await managers.control(address, asked, { requestId });
    if (answer.kind !== kind) throw new Error(`expected ${kind}, got ${answer.kind}`);
    return answer as Extract<ControlResponse, { readonly kind: Kind }>;
  }

  const cluster = async (): Promise<Cluster> => (await control({ kind: "get-cluster" }, "cluster")).cluster;

  /** A node that joins as it should. */
  async function join_(role: NodeRole): Promise<NodeIdentity & { readonly nodeId: NodeId }> {
    const { rootCa } = await cluster();
    const joinToken = role === "manager" ? rootCa.joinTokenManager : rootCa.joinTokenWorker;
    return await enrol({ addresses: [address], joinToken, availability: "active", certificates, clock });
  }

  /** A certificate that the cluster never gave out. */
  async function forge(forged: ForgedCertificate): Promise<NodeIdentity> {
    const { csrPem, keyPem } = await certificates.createRequest();
    const certificatePem = await certificates.issue({
      ...{ csrPem, root: forged.root ?? root, role: forged.role ?? "manager" },
      nodeId: asId<NodeId>(forged.nodeId ?? nodeId),
      clusterId: asId<ClusterId>(forged.clusterId ?? clusterId),
      nowMs: clock.nowMs() - (forged.issuedMsAgo ?? 0),
      lifetimeMs: forged.lifetimeMs ?? DAY_MS,
      ...(forged.position && { position: forged.position }),
    });
    return { certificatePem, keyPem, rootPem: root.certificatePem };
  }

  await until("the cluster is there", async () => (await cluster()).id === clusterId);
  return {
    ...{
      address,
      port,
      root,
      identity: keys.identity,
      nodeId,
      clusterId,
      clients,
      control,
      cluster,
      forge,
      log,
      join: join_,
      dataRoot,
    },
    [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  for (;;) {
    if (await Promise.resolve(condition()).catch(() => false)) return;
    if (performance.now() > deadlineMs) throw new Error(`not within ${READY_MS} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

export const HELLO: SessionUp = {
  kind: "hello",
  address: "",
  description: {
    ...{ hostname: "h", platform: { architecture: "x86_64", os: "linux" }, resources: { nanoCpus: 4e9, memoryBytes: 1e10 } },
    engine: { version: "1", labels: {}, plugins: [] },
  },
};

/** A worker's session in the attacker's hands: what goes up is up to the test, what comes down is kept. */
export class HeldSession implements AsyncDisposable {
  readonly down: SessionDown[] = [];
  readonly #queue: SessionUp[] = [];
  readonly #over = new AbortController();
  readonly #running: Promise<unknown>;
  #wake = () => {};
  #failure: unknown;
  #isOver = false;

  constructor({ address, identity, hello = HELLO }: { address: string; identity: NodeIdentity; hello?: SessionUp | undefined }) {
    this.#queue.push(hello);
    const session = openSession({ address, identity, connectMs: 4_000, clock, up: this.#messages(), signal: this.#over.signal });
    this.#running = this.#read(session);
  }

  async #read(session: AsyncIterable<SessionDown>): Promise<void> {
    try {
      for await (const message of session) this.down.push(structuredClone(message)); // Secrets are wiped.
    } catch (error) {
      this.#failure = error;
    }
    this.#isOver = true;
  }

  async *#messages(): AsyncGenerator<SessionUp> {
    while (!this.#over.signal.aborted) {
      const message = this.#queue.shift();
      if (message !== undefined) yield message;
      else await this.#somethingToSend();
    }
  }

  /** A beat, when it is not woken before. */
  async #somethingToSend(): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, BEAT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (this.#queue.length === 0) this.#queue.push({ kind: "beat" });
  }

  send(message: SessionUp): void {
    this.#queue.push(message);
    this.#wake();
  }

  /** Everything that was assigned so far, of one kind. */
  assigned<Kind extends Assignment["kind"]>(kind: Kind): readonly Extract<Assignment, { readonly kind: Kind }>[] {
    return this.down
      .flatMap(message => (message.kind === "assignments" ? message.assignments.put : []))
      .filter((put): put is Extract<Assignment, { readonly kind: Kind }> => put.kind === kind);
  }

  async opened(): Promise<this> {
    await until("the session is open", () => this.down.some(({ kind }) => kind === "assignments") || this.#isOver);
    if (this.#isOver) throw this.#failure;
    return this;
  }

  /** What the session ended with. */
  async refused(): Promise<unknown> {
    await until("the session is over", () => this.#isOver);
    return this.#failure;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error("the test is over"));
    this.#wake();
    await this.#running;
  }
}

/** A TLS connection of the attacker's own making. Nothing is verified at this end. */
export function dial(
  port: number,
  { identity, ...options }: ConnectionOptions & { readonly identity?: NodeIdentity | undefined } = {},
): Promise<TLSSocket> {
  const own = identity === undefined ? {} : contextOptions(identity);
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: "127.0.0.1",
        port,
        ALPNProtocols: ["h2"],
        ...own,
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...options,
      },
      () => resolve(socket),
    );
    socket.once("error", reject);
  });
}

/** Whether the other end cuts the connection, and what it sent until then. */
export async function isCut(socket: TLSSocket, withinMs = 3_000): Promise<boolean> {
  socket.on("error", () => {});
  socket.resume();
  return await new Promise<boolean>(resolve => {
    const timer = setTimeout(() => resolve(false), withinMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(true);
    });
  }).finally(() => socket.destroy());
}
