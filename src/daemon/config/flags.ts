import { errorMessage } from "../../lib/errors.ts";
import { isOptionName, OPTION_ENTRIES, type OptionName, REFUSED_OPTIONS, type Values } from "./options.ts";
import { invalid } from "./value-kinds.ts";

/**
 * Go's flag syntax as dockerd takes it: `--name value`, `--name=value`, `-x value`; switches take a value only with `=`.
 * @throws OperationError `invalid` in dockerd's words.
 */
export function parseFlags(args: readonly string[]): Values {
  const values = new Map<OptionName, unknown>();
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    const [, long, short, inline] = /^(?:--([a-z0-9-]+)|-([A-Za-z]))(?:=(.*))?$/s.exec(argument) ?? [];
    const name = long === undefined ? optionOfLetter(short, argument) : optionNamed(long);
    const entry = entryOf(name);
    let given = inline;
    if (given === undefined && entry.kind.isSwitch !== true) {
      index++;
      given = args[index];
      if (given === undefined) throw invalid(`flag needs an argument: --${name}`);
    }
    values.set(name, readFlag(name, { given: given ?? "true", before: values.get(name) }));
  }
  return Object.fromEntries(values);
}

function readFlag(name: OptionName, { given, before }: { readonly given: string; readonly before: unknown }): unknown {
  const { kind, short } = entryOf(name);
  try {
    return kind.fromFlag(given, before);
  } catch (error) {
    const shown = short === undefined ? `--${name}` : `-${short}, --${name}`;
    throw invalid(`invalid argument ${JSON.stringify(given)} for "${shown}" flag: ${errorMessage(error)}`);
  }
}

function entryOf(name: OptionName) {
  const found = OPTION_ENTRIES.find(([candidate]) => candidate === name);
  if (found === undefined) throw new Error(`no option ${name}`);
  return found[1];
}

function optionNamed(name: string): OptionName {
  if (isOptionName(name)) return name;
  const refused = REFUSED_OPTIONS[name];
  if (refused !== undefined) throw invalid(`the option --${name} is not supported: ${refused.because}`);
  throw invalid(`unknown flag: --${name}`);
}

function optionOfLetter(letter: string | undefined, argument: string): OptionName {
  if (letter === undefined) throw invalid(`unknown argument: ${argument}`);
  const found = OPTION_ENTRIES.find(([, { short }]) => short === letter);
  if (found !== undefined) return found[0];
  if (letter === "b") return optionNamed("bridge");
  throw invalid(`unknown shorthand flag: '${letter}' in -${letter}`);
}
