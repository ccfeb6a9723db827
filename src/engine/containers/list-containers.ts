import type { Container } from "../../model/container.ts";
import type { Filters } from "../../model/control.ts";
import { asksForStopped, compileContainerFilters } from "./container-filters.ts";
import { viewOf } from "./container-store.ts";
import type { ContainerContext } from "./context.ts";
import { linkNames } from "./links.ts";
import { isRunning } from "./record.ts";

/** Newest first; from memory, whatever is under way. */
export function listContainers(
  context: ContainerContext,
  { all, limit = 0, filters }: { readonly all: boolean; readonly limit?: number; readonly filters: Filters },
): readonly Container[] {
  const matches = compileContainerFilters(filters, {
    store: context.store,
    imageIds: reference => new Set([context.images.get(reference).id]),
  });
  const showsStopped = all || limit > 0 || asksForStopped(filters);
  const found: Container[] = [];
  const names = linkNames(context.store.entries());
  for (const entry of context.store.entries()) {
    if (!showsStopped && !isRunning(entry.state)) continue;
    const linked = names.get(entry.id);
    const container = { ...viewOf(entry), ...(linked === undefined ? {} : { linkNames: linked }) };
    if (matches(container)) found.push(container);
  }
  found.sort((a, b) => b.createdAtMs - a.createdAtMs);
  return limit > 0 ? found.slice(0, limit) : found;
}
