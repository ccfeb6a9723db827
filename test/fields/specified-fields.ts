import type { Schema, Specification } from "../conformance/specification.ts";

export interface SpecifiedField {
  /** `HostConfig.Mounts[].BindOptions.Propagation`; `*` stands for a name that the client chooses. */
  readonly path: string;
  /** `integer`, `list of string` … */
  readonly type: string;
}

/** Every field of the body of an operation, down to what holds no others. */
export function specifiedFields(specification: Specification, operation = "ContainerCreate"): readonly SpecifiedField[] {
  const { body } = specification.operation(operation);
  if (body === undefined) throw new Error(`the specification says nothing of the body of ${operation}`);
  return [...fieldsOf(body, { specification, path: "" })];
}

interface Place {
  readonly specification: Specification;
  readonly path: string;
}

function* fieldsOf(given: Schema, { specification, path }: Place): Generator<SpecifiedField> {
  const schema = specification.resolve(given);
  const at = (suffix: string): Place => ({ specification, path: `${path}${suffix}` });
  for (const part of schema.allOf ?? []) yield* fieldsOf(part, at(""));
  const { properties, items, additionalProperties } = schema;
  const isMap = typeof additionalProperties === "object";
  if (properties !== undefined) {
    for (const [name, inner] of Object.entries(properties)) yield* fieldsOf(inner, at(path === "" ? name : `.${name}`));
  } else if (items !== undefined && holdsFields(items, specification)) yield* fieldsOf(items, at("[]"));
  else if (isMap && holdsFields(additionalProperties, specification)) yield* fieldsOf(additionalProperties, at(".*"));
  else if (schema.allOf === undefined) yield { path, type: typeOf(schema, specification) };
}

function holdsFields(given: Schema, specification: Specification): boolean {
  const { properties, allOf = [], items } = specification.resolve(given);
  if (properties !== undefined) return true;
  return [...allOf, ...(items === undefined ? [] : [items])].some(part => holdsFields(part, specification));
}

function typeOf({ type, items, additionalProperties }: Schema, specification: Specification): string {
  if (items !== undefined) return `list of ${typeOf(specification.resolve(items), specification)}`;
  if (typeof additionalProperties !== "object") return type ?? "value";
  const { type: of } = specification.resolve(additionalProperties);
  return of === undefined || of === "object" ? "set of names" : `map of ${of}`;
}
