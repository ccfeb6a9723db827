import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import type { NodeRole } from "../../model/cluster.ts";
import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Disk } from "../../ports/disk.ts";

/** What a node of a swarm remembers of itself. */
export interface NodeRecord {
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
  readonly role: NodeRole;
  /** host:port that its manager listens on. */
  readonly listenAddress: string;
  /** Without port: where others reach this node. */
  readonly advertiseHost: string;
  /** host:port of the managers, as last heard. */
  readonly managers: readonly string[];
  /** Whose certificates count as managers', as last heard; missing before. */
  readonly managerIds?: readonly NodeId[];
  /** Only on managers. */
  readonly manager?: ManagerRecord;
}

export interface ManagerRecord {
  readonly raftId: number;
  /** A founder begins as the only member; the others wait to be contacted. */
  readonly isFounder: boolean;
}

const FORCE_NEW_CLUSTER = "force-new-cluster";

/** The files of a swarm member, below `<data-root>/swarm`; the folder goes when the node leaves. */
export class NodeFiles {
  readonly directory: string;
  readonly #disk: Disk;

  constructor({ dataRoot, disk }: { readonly dataRoot: string; readonly disk: Disk }) {
    this.directory = join(dataRoot, "swarm");
    this.#disk = disk;
  }

  get managerDirectory(): string {
    return join(this.directory, "manager");
  }

  /** Of Raft's log and snapshots. */
  get raftDirectory(): string {
    return join(this.managerDirectory, "raft");
  }

  get #initialEntryPath(): string {
    return join(this.managerDirectory, "initial-entry");
  }

  get taskDirectory(): string {
    return join(this.directory, "tasks");
  }

  /** `undefined`: not in a swarm. */
  async load(): Promise<{ readonly record: NodeRecord; readonly identity: NodeIdentity } | undefined> {
    const record = await this.#read("node.json");
    if (record === undefined) return undefined;
    return { record: JSON.parse(record) as NodeRecord, identity: await this.loadIdentity() };
  }

  async loadIdentity(): Promise<NodeIdentity> {
    return JSON.parse((await this.#read("identity.json")) ?? "") as NodeIdentity;
  }

  /** Identity first: a record without one would be of no use. */
  async save(record: NodeRecord, identity?: NodeIdentity): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    if (identity !== undefined)
      await this.#disk.replace(join(this.directory, "identity.json"), Buffer.from(JSON.stringify(identity)));
    await this.#disk.replace(join(this.directory, "node.json"), Buffer.from(JSON.stringify(record)));
  }

  async saveInitialEntry(entry: Uint8Array): Promise<void> {
    await mkdir(this.managerDirectory, { recursive: true, mode: 0o700 });
    await this.#disk.replace(this.#initialEntryPath, entry);
  }

  async loadInitialEntry(): Promise<Uint8Array | undefined> {
    return await readFile(this.#initialEntryPath).catch((error: unknown) => {
      if (errnoCode(error) === "ENOENT") return undefined;
      throw error;
    });
  }

  async removeInitialEntry(): Promise<void> {
    await rm(this.#initialEntryPath, { force: true });
  }

  /** The next manager of this node becomes the only one of its cluster. */
  async markForceNewCluster(): Promise<void> {
    await this.#disk.replace(this.#forceNewClusterPath, Buffer.alloc(0));
  }

  async isForceNewClusterMarked(): Promise<boolean> {
    return (await this.#read(join("manager", FORCE_NEW_CLUSTER))) !== undefined;
  }

  async unmarkForceNewCluster(): Promise<void> {
    await rm(this.#forceNewClusterPath, { force: true });
  }

  get #forceNewClusterPath(): string {
    return join(this.managerDirectory, FORCE_NEW_CLUSTER);
  }

  /** What the node knew as a manager: the cluster's state, its secrets among it. */
  async clearManager(): Promise<void> {
    await rm(this.managerDirectory, { recursive: true, force: true });
  }

  /** The record goes first, so that a crash half-way leaves a node that is in no swarm. */
  async clear(): Promise<void> {
    await rm(join(this.directory, "node.json"), { force: true });
    await rm(this.directory, { recursive: true, force: true });
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.directory, name), "utf8");
    } catch (error) {
      if (errnoCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}
