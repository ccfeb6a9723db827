import { joined } from "../../lib/undo.ts";
import type { ContainerDependencies } from "./dependencies.ts";
import type { MountPlan } from "./mount-plan.ts";

/** Parts of volumes and images, in which other containers may put links until they are mounted: held until then. */
export class Subpaths implements Disposable {
  readonly #holdPath: ContainerDependencies["holdPath"];
  #held: readonly Disposable[] = [];

  constructor({ holdPath }: Pick<ContainerDependencies, "holdPath">) {
    this.#holdPath = holdPath;
  }

  /** @returns the plan with the place that is meant. @throws OperationError `invalid` when it is not there. */
  hold<Plan extends MountPlan>(plan: Plan): Plan {
    if ((plan.kind !== "volume" && plan.kind !== "image") || plan.subpath === "") return plan;
    const place = this.#holdPath(plan.source, plan.subpath);
    this.#held = [...this.#held, place];
    return { ...plan, source: place.path };
  }

  /** What could not be let go of is held still: a second time tries again. */
  [Symbol.dispose](): void {
    const failures: unknown[] = [];
    this.#held = this.#held.filter(place => {
      try {
        place[Symbol.dispose]();
        return false;
      } catch (error) {
        failures.push(error);
        return true;
      }
    });
    if (failures.length > 0) throw joined(failures);
  }
}
