import { parseDuration, parseSize } from "../format/units.ts";

/** What a flag takes. `list` may be given several times; the others keep the last value as the text it was, after checking it. */
export type FlagType = "bool" | "string" | "list" | "filter" | "int" | "uint" | "float" | "bytes" | "swap" | "duration" | "cpus";

export interface Flag {
  /** Without dashes: `no-trunc`. */
  readonly name: string;
  readonly short?: string;
  readonly type: FlagType;
  readonly help: string;
  readonly fallback?: string | boolean;
}

/** Given values by camel-cased name. `--no-x` sets `x` to false, which is true without it. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface ParsedArguments {
  readonly operands: readonly string[];
  readonly values: FlagValues;
  readonly isHelp: boolean;
}

/** The command line cannot be read; the message is the one that Docker's flag library gives. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

/**
 * Reads flags as Docker's CLI does: `--name=value`, `--name value`, `-abc`, `-p80`, `--rm=false`, `--` ends them.
 * @param stopsAtOperand - What stands behind the first operand is no flag of ours (`run IMAGE -x`).
 * @see spf13/pflag
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  options: { readonly stopsAtOperand: boolean },
): ParsedArguments {
  const state: State = { rest: [...args], flags, values: startingValues(flags), isHelp: false };
  const operands: string[] = [];
  for (let argument = state.rest.shift(); argument !== undefined; argument = state.rest.shift()) {
    if (argument === "--") {
      operands.push(...state.rest);
      break;
    }
    if (argument.startsWith("--")) readLong(argument, state);
    else if (argument.startsWith("-") && argument.length > 1) readShort(argument, state);
    else {
      operands.push(argument);
      if (!options.stopsAtOperand) continue;
      operands.push(...state.rest);
      break;
    }
  }
  return { operands, values: state.values, isHelp: state.isHelp };
}

interface State {
  readonly rest: string[];
  readonly flags: readonly Flag[];
  readonly values: Record<string, string | boolean | readonly string[]>;
  isHelp: boolean;
}

function startingValues(flags: readonly Flag[]): Record<string, string | boolean> {
  const values: Record<string, string | boolean> = {};
  for (const { name, fallback } of flags) {
    const { key, isNegated } = keyOf(name);
    if (isNegated) values[key] = true;
    else if (fallback !== undefined) values[key] = fallback;
  }
  return values;
}

function readLong(argument: string, state: State): void {
  const [, name = "", , value] = /^--([^=]*)(=(.*))?$/s.exec(argument) ?? [];
  if (name === "" || name.startsWith("-")) throw new FlagError(`bad flag syntax: ${argument}`);
  const flag = state.flags.find(candidate => candidate.name === name);
  if (flag === undefined) {
    if (name !== "help") throw new FlagError(`unknown flag: --${name}`);
    state.isHelp = true;
  } else if (value !== undefined) setFlag(state, flag, value);
  else if (flag.type === "bool") setFlag(state, flag, "true");
  else if (state.rest.length === 0) throw new FlagError(`flag needs an argument: --${name}`);
  else setFlag(state, flag, state.rest.shift() ?? "");
}

function readShort(argument: string, state: State): void {
  for (let letters = argument.slice(1); letters !== ""; ) {
    const [letter = ""] = letters;
    const flag = state.flags.find(({ short }) => short === letter);
    if (flag === undefined) {
      if (letter !== "h") throw new FlagError(`unknown shorthand flag: '${letter}' in ${argument}`);
      state.isHelp = true;
      return;
    }
    const following = letters.slice(1);
    if (following.startsWith("=")) return setFlag(state, flag, following.slice(1));
    if (flag.type === "bool") {
      setFlag(state, flag, "true");
      letters = following;
      continue;
    }
    if (following !== "") return setFlag(state, flag, following);
    if (state.rest.length === 0) throw new FlagError(`flag needs an argument: '${letter}' in ${argument}`);
    return setFlag(state, flag, state.rest.shift() ?? "");
  }
}

function setFlag(state: State, flag: Flag, text: string): void {
  const { key, isNegated } = keyOf(flag.name);
  const problem = CHECKS[flag.type]?.(text);
  if (problem !== undefined) throw new FlagError(invalidFlag(flag, text, problem));
  if (flag.type === "bool") state.values[key] = TRUE.includes(text) !== isNegated;
  else if (flag.type === "list" || flag.type === "filter") {
    const before = state.values[key];
    state.values[key] = [...(Array.isArray(before) ? (before as readonly string[]) : []), text];
  } else state.values[key] = text;
}

/** The message about a value that a flag cannot take. */
export function invalidFlag(flag: { readonly name: string; readonly short?: string }, text: string, problem: string): string {
  const label = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
  return `invalid argument ${JSON.stringify(text)} for "${label}" flag: ${problem}`;
}

/** `no-trunc` is kept as `trunc`, turned round. */
function keyOf(name: string): { readonly key: string; readonly isNegated: boolean } {
  const isNegated = name.startsWith("no-");
  const key = (isNegated ? name.slice("no-".length) : name).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return { key, isNegated };
}

const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

/** What is wrong with a value, in the words of Go's parsers. */
const CHECKS: Partial<Record<FlagType, (text: string) => string | undefined>> = {
  bool: text => (TRUE.includes(text) || FALSE.includes(text) ? undefined : syntax("ParseBool", text)),
  filter: text => (text.includes("=") ? undefined : "bad format of filter (expected name=value)"),
  int: text => (/^[-+]?\d+$/.test(text) ? undefined : syntax("ParseInt", text)),
  uint: text => (/^\+?\d+$/.test(text) ? undefined : syntax("ParseUint", text)),
  float: text => (text.trim() !== "" && Number.isFinite(Number(text)) ? undefined : syntax("ParseFloat", text)),
  bytes: text => {
    if (parseSize(text) !== undefined) return undefined;
    const suffix = /^\d+(?:\.\d+)?\s*([a-z]+)$/i.exec(text)?.[1];
    return suffix === undefined ? `invalid size: '${text}'` : `invalid suffix: '${suffix.toLowerCase()}'`;
  },
  swap: text => (text === "-1" ? undefined : CHECKS.bytes?.(text)),
  duration: text => {
    if (parseDuration(text.replace(/^-/, "")) !== undefined) return undefined;
    const isNumber = /^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(text);
    return `time: ${isNumber ? "missing unit in" : "invalid"} duration ${JSON.stringify(text)}`;
  },
  cpus: text => (/^\d*\.?\d+$|^\d+\.$/.test(text) ? undefined : `failed to parse ${text} as a rational number`),
};

function syntax(parser: string, text: string): string {
  return `strconv.${parser}: parsing ${JSON.stringify(text)}: invalid syntax`;
}
