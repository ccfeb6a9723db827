import { ApiError } from "../../api/client/client.ts";
import type { Command } from "../command/command.ts";
import { type CliContext, CliError } from "../context.ts";
import { type Found, findAt, inspectEach } from "./shared.ts";

interface Kind {
  readonly name: string;
  readonly path: (name: string, hasSize: boolean) => string;
  /** Asked of managers only: a node that is none does not have it. */
  readonly isSwarm?: boolean;
  /** A daemon may know nothing of such things, and says so in an error of any kind. */
  readonly isOptional?: boolean;
}

/** In the order in which a name is looked for. */
const KINDS: readonly Kind[] = [
  { name: "container", path: (name, hasSize) => `/containers/${encodeURIComponent(name)}/json${hasSize ? "?size=1" : ""}` },
  { name: "image", path: name => `/images/${name}/json` },
  { name: "network", path: name => `/networks/${encodeURIComponent(name)}` },
  { name: "volume", path: name => `/volumes/${encodeURIComponent(name)}` },
  { name: "service", path: name => `/services/${encodeURIComponent(name)}?insertDefaults=true`, isSwarm: true },
  { name: "task", path: name => `/tasks/${encodeURIComponent(name)}`, isSwarm: true },
  { name: "node", path: name => `/nodes/${encodeURIComponent(name)}`, isSwarm: true },
  { name: "plugin", path: name => `/plugins/${encodeURIComponent(name)}/json`, isOptional: true },
  { name: "secret", path: name => `/secrets/${encodeURIComponent(name)}`, isSwarm: true },
  { name: "config", path: name => `/configs/${encodeURIComponent(name)}`, isSwarm: true },
];

interface InspectFlags {
  readonly format?: string;
  readonly size?: boolean;
  readonly type?: string;
}

/** `inspect` of anything, and `container inspect`. */
export function registerInspect(program: Command, context: () => CliContext): void {
  program
    .command("inspect <name...>")
    .usage("NAME|ID [NAME|ID...]")
    .description("Show everything about objects of any kind")
    .option("-f, --format <string>", "How each is shown: json, a template")
    .option("-s, --size", "File sizes of containers too")
    .option("--type <string>", "Only objects of this kind")
    .action(async (names: readonly string[], flags: InspectFlags) => inspectAny(context(), names, flags));
  program
    .group("container", "Manage containers")
    .command("inspect <container...>")
    .description("Show everything about containers")
    .option("-f, --format <string>", "How each is shown: json, a template")
    .option("-s, --size", "File sizes too")
    .action(async (names: readonly string[], flags: InspectFlags) =>
      inspectAny(context(), names, { ...flags, type: "container" }),
    );
}

async function inspectAny(cli: CliContext, names: readonly string[], flags: InspectFlags): Promise<void> {
  const { type = "" } = flags;
  const kinds = type === "" ? KINDS : KINDS.filter(({ name }) => name === type);
  if (kinds.length === 0) {
    const known = KINDS.map(({ name }) => JSON.stringify(name)).sort();
    throw new CliError(`unknown type: ${JSON.stringify(type)}: must be one of ${known.join(", ")}`);
  }
  await inspectEach(cli, names, {
    format: flags.format,
    find: name => findAny(cli, { name, kinds, hasSize: flags.size === true }),
  });
}

async function findAny(
  cli: CliContext,
  { name, kinds, hasSize }: { readonly name: string; readonly kinds: readonly Kind[]; readonly hasSize: boolean },
): Promise<Found> {
  for (const kind of kinds) {
    try {
      return await findAt(cli, kind.path(name, hasSize));
    } catch (error) {
      if (kinds.length === 1 || !isAbsence(error, kind)) throw error;
    }
  }
  throw new CliError(`Error: No such object: ${name}`);
}

const NOT_FOUND = 404;
const UNAVAILABLE = 503;

/** Not there, or of a kind that this daemon has none of. */
function isAbsence(error: unknown, kind: Kind): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.status === NOT_FOUND || kind.isOptional === true) return true;
  return kind.isSwarm === true && error.status === UNAVAILABLE;
}
