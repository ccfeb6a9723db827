import { readFile } from "node:fs/promises";
import { OperationError } from "../lib/errors.ts";
import type { Archives } from "./archive.ts";
import { mount, mountAsync, MNT_DETACH, SystemCallError, umount2, umount2Async } from "./libc.ts";
import { failpoint } from "../ports/failpoint.ts";

export interface OverlayOptions {
  /** What folders are relative to. */
  readonly directory: string;
  /** Topmost first; at least one. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly target: string;
  readonly isVolatile: boolean;
}

/** The kernel copies one page of options, with its closing zero. */
const OPTION_BYTES_MAX = 4095;
const UMOUNT_NOFOLLOW = 8;

/** Overlay mounts, made and taken down in the libuv pool: an umount writes back what is dirty, seconds on a disk. */
export class OverlayMounts {
  readonly #archives: Archives;

  constructor(archives: Archives) {
    this.#archives = archives;
  }

  async mount(overlay: OverlayOptions): Promise<void> {
    await failpoint("images/rootfs.mount", () => this.#mount(overlay));
  }

  async #mount(overlay: OverlayOptions): Promise<void> {
    const absolute = optionsOf(overlay, `${overlay.directory}/`);
    if (absolute.length <= OPTION_BYTES_MAX) return mountOrExplain(overlay.target, absolute);
    const relative = optionsOf(overlay, "");
    if (relative.length > OPTION_BYTES_MAX) throw new OperationError("invalid", "max depth exceeded");
    await this.#archives.mountOverlay({ directory: overlay.directory, target: overlay.target, options: relative });
  }

  /** No error when nothing is mounted there. */
  async unmount(target: string): Promise<void> {
    await failpoint("images/rootfs.unmount", () => unmountIfMounted(target));
  }

  /** Mount points below a folder. */
  async mountedUnder(folder: string): Promise<readonly string[]> {
    const table = await readFile("/proc/self/mountinfo", "utf8");
    const points = table.split("\n").map(line => unescapeOctal(line.split(" ")[4] ?? ""));
    return points.filter(point => point.startsWith(`${folder}/`));
  }
}

async function unmountIfMounted(target: string): Promise<void> {
  try {
    await umount2Async(target, MNT_DETACH | UMOUNT_NOFOLLOW);
  } catch {
    try {
      umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW); // Again, since only this one can tell the reason.
    } catch (error) {
      if (error instanceof SystemCallError && (error.code === "EINVAL" || error.code === "ENOENT")) return;
      throw error;
    }
  }
}

async function mountOrExplain(target: string, options: string): Promise<void> {
  try {
    await mountAsync("overlay", target, "overlay", 0, options);
  } catch {
    mount("overlay", target, "overlay", 0, options); // Again, since only this one can tell the reason.
  }
}

/** Settings that some kernels switch on by default would write an upper layer that other engines cannot read. */
function optionsOf({ lower, upper, work, isVolatile }: OverlayOptions, prefix: string): string {
  const path = (name: string): string => (prefix + name).replace(/[\\:,]/g, "\\$&");
  const options = [
    `lowerdir=${lower.map(path).join(":")}`,
    `upperdir=${path(upper)}`,
    `workdir=${path(work)}`,
    "index=off",
    "redirect_dir=off",
    "metacopy=off",
  ];
  if (isVolatile) options.push("volatile");
  return options.join(",");
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
