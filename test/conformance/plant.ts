import type { Schema, Specification } from "./specification.ts";
import { isRecord } from "./validate.ts";

/** A copy of a right value with one thing made wrong. */
export interface Planted {
  readonly what: string;
  readonly value: unknown;
}

/** Every required key taken away, and every value that has a type replaced by one of another, one at a time. */
export function* plantViolations(value: unknown, given: Schema, specification: Specification): Generator<Planted> {
  const schema = specification.resolve(given);
  if (value === null) return;
  for (const part of schema.allOf ?? []) yield* plantViolations(value, part, specification);
  if (schema.type !== undefined)
    yield { what: `another type than ${schema.type}`, value: schema.type === "string" ? 17 : "planted" };
  if (schema.enum !== undefined && typeof value === "string") yield { what: "none of the enum", value: "planted" };
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const { what, value: item } of plantViolations(value[0] ?? null, schema.items, specification))
      yield { what: `[] ${what}`, value: value.with(0, item) };
  } else if (isRecord(value)) yield* plantInObject(value, schema, specification);
}

function* plantInObject(
  value: Readonly<Record<string, unknown>>,
  schema: Schema,
  specification: Specification,
): Generator<Planted> {
  for (const key of schema.required ?? []) {
    const { [key]: taken, ...left } = value;
    if (taken !== undefined) yield { what: `.${key} taken away`, value: left };
  }
  for (const [key, inner] of Object.entries(value)) {
    const map = schema.additionalProperties;
    const property = schema.properties?.[key] ?? (typeof map === "object" ? map : undefined);
    if (property === undefined) continue;
    for (const { what, value: wrong } of plantViolations(inner, property, specification))
      yield { what: `.${key} ${what}`, value: { ...value, [key]: wrong } };
  }
}
