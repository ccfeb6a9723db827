/**
 * One description per JSON shape, used in both directions. Reading follows Go's decoder (a missing or null field is the zero
 * value, keys match in any case, unknown keys are ignored, type errors are worded alike); writing follows Go's encoder.
 */
export interface Codec<T> {
  /** What Go calls the type in an error. */
  readonly goType: string;
  /** A Go pointer or map, which `omitempty` treats each in its own way. */
  readonly form?: "pointer" | "map";
  read(value: unknown, at: Place): T;
  write(value: T): unknown;
}

/** Where in a body a value stands, for error messages. */
export interface Place {
  /** What Go calls the outermost struct, which may have no name; missing at the top. */
  readonly struct?: string;
  /** The path of wire names from the top. */
  readonly path: string;
}

export const TOP: Place = { path: "" };

/** A value of another JSON type than the field's. */
export class JsonTypeError extends Error {
  override readonly name = "JsonTypeError";

  constructor(value: unknown, goType: string, at: Place, detail = "") {
    const field = at.path === "" ? "" : `Go struct field ${at.struct}.${at.path} of type `;
    const target = field === "" ? `Go value of type ${goType}` : `${field}${goType}`;
    super(`json: cannot unmarshal ${jsonKind(value)} into ${target}${detail === "" ? "" : `: ${detail}`}`);
  }
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "number":
      return "number";
    case "string":
      return "string";
    default:
      return "object";
  }
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface Field<T> {
  readonly wire: string;
  readonly codec: Codec<T>;
  /** Go's `omitempty`. */
  readonly omitEmpty: boolean;
}

export function field<T>(wire: string, codec: Codec<T>): Field<T> {
  return { wire, codec, omitEmpty: false };
}

export function omitEmpty<T>(wire: string, codec: Codec<T>): Field<T> {
  return { wire, codec, omitEmpty: true };
}

/** A wire field per model field; an optional one may read as undefined. In the order in which they are written. */
export type Fields<T> = {
  readonly [Key in keyof T]-?: Field<object extends Pick<T, Key> ? T[Key] | undefined : T[Key]>;
};

/** A whole body. */
export interface Readable<T> extends Codec<T> {
  read(value: unknown, at?: Place): T;
  /** Only what the value has: for bodies where a missing key means "leave it". */
  readPresent(value: unknown, at?: Place): Partial<T>;
  write(value: T): Record<string, unknown>;
}

export interface Struct<T> extends Readable<T> {
  readonly fields: Fields<T>;
}

export function struct<T extends object>(goName: string, fields: Fields<T>): Struct<T> {
  const entries = Object.entries(fields) as [string, Field<unknown>][];
  const byWire = new Map(entries.map(([key, { wire, codec }]) => [wire.toLowerCase(), { key, wire, codec }]));
  const [, structName = goName] = /\.([^.]+)$/.exec(goName) ?? [];

  function readKeys(value: unknown, at: Place): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    if (isAbsent(value)) return result;
    if (!isRecord(value)) throw new JsonTypeError(value, goName, at);
    for (const [name, inner] of Object.entries(value)) {
      const known = byWire.get(name.toLowerCase());
      if (known === undefined) continue;
      const path = at.path === "" ? known.wire : `${at.path}.${known.wire}`;
      const read = known.codec.read(inner, { struct: at.struct ?? structName, path });
      if (read !== undefined) result[known.key] = read;
    }
    return result;
  }

  return {
    goType: goName,
    fields,
    read(value, at = TOP) {
      const result = readKeys(value, at);
      for (const [key, { codec }] of entries) {
        if (key in result) continue;
        const zero = codec.read(undefined, at);
        if (zero !== undefined) result[key] = zero;
      }
      return result as T;
    },
    readPresent(value, at = TOP) {
      return readKeys(value, at) as Partial<T>;
    },
    write(value) {
      const result: Record<string, unknown> = {};
      const source = value as Readonly<Record<string, unknown>>;
      for (const [key, { wire, codec, omitEmpty: omits }] of entries) {
        const written = codec.write(source[key]);
        if (omits && isEmpty(written, codec)) continue;
        result[wire] = written;
      }
      return result;
    },
  };
}

function isEmpty(written: unknown, { form }: Codec<unknown>): boolean {
  if (written === undefined || written === null) return true;
  if (form === "pointer") return false;
  if (form === "map") return isRecord(written) && Object.keys(written).length === 0;
  return written === "" || written === 0 || written === false || (Array.isArray(written) && written.length === 0);
}
