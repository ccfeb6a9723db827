import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The product as it was at a commit, built in a folder of its own, which goes with it. */
export class EarlierBuild implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws Error when it cannot be built. */
  static async of(commit: string): Promise<EarlierBuild> {
    const folder = await mkdtemp(join(tmpdir(), "shoal-earlier-"));
    try {
      await run("sh", ["-c", 'git archive "$1" | tar -x -C "$2"', "sh", commit, folder]);
      const [own, its] = await Promise.all([".", folder].map(at => readFile(join(at, "package-lock.json"), "utf8")));
      if (own === its) await symlink(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
      else await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder });
      await run(process.execPath, ["scripts/build.mjs"], { cwd: folder });
      return new EarlierBuild(folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async hasCommit(commit: string): Promise<boolean> {
    const command = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{commit}`];
    return await run("git", command).then(
      () => true,
      () => false,
    );
  }

  get program(): string {
    return join(this.#folder, "bin/shoald");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
