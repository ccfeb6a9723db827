import { Command } from "./command/command.ts";
import { helpText, usageLine } from "./command/usage.ts";
import { type CliContext, CliError, isCliError } from "./context.ts";
import { PARTS, type Register } from "./parts.ts";

export interface ConnectOptions {
  readonly host?: string;
  readonly context?: string;
  readonly tls?: boolean;
  readonly tlsverify?: boolean;
  readonly tlscacert?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
}

export interface ProgramOptions {
  /** Makes the context for a daemon; called when a command needs it. */
  readonly connect: (options: ConnectOptions) => CliContext;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** What `--version` says. */
  readonly version: string;
}

/** Runs one command line. @returns the exit code. */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<number> {
  try {
    return await dispatch(args, options);
  } catch (error) {
    if (isCliError(error)) {
      if (error.message !== "") options.stderr(`${error.message}\n`);
      return error.exitCode;
    }
    options.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function dispatch(args: readonly string[], options: ProgramOptions): Promise<number> {
  let chosen: ConnectOptions = {};
  let words: readonly string[] = [];
  let asksVersion = false;
  const root = globalFlags(new Command("shoal"));
  // A program without commands of its own: its operands are the command's words.
  const front = globalFlags(new Command("shoal").takes(["[words...]"]))
    .stopAtOperand()
    .action((operands: readonly string[], flags: ConnectOptions & { readonly version?: boolean }) => {
      words = operands;
      chosen = flags;
      asksVersion = flags.version === true;
    });
  front.usage("COMMAND [ARG...]");
  const isUnderstood = await front.run(args);
  if (asksVersion) {
    options.stdout(`${options.version}\n`);
    return 0;
  }
  let context: CliContext | undefined;
  await loadParts(root, words[0] === "help" ? words[1] : words[0], () => (context ??= options.connect(chosen)));
  if (!isUnderstood || words.length === 0) {
    options.stdout(helpText(root));
    return 0;
  }
  return await runCommand(root, words, options);
}

async function runCommand(root: Command, words: readonly string[], options: ProgramOptions): Promise<number> {
  const isHelp = words[0] === "help";
  let rest = isHelp ? words.slice(1) : words;
  let command = root;
  for (let inner = command.find(rest[0]); inner !== undefined; inner = command.isGroup ? command.find(rest[0]) : undefined) {
    command = inner;
    rest = rest.slice(1);
  }
  const asksHelp = isHelp || (command.isGroup && (rest.length === 0 || rest[0] === "--help" || rest[0] === "-h"));
  // A group alone is an unfinished command: its help is no answer that a script would want.
  if (asksHelp && !isHelp && rest.length === 0) options.stderr(helpText(command));
  else if (asksHelp && !(isHelp && rest.length > 0)) options.stdout(helpText(command));
  else if (command.isGroup) throw unknownCommand(command, rest[0] ?? "");
  else if (!(await command.run(rest))) options.stdout(helpText(command));
  return 0;
}

function unknownCommand(group: Command, word: string): CliError {
  if (word.startsWith("-"))
    return new CliError(
      `unknown flag: ${word}\n\nUsage:  ${group.path} COMMAND\n\nRun '${group.path} --help' for more information`,
      125,
    );
  const isRoot = group.path === group.name;
  const usage = isRoot ? "" : `\n${usageLine(group)}\n`;
  return new CliError(`shoal: unknown command: ${group.path} ${word}\n${usage}\nRun '${group.path} --help' for more information`);
}

/** Loads the code of the command in question alone: a listing should not wait for what `run` needs. */
async function loadParts(root: Command, word: string | undefined, context: () => CliContext): Promise<void> {
  const wanted = PARTS.filter(part => word !== undefined && part.words.includes(word));
  const registers: readonly Register[] = await Promise.all((wanted.length > 0 ? wanted : PARTS).map(part => part.load()));
  for (const register of registers) register(root, context);
}

function globalFlags(command: Command): Command {
  return command
    .description("A container engine and swarm scheduler")
    .option("-H, --host <string>", "Daemon to connect to")
    .option("-c, --context <string>", "Context that names the daemon to connect to")
    .option("-D, --debug", "Say more about what goes on")
    .option("-l, --log-level <string>", "How much to say", "info")
    .option("--tls", "Use TLS without verifying the daemon")
    .option("--tlsverify", "Use TLS and verify the daemon")
    .option("--tlscacert <string>", "Certificates of the authorities to trust")
    .option("--tlscert <string>", "Our certificate")
    .option("--tlskey <string>", "The key of our certificate")
    .option("-v, --version", "Print version information and quit");
}
