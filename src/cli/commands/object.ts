import type { Command } from "commander";
import { type CliContext, filterQuery, type Json, list, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { collect, inspectEach, removeEach } from "./shared.ts";

interface ListFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly quiet?: boolean;
  readonly trunc?: boolean;
}

/** Networks and volumes: things that are made, listed, looked at and removed. */
export function registerObjects(program: Command, context: () => CliContext): void {
  registerNetwork(program, context);
  registerVolume(program, context);
}

function registerNetwork(program: Command, context: () => CliContext): void {
  const network = program.command("network").description("Manage networks");
  network
    .command("create <network>")
    .description("Create a network")
    .option("-d, --driver <string>", "Driver to manage the Network", "bridge")
    .option("--attachable", "Enable manual container attachment")
    .option("--internal", "Restrict external access to the network")
    .option("--gateway <string>", "IPv4 Gateway for the master subnet")
    .option("--ip-range <string>", "Allocate container ip from a sub-range")
    .option("--subnet <string>", "Subnet in CIDR format that represents a network segment")
    .option("--label <value>", "Set metadata on a network", collect)
    .option("-o, --opt <value>", "Set driver specific options", collect)
    .action(async (name: string, flags) => {
      const ipam = {
        ...(flags.subnet && { Subnet: flags.subnet }),
        ...(flags.ipRange && { IPRange: flags.ipRange }),
        ...(flags.gateway && { Gateway: flags.gateway }),
      };
      const created = await context().api.json("POST", "/networks/create", {
        body: {
          Name: name,
          Driver: flags.driver,
          Internal: flags.internal === true,
          Attachable: flags.attachable === true,
          Labels: pairs(flags.label),
          Options: pairs(flags.opt),
          IPAM: { Driver: "default", Config: Object.keys(ipam).length === 0 ? [] : [ipam] },
        },
      });
      context().stdout(`${text(created, "Id")}\n`);
    });
  listing(network, { path: "/networks", items: answer => list(answer), columns: NETWORK_COLUMNS, sortBy: "Name" }, context);
  inspecting(network, name => `/networks/${encodeURIComponent(name)}`, context);
  network
    .command("rm <network...>")
    .alias("remove")
    .description("Remove one or more networks")
    .action(async (names: readonly string[]) => removeEach(context(), names, name => `/networks/${encodeURIComponent(name)}`));
  network
    .command("connect <network> <container>")
    .description("Connect a container to a network")
    .option("--alias <value>", "Add network-scoped alias for the container", collect)
    .option("--ip <string>", "IPv4 address")
    .action(async (name: string, container: string, flags: { alias?: readonly string[]; ip?: string }) => {
      const endpoint = {
        ...(flags.alias && { Aliases: flags.alias }),
        ...(flags.ip && { IPAMConfig: { IPv4Address: flags.ip } }),
      };
      await context().api.json("POST", `/networks/${encodeURIComponent(name)}/connect`, {
        body: { Container: container, EndpointConfig: endpoint },
      });
    });
  network
    .command("disconnect <network> <container>")
    .description("Disconnect a container from a network")
    .option("-f, --force", "Force the container to disconnect from a network")
    .action(async (name: string, container: string, flags: { force?: boolean }) => {
      await context().api.json("POST", `/networks/${encodeURIComponent(name)}/disconnect`, {
        body: { Container: container, Force: flags.force === true },
      });
    });
}

function registerVolume(program: Command, context: () => CliContext): void {
  const volume = program.command("volume").description("Manage volumes");
  volume
    .command("create [volume]")
    .description("Create a volume")
    .option("-d, --driver <string>", "Specify volume driver name", "local")
    .option("--label <value>", "Set metadata for a volume", collect)
    .option("-o, --opt <value>", "Set driver specific options", collect)
    .action(async (name: string | undefined, flags: { driver: string; label?: readonly string[]; opt?: readonly string[] }) => {
      const body = { Name: name ?? "", Driver: flags.driver, Labels: pairs(flags.label), DriverOpts: pairs(flags.opt) };
      context().stdout(`${text(await context().api.json("POST", "/volumes/create", { body }), "Name")}\n`);
    });
  listing(
    volume,
    { path: "/volumes", items: answer => list(answer, "Volumes"), columns: VOLUME_COLUMNS, sortBy: "Name" },
    context,
  );
  inspecting(volume, name => `/volumes/${encodeURIComponent(name)}`, context);
  volume
    .command("rm <volume...>")
    .alias("remove")
    .description("Remove one or more volumes")
    .option("-f, --force", "Force the removal of one or more volumes")
    .action(async (names: readonly string[], flags: { force?: boolean }) => {
      await removeEach(
        context(),
        names,
        name => `/volumes/${encodeURIComponent(name)}`,
        flags.force === true ? { force: true } : {},
      );
    });
}

function listing(
  parent: Command,
  what: {
    readonly path: string;
    readonly items: (answer: Json) => readonly Json[];
    readonly columns: (isShort: boolean) => readonly Column<Json>[];
    readonly sortBy: string;
  },
  context: () => CliContext,
): void {
  parent
    .command("ls")
    .alias("list")
    .description(`List ${parent.name()}s`)
    .option("-f, --filter <filter>", "Provide filter values", collect)
    .option("--format <string>", "Format output using a custom template")
    .option("--no-trunc", "Do not truncate the output")
    .option("-q, --quiet", "Only display IDs")
    .action(async (flags: ListFlags) => {
      const cli = context();
      const answer = await cli.api.json("GET", what.path, { query: { filters: filterQuery(flags.filter) } });
      const sorted = [...what.items(answer)].sort((a, b) =>
        text(a, what.sortBy).localeCompare(text(b, what.sortBy), "en", { numeric: true }),
      );
      cli.stdout(
        renderListing(sorted, what.columns(flags.trunc !== false), {
          ...flags,
          idField: what.path === "/volumes" ? "Name" : "ID",
        }),
      );
    });
}

function inspecting(parent: Command, path: (name: string) => string, context: () => CliContext): void {
  parent
    .command(`inspect <${parent.name()}...>`)
    .description(`Display detailed information on one or more ${parent.name()}s`)
    .option("-f, --format <string>", "Format output using a custom template")
    .action(async (names: readonly string[], flags: { format?: string }) => inspectEach(context(), names, { path, ...flags }));
}

const NETWORK_COLUMNS = (isShort: boolean): readonly Column<Json>[] => [
  { header: "NETWORK ID", field: "ID", value: network => (isShort ? text(network, "Id").slice(0, 12) : text(network, "Id")) },
  { header: "NAME", field: "Name", value: network => text(network, "Name") },
  { header: "DRIVER", field: "Driver", value: network => text(network, "Driver") },
  { header: "SCOPE", field: "Scope", value: network => text(network, "Scope") },
];

const VOLUME_COLUMNS = (): readonly Column<Json>[] => [
  { header: "DRIVER", field: "Driver", value: volume => text(volume, "Driver") },
  { header: "VOLUME NAME", field: "Name", value: volume => text(volume, "Name") },
];

function pairs(items: readonly string[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(
    items.map(item => [item.split("=")[0] ?? "", item.includes("=") ? item.slice(item.indexOf("=") + 1) : ""]),
  );
}
