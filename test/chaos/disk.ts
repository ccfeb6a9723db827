import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { LAB_ROOT } from "../../deploy/lab/paths.ts";
import { sleep } from "./sleep.ts";

const run = promisify(execFile);
const SIZE_MIB = 512;
/** Free blocks of a disk that counts as full: what was removed since it was filled. */
const SPARE_BLOCKS = 256;
/** A slow disk answers nothing for this long, then for a moment at full speed. */
const STALL_MS = 400;
const BREATH_MS = 60;

/** A host's data root on a small file system of its own, which can be full or slow. */
export class HostDisk {
  readonly #image: string;
  readonly #directory: string;
  #stalls = 0;

  constructor(lab: string, host: string) {
    this.#image = join(diskFolder(lab), host);
    this.#directory = join(LAB_ROOT, lab, host, "data");
  }

  /** Before the host boots for the first time: what it holds is private to its mount namespace from then on. */
  mount(): void {
    mkdirSync(join(this.#image, ".."), { recursive: true });
    mkdirSync(this.#directory, { recursive: true });
    execFileSync("truncate", ["--size", `${SIZE_MIB}M`, this.#image]);
    execFileSync("mkfs.ext4", ["-q", "-m", "0", this.#image]);
    execFileSync("mount", ["-o", "loop", this.#image, this.#directory]);
  }

  /** Leaves not one free block. */
  async fill(): Promise<void> {
    const { bavail, bsize } = statfsSync(this.#directory);
    const path = this.#ballast;
    await run("fallocate", ["--length", String(Math.max(1, bavail) * bsize), path]).catch(() => undefined);
    // What the file's own bookkeeping left over; ends with "no space left".
    await run("dd", ["if=/dev/zero", `of=${path}`, "bs=4k", "oflag=append", "conv=notrunc"]).catch(() => undefined);
  }

  get isFull(): boolean {
    return statfsSync(this.#directory).bavail < SPARE_BLOCKS;
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Stalls every write, again and again, until `signal`. Reads of what is in memory go on. */
  async slowDown({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await run("fsfreeze", ["--freeze", this.#directory]);
      try {
        this.#stalls++;
        await sleep(STALL_MS);
      } finally {
        thaw(this.#directory);
      }
      await sleep(BREATH_MS);
    }
  }

  /** How often its writes were stalled so far. */
  get stalls(): number {
    return this.#stalls;
  }

  get #ballast(): string {
    return join(this.#directory, "ballast");
  }
}

/** Takes away the disks of a lab's hosts, whatever state they are in. The hosts that hold them too are taken down after this. */
export function removeDisks(lab: string): void {
  for (const directory of mountsBelow(join(LAB_ROOT, lab))) {
    thaw(directory);
    execFileSync("umount", ["--lazy", directory]);
  }
  rmSync(diskFolder(lab), { recursive: true, force: true });
}

/** Mount points in this mount namespace, the innermost first. */
export function mountsBelow(folder: string): readonly string[] {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map(line => line.split(" ")[4] ?? "");
  return points.filter(point => point.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length);
}

export function diskFolder(lab: string): string {
  return join(LAB_ROOT, `${lab}.disks`);
}

function thaw(directory: string): void {
  try {
    execFileSync("fsfreeze", ["--unfreeze", directory], { stdio: "ignore" });
  } catch {
    // It was not frozen.
  }
}
