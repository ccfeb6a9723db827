import { OperationError } from "../../lib/errors.ts";
import type { ImageId } from "../../model/ids.ts";

/** What a stage has come to; empty: nothing, as `scratch`. */
export type StageImage = ImageId | "";

/** The stages that are built. */
export class BuildStages {
  readonly #images: StageImage[] = [];
  readonly #byName = new Map<string, StageImage>();

  /** @throws OperationError for a name that is taken. */
  checkName(name: string): void {
    if (name !== "" && this.#byName.has(name)) throw new OperationError("internal", `${name} stage name already used`);
  }

  add(name: string, image: StageImage): void {
    this.#images.push(image);
    if (name !== "") this.#byName.set(name, image);
  }

  /** `undefined`: no stage has that name. */
  named(name: string): StageImage | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** By name or by number, from 0. @throws OperationError, in Docker's words. */
  find(nameOrNumber: string): StageImage | undefined {
    const named = this.named(nameOrNumber);
    if (named !== undefined || !/^[+-]?\d+$/.test(nameOrNumber)) return named;
    const index = Number(nameOrNumber);
    if (index === this.#images.length) throw new OperationError("internal", "refers to current build stage");
    const image = this.#images[index];
    if (image === undefined) throw new OperationError("internal", "index out of bounds");
    return image;
  }
}
