import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import type { NodeRole } from "../../model/cluster.ts";
import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Random } from "../../ports/random.ts";
import type { PayloadCipher } from "../../raft/payload-cipher.ts";
import { formatKeyFile, type KeyFile, parseKeyFile } from "./key-file.ts";
import type { NodeKeys } from "./node-keys.ts";

/** What a node of a swarm remembers of itself. */
export interface NodeRecord {
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
  readonly role: NodeRole;
  /** host:port that its manager listens on. */
  readonly listenAddress: string;
  /** Without port: where others reach this node. */
  readonly advertiseHost: string;
  /** Of the manager, where others reach it by another port than it listens on. */
  readonly advertisePort?: string;
  /**
   * Where `advertiseHost` was found, as nobody said it: the address of this interface, or, when it is empty, the one on the way to
   * the managers. It is looked for again when the host has it no more. Missing: it was said, and stays.
   */
  readonly addressFrom?: string;
  /** Where others send what goes over overlay networks; missing: the same. */
  readonly dataPathHost?: string;
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

const KEYS = "identity.json";
const FORCE_NEW_CLUSTER = "force-new-cluster";
/** Sealed with the manager's data key … */
const INITIAL_ENTRY = "initial-entry.sealed";
/** … or, when an earlier version has written it, not. */
const READABLE_INITIAL_ENTRY = "initial-entry";

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

  get taskDirectory(): string {
    return join(this.directory, "tasks");
  }

  /** `undefined`: not in a swarm. */
  async load(): Promise<{ readonly record: NodeRecord; readonly keyFile: KeyFile } | undefined> {
    const record = await this.loadRecord();
    if (record === undefined) return undefined;
    return { record, keyFile: parseKeyFile((await this.#read(KEYS))?.toString() ?? "") };
  }

  async loadRecord(): Promise<NodeRecord | undefined> {
    const record = await this.#read("node.json");
    return record === undefined ? undefined : (JSON.parse(record.toString()) as NodeRecord);
  }

  /** Keys first: a record without them would be of no use. They are replaced as a whole: after a crash the old ones are there or the new ones. */
  async save(record: NodeRecord, keys?: { readonly next: NodeKeys; readonly random: Random }): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    if (keys !== undefined)
      await this.#disk.replace(join(this.directory, KEYS), Buffer.from(formatKeyFile(keys.next, keys.random)));
    await this.#disk.replace(join(this.directory, "node.json"), Buffer.from(JSON.stringify(record)));
  }

  /** Keeps the entry that founds the cluster until it is in the log: it holds the root's key. */
  async saveInitialEntry(entry: Uint8Array, cipher: Pick<PayloadCipher, "seal">): Promise<void> {
    await mkdir(this.managerDirectory, { recursive: true, mode: 0o700 });
    await this.#disk.replace(join(this.managerDirectory, INITIAL_ENTRY), cipher.seal(entry));
  }

  /** `undefined` once it was removed, and on nodes that founded nothing. */
  async loadInitialEntry(cipher: Pick<PayloadCipher, "open">): Promise<Uint8Array | undefined> {
    const sealed = await this.#read(join("manager", INITIAL_ENTRY));
    return sealed === undefined ? await this.#read(join("manager", READABLE_INITIAL_ENTRY)) : cipher.open(sealed);
  }

  async removeInitialEntry(): Promise<void> {
    for (const name of [INITIAL_ENTRY, READABLE_INITIAL_ENTRY]) await rm(join(this.managerDirectory, name), { force: true });
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

  async #read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.directory, name));
    } catch (error) {
      if (errnoCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}
