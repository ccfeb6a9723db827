import { errorKind, OperationError } from "../../lib/errors.ts";
import type { ContainerFileSystem } from "../containers/file-system.ts";
import type { Container } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { ContainerArchives, LayerFolders, PathStat, RootSource } from "./effects.ts";
import { heldStream } from "./held-stream.ts";

/** What `docker cp` needs of containers. */
export interface ArchivedContainers {
  view(idOrName: string): Container;
  withFileSystem<T>(idOrName: string, action: (files: ContainerFileSystem) => Promise<T>): Promise<T>;
  announce(idOrName: string, event: { readonly action: string; readonly attributes?: Readonly<Record<string, string>> }): void;
}

/** What it needs of images. */
export interface ArchivedLayers {
  /** A container's own layer and those it stands on. */
  layerFolders(id: ContainerId): LayerFolders;
}

export interface FileChange {
  readonly path: string;
  /** 0 modified, 1 added, 2 deleted. */
  readonly kind: 0 | 1 | 2;
}

/** Files in and out of containers, running or not. */
export class ContainerArchive {
  readonly #containers: ArchivedContainers;
  readonly #archives: ContainerArchives;
  readonly #layers: ArchivedLayers;

  constructor(options: {
    readonly containers: ArchivedContainers;
    readonly archives: ContainerArchives;
    readonly layers: ArchivedLayers;
  }) {
    this.#containers = options.containers;
    this.#layers = options.layers;
    this.#archives = options.archives;
  }

  /** @throws OperationError `not-found`: `Could not find the file /x in container y`. */
  async stat(idOrName: string, path: string): Promise<PathStat> {
    return this.#containers.withFileSystem(idOrName, files =>
      inWords(this.#archives.statPath(rootOf(files), path), { path, idOrName }),
    );
  }

  /** The container is held, where it does not run, until the archive has been read or `signal` is aborted. */
  async read(
    idOrName: string,
    options: { readonly path: string; readonly signal: AbortSignal },
  ): Promise<{ readonly stat: PathStat; readonly archive: AsyncIterable<Uint8Array> }> {
    const { path, signal } = options;
    const { result, stream } = await heldStream<PathStat>(signal, lend =>
      this.#containers.withFileSystem(idOrName, async files => {
        const { stat, archive } = await inWords(this.#archives.readPath(rootOf(files), options), { path, idOrName });
        this.#containers.announce(files.container.id, { action: "archive-path" });
        await lend({ result: stat, stream: archive });
      }),
    );
    return { stat: result, archive: stream };
  }

  /** Unpacks an archive, compressed or not, in a folder of the container. */
  async write(
    idOrName: string,
    request: {
      readonly path: string;
      readonly noOverwriteDirNonDir: boolean;
      readonly copyUidGid: boolean;
      readonly archive: AsyncIterable<Uint8Array>;
    },
  ): Promise<void> {
    const { path, archive } = request;
    await this.#containers.withFileSystem(idOrName, async files => {
      const { config, hostConfig, id } = files.container;
      const settings = {
        keepsKinds: request.noOverwriteDirNonDir,
        owner: request.copyUidGid ? config.user : "",
        isRootReadOnly: hostConfig.readonlyRootfs,
        mounts: files.mounts,
      };
      await inWords(this.#archives.writePath(rootOf(files), { path, settings, archive }), { path, idOrName });
      this.#containers.announce(id, { action: "extract-to-dir" });
    });
  }

  /** The container's own file system, without what is mounted in it. */
  async exportTree(idOrName: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { stream } = await heldStream<void>(signal, lend =>
      this.#containers.withFileSystem(idOrName, async ({ rootfsPath, container }) => {
        const archive = await this.#archives.readTree({ kind: "folder", path: rootfsPath, mounts: [] }, signal);
        this.#containers.announce(container.id, { action: "export" });
        await lend({ result: undefined, stream: archive });
      }),
    );
    return stream;
  }

  /** What its own layer changes. */
  async changes(idOrName: string, signal: AbortSignal): Promise<readonly FileChange[]> {
    const { id } = this.#containers.view(idOrName);
    const changes: FileChange[] = [];
    for await (const bytes of await this.#archives.listChanges(this.#layers.layerFolders(id), signal)) {
      for (const line of Buffer.from(bytes).toString("utf8").trimEnd().split("\n")) {
        const [path, kind] = JSON.parse(line) as [string, FileChange["kind"]];
        changes.push({ path: `/${path}`, kind });
      }
    }
    return changes;
  }
}

export function rootOf({ process, rootfsPath, mounts }: ContainerFileSystem): RootSource {
  return process === undefined ? { kind: "folder", path: rootfsPath, mounts } : { kind: "process", ...process };
}

async function inWords<T>(
  work: Promise<T>,
  { path, idOrName }: { readonly path: string; readonly idOrName: string },
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (errorKind(error) !== "not-found") throw error;
    throw new OperationError("not-found", `Could not find the file ${path} in container ${idOrName}`, { cause: error });
  }
}
