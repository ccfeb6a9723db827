import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { asId, type ContainerId } from "../../model/ids.ts";
import { failpoint } from "../../ports/failpoint.ts";
import type { BuildArchives } from "./effects.ts";

const CONTAINERS = "containers";

/** What one build keeps on the disk while it goes on: its context, and a list of the containers that are its own. */
export class BuildFolder implements AsyncDisposable {
  readonly path: string;
  readonly #archives: Pick<BuildArchives, "remove">;

  private constructor(path: string, archives: Pick<BuildArchives, "remove">) {
    this.path = path;
    this.#archives = archives;
  }

  static async create(path: string, archives: Pick<BuildArchives, "remove">): Promise<BuildFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new BuildFolder(path, archives);
  }

  /** Before the container is made: a daemon that ends meanwhile leaves it to the next one to remove. */
  async noteContainer(id: ContainerId): Promise<void> {
    await using file = await open(join(this.path, CONTAINERS), "a", 0o600);
    await file.appendFile(`${id}\n`);
    await failpoint("build/containers.sync", () => file.datasync());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#archives.remove([this.path]);
  }
}

/** Containers of builds that a daemon did not live to end. */
export async function abandonedContainers(root: string): Promise<readonly ContainerId[]> {
  const ids: ContainerId[] = [];
  for (const name of await readdir(root)) {
    const lines = await readFile(join(root, name, CONTAINERS), "utf8").catch((error: unknown) => {
      if (errnoCode(error) === "ENOENT") return "";
      throw error;
    });
    for (const line of lines.split("\n")) if (/^[0-9a-f]{64}$/.test(line)) ids.push(asId<ContainerId>(line));
  }
  return ids;
}
