import type { Command } from "./command.ts";
import type { Flag, FlagType } from "./flags.ts";

/** `Usage:  shoal ps [OPTIONS]`. */
export function usageLine(command: Command): string {
  const options = command.flags.length === 0 ? "" : " [OPTIONS]";
  if (command.commands.length > 0 && command.path === command.name) return `Usage:  ${command.path}${options} COMMAND [ARG...]`;
  return `Usage:  ${command.path}${options}${command.operandUsage === "" ? "" : ` ${command.operandUsage}`}`;
}

/** What `--help` prints. */
export function helpText(command: Command): string {
  const isRoot = command.path === command.name;
  const usage = command.isGroup && !isRoot ? `Usage:  ${command.path} COMMAND` : usageLine(command);
  const sections = [usage, command.summary];
  if (command.aliases.length > 0) {
    const parent = command.path.slice(0, -command.name.length);
    sections.push(`Aliases:\n  ${[command.name, ...command.aliases].map(name => parent + name).join(", ")}`);
  }
  const groups = command.commands.filter(({ isGroup }) => isGroup);
  const commands = command.commands.filter(({ isGroup }) => !isGroup);
  if (groups.length > 0) sections.push(`Management Commands:\n${commandLines(groups)}`);
  if (commands.length > 0) sections.push(`Commands:\n${commandLines(commands)}`);
  if (command.flags.length > 0) sections.push(`${isRoot ? "Global Options" : "Options"}:\n${flagLines(command.flags)}`);
  if (command.isGroup) sections.push(`Run '${command.path} COMMAND --help' for more information on a command.`);
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

function commandLines(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return aligned(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function flagLines(flags: readonly Flag[]): string {
  const rows = flags.map(({ name, short, type, help, fallback }) => {
    const shortName = short === undefined ? "    " : `-${short}, `;
    const ending = typeof fallback === "string" && fallback !== "" ? ` (default ${JSON.stringify(fallback)})` : "";
    return [`${shortName}--${name}${type === "bool" ? "" : ` ${TYPE_WORDS[type] ?? type}`}`, help + ending] as const;
  });
  return aligned(rows.sort(([a], [b]) => (a.slice(4) < b.slice(4) ? -1 : 1)));
}

const TYPE_WORDS: Partial<Record<FlagType, string>> = { swap: "bytes", cpus: "decimal" };

function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`.trimEnd()).join("\n");
}
