import { ClassicLevel } from "classic-level";
import type { TaskStatus } from "../model/cluster.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask } from "../model/session.ts";

/** A task of this node as it was when the daemon stopped. Names secrets, never holds one. */
export interface TaskRecord {
  readonly task: AssignedTask;
  readonly status: TaskStatus;
}

export interface TaskDb {
  load(): Promise<readonly TaskRecord[]>;
  put(record: TaskRecord): Promise<void>;
  remove(id: TaskId): Promise<void>;
}

type Operation =
  | { readonly type: "put"; readonly key: string; readonly value: TaskRecord }
  | { readonly type: "del"; readonly key: string };

interface WaitingWrite {
  readonly operation: Operation;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The tasks of this node, in a database of its own. Writes that arrive while the disk is busy share the next sync. */
export class LevelTaskDb implements TaskDb, AsyncDisposable {
  readonly #level: ClassicLevel<string, TaskRecord>;
  #waiting: WaitingWrite[] = [];
  #writing: Promise<void> | undefined;
  /** A write failed: LevelDB's log may end in part of a record, and what is written behind that is lost at the next start. */
  #isTorn = false;

  private constructor(level: ClassicLevel<string, TaskRecord>) {
    this.#level = level;
  }

  static async open(directory: string): Promise<LevelTaskDb> {
    const level = new ClassicLevel<string, TaskRecord>(directory, { valueEncoding: "json" });
    await level.open();
    return new LevelTaskDb(level);
  }

  async load(): Promise<readonly TaskRecord[]> {
    return await this.#level.values().all();
  }

  /** Durable when it resolves: a container must never run that a restarted daemon does not know of. */
  async put(record: TaskRecord): Promise<void> {
    await this.#write({ type: "put", key: record.task.task.id, value: record });
  }

  async remove(id: TaskId): Promise<void> {
    await this.#write({ type: "del", key: id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#level.close();
  }

  async #write(operation: Operation): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const writes = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#isTorn) await this.#beginNewLog();
        await this.#level.batch(
          writes.map(({ operation }) => operation),
          { sync: writes.some(({ operation }) => operation.type === "put") },
        );
        for (const { resolve } of writes) resolve();
      } catch (error) {
        this.#isTorn = true;
        for (const { reject } of writes) reject(error);
      }
    }
    this.#writing = undefined;
  }

  /** Opening it keeps what is whole of the last log. Fails as long as there is no room. */
  async #beginNewLog(): Promise<void> {
    await this.#level.close();
    await this.#level.open();
    this.#isTorn = false;
  }
}
