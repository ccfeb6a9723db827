import { OperationError } from "../../../lib/errors.ts";
import { suggestion } from "./suggestion.ts";

export type FlagKind = "text" | "texts" | "boolean";

/**
 * Reads `--name=value` words.
 * @returns the values of those that were given; of a boolean `true` or `false`.
 * @throws OperationError `invalid`, in Docker's words.
 */
export function readFlags(
  words: readonly string[],
  known: Readonly<Record<string, FlagKind>>,
): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const word of words) {
    const at = word.indexOf("=");
    const shown = at < 0 ? word : word.slice(0, at);
    const value = at < 0 ? undefined : word.slice(at + 1);
    const name = shown.slice("--".length);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      throw new OperationError(
        "invalid",
        `unknown flag: ${shown}${suggestion(name, Object.keys(known), { isCaseSensitive: true })}`,
      );
    }
    const before = values.get(name);
    if (before !== undefined && kind !== "texts") throw new OperationError("invalid", `duplicate flag specified: ${shown}`);
    values.set(name, [...(before ?? []), valueOf(kind, { shown, value })]);
  }
  return values;
}

function valueOf(kind: FlagKind, { shown, value }: { readonly shown: string; readonly value: string | undefined }): string {
  if (kind !== "boolean") {
    if (value === undefined) throw new OperationError("invalid", `missing a value on flag: ${shown}`);
    return value;
  }
  if (value === "") throw new OperationError("invalid", `missing a value on flag: ${shown}`);
  const word = (value ?? "true").toLowerCase();
  if (word === "true" || word === "false") return word;
  throw new OperationError("invalid", `expecting boolean value for flag ${shown}, not: ${value ?? ""}`);
}
