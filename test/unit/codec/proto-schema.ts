import { readFileSync } from "node:fs";

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly label: "optional" | "repeated" | "map" | "plain" | "case";
}
/** Fields by message; a message within another one has both names, with a dot between. */
export type Schema = ReadonlyMap<string, readonly Field[]>;

const TOKEN =
  /message\s+(?<message>\w+)\s*\{|oneof\s+\w+\s*(?<oneof>\{)|(?<end>\})|(?<label>(?:optional|repeated)\s+)?(?<type>map<[^>]+>|\w+)\s+(?<field>\w+)\s*=\s*\d+;/g;

/** What a file in `proto/` says of its messages. */
export function readSchema(path: string): Schema {
  const text = readFileSync(path, "utf8").replaceAll(/\/\/.*$/gm, "");
  const schema = new Map<string, Field[]>();
  const open: (string | undefined)[] = [];
  for (const { groups = {} } of text.matchAll(TOKEN)) {
    if (groups["message"] !== undefined) open.push(groups["message"]);
    else if (groups["oneof"] !== undefined) open.push(undefined);
    else if (groups["end"] !== undefined) open.pop();
    else {
      const { label = "", type = "", field: name = "" } = groups;
      const message = open.filter(part => part !== undefined).join(".");
      const field = { name, type, label: labelOf({ label: label.trim(), type, isCase: open.at(-1) === undefined }) };
      schema.set(message, [...(schema.get(message) ?? []), field]);
    }
  }
  return schema;
}

function labelOf({ label, type, isCase }: { label: string; type: string; isCase: boolean }): Field["label"] {
  if (isCase) return "case";
  if (label === "optional" || label === "repeated") return label;
  return type.startsWith("map<") ? "map" : "plain";
}

/** Every field that a message, as ts-proto holds it, says something in: what a reader would find on the wire. */
export function* fieldsIn(schema: Schema, message: string, value: object): Generator<string> {
  for (const field of schema.get(message) ?? []) {
    const said = saidIn(field, value as Readonly<Record<string, unknown>>);
    if (said.length > 0) yield `${message}.${field.name}`;
    const inner = [`${message}.${field.type}`, field.type].find(name => schema.has(name));
    if (inner !== undefined) for (const each of said) yield* fieldsIn(schema, inner, each as object);
  }
}

function saidIn({ name, label }: Field, value: Readonly<Record<string, unknown>>): readonly unknown[] {
  const key = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const held = value[key];
  switch (label) {
    case "case":
      return Object.values(value).flatMap(one => (isCase(one, key) ? [one.value] : []));
    case "repeated":
      return held as readonly unknown[];
    case "map":
      return Object.keys(held as object);
    case "optional":
      return held === undefined ? [] : [held];
    case "plain":
      return isDefault(held) ? [] : [held];
  }
}

function isCase(value: unknown, key: string): value is { readonly value: unknown } {
  return typeof value === "object" && value !== null && "$case" in value && value.$case === key;
}

function isDefault(value: unknown): boolean {
  return (
    value === undefined || value === 0 || value === "" || value === false || (value instanceof Uint8Array && value.length === 0)
  );
}
