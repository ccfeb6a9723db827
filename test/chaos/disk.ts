import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const LAB_ROOT = process.env["SHOAL_LAB_ROOT"] ?? "/var/lib/shoal-lab";
const SIZE_MIB = 512;
/** A slow disk answers nothing for this long, then for a moment at full speed. */
const STALL_MS = 400;
const BREATH_MS = 60;

/** A host's data root on a small file system of its own, which can be full or slow. */
export class HostDisk {
  readonly #image: string;
  readonly #directory: string;
  #isMounted = false;

  constructor(lab: string, host: string) {
    this.#image = join(LAB_ROOT, `${lab}.disks`, host);
    this.#directory = join(LAB_ROOT, lab, host, "data");
  }

  /** Before the host boots for the first time: what it holds is private to its mount namespace from then on. */
  mount(): void {
    mkdirSync(join(this.#image, ".."), { recursive: true });
    mkdirSync(this.#directory, { recursive: true });
    execFileSync("truncate", ["--size", `${SIZE_MIB}M`, this.#image]);
    execFileSync("mkfs.ext4", ["-q", "-m", "0", this.#image]);
    execFileSync("mount", ["-o", "loop", this.#image, this.#directory]);
    this.#isMounted = true;
  }

  /** Leaves not one free block. */
  async fill(): Promise<void> {
    const { bavail, bsize } = statfsSync(this.#directory);
    const path = this.#ballast;
    await run("fallocate", ["--length", String(Math.max(1, bavail) * bsize), path]).catch(() => undefined);
    // What the file's own bookkeeping left over; ends with "no space left".
    await run("dd", ["if=/dev/zero", `of=${path}`, "bs=4k", "oflag=append", "conv=notrunc"]).catch(() => undefined);
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Stalls every write, again and again, until `signal`. Reads of what is in memory go on. */
  async slowDown({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await run("fsfreeze", ["--freeze", this.#directory]);
      try {
        await sleep(STALL_MS);
      } finally {
        this.thaw();
      }
      await sleep(BREATH_MS);
    }
  }

  thaw(): void {
    try {
      execFileSync("fsfreeze", ["--unfreeze", this.#directory], { stdio: "ignore" });
    } catch {
      // It was not frozen.
    }
  }

  unmount(): void {
    if (!this.#isMounted) return;
    this.thaw();
    // Lazily: the hosts that hold it too are taken down after this.
    execFileSync("umount", ["--lazy", this.#directory]);
    rmSync(this.#image, { force: true });
    this.#isMounted = false;
  }

  get #ballast(): string {
    return join(this.#directory, "ballast");
  }
}

export function removeDiskFolder(lab: string): void {
  rmSync(join(LAB_ROOT, `${lab}.disks`), { recursive: true, force: true });
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
