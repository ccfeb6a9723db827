import { OperationError } from "../../lib/errors.ts";
import type { GenericResource } from "../../model/resources.ts";
import { omitEmpty, struct } from "./codec.ts";
import { adapt, int64, list, optional, text } from "./scalars.ts";

interface WireResource {
  readonly named?: { readonly kind: string; readonly value: string };
  readonly discrete?: { readonly kind: string; readonly value: number };
}

const wireResource = struct<WireResource>("swarm.GenericResource", {
  named: omitEmpty(
    "NamedResourceSpec",
    optional(
      struct<{ readonly kind: string; readonly value: string }>("swarm.NamedGenericResource", {
        kind: omitEmpty("Kind", text),
        value: omitEmpty("Value", text),
      }),
    ),
  ),
  discrete: omitEmpty(
    "DiscreteResourceSpec",
    optional(
      struct<{ readonly kind: string; readonly value: number }>("swarm.DiscreteGenericResource", {
        kind: omitEmpty("Kind", text),
        value: omitEmpty("Value", int64),
      }),
    ),
  ),
});

/** @see moby api/types/swarm/task.go: of both, the number counts. */
const genericResource = adapt(wireResource, {
  toModel({ named, discrete }: WireResource): GenericResource {
    const resource = discrete ?? named;
    if (resource === undefined)
      throw new OperationError("invalid", "a generic resource needs a DiscreteResourceSpec or a NamedResourceSpec");
    return resource;
  },
  toWire({ kind, value }: GenericResource): WireResource {
    return typeof value === "number" ? { discrete: { kind, value } } : { named: { kind, value } };
  },
});

export const genericResources = list(genericResource);

/** Beside a node's other resources, and in a task: nothing where there are none. */
export function genericResourcesJson(resources: readonly GenericResource[] = []): { readonly GenericResources?: unknown } {
  return resources.length === 0 ? {} : { GenericResources: genericResources.write(resources) };
}
