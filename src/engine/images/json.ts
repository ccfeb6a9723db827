import { OperationError } from "../../lib/errors.ts";
import { isDigest } from "./reference.ts";
import type { Digest } from "../../model/ids.ts";

/** An object of a document that somebody else wrote; `where` is its name in messages. Missing and null are one, as in Go. */
export interface JsonObject {
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @throws OperationError `invalid`, here and in all functions below. */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown;
  } catch (cause) {
    throw new OperationError("invalid", `invalid ${where}: not JSON`, { cause });
  }
}

export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "an object");
  return { where, fields: value as Record<string, unknown> };
}

export function asArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(where, "a list");
  return value;
}

export function objectAt(object: JsonObject, key: string): JsonObject | undefined {
  const value = object.fields[key] ?? undefined;
  return value === undefined ? undefined : asObject(value, `${object.where}.${key}`);
}

export function arrayAt(object: JsonObject, key: string): readonly unknown[] {
  const value = object.fields[key] ?? undefined;
  return value === undefined ? [] : asArray(value, `${object.where}.${key}`);
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object.fields[key] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw wrong(`${object.where}.${key}`, "text");
  return value;
}

export function numberAt(object: JsonObject, key: string): number | undefined {
  const value = object.fields[key] ?? undefined;
  if (value !== undefined && (typeof value !== "number" || !Number.isSafeInteger(value))) {
    throw wrong(`${object.where}.${key}`, "a whole number");
  }
  return value;
}

export function booleanAt(object: JsonObject, key: string): boolean {
  const value = object.fields[key] ?? false;
  if (typeof value !== "boolean") throw wrong(`${object.where}.${key}`, "true or false");
  return value;
}

export function textsAt(object: JsonObject, key: string): readonly string[] | undefined {
  const value = object.fields[key] ?? undefined;
  if (value === undefined) return undefined;
  return asArray(value, `${object.where}.${key}`).map((item, index) => {
    if (typeof item !== "string") throw wrong(`${object.where}.${key}[${index}]`, "text");
    return item;
  });
}

/** Text by key; `__proto__` and its like are keys as others. */
export function textMapAt(object: JsonObject, key: string): Readonly<Record<string, string>> {
  const map = objectAt(object, key);
  if (map === undefined) return {};
  return Object.fromEntries(Object.keys(map.fields).map(name => [name, textAt(map, name) ?? ""]));
}

/** The keys of a Go set: `{"/data": {}}`. */
export function keysAt(object: JsonObject, key: string): readonly string[] {
  return Object.keys(objectAt(object, key)?.fields ?? {});
}

export function digestAt(object: JsonObject, key: string): Digest {
  return asDigest(object.fields[key], `${object.where}.${key}`);
}

export function asDigest(value: unknown, where: string): Digest {
  if (typeof value !== "string" || !isDigest(value)) throw wrong(where, "a sha256 digest");
  return value;
}

function wrong(where: string, expected: string): OperationError {
  return new OperationError("invalid", `invalid ${where}: expected ${expected}`);
}
