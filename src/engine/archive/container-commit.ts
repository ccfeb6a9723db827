import { errorKind, OperationError } from "../../lib/errors.ts";
import { thenUndo } from "../../lib/undo.ts";
import type { Container, ContainerConfig } from "../../model/container.ts";
import { EMPTY_CONTAINER_CONFIG } from "../../model/empty-config.ts";
import type { ImageConfig } from "../../model/image.ts";
import type { ContainerId, ImageId } from "../../model/ids.ts";
import { mergeImageConfig } from "../containers/merge-image-config.ts";
import { applyChanges } from "../images/import-changes.ts";
import type { ArchivedContainers } from "./container-archive.ts";
import type { ContainerArchives, LayerFolders } from "./effects.ts";

export interface CommittedContainers extends ArchivedContainers {
  pause(idOrName: string, options: { readonly isForNow: boolean }): Promise<void>;
  unpause(idOrName: string): Promise<void>;
}

export interface CommittedImages {
  layerFolders(id: ContainerId): LayerFolders;
  commit(
    archive: AsyncIterable<Uint8Array>,
    request: {
      readonly baseId: ImageId;
      readonly config: ImageConfig;
      readonly author: string;
      readonly comment: string;
      readonly createdBy: string;
      readonly repository: string;
      readonly tag: string;
    },
  ): Promise<{ readonly id: ImageId; readonly name: string }>;
}

export interface CommitContainerRequest {
  readonly repository: string;
  readonly tag: string;
  readonly comment: string;
  readonly author: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** What replaces the container's own settings. */
  readonly config: Partial<ContainerConfig>;
  readonly pauses: boolean;
  readonly signal: AbortSignal;
}

/** `docker commit`. */
export class ContainerCommit {
  readonly #containers: CommittedContainers;
  readonly #images: CommittedImages;
  readonly #archives: ContainerArchives;

  constructor(options: {
    readonly containers: CommittedContainers;
    readonly images: CommittedImages;
    readonly archives: ContainerArchives;
  }) {
    this.#containers = options.containers;
    this.#images = options.images;
    this.#archives = options.archives;
  }

  async commit(idOrName: string, request: CommitContainerRequest): Promise<ImageId> {
    const container = this.#containers.view(idOrName);
    const { id, state } = container;
    if (state.status === "dead" || state.status === "removing") {
      throw new OperationError(
        "conflict",
        `You cannot commit container ${id} which is ${state.status === "dead" ? "Dead" : "being removed"}`,
      );
    }
    const isPaused = request.pauses && state.status === "running" && (await this.#tryPause(id));
    const make = async (): Promise<ImageId> => {
      const config = applyChanges(imageConfigOf(container.config, request.config), request.changes);
      const made = await this.#make(container, { request, config });
      this.#containers.view(id); // Removed meanwhile: what was read may be less than it had.
      const attributes = { comment: request.comment, imageID: made.id, imageRef: made.name };
      this.#containers.announce(id, { action: "commit", attributes });
      return made.id;
    };
    return thenUndo(make, isPaused ? [() => this.#goOn(id)] : []);
  }

  /** One that ended a moment ago needs no pause. */
  async #tryPause(id: ContainerId): Promise<boolean> {
    try {
      await this.#containers.pause(id, { isForNow: true });
      return true;
    } catch (error) {
      if (error instanceof OperationError && error.kind === "conflict") return false;
      throw error;
    }
  }

  /** A container that nobody asked to pause must not stay so: once is tried again. */
  async #goOn(id: ContainerId): Promise<void> {
    const attempt = () => this.#containers.unpause(id);
    try {
      await attempt().catch((error: unknown) => (errorKind(error) === "internal" ? attempt() : Promise.reject(error)));
    } catch (error) {
      if (errorKind(error) === "internal") throw error;
      // It has ended, or somebody was faster.
    }
  }

  #make(
    container: Container,
    { request, config }: { readonly request: CommitContainerRequest; readonly config: ImageConfig },
  ): Promise<{ readonly id: ImageId; readonly name: string }> {
    const { id, imageId, path, args } = container;
    const { author, comment, repository, tag, signal } = request;
    const createdBy = (container.config.cmd ?? [path, ...args]).join(" ");
    return this.#containers.withFileSystem(id, async () => {
      const archive = await this.#archives.readChanges(this.#images.layerFolders(id), signal);
      return this.#images.commit(archive, { baseId: imageId, config, author, comment, createdBy, repository, tag });
    });
  }
}

/** The container's settings as an image's, completed by what it is asked to be. Pure. */
export function imageConfigOf(own: ContainerConfig, asked: Partial<ContainerConfig>): ImageConfig {
  const hasCommand = (own.cmd?.length ?? 0) + (own.entrypoint?.length ?? 0) > 0 || asked.cmd !== undefined;
  const whole = hasCommand ? mergeImageConfig({ ...EMPTY_CONTAINER_CONFIG, ...asked }, own) : { ...own, ...asked };
  const { user, env, volumes, workingDir, labels, exposedPorts } = whole;
  const { entrypoint, cmd, stopSignal, healthcheck, shell, onBuild } = whole;
  return {
    ...{ user, env, volumes, workingDir, labels, exposedPorts },
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(cmd === undefined ? {} : { cmd }),
    ...(stopSignal === undefined || stopSignal === "" ? {} : { stopSignal }),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    ...(shell === undefined ? {} : { shell }),
    ...(onBuild === undefined || onBuild.length === 0 ? {} : { onBuild }),
  };
}
