import type { Command } from "../command/command.ts";
import { type CliContext, CliError, field, filterQuery, type Json, list, number, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { withPath } from "./with-path.ts";
import { prettyNode } from "./node-pretty.ts";
import { findAt, inspectEach, removeEach } from "./shared.ts";
import { showTasks, type TaskListingFlags } from "./task-listing.ts";

interface NodeFlags {
  readonly availability?: string;
  readonly role?: string;
  readonly labelAdd?: readonly string[];
  readonly labelRm?: readonly string[];
}

export function registerNode(program: Command, context: () => CliContext): void {
  const node = program.group("node", "Manage Swarm nodes");

  node
    .command("ls")
    .alias("list")
    .description("List nodes in the swarm")
    .option("-f, --filter <filter>", "Filter output based on conditions provided")
    .option("--format <string>", "Format output using a custom template")
    .option("-q, --quiet", "Only display IDs")
    .action(async (flags: { filter?: readonly string[]; format?: string; quiet?: boolean }) => {
      const cli = context();
      const [nodes, info] = await Promise.all([
        cli.api.json("GET", "/nodes", { query: { filters: filterQuery(flags.filter) } }),
        cli.api.json("GET", "/info"),
      ]);
      const own = text(info, "Swarm", "NodeID");
      const sorted = [...list(nodes)].sort((a, b) => hostname(a).localeCompare(hostname(b), "en", { numeric: true }));
      const isTable = flags.quiet !== true && (flags.format === undefined || flags.format.startsWith("table"));
      cli.stdout(
        renderListing(sorted, nodeColumns(own, isTable, text(info, "Swarm", "Cluster", "TLSInfo", "TrustRoot")), {
          ...flags,
          rowType: "*node.nodeContext",
        }),
      );
    });

  node
    .command("ps [node...]")
    .description("List tasks running on one or more nodes, defaults to current node")
    .option("-f, --filter <filter>", "Filter output based on conditions provided")
    .option("--format <string>", "Pretty-print tasks using a Go template")
    .option("--no-resolve", "Do not map IDs to Names")
    .option("--no-trunc", "Do not truncate output")
    .option("-q, --quiet", "Only display task IDs")
    .action(async (names: readonly string[], flags: TaskListingFlags & { filter?: readonly string[] }) => {
      const cli = context();
      for (const name of names.length === 0 ? ["self"] : names) {
        await showTasks(cli, { filters: flags.filter ?? [], node: await nodeId(cli, name) }, flags);
      }
    });

  node
    .command("inspect <node...>")
    .description("Display detailed information on one or more nodes")
    .usage("self|NODE [NODE...]")
    .option("-f, --format <string>", "Format output using a custom template")
    .option("--pretty", "For people to read")
    .action(async (names: readonly string[], flags: { format?: string; pretty?: boolean }) => {
      const cli = context();
      if (flags.pretty === true) {
        if (flags.format !== undefined) throw new CliError("--format is incompatible with human friendly format");
        for (const name of names)
          cli.stdout(prettyNode(await cli.api.json("GET", `/nodes/${encodeURIComponent(await nodeId(cli, name))}`)));
        return;
      }
      const ids = new Map(
        await Promise.all(names.map(async name => [name, name === "self" ? await nodeId(cli, name) : name] as const)),
      );
      await inspectEach(cli, names, {
        find: name => findAt(cli, `/nodes/${encodeURIComponent(ids.get(name) ?? name)}`),
        format: flags.format,
      });
    });

  node
    .command("update <node>")
    .description("Update a node")
    .option("--availability <string>", 'Availability of the node ("active", "pause", "drain")')
    .option("--role <string>", 'Role of the node ("worker", "manager")')
    .option("--label-add <list>", "Add or update a node label (key=value)")
    .option("--label-rm <list>", "Remove a node label if exists")
    .action(async (name: string, flags: NodeFlags) => {
      await updateNode(context(), name, flags);
      context().stdout(`${name}\n`);
    });

  for (const [verb, role, description] of [
    ["promote", "manager", "Promote one or more nodes to manager in the swarm"],
    ["demote", "worker", "Demote one or more nodes from manager in the swarm"],
  ] as const) {
    node
      .command(`${verb} <node...>`)
      .description(description)
      .action(async (names: readonly string[]) => {
        for (const name of names) {
          const node = await context().api.json("GET", `/nodes/${encodeURIComponent(name)}`);
          if (text(node, "Spec", "Role") === role) {
            context().stdout(`Node ${text(node, "ID")} is already a ${role}.\n`);
            continue;
          }
          await updateNode(context(), name, { role });
          context().stdout(
            role === "manager" ? `Node ${name} promoted to a manager in the swarm.\n` : `Manager ${name} demoted in the swarm.\n`,
          );
        }
      });
  }

  node
    .command("rm <node...>")
    .alias("remove")
    .description("Remove one or more nodes from the swarm")
    .option("-f, --force", "Force remove a node from the swarm")
    .action(async (names: readonly string[], flags: { force?: boolean }) => {
      await removeEach(
        context(),
        names,
        name => `/nodes/${encodeURIComponent(name)}`,
        flags.force === true ? { force: true } : {},
      );
    });
}

async function nodeId(cli: CliContext, name: string): Promise<string> {
  if (name === "self") {
    const own = text(await cli.api.json("GET", "/info"), "Swarm", "NodeID");
    // On a node that is in no swarm the list of nodes says so in the daemon's own words.
    if (own === "") await cli.api.json("GET", "/nodes");
    return own;
  }
  return text(await cli.api.json("GET", `/nodes/${encodeURIComponent(name)}`), "ID");
}

async function updateNode(cli: CliContext, name: string, flags: NodeFlags): Promise<void> {
  const node = await cli.api.json("GET", `/nodes/${encodeURIComponent(name === "self" ? await nodeId(cli, name) : name)}`);
  let spec = field(node, "Spec");
  if (flags.availability !== undefined) spec = withPath(spec, ["Availability"], flags.availability);
  if (flags.role !== undefined) spec = withPath(spec, ["Role"], flags.role);
  for (const label of flags.labelAdd ?? []) {
    const [key = "", value = ""] = label.split(/=(.*)/s);
    spec = withPath(spec, ["Labels", key], value);
  }
  const labels = { ...(field(spec, "Labels") as { readonly [key: string]: Json } | undefined) };
  for (const key of flags.labelRm ?? []) {
    if (!(key in labels)) throw new CliError(`key ${key} doesn't exist in node's labels`);
    delete labels[key];
  }
  await cli.api.json("POST", `/nodes/${text(node, "ID")}/update`, {
    query: { version: number(node, "Version", "Index") },
    body: withPath(spec, ["Labels"], labels),
  });
}

/** A node that trusts another root than the cluster's has yet to renew its certificate. */
function tlsStatus(trusted: string, trustRoot: string): string {
  if (trusted === "" || trustRoot === "") return "Unknown";
  return trusted === trustRoot ? "Ready" : "Needs Rotation";
}

function hostname(node: Json): string {
  return text(node, "Description", "Hostname");
}

function nodeColumns(own: string, isTable: boolean, trustRoot: string): readonly Column<Json>[] {
  return [
    {
      header: "ID",
      field: "ID",
      value: node => (isTable && text(node, "ID") === own ? `${text(node, "ID")} *` : text(node, "ID")),
    },
    { header: "HOSTNAME", field: "Hostname", value: hostname },
    { header: "STATUS", field: "Status", value: node => capitalized(text(node, "Status", "State")) },
    { header: "AVAILABILITY", field: "Availability", value: node => capitalized(text(node, "Spec", "Availability")) },
    {
      header: "MANAGER STATUS",
      field: "ManagerStatus",
      value: node =>
        field(node, "ManagerStatus", "Leader") === true ? "Leader" : capitalized(text(node, "ManagerStatus", "Reachability")),
    },
    { header: "ENGINE VERSION", field: "EngineVersion", value: node => text(node, "Description", "Engine", "EngineVersion") },
    { header: "SELF", field: "Self", isDefault: false, value: node => text(node, "ID") === own },
    {
      header: "TLS STATUS",
      field: "TLSStatus",
      isDefault: false,
      value: node => tlsStatus(text(node, "Description", "TLSInfo", "TrustRoot"), trustRoot),
    },
  ];
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
