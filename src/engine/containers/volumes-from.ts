import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { ContainerStore } from "./container-store.ts";
import type { ContainerEntry } from "./entry.ts";
import type { MountPlan } from "./mount-plan.ts";

/** Binds and volumes of other containers: `NAME[:ro|rw]`. @throws OperationError in Docker's words. */
export function inheritedMounts(store: ContainerStore, volumesFrom: readonly string[]): readonly MountPlan[] {
  return volumesFrom.flatMap(text => {
    const [name = "", mode = "", ...rest] = text.split(":");
    if (text === "") throw new OperationError("invalid", "volumes-from specification cannot be an empty string");
    if (name === "" || rest.length > 0) throw new OperationError("invalid", `invalid volumes-from specification: ${text}`);
    const words = mode === "" ? [] : mode.split(",");
    if (words.some(word => !["ro", "rw", "z", "Z"].includes(word))) throw new OperationError("invalid", `invalid mode: ${mode}`);
    const plans = found(store, name).record.mounts.filter(plan => plan.kind === "bind" || plan.kind === "volume");
    const access = (plan: MountPlan) => ({ isWritable: plan.isWritable && !words.includes("ro"), mode: "" });
    // An anonymous volume belongs to the container it was made for.
    return plans.map(plan =>
      plan.kind === "volume" ? { ...plan, ...access(plan), isAnonymous: false } : { ...plan, ...access(plan) },
    );
  });
}

/** It is the request that is wrong: clients would take "not found" for the image's. */
function found(store: ContainerStore, name: string): ContainerEntry {
  try {
    return store.resolve(name);
  } catch (error) {
    throw new OperationError("invalid", errorMessage(error), { cause: error });
  }
}
