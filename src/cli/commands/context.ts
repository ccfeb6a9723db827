import type { Command } from "../command/command.ts";
import { type CliContext, CliError, type Json } from "../context.ts";
import { contexts, type ContextMeta, DEFAULT_CONTEXT, parseEndpoint } from "../contexts.ts";
import { type Column, renderListing } from "../format/table.ts";
import { byName } from "./listing.ts";
import { eachName, inspectEach } from "./shared.ts";

const DEFAULT_DESCRIPTION = "Current DOCKER_HOST based configuration";
const ERROR_CHARACTERS_MAX = 45;

export function registerContext(program: Command, context: () => CliContext): void {
  const group = program.group("context", "Manage contexts");
  group
    .command("ls")
    .alias("list")
    .description("List contexts")
    .option("--format <string>", "How each is shown: table, json, a template")
    .option("-q, --quiet", "Names only")
    .action((flags: { format?: string; quiet?: boolean }) => listContexts(context(), flags));
  group
    .command("show")
    .description("Print the name of the context that is used")
    .action(() => context().stdout(`${context().contextName}\n`));
  group
    .command("use <context>")
    .description("Use a context from now on")
    .action((name: string) => useContext(context(), name));
  group
    .command("create <context>")
    .description("Create a context")
    .option("--description <string>", "What it is for")
    .option("--docker <string>", "Where the daemon is: host=…,ca=…,cert=…,key=…,skip-tls-verify=…")
    .action((name: string, flags: { description?: string; docker?: string }) => createContext(context(), name, flags));
  group
    .command("rm <context...>")
    .alias("remove")
    .description("Remove contexts")
    .option("-f, --force", "The one that is used too, and those that are not there")
    .action(async (names: readonly string[], flags: { force?: boolean }) =>
      eachName(context(), names, async name => removeContext(context(), name, { isForced: flags.force === true })),
    );
  group
    .command("inspect [context...]")
    .description("Show everything about contexts")
    .option("-f, --format <string>", "How each is shown: json, a template")
    .action(async (names: readonly string[], { format }: { format?: string }) => {
      const wanted = names.length > 0 ? names : [context().contextName];
      await inspectEach(context(), wanted, { format, find: async name => ({ value: inspected(context(), name) }) });
    });
}

interface Row {
  readonly meta: ContextMeta;
  readonly isCurrent: boolean;
  readonly error: string;
}

function listContexts(cli: CliContext, flags: { readonly format?: string; readonly quiet?: boolean }): void {
  const metas = [...contexts.all(), defaultMeta(cli)];
  const rows = metas.map((meta): Row => ({ meta, isCurrent: meta.Name === cli.contextName, error: "" }));
  if (!rows.some(({ isCurrent }) => isCurrent)) rows.push(missingRow(cli.contextName));
  rows.sort((a, b) => byName(a.meta.Name, b.meta.Name));
  const isTable = flags.format === undefined || flags.format.startsWith("table");
  const name = ({ meta, isCurrent }: Row) => (isTable && flags.quiet !== true && isCurrent ? `${meta.Name} *` : meta.Name);
  const columns: readonly Column<Row>[] = [
    { header: "NAME", field: "Name", value: name },
    { header: "CURRENT", field: "Current", isDefault: false, value: ({ isCurrent }) => isCurrent },
    { header: "DESCRIPTION", field: "Description", value: ({ meta }) => meta.Metadata.Description ?? "" },
    { header: "DOCKER ENDPOINT", field: "DockerEndpoint", value: ({ meta }) => meta.Endpoints.docker?.Host ?? "" },
    { header: "ERROR", field: "Error", value: ({ error }) => (isTable ? shortened(error) : error) },
  ];
  cli.stdout(renderListing(rows, columns, { ...flags, idField: "Name", rowType: "*formatter.clientContextContext" }));
}

/** The one that is to be used is not there. */
function missingRow(name: string): Row {
  try {
    return { meta: contexts.read(name), isCurrent: true, error: "" };
  } catch (error) {
    const meta = { Name: name, Metadata: {}, Endpoints: {} };
    return { meta, isCurrent: true, error: error instanceof Error ? error.message : String(error) };
  }
}

function shortened(text: string): string {
  return text.length > ERROR_CHARACTERS_MAX ? `${text.slice(0, ERROR_CHARACTERS_MAX - 1)}…` : text;
}

function useContext(cli: CliContext, name: string): void {
  contexts.use(name);
  cli.stdout(`${name}\n`);
  cli.stderr(`Current context is now ${JSON.stringify(name)}\n`);
  if (name !== DEFAULT_CONTEXT && process.env["DOCKER_HOST"]) {
    cli.stderr(
      "Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable.\n",
    );
  }
}

function createContext(cli: CliContext, name: string, flags: { readonly description?: string; readonly docker?: string }): void {
  contexts.checkNewName(name);
  const copied = cli.contextName === DEFAULT_CONTEXT ? defaultMeta(cli) : contexts.read(cli.contextName);
  const Description = flags.description ?? (flags.docker === undefined ? copied.Metadata.Description : undefined);
  const { docker, tls } = flags.docker === undefined ? { docker: copied.Endpoints.docker, tls: {} } : parseEndpoint(flags.docker);
  contexts.write(
    {
      Name: name,
      Metadata: Description === undefined || Description === "" ? {} : { Description },
      Endpoints: docker === undefined ? {} : { docker },
    },
    tls,
  );
  cli.stdout(`${name}\n`);
  cli.stderr(`Successfully created context ${JSON.stringify(name)}\n`);
}

function removeContext(cli: CliContext, name: string, { isForced }: { readonly isForced: boolean }): void {
  if (name === DEFAULT_CONTEXT) throw new CliError(`context "${DEFAULT_CONTEXT}" cannot be removed`);
  if (!contexts.exists(name) && !isForced) throw new CliError(`context ${JSON.stringify(name)} does not exist`);
  if (name === cli.contextName) {
    if (!isForced) throw new CliError(`context ${JSON.stringify(name)} is in use, set -f flag to force remove`);
    contexts.use(DEFAULT_CONTEXT);
  }
  contexts.remove(name);
}

function inspected(cli: CliContext, name: string): Json {
  if (name === DEFAULT_CONTEXT) {
    const { Name, Endpoints } = defaultMeta(cli);
    const Storage = { MetadataPath: "<IN MEMORY>", TLSPath: "<IN MEMORY>" };
    return { Name, Metadata: {}, Endpoints: { docker: { ...Endpoints.docker } }, TLSMaterial: {}, Storage };
  }
  const { Name, Metadata, Endpoints } = contexts.read(name);
  const files = contexts.tlsFiles(name);
  const { meta, tls } = contexts.pathsOf(name);
  return {
    ...{ Name, Metadata: { ...Metadata }, Endpoints: { docker: { ...Endpoints.docker } } },
    TLSMaterial: files.length === 0 ? {} : { docker: files },
    Storage: { MetadataPath: meta, TLSPath: tls },
  };
}

function defaultMeta(cli: CliContext): ContextMeta {
  return {
    Name: DEFAULT_CONTEXT,
    Metadata: { Description: DEFAULT_DESCRIPTION },
    Endpoints: { docker: { Host: cli.defaultHost, SkipTLSVerify: false } },
  };
}
