import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import type { Log } from "../../ports/log.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";
/** Of a cgroup that somebody tidied up while it was empty: the file is gone, was open and leads nowhere now, or was closed by another start that met this. */
const GONE: ReadonlySet<string> = new Set(["ENOENT", "ENODEV", "EBADF"]);

/**
 * A service manager that stops the daemon ends, and charges to it, what is in the daemon's cgroup; conmons must outlive it. Where the
 * daemon lives in the root there is nothing to leave.
 */
export class ConmonCgroup implements Disposable {
  readonly #places: readonly Place[];

  private constructor(places: readonly Place[]) {
    this.#places = places;
  }

  static async prepare(path: string, { log }: { readonly log: Log }): Promise<ConmonCgroup> {
    const text = await readFile("/proc/self/cgroup", "utf8");
    const places: Place[] = [];
    for (const line of text.trim().split("\n")) {
      const [, controllers = "", own = "/"] = line.split(":");
      // A new cpuset takes no process before it has processors and memory nodes; it limits nobody's life.
      if (own === "/" || controllers === "cpuset") continue;
      const hierarchy = controllers === "" ? CGROUP_ROOT : join(CGROUP_ROOT, controllers.replace(/^name=/, ""));
      const directory = join(hierarchy, path);
      try {
        await mkdir(directory, { recursive: true });
        places.push(new Place(join(directory, "cgroup.procs")));
      } catch (error) {
        log.warn(
          { directory, error: errnoCode(error) },
          "no cgroup for conmons here: they stay in the daemon's and end with its service",
        );
      }
    }
    return new ConmonCgroup(places);
  }

  /** Moves a process there. No error when it has ended. */
  async take(pid: number): Promise<void> {
    try {
      // One after the other: the kernel lets one through at a time, and each that waits holds up a thread.
      for (const place of this.#places) await place.take(pid);
    } catch (error) {
      if (errnoCode(error) !== "ESRCH") throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const place of this.#places) void place.close();
  }
}

/** In one hierarchy. Its file stays open: every start needs it. */
class Place {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async take(pid: number): Promise<void> {
    try {
      await this.#write(pid);
    } catch (error) {
      const code = errnoCode(error) ?? "";
      if (code === "ESRCH") throw error;
      await this.close();
      if (!GONE.has(code)) throw error;
      await mkdir(dirname(this.#path), { recursive: true });
      await this.#write(pid);
    }
  }

  /** It is opened again when it is needed again. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.then(handle => handle.close()).catch(() => undefined); // Who wanted to write into it was told.
  }

  async #write(pid: number): Promise<void> {
    this.#file ??= open(this.#path, "r+");
    const file = await this.#file;
    await file.write(String(pid), 0);
  }
}
