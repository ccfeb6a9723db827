import { OperationError } from "../../lib/errors.ts";
import { checkValues } from "./check.ts";
import { inFile } from "./file.ts";
import { fileKeyOf, OPTION_ENTRIES, type Values } from "./options.ts";

/**
 * Flags and the file together.
 * @throws OperationError `invalid` for an option given in both places, as dockerd does, lists too, and for what cannot be honoured.
 */
export function mergeValues(flags: Values, { file, path }: { readonly file: Values | undefined; readonly path: string }): Values {
  if (file === undefined) {
    checkValues(flags);
    return flags;
  }
  refuseTwice(flags, { file, path });
  const runtimes = { ...file["add-runtime"], ...flags["add-runtime"] };
  const merged: Values = { ...file, ...flags, ...(Object.keys(runtimes).length > 0 && { "add-runtime": runtimes }) };
  try {
    checkValues(merged);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw inFile(path, `merged configuration validation from file and command line flags failed: ${error.message}`);
  }
  return merged;
}

function refuseTwice(flags: Values, { file, path }: { readonly file: Values; readonly path: string }): void {
  const twice = OPTION_ENTRIES.flatMap(([name, { kind }]) => {
    const fromFlag = flags[name];
    const fromFile = file[name];
    if (fromFlag === undefined || fromFile === undefined || name === "add-runtime") return [];
    const key = fileKeyOf(name) ?? name;
    return [`${key}: (from flag: ${kind.show(fromFlag)}, from file: ${kind.show(fromFile)})`];
  });
  if (twice.length === 0) return;
  const list = twice.sort().join(", ");
  throw inFile(path, `the following directives are specified both as a flag and in the configuration file: ${list}`);
}

/** What a reload makes of the settings. @param next - Flags and the file as they are now. */
export function reloadValues(current: Values, next: Values): Values {
  const reloaded = OPTION_ENTRIES.flatMap(([name, { reload }]) => {
    if (reload === undefined) return [];
    const value = next[name] ?? (reload === "kept" ? current[name] : undefined);
    return [[name, value] as const];
  });
  return withoutMissing({ ...current, ...Object.fromEntries(reloaded) });
}

/** Named in the file otherwise than they are in force: they wait for the next start. */
export function waitingForRestart(current: Values, next: Values): readonly string[] {
  return OPTION_ENTRIES.filter(
    ([name, { reload }]) => reload === undefined && JSON.stringify(current[name]) !== JSON.stringify(next[name]),
  ).map(([name]) => fileKeyOf(name) ?? name);
}

function withoutMissing(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** @throws OperationError `invalid` */
export function requiredFile(path: string): never {
  throw inFile(path, `open ${path}: no such file or directory`);
}
