import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeMember, TAR_END, type TarEntryInit } from "../../../src/lib/tar/writer.ts";
import { readTar } from "../../../src/lib/tar/reader.ts";
import { Archives, type RootSource, type WriteSettings } from "../../../src/system/archive.ts";

const BUSYBOX = "/usr/bin/busybox";
export const PLAIN: WriteSettings = { keepsKinds: false, owner: "", isRootReadOnly: false, mounts: [] };

export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  return existsSync(BUSYBOX) ? undefined : "needs busybox-static";
}

/** A root file system with a process in it that does what it is told, and a folder beside it that nobody may touch. */
export class Tree implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "shoal-archive-"));
  readonly root = join(this.directory, "root");
  readonly outside = join(this.directory, "outside");
  readonly archives = Archives.create();
  #process: ChildProcess | undefined;

  constructor() {
    for (const name of ["bin", "etc", "tmp"]) mkdirSync(join(this.root, name), { recursive: true });
    mkdirSync(this.outside);
    copyFileSync(BUSYBOX, join(this.root, "bin/busybox"));
    execFileSync(join(this.root, "bin/busybox"), ["--install", "-s", join(this.root, "bin")]);
    for (const name of ["sh", "mv", "ln", "rm", "mkdir", "sleep", "echo"]) {
      rmSync(join(this.root, "bin", name), { force: true });
      execFileSync("ln", ["-s", "busybox", join(this.root, "bin", name)]);
    }
  }

  /** Runs a shell script with the tree as its root, until the end of the test. */
  run(script: string): RootSource {
    this.#process = spawn("/usr/sbin/chroot", [this.root, "/bin/sh", "-c", script], { stdio: "ignore", env: { PATH: "/bin" } });
    const pid = this.#process.pid ?? 0;
    const deadline = Date.now() + 10_000;
    while (!isIn(pid, this.root)) if (Date.now() > deadline) throw new Error("the process did not start");
    return this.source();
  }

  source(): RootSource {
    const pid = this.#process?.pid ?? 0;
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return { kind: "process", pid, startTicks: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) };
  }

  get folder(): RootSource {
    return { kind: "folder", path: this.root, mounts: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.archives[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** After `chroot`. */
function isIn(pid: number, root: string): boolean {
  return statSync(`/proc/${pid}/root/`).ino === statSync(root).ino;
}

export async function* tar(...members: readonly (readonly [TarEntryInit, string?])[]): AsyncGenerator<Uint8Array, void, void> {
  for (const [init, content = ""] of members) yield encodeMember(init, Buffer.from(content));
  yield TAR_END;
}

export interface Found {
  readonly type: string;
  readonly content: string;
  readonly link: string;
}

export async function contentsOf(archive: AsyncIterable<Uint8Array>): Promise<Readonly<Record<string, Found>>> {
  const found: Record<string, Found> = {};
  for await (const { entry, data } of readTar(archive)) {
    const pieces: Uint8Array[] = [];
    for await (const bytes of data()) pieces.push(Uint8Array.from(bytes));
    found[entry.path.toString()] = {
      type: entry.type,
      content: Buffer.concat(pieces).toString(),
      link: entry.linkPath.toString(),
    };
  }
  return found;
}
