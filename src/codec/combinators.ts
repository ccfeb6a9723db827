import { assert, InvariantError } from "../lib/assert.ts";
import type { ClusterObjectId, RequestId, SessionId } from "../model/ids.ts";

/** A model value and its form in the generated messages, either way. Reading refuses what it does not know. */
export interface Codec<Model, Wire> {
  toWire(this: void, model: Model): Wire;
  fromWire(this: void, wire: Wire): Model;
  readonly isOptional?: boolean;
}

/** `undefined` may come of it: the field that it is for is then left out. */
export interface OptionalCodec<Model, Wire> extends Codec<Model, Wire> {
  readonly isOptional: true;
}

/** What `fromWire` throws: bytes from a newer version, or damaged ones. */
export class UnknownWireValue extends InvariantError {}

/** Told from other functions by what it is: for a field that is the same on both sides nothing is called. */
const asItIs = <T>(value: T): T => value;

function same<T>(): Codec<T, T> {
  return { toWire: asItIs, fromWire: asItIs };
}

export const text = same<string>();
export const number = same<number>();
export const flag = same<boolean>();
/** Copied when read: the generated reader hands out a view that would keep the whole message in memory. */
export const bytes: Codec<Uint8Array, Uint8Array> = { toWire: asItIs, fromWire: value => Uint8Array.from(value) };

export function id<Id extends ClusterObjectId | SessionId | RequestId>(): Codec<Id, string> {
  return { toWire: asItIs, fromWire: asItIs as (value: string) => Id };
}

/** One of a few words. */
export function word<Word extends string>(words: readonly Word[]): Codec<Word, string> {
  const known = new Map<string, Word>(words.map(each => [each, each]));
  return {
    toWire: asItIs,
    fromWire(value) {
      const found = known.get(value);
      if (found === undefined) throw new UnknownWireValue(`unknown word "${value}", expected one of ${words.join(", ")}`);
      return found;
    },
  };
}

/** A message that must be there; the generated types say that any message may be missing. */
export function needed<Model, Wire>(codec: Codec<Model, Wire>): Codec<Model, Wire | undefined> {
  return {
    toWire: codec.toWire,
    fromWire(wire) {
      if (wire === undefined) throw new UnknownWireValue("a message that must be there is missing");
      return codec.fromWire(wire);
    },
  };
}

export function optional<Model, Wire>(codec: Codec<Model, Wire>): OptionalCodec<Model | undefined, Wire | undefined> {
  return { toWire: unlessMissing(codec.toWire), fromWire: unlessMissing(codec.fromWire), isOptional: true };
}

function unlessMissing<From, To>(convert: (value: From) => To): (value: From | undefined) => To | undefined {
  if (isAsItIs(convert)) return asItIs as (value: From | undefined) => To | undefined;
  return value => (value === undefined ? undefined : convert(value));
}

function isAsItIs(convert: unknown): boolean {
  return convert === asItIs;
}

export function list<Model, Wire>(codec: Codec<Model, Wire>): Codec<readonly Model[], Wire[]> {
  return { toWire: models => models.map(codec.toWire), fromWire: wires => wires.map(codec.fromWire) };
}

/** A list in a wrapper message, so that a missing one differs from an empty one. */
export function wrappedList<Model, Wire>(codec: Codec<Model, Wire>): Codec<readonly Model[], { items: Wire[] }> {
  const { toWire, fromWire } = list(codec);
  return { toWire: models => ({ items: toWire(models) }), fromWire: wire => fromWire(wire.items) };
}

export function map<Model, Wire>(codec: Codec<Model, Wire>): Codec<Readonly<Record<string, Model>>, Map<string, Wire>> {
  return {
    toWire: model => new Map(Object.entries(model).map(([key, value]) => [key, codec.toWire(value)])),
    fromWire: wire => Object.fromEntries([...wire].map(([key, value]) => [key, codec.fromWire(value)])),
  };
}

export const labels = map(text);

export const wrappedLabels: Codec<Readonly<Record<string, string>>, { items: Map<string, string> }> = {
  toWire: model => ({ items: labels.toWire(model) }),
  fromWire: wire => labels.fromWire(wire.items),
};

type Fields<Model, Wire> = {
  readonly [Key in keyof Model]-?: Key extends keyof Wire
    ? Partial<Pick<Model, Key>> extends Pick<Model, Key>
      ? OptionalCodec<Model[Key], Wire[Key]>
      : Codec<Model[Key], Wire[Key]>
    : never;
};

/** An object whose fields have the same names on both sides. A field that is `undefined` is left out of the model. */
export function record<Model extends object, Wire extends object>(fields: Fields<Model, Wire>): Codec<Model, Wire> {
  const codecs = Object.entries(fields) as [string, Codec<unknown, unknown>][];
  return {
    toWire: madeWhenUsed(() => converter<Model, Wire>(codecs, "toWire")),
    fromWire: madeWhenUsed(() => converter<Wire, Model>(codecs, "fromWire")),
  };
}

/**
 * Written out as a person would, field by field: a loop over names that are data makes objects that V8 knows no shape for, and takes ten
 * times as long. Names come from the declarations above alone. Fields keep their order: who compares objects by their JSON counts on it.
 */
function converter<From, To>(
  codecs: readonly (readonly [string, Codec<unknown, unknown>])[],
  direction: "toWire" | "fromWire",
): (source: From) => To {
  const functions: ((value: unknown) => unknown)[] = [];
  const valueOf = ([name, codec]: (typeof codecs)[number]): string => {
    assert(/^[a-z]\w*$/i.test(name), `no field is called ${name}`);
    if (isAsItIs(codec[direction])) return `source.${name}`;
    return `functions[${functions.push(codec[direction]) - 1}](source.${name})`;
  };
  const firstOptional = codecs.findIndex(([, { isOptional }]) => isOptional === true);
  const leading = firstOptional === -1 ? codecs : codecs.slice(0, firstOptional);
  const literal = leading.map(field => `${field[0]}: ${valueOf(field)}`).join(", ");
  const statements = codecs.slice(leading.length).map((field, at) => {
    const [name, { isOptional }] = field;
    if (isOptional !== true) return `target.${name} = ${valueOf(field)};`;
    return `const value${at} = ${valueOf(field)}; if (value${at} !== undefined) target.${name} = value${at};`;
  });
  const code = `return source => { const target = { ${literal} }; ${statements.join(" ")} return target; };`;
  // oxlint-disable-next-line no-implied-eval -- Of nothing but the declarations' own names.
  return (new Function("functions", code) as (functions: unknown) => (source: From) => To)(functions);
}

/** Most programs use a few of the records: what is not used costs no start anything. */
function madeWhenUsed<From, To>(make: () => (source: From) => To): (source: From) => To {
  let convert: ((source: From) => To) | undefined;
  return source => (convert ??= make())(source);
}

interface Tagged {
  readonly kind: string;
}
interface OneOf {
  readonly $case: string;
  readonly value: unknown;
}
type CaseOf<Variant, Wire extends OneOf> = {
  [Case in Wire["$case"]]: readonly [Case, Codec<Omit<Variant, "kind">, Extract<Wire, { readonly $case: Case }>["value"]>];
}[Wire["$case"]];
type Cases<Model extends Tagged, Wire extends OneOf> = {
  readonly [Kind in Model["kind"]]: CaseOf<Extract<Model, { readonly kind: Kind }>, Wire>;
};

/** A union on `kind`, as a protobuf oneof. */
export function union<Model extends Tagged, Wire extends OneOf>(cases: Cases<Model, Wire>): Codec<Model, Wire | undefined> {
  const byKind = new Map<string, readonly [string, Codec<unknown, unknown>]>(Object.entries(cases));
  const byCase = new Map([...byKind].map(([kind, [name, codec]]) => [name, { kind, codec }]));
  return {
    toWire(model) {
      const found = byKind.get(model.kind);
      assert(found !== undefined, `no wire form for ${model.kind}`);
      return { $case: found[0], value: found[1].toWire(model) } as Wire;
    },
    fromWire(wire) {
      const found = wire === undefined ? undefined : byCase.get(wire.$case);
      if (wire === undefined || found === undefined) throw new UnknownWireValue(`unknown case ${wire?.$case ?? "(none)"}`);
      return { kind: found.kind, ...(found.codec.fromWire(wire.value) as object) } as Model;
    },
  };
}

/** A model value to bytes and back. */
export interface BytesCodec<Model> {
  encode(model: Model): Uint8Array;
  decode(data: Uint8Array): Model;
}

/** What ts-proto generates for a message. */
interface MessageType<Wire> {
  encode(message: Wire): { finish(): Uint8Array };
  decode(input: Uint8Array): Wire;
}

export function bytesOf<Model, Wire>(codec: Codec<Model, Wire>, message: MessageType<Wire>): BytesCodec<Model> {
  return {
    encode: model => message.encode(codec.toWire(model)).finish(),
    decode: data => codec.fromWire(message.decode(data)),
  };
}
