import { thenUndo, undoAfter, undoAll } from "../../lib/undo.ts";
import { type ContainerId, engineIdFrom, type ImageId } from "../../model/ids.ts";
import type { Random } from "../../ports/random.ts";
import type { RootSource } from "../archive/effects.ts";
import type { BuildImages } from "./effects.ts";

/** Files of images that a build copies from, mounted until it is over; and trees that it copies into. */
export class SourceTrees implements AsyncDisposable {
  readonly #images: BuildImages;
  readonly #random: Random;
  readonly #mounted = new Map<ImageId | "", { readonly id: ContainerId; readonly root: RootSource }>();

  constructor({ images, random }: { readonly images: BuildImages; readonly random: Random }) {
    this.#images = images;
    this.#random = random;
  }

  async of(image: ImageId | ""): Promise<RootSource> {
    const mounted = this.#mounted.get(image);
    if (mounted !== undefined) return mounted.root;
    const id = engineIdFrom<ContainerId>(this.#random.bytes(32));
    const root = await this.#mount(id, image);
    this.#mounted.set(image, { id, root });
    return root;
  }

  /** A tree over an image's files for one action. Nothing of it stays. */
  async over<T>(image: ImageId | "", action: (root: RootSource, id: ContainerId) => Promise<T>): Promise<T> {
    const id = engineIdFrom<ContainerId>(this.#random.bytes(32));
    return thenUndo(async () => action(await this.#mount(id, image), id), [() => this.#images.removeRootfs(id)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await undoAll(
      [...this.#mounted].map(([image, { id }]) => async () => {
        await this.#images.removeRootfs(id);
        this.#mounted.delete(image);
      }),
    );
  }

  async #mount(id: ContainerId, image: ImageId | ""): Promise<RootSource> {
    await this.#images.createRootfs(id, image, { isBare: true }); // Never recorded: a crash takes it away.
    try {
      return { kind: "folder", path: await this.#images.mountRootfs(id, { isVolatile: true }), mounts: [] };
    } catch (error) {
      return undoAfter(error, [() => this.#images.removeRootfs(id)]);
    }
  }
}
