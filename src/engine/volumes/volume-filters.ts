import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";
import type { Volume } from "../../model/engine-network.ts";

type VolumePredicate = (volume: Volume) => boolean;

/** @throws OperationError `invalid` for a filter that Docker does not know. */
export function compileVolumeFilters(filters: Filters, context: { readonly isUsed: (name: string) => boolean }): VolumePredicate {
  const predicates = Object.entries(filters).map(([key, values]): VolumePredicate => {
    const checks = values.map(value => makePredicate(key, { value, ...context }));
    if (key === "label" || key === "label!") return volume => checks.every(check => check(volume));
    return volume => checks.length === 0 || checks.some(check => check(volume));
  });
  return volume => predicates.every(predicate => predicate(volume));
}

function makePredicate(
  key: string,
  { value, isUsed }: { readonly value: string; readonly isUsed: (name: string) => boolean },
): VolumePredicate {
  switch (key) {
    case "name":
      return ({ name }) => name.includes(value);
    case "driver":
      return ({ driver }) => driver === value;
    case "label":
      return ({ labels }) => hasLabel(labels, value);
    case "label!":
      return ({ labels }) => !hasLabel(labels, value);
    case "dangling": {
      const wanted = ["1", "true", "t"].includes(value.toLowerCase());
      if (!wanted && !["0", "false", "f"].includes(value.toLowerCase())) {
        throw new OperationError("invalid", `invalid filter 'dangling=${value}'`);
      }
      return ({ name }) => isUsed(name) !== wanted;
    }
    default:
      throw new OperationError("invalid", `invalid filter '${key}'`);
  }
}

function hasLabel(labels: Volume["labels"], filter: string): boolean {
  const [name = "", ...rest] = filter.split("=");
  return labels[name] !== undefined && (rest.length === 0 || labels[name] === rest.join("="));
}
