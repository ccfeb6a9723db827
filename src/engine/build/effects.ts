import type { CreateContainerRequest } from "../../model/container.ts";
import type { ContainerId, Digest, ImageId } from "../../model/ids.ts";
import type { Image, ImageConfig } from "../../model/image.ts";
import type { ContainerArchives, LayerFolders, RootSource } from "../archive/effects.ts";
import type { AttachOptions } from "../containers/attach.ts";
import type { ContainerFileSystem } from "../containers/file-system.ts";
import type { ProgressMessage } from "../images/progress.ts";

/** What a build needs of containers. */
export interface BuildContainers {
  create(
    request: CreateContainerRequest,
    own: { readonly id: ContainerId; readonly isImageless: boolean },
  ): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }>;
  attach(id: string, options: AttachOptions): Promise<void>;
  start(id: string): Promise<void>;
  wait(
    id: string,
    condition: "not-running",
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly result: Promise<{ readonly exitCode: number; readonly error?: string }> }>;
  remove(id: string, options: { readonly force: boolean; readonly volumes: boolean; readonly link: boolean }): Promise<void>;
  withFileSystem<T>(id: string, action: (files: ContainerFileSystem) => Promise<T>): Promise<T>;
}

/** What it needs of images. */
export interface BuildImages {
  get(reference: string): Image;
  pull(
    reference: string,
    options: { readonly platform: string; readonly auth?: string; readonly signal: AbortSignal },
  ): AsyncIterable<ProgressMessage>;
  tag(reference: string, repository: string, tag: string): Promise<void>;
  /** What the same step made of an image, or of nothing, before. */
  findStep(parent: ImageId | "", stepKey: string): Image | undefined;
  commitStep(
    archive: AsyncIterable<Uint8Array> | undefined,
    request: {
      readonly baseId: ImageId | "";
      readonly config: ImageConfig;
      readonly author: string;
      readonly comment: string;
      readonly createdBy: string;
      readonly step?: { readonly key: string; readonly command: readonly string[] };
      readonly isTold: boolean;
      /** A layer that is here, in place of an archive. */
      readonly layer?: Digest;
      /** Missing: now. */
      readonly createdAtMs?: number;
    },
  ): Promise<ImageId>;
  /** From now on an image counts as made of another. */
  setParent(id: ImageId, parent: ImageId): Promise<void>;
  createRootfs(id: ContainerId, imageId: ImageId | "", options: { readonly isBare: true }): Promise<unknown>;
  mountRootfs(id: ContainerId, options: { readonly isVolatile: boolean }): Promise<string>;
  removeRootfs(id: ContainerId): Promise<void>;
  layerFolders(id: ContainerId): LayerFolders;
}

export interface FoundSource {
  /** Latin1, a character a byte. */
  readonly path: string;
  /** With links followed. */
  readonly resolved: string;
  readonly isFolder: boolean;
  /** `file:SUM` or `dir:SUM`. */
  readonly hash: string;
}

/** Work on the context and on images' files. Implemented by `system/archive.ts`. */
export interface BuildArchives extends Pick<ContainerArchives, "readChanges" | "writePath"> {
  unpack(
    source: AsyncIterable<Uint8Array>,
    options: {
      readonly target: string;
      readonly isLayer: boolean;
      readonly bytesMax: number;
      readonly entriesMax: number;
      readonly sumsPath: string;
    },
  ): Promise<unknown>;
  decompress(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** @throws OperationError `not-found`: `stat x: file does not exist`. */
  findSources(
    root: RootSource,
    query: { readonly patterns: readonly string[]; readonly sumsPath?: string },
  ): Promise<readonly FoundSource[]>;
  /** In latin1, without a slash in front. @throws OperationError `invalid` for a path that leads out. */
  resolvePath(
    root: RootSource,
    path: string,
  ): Promise<{ readonly path: string; readonly type: "file" | "folder" | "other" | "missing" }>;
  copySources(
    root: RootSource,
    copy: {
      readonly from: RootSource;
      readonly sources: readonly Omit<FoundSource, "hash">[];
      readonly destination: string;
      readonly chown: string;
      readonly keepsOwners: boolean;
    },
  ): Promise<void>;
  makeFolder(root: RootSource, path: string): Promise<void>;
  remove(paths: readonly string[]): Promise<void>;
}
