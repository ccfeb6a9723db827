import type { Json } from "../context.ts";

/** A copy with the value at the path replaced; objects on the way are made. */
export function withPath(value: Json, path: readonly string[], replacement: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  const object =
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { readonly [key: string]: Json }) : {};
  return { ...object, [key]: withPath(object[key], rest, replacement) };
}
