import { isDeepStrictEqual } from "node:util";
import { errorKind } from "../../lib/errors.ts";
import { asId, type Digest, type ImageId } from "../../model/ids.ts";
import type { Image, ImageConfig } from "../../model/image.ts";
import type { BuildRequest } from "./build-request.ts";
import type { StageImage } from "./build-stages.ts";
import type { BuildImages } from "./effects.ts";

/** A step as it is looked for. */
export interface ProbedStep {
  readonly key: string;
  readonly command: readonly string[];
  readonly config: ImageConfig;
}

/**
 * What steps made before, for one stage. Once a step is not found, none after it is looked for. With `--cache-from` only what those images
 * were made by counts: by their histories, where they were not made here.
 * @see moby image/cache/cache.go
 */
export class StepCache {
  readonly #images: BuildImages;
  /** Missing: everything that was made here counts. */
  #sources: readonly Image[] | undefined;
  readonly #hold: (image: ImageId) => void;
  #isOut: boolean;

  /** @param options.hold - Told of what is found as it is found: in the next moment it could be removed. */
  constructor(
    images: BuildImages,
    { usesCache, cacheFrom, hold }: Pick<BuildRequest, "usesCache" | "cacheFrom"> & { readonly hold: (image: ImageId) => void },
  ) {
    this.#images = images;
    this.#hold = hold;
    this.#isOut = !usesCache;
    this.#sources = cacheFrom.length === 0 ? undefined : cacheFrom.flatMap(name => this.#imageIfThere(name) ?? []);
  }

  async find(parent: StageImage, step: ProbedStep): Promise<ImageId | undefined> {
    if (this.#isOut) return undefined;
    const found = await this.#find(parent, step);
    this.#isOut = found === undefined;
    return found;
  }

  async #find(parent: StageImage, step: ProbedStep): Promise<ImageId | undefined> {
    const local = this.#images.findStep(parent, step.key)?.id;
    if (local !== undefined) this.#hold(local);
    if (this.#sources === undefined) return local;
    if (local !== undefined && this.#sources.some(source => this.#isMadeOf(source, local))) return local;
    const base = parent === "" ? undefined : this.#images.get(parent);
    for (const source of this.#sources) {
      const index = stepAfter(source, base);
      if (index === undefined || source.history[index]?.createdBy !== step.command.join(" ")) continue;
      return this.#takeUp(source, { index, base, config: step.config });
    }
    return undefined;
  }

  /** The source itself where this is its last step, or else what it was after the step. */
  async #takeUp(
    source: Image,
    { index, base, config }: { readonly index: number; readonly base: Image | undefined; readonly config: ImageConfig },
  ): Promise<ImageId> {
    if (index === source.history.length - 1) {
      if (base !== undefined) await this.#images.setParent(source.id, base.id);
      return source.id;
    }
    this.#sources = [source]; // Not now from one and then from another.
    const layer = layerOf(source, index);
    const { createdAtMs, createdBy = "", author = "", comment = "" } = source.history[index] ?? {};
    return this.#images.commitStep(undefined, {
      ...{ baseId: base?.id ?? "", config, author, comment, createdBy, isTold: false },
      ...(layer !== undefined && { layer }),
      ...(createdAtMs !== undefined && { createdAtMs }),
    });
  }

  #isMadeOf(image: Image, ancestor: ImageId): boolean {
    for (let id = image.parent; id !== ""; id = this.#imageIfThere(id)?.parent ?? "") if (id === ancestor) return true;
    return false;
  }

  #imageIfThere(name: string): Image | undefined {
    try {
      return this.#images.get(name);
    } catch (error) {
      if (errorKind(error) === "not-found") return undefined;
      throw error;
    }
  }
}

/** Where in its history an image goes on from another; `undefined` where it is not made of that. */
function stepAfter(image: Image, base: Image | undefined): number | undefined {
  if (image.history.length === 0) return undefined;
  if (base === undefined) return 0;
  const { history, diffIds } = base;
  const goesOn =
    history.length < image.history.length &&
    isDeepStrictEqual(history, image.history.slice(0, history.length)) &&
    isDeepStrictEqual(diffIds, image.diffIds.slice(0, diffIds.length));
  return goesOn ? history.length : undefined;
}

function layerOf({ history, diffIds }: Image, index: number): Digest | undefined {
  if (history[index]?.isEmptyLayer !== false) return undefined;
  return asId<Digest>(diffIds[history.slice(0, index).filter(({ isEmptyLayer }) => !isEmptyLayer).length] ?? "");
}
