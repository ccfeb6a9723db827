import { openSync, readSync } from "node:fs";

/** What the kernel says of the main thread: how long it ran, and how long it waited for a processor. */
export class ThreadTime {
  readonly #file = openSync("/proc/thread-self/schedstat", "r");
  readonly #buffer = Buffer.alloc(128);

  get ranMs(): number {
    return this.#read(0);
  }

  get waitedMs(): number {
    return this.#read(1);
  }

  #read(field: number): number {
    const bytes = readSync(this.#file, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString("latin1", 0, bytes).split(" ")[field]) / 1e6;
  }
}
