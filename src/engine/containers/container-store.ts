import { OperationError } from "../../lib/errors.ts";
import type { Container } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { RecordChange, RecordCollection, StateDatabase } from "../state/database.ts";
import type { ContainerEntry } from "./entry.ts";
import { findByLink } from "./links.ts";
import type { ContainerRecord } from "./record.ts";

const ID_CHARACTERS = 64;

/**
 * All containers: kept in the database, answered from memory. A change resolves when it is durable; of a container that is removed at its
 * end, when it outlives this process: a power loss ends such a container with its record.
 */
export class ContainerStore {
  readonly #database: StateDatabase;
  readonly #records: RecordCollection<ContainerRecord>;
  readonly #byId = new Map<ContainerId, ContainerEntry>();
  /** Names in use, also by containers that are just being made. */
  readonly #idByName = new Map<string, ContainerId>();

  constructor(database: StateDatabase) {
    this.#database = database;
    this.#records = database.collection("container");
  }

  async load(): Promise<readonly ContainerRecord[]> {
    return this.#records.all();
  }

  /** Takes up an entry that is in the database already. */
  adopt(entry: ContainerEntry): void {
    this.#byId.set(entry.id, entry);
    this.#idByName.set(entry.name, entry.id);
  }

  /** @throws OperationError `conflict` in Docker's words. */
  reserveName(name: string, id: ContainerId): void {
    const holder = this.#idByName.get(name);
    if (holder !== undefined && holder !== id) {
      throw new OperationError(
        "conflict",
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#idByName.set(name, id);
  }

  isNameFree(name: string): boolean {
    return !this.#idByName.has(name);
  }

  releaseName(name: string, id: ContainerId): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name);
  }

  /** @param also - What is to be there with it or not at all. */
  async add(entry: ContainerEntry, also: readonly RecordChange[]): Promise<void> {
    await this.#write(entry, [this.#records.put(entry.id, entry.record), ...also]);
    this.#byId.set(entry.id, entry);
  }

  /**
   * Memory changes at once, so that later changes build on it, and back when the disk refuses.
   * @param options.isFact - It is so already, whatever the disk says: memory keeps it.
   */
  async change(
    entry: ContainerEntry,
    change: (record: ContainerRecord) => ContainerRecord,
    { isFact = false }: { readonly isFact?: boolean } = {},
  ): Promise<void> {
    const before = entry.record;
    const next = change(before);
    entry.record = next;
    if (this.#byId.get(entry.id) !== entry) return;
    try {
      await this.#write(entry, [this.#records.put(entry.id, next)]);
    } catch (error) {
      if (!isFact && entry.record === next) entry.record = before;
      throw error;
    }
  }

  /** @param also - What goes with it. */
  async remove(entry: ContainerEntry, also: readonly RecordChange[]): Promise<void> {
    await this.#write(entry, [this.#records.delete(entry.id), ...also]);
    this.#byId.delete(entry.id);
    this.releaseName(entry.name, entry.id);
  }

  get(id: ContainerId): ContainerEntry | undefined {
    return this.#byId.get(id);
  }

  entries(): IterableIterator<ContainerEntry> {
    return this.#byId.values();
  }

  has(id: string): boolean {
    return this.#byId.has(id as ContainerId);
  }

  /** By whole id, name, what another is linked to it by, or the beginning of an id. @throws OperationError `not-found`, with what could not be done for it in front; `invalid` for none or for several. */
  resolve(idOrName: string, { toDo }: { readonly toDo?: string } = {}): ContainerEntry {
    if (idOrName === "") throw new OperationError("invalid", 'invalid name or ID supplied: ""');
    const found = this.#find(idOrName);
    if (found === undefined) {
      const reason = `No such container: ${idOrName}`;
      throw new OperationError("not-found", toDo === undefined ? reason : `${toDo}: ${reason}`);
    }
    return found;
  }

  async #write({ record }: ContainerEntry, changes: readonly RecordChange[]): Promise<void> {
    await this.#database.write(changes, { isSynced: !record.container.hostConfig.autoRemove });
  }

  #find(idOrName: string): ContainerEntry | undefined {
    const exact = this.#byId.get(idOrName as ContainerId);
    if (exact !== undefined) return exact;
    const named = this.#idByName.get(idOrName.startsWith("/") ? idOrName.slice(1) : idOrName);
    const byName = named === undefined ? undefined : this.#byId.get(named);
    if (byName !== undefined || idOrName === "" || idOrName.length >= ID_CHARACTERS) return byName;
    if (idOrName.includes("/", 1)) {
      const linked = findByLink(this.#byId.values(), idOrName);
      return linked === undefined ? undefined : this.#byId.get(linked.targetId as ContainerId);
    }
    let found: ContainerEntry | undefined;
    for (const [id, entry] of this.#byId) {
      if (!id.startsWith(idOrName)) continue;
      if (found !== undefined) throw new OperationError("invalid", `multiple IDs found with provided prefix: ${idOrName}`);
      found = entry;
    }
    return found;
  }
}

/** The form in which others see a container. */
export function viewOf(entry: ContainerEntry): Container {
  return { ...entry.record.container, execIds: [...entry.execIds] };
}
