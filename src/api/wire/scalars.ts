import type { Codec, Place } from "./codec.ts";
import { isAbsent, isRecord, JsonTypeError, TOP } from "./codec.ts";

export const text: Codec<string> = {
  goType: "string",
  read(value, at) {
    if (isAbsent(value)) return "";
    if (typeof value !== "string") throw new JsonTypeError(value, "string", at);
    return value;
  },
  write: value => value ?? "",
};

export const flag: Codec<boolean> = {
  goType: "bool",
  read(value, at) {
    if (isAbsent(value)) return false;
    if (typeof value !== "boolean") throw new JsonTypeError(value, "bool", at);
    return value;
  },
  write: value => value ?? false,
};

function integer(goType: string, { min, max }: { readonly min: number; readonly max: number }): Codec<number> {
  return {
    goType,
    read(value, at) {
      if (isAbsent(value)) return 0;
      if (typeof value !== "number") throw new JsonTypeError(value, goType, at);
      if (!Number.isInteger(value) || value < min || value > max) throw new JsonNumberError(value, goType, at);
      return value;
    },
    write: value => value ?? 0,
  };
}

class JsonNumberError extends JsonTypeError {
  constructor(value: number, goType: string, at: Place) {
    super(value, goType, at);
    this.message = this.message.replace("unmarshal number", `unmarshal number ${value}`);
  }
}

export const int64 = integer("int64", { min: -(2 ** 63), max: 2 ** 63 });
/** Go's int has 64 bits here, but is named otherwise in errors. */
export const int = integer("int", { min: -(2 ** 63), max: 2 ** 63 });
export const uint64 = integer("uint64", { min: 0, max: 2 ** 64 });
export const uint32 = integer("uint32", { min: 0, max: 2 ** 32 - 1 });
export const uint16 = integer("uint16", { min: 0, max: 65_535 });
export const duration = integer("time.Duration", { min: -(2 ** 63), max: 2 ** 63 });

export const float: Codec<number> = {
  goType: "float32",
  read(value, at) {
    if (isAbsent(value)) return 0;
    if (typeof value !== "number") throw new JsonTypeError(value, "float32", at);
    return value;
  },
  write: value => value ?? 0,
};

/** A Go slice: none is written as null, unless `empty` says otherwise. */
export function list<T>(item: Codec<T>, options: { readonly empty?: "null" | "[]" } = {}): Codec<readonly T[]> {
  const goType = `[]${item.goType}`;
  return {
    goType,
    read(value, at) {
      if (isAbsent(value)) return [];
      if (!Array.isArray(value)) throw new JsonTypeError(value, goType, at);
      return value.map((inner: unknown) => item.read(inner, at));
    },
    write(value) {
      if (value === undefined || (value.length === 0 && options.empty !== "[]")) return null;
      return value.map(inner => item.write(inner));
    },
  };
}

function under(at: Place, key: string): Place {
  return { ...at, path: at.path === "" ? key : `${at.path}.${key}` };
}

/** A Go map; keys keep their case. */
export function map<T>(item: Codec<T>, options: { readonly empty?: "null" | "{}" } = {}): Codec<Readonly<Record<string, T>>> {
  const goType = `map[string]${item.goType}`;
  return {
    goType,
    form: "map",
    read(value, at) {
      if (isAbsent(value)) return {};
      if (!isRecord(value)) throw new JsonTypeError(value, goType, at);
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, item.read(inner, under(at, key))]));
    },
    write(value) {
      if (value === undefined || (Object.keys(value).length === 0 && options.empty === "null")) return null;
      // Go writes maps with their keys sorted.
      return Object.fromEntries(
        Object.keys(value)
          .sort()
          .map(key => [key, item.write(value[key] as T)]),
      );
    },
  };
}

/** A Go pointer: missing and null are undefined, and undefined is null. */
export function optional<T>(inner: Codec<T>): Codec<T | undefined> {
  return {
    goType: inner.goType,
    form: "pointer",
    read: (value, at) => (isAbsent(value) ? undefined : inner.read(value, at)),
    write: value => (value === undefined ? null : inner.write(value)),
  };
}

/** A value that is not given when it is the zero value: `undefined` in the model, zero on the wire. */
export function unlessZero<T>(inner: Codec<T>): Codec<T | undefined> {
  const zero = JSON.stringify(inner.read(undefined, TOP));
  return {
    ...inner,
    read(value, at) {
      const read = inner.read(value, at);
      return JSON.stringify(read) === zero ? undefined : read;
    },
    write: value => inner.write(value === undefined ? inner.read(undefined, TOP) : value),
  };
}

/** A word that is the same as none, and is always shown. */
export function unlessWord(fallback: string): Codec<string | undefined> {
  return adapt(text, {
    toModel: value => (value === "" || value === fallback ? undefined : value),
    toWire: (value: string | undefined) => value ?? fallback,
  });
}

/** Another form of the same value on our side. */
export function adapt<Wire, Model>(
  wire: Codec<Wire>,
  { toModel, toWire }: { readonly toModel: (value: Wire) => Model; readonly toWire: (value: Model) => Wire },
): Codec<Model> {
  return {
    goType: wire.goType,
    ...(wire.form === undefined ? {} : { form: wire.form }),
    read: (value, at) => toModel(wire.read(value, at)),
    write: value => wire.write(toWire(value)),
  };
}

/** Go's `map[string]struct{}`: a set of keys. */
export function keySet(goType: string, options: { readonly empty: "null" | "{}" }): Codec<readonly string[]> {
  return {
    goType,
    form: "map",
    read(value, at) {
      if (isAbsent(value)) return [];
      if (!isRecord(value)) throw new JsonTypeError(value, goType, at);
      return Object.keys(value);
    },
    write(value) {
      if (value === undefined || value.length === 0) return options.empty === "null" ? null : {};
      return Object.fromEntries(value.toSorted().map(key => [key, {}]));
    },
  };
}

/** Docker's StrSlice: one string stands for a list of one. */
export const words: Codec<readonly string[] | undefined> = {
  goType: "[]string",
  read(value, at) {
    if (isAbsent(value)) return undefined;
    if (typeof value === "string") return [value];
    if (!Array.isArray(value)) throw new JsonTypeError(value, "string", TOP);
    return value.map((inner: unknown) => text.read(inner, at));
  },
  write: value => value ?? null,
};

/** A word out of a few; the validation says so when it is another. The brand is the caller's promise to check. */
export function word<Word extends string>(goType: string): Codec<Word> {
  return {
    goType,
    read: (value, at) => {
      if (isAbsent(value)) return "" as Word;
      if (typeof value !== "string") throw new JsonTypeError(value, goType, at);
      return value as Word;
    },
    write: value => value ?? "",
  };
}

export const texts = list(text);
export const textsOrEmpty = list(text, { empty: "[]" });
export const textMap = map(text);

/** Go's `[]byte`: base64. */
export const bytes: Codec<Uint8Array> = {
  goType: "[]uint8",
  read(value, at) {
    if (isAbsent(value)) return new Uint8Array();
    if (typeof value !== "string") throw new JsonTypeError(value, "[]uint8", at);
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value.replace(/[\r\n]/g, ""))) {
      const position = value.search(/[^A-Za-z0-9+/\r\n]/);
      throw new JsonTypeError(
        value,
        "[]uint8",
        at,
        `illegal base64 data at input byte ${position < 0 ? value.length : position}`,
      );
    }
    return Buffer.from(value, "base64");
  },
  write: value => (value === undefined || value.byteLength === 0 ? null : Buffer.from(value).toString("base64")),
};
