import { addressOfSlot, hasSlotAddresses } from "../allocator/slot-addresses.ts";
import { isDead, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";

/**
 * In which turn an update replaces slots that have addresses, where one is to have what another has: first those whose next address is
 * free, so that each leaves its own to the one after it. In a circle none is free: then one slot is stopped, and after it, whatever the
 * update's parallelism, each whose address is waited for.
 */
export class SlotTurns {
  readonly #planner: ServicePlanner;
  /** By network and address, of tasks that have not ended. */
  readonly #holders = new Map<string, Instance>();
  readonly #awaited = new Set<Instance>();

  constructor(planner: ServicePlanner, instances: readonly Instance[]) {
    this.#planner = planner;
    if (!hasSlotAddresses(planner.revision.task)) return;
    for (const instance of instances) for (const key of heldBy(instance)) this.#holders.set(key, instance);
    for (const instance of instances) {
      if (!instance.tasks.some(task => isWanted(task) && task.status.state === "new")) continue;
      for (const holder of this.#othersBefore(instance)) this.#awaited.add(holder);
    }
  }

  /** Another slot still has an address that this one is to have. */
  hasToWait(instance: Instance): boolean {
    return this.#othersBefore(instance).length > 0;
  }

  /** A task of another slot waits for its address. */
  isAwaited(instance: Instance): boolean {
    return this.#awaited.has(instance);
  }

  #othersBefore(instance: Instance): readonly Instance[] {
    if (this.#holders.size === 0) return [];
    return this.#planner.revision.task.networks.flatMap(attachment => {
      const address = addressOfSlot(attachment, instance.slot);
      const holder = address === undefined ? undefined : this.#holders.get(`${attachment.target} ${address}`);
      return holder === undefined || holder.slot === instance.slot ? [] : [holder];
    });
  }
}

function heldBy({ tasks }: Instance): readonly string[] {
  const live = tasks.filter(task => !isDead(task));
  return live.flatMap(({ networks }) =>
    networks.flatMap(({ networkId, addresses }) => addresses.map(address => `${networkId} ${address.split("/")[0]}`)),
  );
}
