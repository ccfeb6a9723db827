import { openSync, readdirSync, readlinkSync, readSync } from "node:fs";

/** What the kernel says of a thread: how long it ran, and how long it waited for a processor. */
export class ThreadTime {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(128);

  /** @param path - Of its folder; the main thread's where none is said. */
  constructor(path = "/proc/thread-self") {
    this.#file = openSync(`${path}/schedstat`, "r");
  }

  /** The other threads of this process, as many as there are now. */
  static others(): readonly ThreadTime[] {
    const [own = ""] = /[^/]+$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    const ids = readdirSync("/proc/self/task").filter(id => id !== own);
    return ids.map(id => new ThreadTime(`/proc/self/task/${id}`));
  }

  get ranMs(): number {
    return this.read().ranMs;
  }

  get waitedMs(): number {
    return this.read().waitedMs;
  }

  read(): { readonly ranMs: number; readonly waitedMs: number } {
    const bytes = readSync(this.#file, this.#buffer, 0, this.#buffer.length, 0);
    const [ran, waited] = this.#buffer.toString("latin1", 0, bytes).split(" ");
    return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 };
  }
}
