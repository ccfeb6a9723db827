import { Command, CommanderError } from "commander";
import { type CliContext, CliError } from "./context.ts";
import { registerImage } from "./commands/image.ts";
import { registerNode } from "./commands/node.ts";
import { registerObjects } from "./commands/object.ts";
import { registerService } from "./commands/service.ts";
import { registerSwarm } from "./commands/swarm.ts";
import { TemplateError } from "./format/template-parser.ts";

/** Exit code of a command line that cannot be understood, as Docker's. */
const USAGE_EXIT_CODE = 125;

/** pflag takes `--rm=true`; commander does not: booleans with a value are rewritten before it sees them. */
class DockerCommand extends Command {
  override createCommand(name?: string): Command {
    return new DockerCommand(name);
  }

  override parseOptions(args: string[]): { operands: string[]; unknown: string[] } {
    return super.parseOptions(args.flatMap(argument => this.#withoutBooleanValue(argument)));
  }

  #withoutBooleanValue(argument: string): readonly string[] {
    const match = /^(--?[a-z-]+)=(true|false)$/i.exec(argument);
    const option = this.options.find(({ long, short }) => long === match?.[1] || short === match?.[1]);
    if (match === null || option === undefined || option.required || option.optional) return [argument];
    if (match[2]?.toLowerCase() === "true") return [match[1] ?? ""];
    return [];
  }
}

/** @param connect - Makes the context for the daemon at `host`; called when a command needs it. */
export function createProgram(connect: (options: { readonly host?: string }) => CliContext): Command {
  const program = new DockerCommand("shoal");
  program
    .description("A container engine and swarm scheduler")
    .enablePositionalOptions()
    .exitOverride()
    .option("-H, --host <string>", "Daemon socket to connect to")
    .option("-D, --debug", "Enable debug mode");
  let context: CliContext | undefined;
  const current = (): CliContext => (context ??= connect(program.opts()));
  registerImage(program, current);
  registerObjects(program, current);
  registerService(program, current);
  registerNode(program, current);
  registerSwarm(program, current);
  return program;
}

/** Runs one command line. @returns the exit code. */
export async function runProgram(program: Command, args: readonly string[], stderr: (text: string) => void): Promise<number> {
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    if (error instanceof CliError) {
      if (error.message !== "") stderr(`${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof TemplateError) {
      stderr(`template parsing error: template: :1: ${error.message}\n`);
      return 1;
    }
    stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
