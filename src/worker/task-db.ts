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

/** The tasks of this node, in a database of its own. */
export class LevelTaskDb implements TaskDb, AsyncDisposable {
  readonly #level: ClassicLevel<string, TaskRecord>;

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
    await this.#level.put(record.task.task.id, record, { sync: true });
  }

  async remove(id: TaskId): Promise<void> {
    await this.#level.del(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#level.close();
  }
}
