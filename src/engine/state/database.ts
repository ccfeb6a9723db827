import { ClassicLevel } from "classic-level";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** The form in which the data root keeps things. A daemon refuses records of a later one; earlier ones are brought up to it before it starts. */
export const FORMAT_VERSION = 4;
/** Changes that may wait for the disk; past it a disk does not keep up and writers are refused. */
const WAITING_WRITES_MAX = 10_000;

/** Each kind of record, with the name that its failpoint has for it. */
const COLLECTIONS = {
  container: "container",
  network: "network",
  networks: "network",
  rootfs: "container",
  volume: "volume",
} as const;

/** `networks`: before format 2. */
export type CollectionName = keyof typeof COLLECTIONS;

export type RecordChange = { readonly collection: CollectionName; readonly key: string } & (
  | { readonly kind: "put"; readonly value: unknown }
  | { readonly kind: "delete" }
);

interface WaitingWrite {
  readonly isSynced: boolean;
  readonly changes: readonly RecordChange[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The engine's records: one LevelDB, JSON values, keys `collection/id`. A write resolves when it is durable, whole or not at all.
 * Writes that arrive while the disk is busy share the next sync.
 */
export class StateDatabase implements AsyncDisposable {
  readonly #level: ClassicLevel<string, string>;
  #waiting: WaitingWrite[] = [];
  /**
   * What writes that failed would have replaced, by key (`undefined`: there was nothing). While it is set, LevelDB's log may end in part of a
   * record, and all that is written after that is lost at the next start: so nothing is.
   */
  #failed: Map<string, string | undefined> | undefined;
  #writing: Promise<void> | undefined;

  private constructor(level: ClassicLevel<string, string>) {
    this.#level = level;
  }

  /** @throws OperationError `unavailable` when another process has it open. */
  static async open(path: string): Promise<StateDatabase> {
    const level = new ClassicLevel<string, string>(path);
    try {
      await level.open();
    } catch (error) {
      throw new OperationError("unavailable", `cannot open the state database ${path}: ${reasonOf(error)}`, { cause: error });
    }
    return new StateDatabase(level);
  }

  collection<T>(name: CollectionName): RecordCollection<T> {
    return new RecordCollection<T>(this, name);
  }

  /** @param options.isSynced - False: it shall outlive this process, but need not a power loss. Order is kept among all writes. */
  async write(changes: readonly RecordChange[], { isSynced = true }: { readonly isSynced?: boolean } = {}): Promise<void> {
    if (this.#waiting.length >= WAITING_WRITES_MAX) throw new OperationError("unavailable", "the state database is overloaded");
    const [first] = changes;
    if (first !== undefined)
      await failpoint(`state/${COLLECTIONS[first.collection]}.sync`, () => this.#enqueue(changes, isSynced));
  }

  async #enqueue(changes: readonly RecordChange[], isSynced: boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ changes, isSynced, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async get(key: string): Promise<unknown> {
    const text = await this.#level.get(key);
    return text === undefined ? undefined : decodeRecord(key, text);
  }

  async *entries(prefix: string): AsyncIterable<readonly [key: string, value: unknown]> {
    for await (const [key, text] of this.#level.iterator({ gte: prefix, lt: `${prefix}\uffff` })) {
      yield [key.slice(prefix.length), decodeRecord(key, text)];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#level.close();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const writes = this.#waiting;
      this.#waiting = [];
      try {
        await this.#recover();
        await this.#writeBatch(writes);
        for (const write of writes) write.resolve();
      } catch (error) {
        for (const write of writes) write.reject(error);
      }
    }
    this.#writing = undefined;
  }

  async #writeBatch(writes: readonly WaitingWrite[]): Promise<void> {
    const changes = writes.flatMap(write => write.changes);
    try {
      await this.#level.batch(changes.map(toBatchOperation), { sync: writes.some(({ isSynced }) => isSynced) });
    } catch (error) {
      // What is read is still what was there before.
      const replaced = await Promise.all(changes.map(async ({ key }) => [key, await this.#level.get(key)] as const));
      this.#failed = new Map([...replaced, ...(this.#failed ?? [])]);
      throw error;
    }
  }

  /** After a write that failed: LevelDB begins a new log, of what is whole in the last one, and what may have got in of the write is taken back. */
  async #recover(): Promise<void> {
    if (this.#failed === undefined) return;
    await this.#level.close();
    // As long as there is no room it fails too, and so does what wants to be written.
    await this.#level.open().catch((error: unknown) => {
      throw new OperationError("internal", `the state database cannot be written: ${reasonOf(error)}`, { cause: error });
    });
    const operations = [...this.#failed].map(([key, value]) =>
      value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value },
    );
    await this.#level.batch(operations, { sync: true });
    this.#failed = undefined;
  }
}

/** One kind of record. */
export class RecordCollection<T> {
  readonly #database: StateDatabase;
  readonly #name: CollectionName;
  readonly #prefix: string;

  constructor(database: StateDatabase, name: CollectionName) {
    this.#database = database;
    this.#name = name;
    this.#prefix = `${name}/`;
  }

  put(id: string, value: T): RecordChange {
    return { kind: "put", collection: this.#name, key: this.#prefix + id, value };
  }

  delete(id: string): RecordChange {
    return { kind: "delete", collection: this.#name, key: this.#prefix + id };
  }

  async get(id: string): Promise<T | undefined> {
    return (await this.#database.get(this.#prefix + id)) as T | undefined;
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#database.write(ids.map(id => this.delete(id)));
  }

  /** All of them, in the order of their ids. */
  async all(): Promise<readonly T[]> {
    const values: T[] = [];
    for await (const [, value] of this.#database.entries(this.#prefix)) values.push(value as T);
    return values;
  }
}

function toBatchOperation(change: RecordChange) {
  return change.kind === "put"
    ? { type: "put" as const, key: change.key, value: JSON.stringify({ format: FORMAT_VERSION, value: change.value }) }
    : { type: "del" as const, key: change.key };
}

function decodeRecord(key: string, text: string): unknown {
  const record: unknown = JSON.parse(text);
  const isRecord = typeof record === "object" && record !== null && "format" in record && "value" in record;
  if (!isRecord) throw new OperationError("internal", `record ${key} cannot be read`);
  if (typeof record.format !== "number" || record.format > FORMAT_VERSION) {
    throw new OperationError("internal", `record ${key} was written by a later version (format ${String(record.format)})`);
  }
  return record.value;
}

/** Level says why in the cause of its own error. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && cause.code === "LEVEL_LOCKED") return "another daemon uses this data root";
  return errorMessage(cause);
}
