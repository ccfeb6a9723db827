import { OperationError } from "../../lib/errors.ts";

/** How an option's value is written as a flag and in daemon.json, and how dockerd shows it. */
export interface ValueKind<T> {
  /** For people: `text`, `list of text`. */
  readonly words: string;
  /** Flags of this kind need no value. */
  readonly isSwitch?: true;
  /** @param before - What an earlier flag of the same name gave. @throws OperationError `invalid` that says why, in Go's words. */
  fromFlag(given: string, before: T | undefined): T;
  /** @param path - Of the value in the file, for the message. @throws OperationError `invalid` in Go's words. */
  fromJson(value: unknown, path: string): T;
  show(value: T): string;
}

export const TEXT: ValueKind<string> = {
  words: "text",
  fromFlag: given => given,
  fromJson: (value, path) => (typeof value === "string" ? value : wrongType(value, { path, wanted: "string" })),
  show: value => value,
};

export const SWITCH: ValueKind<boolean> = {
  words: "true or false",
  isSwitch: true,
  fromFlag: parseBoolean,
  fromJson: (value, path) => (typeof value === "boolean" ? value : wrongType(value, { path, wanted: "bool" })),
  show: String,
};

export const INTEGER: ValueKind<number> = {
  words: "number",
  fromFlag: given => {
    if (!/^[+-]?\d+$/.test(given)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
    return Number(given);
  },
  fromJson: (value, path) => (Number.isInteger(value) ? Number(value) : wrongType(value, { path, wanted: "int" })),
  show: String,
};

export const LIST: ValueKind<readonly string[]> = {
  words: "list",
  fromFlag: (given, before = []) => [...before, given],
  fromJson: (value, path) => {
    if (!Array.isArray(value)) return wrongType(value, { path, wanted: "[]string" });
    return value.map(item => TEXT.fromJson(item, path));
  },
  show: values => `[${values.join(" ")}]`,
};

/** `key=value` each. */
export const LABELS: ValueKind<readonly string[]> = {
  ...LIST,
  words: "list of labels",
  fromFlag: (given, before) => {
    if (!given.includes("=")) throw invalid(`bad attribute format: ${given}`);
    return LIST.fromFlag(given, before);
  },
};

/** `name=value` each. */
export const GENERIC_RESOURCES: ValueKind<readonly string[]> = {
  ...LIST,
  words: "list of resources",
  fromFlag: (given, before) => {
    if (!given.includes("=")) throw invalid(`invalid node-generic-resource format \`${given}\` expected \`name=value\``);
    return LIST.fromFlag(given, before);
  },
};

export type TextMap = Readonly<Record<string, string>>;

export const TEXT_MAP: ValueKind<TextMap> = {
  words: "names and values",
  fromFlag: (given, before = {}) => {
    const [name, value] = cut(given, "=");
    return { ...before, [name]: value ?? "" };
  },
  fromJson: (value, path) => mapOf(value, { path, wanted: "map[string]string", read: (item, at) => TEXT.fromJson(item, at) }),
  show: showMap,
};

export const SWITCH_MAP: ValueKind<Readonly<Record<string, boolean>>> = {
  words: "names, each true or false",
  fromFlag: (given, before = {}) => {
    const [name, value] = cut(given, "=");
    return { ...before, [name]: parseBoolean(value ?? "true") };
  },
  fromJson: (value, path) => mapOf(value, { path, wanted: "map[string]bool", read: (item, at) => SWITCH.fromJson(item, at) }),
  show: showMap,
};

/** @returns `value` undefined where the separator is missing. */
export function cut(text: string, separator: string): readonly [head: string, tail: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function mapOf<T>(
  value: unknown,
  options: { readonly path: string; readonly wanted: string; readonly read: (value: unknown, path: string) => T },
): Readonly<Record<string, T>> {
  if (!isObject(value)) return wrongType(value, options);
  const { path, read } = options;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, read(item, `${path}.${name}`)]));
}

/** As Go prints a map: in the order of its keys. */
export function showMap(map: Readonly<Record<string, unknown>>): string {
  const entries = Object.keys(map).sort();
  return `map[${entries.map(name => `${name}:${String(map[name])}`).join(" ")}]`;
}

export function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}

export function wrongType(value: unknown, { path, wanted }: { readonly path: string; readonly wanted: string }): never {
  throw invalid(`json: cannot unmarshal ${goTypeOf(value)} into Go struct field Config.${path} of type ${wanted}`);
}

export function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "boolean" ? "bool" : type;
}

function parseBoolean(given: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(given)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(given)) return false;
  throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`);
}
