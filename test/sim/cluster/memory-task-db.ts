import type { TaskDb, TaskRecord } from "../../../src/worker/task-db.ts";

/** A node's task records, which outlive its daemon. */
export class MemoryTaskDb implements TaskDb {
  readonly records = new Map<string, string>();
  /** Every write fails. */
  isFull = false;
  async load(): Promise<readonly TaskRecord[]> {
    return [...this.records.values()].map(text => JSON.parse(text) as TaskRecord);
  }
  async put(record: TaskRecord): Promise<void> {
    if (this.isFull) throw new Error("no space left on device");
    this.records.set(record.task.task.id, JSON.stringify(record));
  }
  async remove(id: string): Promise<void> {
    if (this.isFull) throw new Error("no space left on device");
    this.records.delete(id);
  }
}
