import { isIP } from "node:net";
import type { Schema, Specification } from "./specification.ts";

/** Where a value is not as its schema says. Places within a list or a map of names are told as `[]` and `{}`: any of them. */
export interface Violation {
  readonly at: string;
  readonly rule: string;
}

/** Checks a value as Swagger 2.0 means it: unlike in JSON Schema, `null` is of no type unless the schema is `x-nullable`. */
export function validate(value: unknown, schema: Schema, specification: Specification): readonly Violation[] {
  const found = new Map<string, Violation>();
  visit(value, schema, { specification, at: "", report: violation => found.set(`${violation.at} ${violation.rule}`, violation) });
  return [...found.values()];
}

interface Visit {
  readonly specification: Specification;
  readonly at: string;
  readonly report: (violation: Violation) => void;
}

function visit(value: unknown, given: Schema, context: Visit): void {
  const { specification, at, report } = context;
  const schema = specification.resolve(given);
  if (value === null) {
    if (!isNullable(schema, specification)) report({ at, rule: `null, not ${schema.type ?? "a value"}` });
    return;
  }
  for (const part of schema.allOf ?? []) visit(value, part, context);
  if (schema.type !== undefined && !isOfType(value, schema.type)) {
    report({ at, rule: `${kindOf(value)}, not ${schema.type}` });
    return;
  }
  for (const rule of brokenRules(value, schema)) report({ at, rule });
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) for (const item of value) visit(item, items, { ...context, at: `${at}[]` });
  } else if (isRecord(value)) visitObject(value, schema, context);
}

function visitObject(value: Readonly<Record<string, unknown>>, schema: Schema, context: Visit): void {
  const { at, report } = context;
  const { required = [], properties = {}, additionalProperties } = schema;
  for (const key of required) if (!Object.hasOwn(value, key)) report({ at: `${at}.${key}`, rule: "required" });
  for (const [key, inner] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property !== undefined) visit(inner, property, { ...context, at: `${at}.${key}` });
    else if (typeof additionalProperties === "object") visit(inner, additionalProperties, { ...context, at: `${at}{}` });
    else if (additionalProperties === false) report({ at: `${at}.${key}`, rule: "no such property" });
  }
}

/** An `allOf` may be null where all its parts may. */
function isNullable(schema: Schema, specification: Specification): boolean {
  if (schema["x-nullable"] !== undefined) return schema["x-nullable"];
  const { allOf } = schema;
  if (allOf !== undefined) return allOf.every(part => isNullable(specification.resolve(part), specification));
  return schema.type === undefined && schema.properties === undefined;
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? "array" : typeof value);

function isOfType(value: unknown, type: NonNullable<Schema["type"]>): boolean {
  switch (type) {
    case "object":
      return isRecord(value);
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "array":
    case "string":
    case "number":
    case "boolean":
      return kindOf(value) === type;
  }
}

function* brokenRules(value: unknown, schema: Schema): Generator<string> {
  const { format, minimum, maximum, minItems, maxItems, pattern } = schema;
  if (schema.enum !== undefined && !schema.enum.includes(value)) yield `${JSON.stringify(value)} is none of the enum`;
  if (typeof value === "number") {
    if (minimum !== undefined && value < minimum) yield `less than ${minimum}`;
    if (maximum !== undefined && value > maximum) yield `more than ${maximum}`;
    const range = format === undefined ? undefined : RANGES[format];
    if (range !== undefined && (value < range[0] || value > range[1])) yield `not of format ${format}`;
  }
  if (typeof value === "string") {
    if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) yield `does not match ${pattern}`;
    const check = format === undefined ? undefined : FORMATS[format];
    if (check !== undefined && !check(value)) yield `not of format ${format}`;
  }
  if (Array.isArray(value)) {
    if (minItems !== undefined && value.length < minItems) yield `fewer than ${minItems} items`;
    if (maxItems !== undefined && value.length > maxItems) yield `more than ${maxItems} items`;
  }
}

const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  uint8: [0, 0xff],
  uint16: [0, 0xffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint32: [0, 0xffff_ffff],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
};

const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text);

function isRange(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && rest.length === 0;
}

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  dateTime: isTime,
  "date-time": isTime,
  "ip-address": text => isIP(text) !== 0,
  cidr: isRange,
  CIDR: isRange,
};

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
