import { CliError } from "../context.ts";
import { type Flag, FlagError, type FlagType, invalidFlag, parseFlags } from "./flags.ts";
import { usageLine } from "./usage.ts";

/** Exit code of a command line whose flags cannot be read, as Docker's. */
const FLAG_EXIT_CODE = 125;

/** A flag has a value that only the command itself can tell to be wrong. Shown with the command's usage. */
export class FlagValueError extends Error {
  override readonly name = "FlagValueError";
  readonly flag: string;
  readonly given: string;

  constructor(flag: string, given: string, problem: string) {
    super(problem);
    this.flag = flag;
    this.given = given;
  }
}

/** Told by its name, as `isCliError` is. */
function isFlagValueError(error: unknown): error is FlagValueError {
  return error instanceof Error && error.name === "FlagValueError";
}

/** Each command names the types of its own operands and flags, which are what it declared. */
type Action = (...args: never[]) => Promise<void> | void;
type AnyAction = (...args: readonly unknown[]) => Promise<void> | void;

interface Operands {
  readonly min: number;
  readonly max: number;
  /** How many stand before the one that gathers the rest. */
  readonly single: number;
  readonly isVariadic: boolean;
}

/** One word of the command line: a group of commands, or a command with operands, flags and an action. */
export class Command {
  readonly path: string;
  readonly name: string;
  readonly commands: Command[] = [];
  readonly flags: Flag[] = [];
  readonly aliases: string[] = [];
  summary = "";
  operandUsage = "";
  #operands: Operands = { min: 0, max: 0, single: 0, isVariadic: false };
  #action: AnyAction | undefined;
  #stopsAtOperand = false;

  constructor(name: string, parentPath = "") {
    this.name = name;
    this.path = parentPath === "" ? name : `${parentPath} ${name}`;
  }

  /** A group of commands, made when it is not there yet. */
  group(name: string, summary: string): Command {
    return this.find(name) ?? this.#add(new Command(name, this.path)).description(summary);
  }

  /** @param declaration - `rm <container...>`, `port <container> [port]`, `run <image> [command...]`. */
  command(declaration: string): Command {
    const [name = "", ...operands] = declaration.split(" ");
    const command = this.#add(new Command(name, this.path));
    return command.takes(operands);
  }

  /** @param operands - `<name>` is needed, `[name]` is not, and dots say that it gathers the rest. */
  takes(operands: readonly string[]): this {
    this.#operands = readOperands(operands);
    this.operandUsage = operands.map(operandUsage).join(" ");
    return this;
  }

  description(summary: string): this {
    this.summary = summary;
    return this;
  }

  /** How the operands are shown, where their names are not enough. */
  usage(operands: string): this {
    this.operandUsage = operands;
    return this;
  }

  alias(...names: readonly string[]): this {
    this.aliases.push(...names);
    return this;
  }

  /** @param declaration - `-f, --filter <list>`: the word in brackets is the type, none is on or off. */
  option(declaration: string, help = "", fallback?: string | boolean): this {
    const [, short, name = "", type = "bool"] = /^(?:-(\w), )?--([\w-]+)(?: <([a-z]+)>)?$/.exec(declaration) ?? [];
    this.flags.push({
      name,
      type: type as FlagType,
      help,
      ...(short === undefined ? {} : { short }),
      ...(fallback === undefined ? {} : { fallback }),
    });
    return this;
  }

  stopAtOperand(): this {
    this.#stopsAtOperand = true;
    return this;
  }

  /** Called with each operand (the last one as a list, when it gathers), then the flags. */
  action(action: Action): this {
    this.#action = action as AnyAction;
    return this;
  }

  find(name: string | undefined): Command | undefined {
    return this.commands.find(command => command.name === name || (name !== undefined && command.aliases.includes(name)));
  }

  get isGroup(): boolean {
    return this.#action === undefined;
  }

  /** Runs one command's action. @returns false when help was asked for instead. */
  async run(args: readonly string[]): Promise<boolean> {
    const { operands, values, isHelp } = this.#parse(args);
    if (isHelp) return false;
    const problem = arityProblem(operands.length, this.#operands);
    if (problem !== undefined) throw new CliError(this.#withUsage(`shoal: '${this.path}' ${problem}`));
    const { single, isVariadic } = this.#operands;
    const given = Array.from({ length: single }, (_, index) => operands[index]);
    try {
      await this.#action?.(...given, ...(isVariadic ? [operands.slice(single)] : []), values);
    } catch (error) {
      if (!isFlagValueError(error)) throw error;
      const flag = this.flags.find(({ name }) => name === error.flag) ?? { name: error.flag };
      throw new CliError(this.#withUsage(invalidFlag(flag, error.given, error.message)), FLAG_EXIT_CODE);
    }
    return true;
  }

  #parse(args: readonly string[]): ReturnType<typeof parseFlags> {
    try {
      return parseFlags(args, this.flags, { stopsAtOperand: this.#stopsAtOperand });
    } catch (error) {
      if (error instanceof FlagError) throw new CliError(this.#withUsage(error.message), FLAG_EXIT_CODE);
      throw error;
    }
  }

  #withUsage(message: string): string {
    const verb = message.includes("requires at least") ? "See" : "Run";
    return `${message}\n\n${usageLine(this)}\n\n${verb} '${this.path} --help' for more information`;
  }

  #add(command: Command): Command {
    this.commands.push(command);
    return command;
  }
}

function readOperands(operands: readonly string[]): Operands {
  const isVariadic = operands.some(operand => operand.includes("..."));
  const single = operands.length - (isVariadic ? 1 : 0);
  const min = operands.filter(operand => operand.startsWith("<")).length;
  return { min, max: isVariadic ? Number.POSITIVE_INFINITY : operands.length, single, isVariadic };
}

/** `<container...>` as `CONTAINER [CONTAINER...]`. */
function operandUsage(operand: string): string {
  const name = operand.replace(/[<>[\].]/g, "").toUpperCase();
  if (operand.startsWith("<")) return operand.includes("...") ? `${name} [${name}...]` : name;
  return operand.includes("...") ? `[${name}...]` : `[${name}]`;
}

function arityProblem(count: number, { min, max }: Operands): string | undefined {
  if (count >= min && count <= max) return undefined;
  if (max === 0) return "accepts no arguments";
  if (min === max) return `requires ${plural(min)}`;
  if (max === Number.POSITIVE_INFINITY) return `requires at least ${plural(min)}`;
  if (min === 0) return `requires at most ${plural(max)}`;
  return `requires at least ${min} and at most ${plural(max)}`;
}

function plural(count: number): string {
  return `${count} argument${count === 1 ? "" : "s"}`;
}
