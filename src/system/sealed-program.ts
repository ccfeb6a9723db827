import { writeFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { declareChecked, SystemCallError } from "./libc.ts";

const createMemoryFile = declareChecked<[name: string, flags: number]>(
  "memfd_create",
  "int memfd_create(const char *name, uint flags)",
);
const addSeals = declareChecked<[fd: number, command: number, seals: number]>(
  "fcntl",
  "int fcntl(int fd, int command, int seals)",
);

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** Since Linux 6.3; before, every such file may be run. */
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
/** SEAL, SHRINK, GROW and WRITE: all that crun asks for, and no other. */
const ALL_SEALS = 0xf;

/** How long a program that was replaced may be run still. */
const UNSEEN_MS = 1000;

interface Copy {
  /** Of the file that was copied. */
  readonly version: string;
  readonly path: string;
}

/**
 * Copies of programs in memory that nobody can change any more. A runtime that would copy itself at each start, so that no container
 * overwrites it through /proc/PID/exe, sees that it is such a copy already and goes on: that is half of a short run's time.
 */
export class SealedPrograms {
  readonly #copies = new Map<string, Promise<Copy>>();
  /** When the file of each was last looked at, by the monotonic clock. */
  readonly #lookedAtMs = new Map<string, number>();

  /**
   * @param file - Absolute.
   * @returns what to run in its place, as long as this process lives; `file` itself where the system has no such copies.
   */
  async pathOf(file: string): Promise<string> {
    const nowMs = performance.now();
    const known = await this.#copies.get(file);
    if (known !== undefined && nowMs - (this.#lookedAtMs.get(file) ?? -Infinity) < UNSEEN_MS) return known.path;
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    this.#lookedAtMs.set(file, nowMs);
    const version = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    if (known?.version === version) return known.path;
    const made = copyOf(file, version);
    made.catch(() => this.#copies.delete(file)); // The next one tries again.
    this.#copies.set(file, made); // The one of another version stays: a start may be on its way to it.
    return (await made).path;
  }
}

async function copyOf(file: string, version: string): Promise<Copy> {
  const content = await readFile(file);
  try {
    const fd = open(basename(file));
    writeFileSync(fd, content); // Into memory.
    addSeals(fd, F_ADD_SEALS, ALL_SEALS);
    return { version, path: `/proc/${process.pid}/fd/${fd}` };
  } catch (error) {
    if (error instanceof SystemCallError) return { version, path: file }; // It protects itself, more slowly.
    throw error;
  }
}

function open(name: string): number {
  try {
    return createMemoryFile(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "EINVAL")
      return createMemoryFile(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    throw error;
  }
}
