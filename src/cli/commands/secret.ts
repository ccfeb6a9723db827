import { readFile } from "node:fs/promises";
import type { Command } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, CliError, field, filterQuery, type Json, list, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { joinedPairs, utcTime } from "../format/text.ts";
import { ago } from "../format/units.ts";
import { lists, pairs, value } from "./container-values.ts";
import { addListFlags, byName, type ListFlags } from "./listing.ts";
import { registerUpdate } from "./secret-update.ts";
import { findAt, inspectEach, removeEach } from "./shared.ts";

type Noun = "secret" | "config";

/** Secrets and configs: the same verbs, but a config may be looked at. */
export function registerSecrets(program: Command, context: () => CliContext): void {
  registerKind(program, "secret", context);
  registerKind(program, "config", context);
}

function registerKind(program: Command, noun: Noun, context: () => CliContext): void {
  const path = (name: string): string => `/${noun}s/${encodeURIComponent(name)}`;
  const group = program.group(noun, `Manage the swarm's ${noun}s`);
  const create = group.command(noun === "secret" ? "create <secret> [file]" : "create <config> <file>");
  if (noun === "secret") create.option("-d, --driver <string>", "Driver that holds it");
  create
    .usage(noun === "secret" ? "SECRET [file|-]" : "CONFIG file|-")
    .description(`Make a ${noun} from a file or standard input`)
    .option("-l, --label <list>", "Label")
    .option("--template-driver <string>", "Driver for templates in it")
    .action(async (name: string, file: string | undefined, flags: FlagValues) => {
      const cli = context();
      const body = await newObject(noun, { name, file, flags });
      cli.stdout(`${text(await cli.api.json("POST", `/${noun}s/create`, { body }), "ID")}\n`);
    });
  registerUpdate(group, noun, { context, read: file => readData(noun, file) });
  addListFlags(group.command("ls"))
    .alias("list")
    .description(`List ${noun}s`)
    .action(async (flags: ListFlags) => listKind(context(), noun, flags));
  group
    .command(`inspect <${noun}...>`)
    .description(`Show everything about ${noun}s`)
    .option("-f, --format <string>", "How each is shown: json, a template")
    .option("--pretty", "For people to read")
    .action(async (names: readonly string[], flags: { format?: string; pretty?: boolean }) => {
      if (flags.pretty === true && flags.format !== undefined)
        throw new CliError("--format is incompatible with human friendly format");
      if (flags.pretty === true) await printPretty(context(), noun, names);
      else await inspectEach(context(), names, { find: name => findAt(context(), path(name)), format: flags.format });
    });
  group
    .command(`rm <${noun}...>`)
    .alias("remove")
    .description(`Remove ${noun}s`)
    .action(async (names: readonly string[]) => removeEach(context(), names, path));
}

async function newObject(
  noun: Noun,
  { name, file, flags }: { readonly name: string; readonly file: string | undefined; readonly flags: FlagValues },
): Promise<Json> {
  const driver = value(flags, "driver");
  const template = value(flags, "templateDriver");
  if (driver !== undefined && file !== undefined) throw new CliError("When using secret driver secret data must be empty");
  if (noun === "secret" && driver === undefined && file === undefined) throw new CliError("secret file is required");
  return {
    Name: name,
    Labels: pairs(lists(flags, "label")),
    ...(file !== undefined && { Data: (await readData(noun, file)).toString("base64") }),
    ...(driver !== undefined && { Driver: { Name: driver } }),
    ...(template !== undefined && { Templating: { Name: template } }),
  };
}

async function readData(noun: Noun, file: string): Promise<Buffer> {
  if (file !== "-") {
    try {
      return await readFile(file);
    } catch {
      throw new CliError(
        noun === "secret"
          ? `error reading from ${file}: open ${file}: no such file or directory`
          : `Error reading content from "${file}": error reading from ${file}: open ${file}: no such file or directory`,
      );
    }
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

async function listKind(cli: CliContext, noun: Noun, flags: ListFlags): Promise<void> {
  const objects = list(await cli.api.json("GET", `/${noun}s`, { query: { filters: filterQuery(flags.filter) } }));
  const sorted = [...objects].sort((a, b) => byName(text(a, "Spec", "Name"), text(b, "Spec", "Name")));
  cli.stdout(
    renderListing(sorted, columns(noun, cli.nowMs()), {
      ...flags,
      rowType: noun === "secret" ? "*secret.secretContext" : "*config.configContext",
      label: (object, key) => text(object, "Spec", "Labels", key),
    }),
  );
}

function columns(noun: Noun, nowMs: number): readonly Column<Json>[] {
  const driver: Column<Json> = { header: "DRIVER", field: "Driver", value: object => text(object, "Spec", "Driver", "Name") };
  return [
    { header: "ID", field: "ID", value: object => text(object, "ID") },
    { header: "NAME", field: "Name", value: object => text(object, "Spec", "Name") },
    ...(noun === "secret" ? [driver] : []),
    { header: "CREATED", field: "CreatedAt", value: object => ago(text(object, "CreatedAt"), nowMs) },
    { header: "UPDATED", field: "UpdatedAt", value: object => ago(text(object, "UpdatedAt"), nowMs) },
    {
      header: "LABELS",
      field: "Labels",
      isDefault: false,
      value: object => joinedPairs(field(object, "Spec", "Labels") as object),
    },
  ];
}

const FACT_WIDTH = 19;

async function printPretty(cli: CliContext, noun: Noun, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const object = await cli.api.json("GET", `/${noun}s/${encodeURIComponent(name)}`);
    const labels = Object.entries((field(object, "Spec", "Labels") ?? {}) as object).map(
      ([key, label]) => ` - ${key}=${String(label)}\n`,
    );
    const time = (key: string): string => utcTime(text(object, key));
    const fact = (label: string, shown: string): string => `${`${label}:`.padEnd(FACT_WIDTH)}${shown}\n`;
    cli.stdout(fact("ID", text(object, "ID")).replace(/^ID: {2}/, "ID:"));
    cli.stdout(fact("Name", text(object, "Spec", "Name")));
    if (labels.length > 0) cli.stdout(`Labels:\n${labels.join("")}`);
    if (noun === "secret") cli.stdout(fact("Driver", text(object, "Spec", "Driver", "Name")));
    cli.stdout(fact("Created at", time("CreatedAt")) + fact("Updated at", time("UpdatedAt")));
    if (noun === "config") cli.stdout(`Data:\n${Buffer.from(text(object, "Spec", "Data"), "base64").toString("utf8")}\n`);
  }
}
