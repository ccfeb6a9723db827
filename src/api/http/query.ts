import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";
import { isRecord } from "../wire/codec.ts";
import type { ApiRequest } from "./exchange.ts";

/** As Docker reads a flag: anything but these words is true. */
export function flagOf({ query }: ApiRequest, name: string): boolean {
  const value = (query.get(name) ?? "").trim().toLowerCase();
  return !["", "0", "no", "false", "none"].includes(value);
}

/** Unlike a flag, it is refused when it is neither. @throws OperationError `invalid`. */
export function booleanOf({ query }: ApiRequest, name: string): boolean {
  const value = query.get(name) ?? "";
  if (["", "0", "f", "F", "false", "False", "FALSE"].includes(value)) return false;
  if (["1", "t", "T", "true", "True", "TRUE"].includes(value)) return true;
  throw new OperationError("invalid", `invalid value for ${name}: ${value}`);
}

/** As Go reads a flag, and says why it cannot. @throws OperationError `invalid`. */
export function strictFlagOf(request: ApiRequest, name: string): boolean {
  try {
    return booleanOf(request, name);
  } catch (cause) {
    const value = textOf(request, name);
    const why = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw new OperationError("invalid", `invalid value for ${name}: ${value}: ${why}`, { cause });
  }
}

export function textOf({ query }: ApiRequest, name: string): string {
  return query.get(name) ?? "";
}

export function integerOf(request: ApiRequest, name: string): number | undefined {
  const value = textOf(request, name);
  if (value === "") return undefined;
  if (!/^[+-]?\d+$/.test(value)) {
    throw new OperationError("invalid", `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return Number(value);
}

/** Seconds since 1970 with a fraction of up to 9 digits, as clients send times. Missing and `0` are undefined. */
export function timeNsOf(request: ApiRequest, name: string): bigint | undefined {
  const value = textOf(request, name);
  if (value === "" || value === "0") return undefined;
  const found = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(value);
  if (found === null) {
    throw new OperationError(
      "invalid",
      `invalid value for "${name}": strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
    );
  }
  const [, seconds = "0", fraction = ""] = found;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** `{"name": ["a"]}`, or the older `{"name": {"a": true}}`. @throws OperationError `invalid` for a key that is not among `known`. */
export function filtersOf(request: ApiRequest, known: readonly string[] | "any"): Filters {
  const source = textOf(request, "filters");
  if (source === "") return {};
  const filters = Object.fromEntries(Object.entries(parseFilters(source)).map(([key, values]) => [key, valuesOf(values)]));
  if (known === "any") return filters;
  for (const key of Object.keys(filters)) {
    if (!known.includes(key)) throw new OperationError("invalid", `invalid filter '${key}'`);
  }
  return filters;
}

function parseFilters(source: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(source) as unknown;
    if (isRecord(value)) return value;
  } catch (error) {
    throw new OperationError("invalid", "invalid filter", { cause: error });
  }
  throw new OperationError("invalid", "invalid filter");
}

function valuesOf(values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every(value => typeof value === "string")) return values;
  if (!isRecord(values)) throw new OperationError("invalid", "invalid filter");
  return Object.entries(values).flatMap(([value, isSet]) => (isSet === true ? [value] : []));
}
