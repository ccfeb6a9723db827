import { OperationError } from "../../lib/errors.ts";
import type { Codec } from "./codec.ts";
import { isRecord } from "./codec.ts";

/**
 * A shape with fields that Docker has and the model lacks: given, they are refused, never dropped.
 *
 * @param refused - Wire names.
 * @param fixed - Those that have one value here, with it: it may be given too.
 */
export function refusing<T, C extends Codec<T>>(
  inner: C & Codec<T>,
  refused: readonly string[],
  fixed: Readonly<Record<string, unknown>> = {},
): C {
  const known = new Map([...refused, ...Object.keys(fixed)].map(name => [name.toLowerCase(), name]));
  return {
    ...inner,
    read(value: unknown, at: Parameters<Codec<T>["read"]>[1]) {
      for (const [key, given] of isRecord(value) ? Object.entries(value) : []) {
        const name = known.get(key.toLowerCase());
        if (name === undefined || isNothing(given) || given === fixed[name]) continue;
        throw new OperationError("invalid", `${inner.goType.replace(/^.*\./, "")}.${name} is not supported by this engine`);
      }
      return inner.read(value, at);
    },
  };
}

/** Null, zero, empty, and whatever holds nothing else: clients send whole structures of nothing. */
function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isNothing);
  if (isRecord(value)) return Object.values(value).every(isNothing);
  return value === null || value === "" || value === 0 || value === false || value === undefined;
}
