import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ContainerImages } from "../../../../src/engine/containers/needs.ts";
import { type RecordChange } from "../../../../src/engine/state/database.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { asId, type ContainerId, type ImageId } from "../../../../src/model/ids.ts";
import type { Image, ImageConfig } from "../../../../src/model/image.ts";

const EMPTY_IMAGE_CONFIG: ImageConfig = { user: "", env: [], volumes: [], workingDir: "", labels: {}, exposedPorts: [] };

/** One image, `busybox:latest`; a container's root is a copy of a folder. */
export class FakeImages implements ContainerImages {
  readonly #directory: string;
  readonly #baseRootfs: string;
  config: ImageConfig = { ...EMPTY_IMAGE_CONFIG, cmd: ["sh"], env: ["PATH=/bin"] };
  readonly mounted = new Set<ContainerId>();
  /** Those that stay mounted whatever is done. */
  readonly stuck = new Set<ContainerId>();
  failCreate = false;

  constructor(directory: string, { baseRootfs }: { readonly baseRootfs: string }) {
    this.#directory = directory;
    this.#baseRootfs = baseRootfs;
  }

  get(reference: string): Image {
    const id = asId<ImageId>(`sha256:${"1".repeat(64)}`);
    if (!["busybox", "busybox:latest", id].includes(reference)) {
      throw new OperationError("not-found", `No such image: ${reference.includes(":") ? reference : `${reference}:latest`}`);
    }
    return {
      id,
      tags: ["busybox:latest"],
      digests: [],
      parent: "",
      comment: "",
      author: "",
      architecture: "amd64",
      variant: "",
      os: "linux",
      sizeBytes: 1000,
      diffIds: [],
      config: this.config,
      history: [],
    };
  }

  rootfsOf(id: ContainerId): string {
    return join(this.#directory, "roots", id);
  }

  async createRootfs(id: ContainerId): Promise<RecordChange> {
    if (this.failCreate) throw new OperationError("internal", "no space left");
    cpSync(this.#baseRootfs, this.rootfsOf(id), { recursive: true, verbatimSymlinks: true });
    return { collection: "rootfs", key: `rootfs/${id}`, kind: "put", value: { id } };
  }

  removalOfRootfs(id: ContainerId): RecordChange {
    return { collection: "rootfs", key: `rootfs/${id}`, kind: "delete" };
  }

  async mountRootfs(id: ContainerId): Promise<string> {
    this.mounted.add(id);
    return this.rootfsOf(id);
  }

  async unmountRootfs(id: ContainerId): Promise<void> {
    if (this.stuck.has(id)) throw new OperationError("internal", "device or resource busy");
    this.mounted.delete(id);
  }

  async removeRootfs(id: ContainerId): Promise<void> {
    rmSync(this.rootfsOf(id), { recursive: true, force: true });
  }

  rootfsPath(id: ContainerId): string {
    return this.rootfsOf(id);
  }

  upperPath(id: ContainerId): string {
    return this.rootfsOf(id);
  }
}
