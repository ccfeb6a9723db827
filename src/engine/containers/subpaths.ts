import type { ContainerDependencies } from "./dependencies.ts";
import type { MountPlan } from "./mount-plan.ts";

/** Parts of volumes and images, in which other containers may put links until they are mounted: held until then. */
export class Subpaths implements Disposable {
  readonly #holdPath: ContainerDependencies["holdPath"];
  readonly #held: Disposable[] = [];

  constructor({ holdPath }: Pick<ContainerDependencies, "holdPath">) {
    this.#holdPath = holdPath;
  }

  /** @returns the plan with the place that is meant. @throws OperationError `invalid` when it is not there. */
  hold<Plan extends MountPlan>(plan: Plan): Plan {
    if ((plan.kind !== "volume" && plan.kind !== "image") || plan.subpath === "") return plan;
    const place = this.#holdPath(plan.source, plan.subpath);
    this.#held.push(place);
    return { ...plan, source: place.path };
  }

  /** What could not be let go of is held still: a second time tries again. */
  [Symbol.dispose](): void {
    for (let last = this.#held.at(-1); last !== undefined; last = this.#held.at(-1)) {
      last[Symbol.dispose]();
      this.#held.pop();
    }
  }
}
