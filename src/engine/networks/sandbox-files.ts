import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerId } from "../../model/ids.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** Sandbox records as files. Not synced: a power loss ends the sandboxes as well. */
export class SandboxFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async write(record: SandboxRecord): Promise<void> {
    const path = this.#path(record.containerId);
    try {
      await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      await failpoint("networks/sandbox-record.rename", () => rename(`${path}.new`, path));
    } catch (error) {
      await rm(`${path}.new`, { force: true });
      throw error;
    }
  }

  async remove(containerId: ContainerId): Promise<void> {
    await rm(this.#path(containerId), { force: true });
  }

  /** At a start, while none is written. */
  async all(): Promise<readonly SandboxRecord[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const names = await readdir(this.#directory);
    // Of a record that was being written when the daemon ended.
    for (const name of names) if (name.endsWith(".new")) await rm(join(this.#directory, name), { force: true });
    const files = names.filter(name => name.endsWith(".json"));
    return Promise.all(files.map(async name => JSON.parse(await readFile(join(this.#directory, name), "utf8")) as SandboxRecord));
  }

  #path(containerId: ContainerId): string {
    return join(this.#directory, `${containerId}.json`);
  }
}
