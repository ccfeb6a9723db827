import type { Schema, Specification } from "./specification.ts";
import { isRecord } from "./validate.ts";

/** The keys of a JSON value and the types at them: `.Ports{}[].HostIp: string`. Names that are data stand as `{}`, items of a list as `[]`. */
export function shapeOf(value: unknown, schema: Schema | undefined, specification: Specification): ReadonlySet<string> {
  const shape = new Set<string>();
  collect(value, { schema, specification, at: "", shape });
  return shape;
}

interface Collecting {
  readonly schema: Schema | undefined;
  readonly specification: Specification;
  readonly at: string;
  readonly shape: Set<string>;
}

function collect(value: unknown, collecting: Collecting): void {
  const { schema: given, specification, at, shape } = collecting;
  const schema = given === undefined ? undefined : specification.resolve(given);
  shape.add(`${at}: ${typeName(value)}`);
  if (Array.isArray(value)) for (const item of value) collect(item, { ...collecting, schema: schema?.items, at: `${at}[]` });
  if (!isRecord(value)) return;
  const properties = propertiesOf(schema, specification);
  for (const [key, inner] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const map = schema?.additionalProperties;
    if (property === undefined && typeof map === "object") collect(inner, { ...collecting, schema: map, at: `${at}{}` });
    else collect(inner, { ...collecting, schema: property, at: `${at}.${key}` });
  }
}

function propertiesOf(schema: Schema | undefined, specification: Specification): Readonly<Record<string, Schema>> {
  if (schema === undefined) return {};
  const parts = (schema.allOf ?? []).map(part => propertiesOf(specification.resolve(part), specification));
  return Object.assign({}, ...parts, schema.properties) as Readonly<Record<string, Schema>>;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** One line a difference: which side alone has which key or type. A list that is empty on one side says nothing of its items. */
export function compareShapes(real: ReadonlySet<string>, ours: ReadonlySet<string>): readonly string[] {
  const missing = (from: ReadonlySet<string>, entries: ReadonlySet<string>) =>
    [...entries].filter(entry => !from.has(entry) && !isInEmptyList(entry, from));
  return [
    ...missing(ours, real).map(entry => `only the real engine has ${entry}`),
    ...missing(real, ours).map(entry => `only ours has ${entry}`),
  ];
}

function isInEmptyList(entry: string, shape: ReadonlySet<string>): boolean {
  for (let end = entry.indexOf("[]"); end >= 0; end = entry.indexOf("[]", end + 1)) {
    const list = entry.slice(0, end);
    const isEmpty = shape.has(`${list}: array`) && ![...shape].some(other => other.startsWith(`${list}[]`));
    if (isEmpty) return true;
  }
  return false;
}
