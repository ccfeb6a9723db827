import type { PlacementRequest } from "./place.ts";
import { normalArchitecture, parseConstraint, satisfies } from "./constraint.ts";
import { hasEnough, NO_GENERIC_RESOURCES } from "./generic-resources.ts";
import type { NodeLoad } from "./node-view.ts";

/** A reason why a node may not take a task. Bound to a request it is a predicate, so there is no state to reset. */
export interface Filter {
  /** `undefined`: the request does not ask for this check. */
  bind(request: PlacementRequest): ((load: NodeLoad) => boolean) | undefined;
  /** The reason `service ps` shows when `count` nodes were ruled out, in Swarm's words. */
  explain(count: number): string;
}

const readyFilter: Filter = {
  bind: () => load => load.takesTasks,
  explain: count => `${nodes(count)} not available for new tasks`,
};

const resourceFilter: Filter = {
  bind({ reservations: { nanoCpus, memoryBytes, generic = NO_GENERIC_RESOURCES } }) {
    if (nanoCpus === 0 && memoryBytes === 0 && generic.length === 0) return undefined;
    return ({ available }) =>
      nanoCpus <= available.nanoCpus &&
      memoryBytes <= available.memoryBytes &&
      (generic.length === 0 || hasEnough(available.generic ?? NO_GENERIC_RESOURCES, generic));
  },
  explain: count => `insufficient resources on ${nodes(count)}`,
};

const constraintFilter: Filter = {
  bind({ placement }) {
    const constraints = (placement.constraints ?? []).map(parseConstraint);
    if (constraints.length === 0) return undefined;
    return ({ node }) => constraints.every(constraint => satisfies(node, constraint));
  },
  explain: count => `scheduling constraints not satisfied on ${nodes(count)}`,
};

const platformFilter: Filter = {
  bind({ placement }) {
    const platforms = placement.platforms ?? [];
    if (platforms.length === 0) return undefined;
    return ({ node }) => {
      const platform = node.description?.platform;
      if (platform === undefined) return false;
      return platforms.some(
        ({ os, architecture }) =>
          (os === "" || os.toLowerCase() === platform.os.toLowerCase()) &&
          (architecture === "" || normalArchitecture(architecture) === normalArchitecture(platform.architecture)),
      );
    };
  },
  explain: count => `unsupported platform on ${nodes(count)}`,
};

const hostPortFilter: Filter = {
  bind({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return load => !hostPorts.some(port => load.hostPorts.has(port));
  },
  explain: count => `host-mode port already in use on ${nodes(count)}`,
};

const maxReplicasFilter: Filter = {
  bind({ placement, serviceId }) {
    const { maxReplicas = 0 } = placement;
    if (maxReplicas === 0) return undefined;
    return ({ tasksByService }) => (tasksByService.get(serviceId) ?? 0) < maxReplicas;
  },
  explain: () => "max replicas per node limit exceed",
};

/** In the order in which they are asked: a node counts for the first that rules it out. */
export const FILTERS: readonly Filter[] = [
  readyFilter,
  resourceFilter,
  constraintFilter,
  platformFilter,
  hostPortFilter,
  maxReplicasFilter,
];

export type BoundFilters = readonly { readonly filter: Filter; readonly accepts: (load: NodeLoad) => boolean }[];

export function bindFilters(request: PlacementRequest): BoundFilters {
  return FILTERS.flatMap(filter => {
    const accepts = filter.bind(request);
    return accepts === undefined ? [] : [{ filter, accepts }];
  });
}

/** The first filter that rules the node out. */
export function refusal(filters: BoundFilters, load: NodeLoad): Filter | undefined {
  for (const { filter, accepts } of filters) if (!accepts(load)) return filter;
  return undefined;
}

/** Commonest reason first. */
export function explainRefusals(counts: ReadonlyMap<Filter, number>): string {
  const reasons = FILTERS.filter(filter => (counts.get(filter) ?? 0) > 0)
    .toSorted((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
    .map(filter => filter.explain(counts.get(filter) ?? 0));
  return reasons.length === 0 ? "no suitable node" : `no suitable node (${reasons.join("; ")})`;
}

function nodes(count: number): string {
  return `${count} node${count === 1 ? "" : "s"}`;
}
