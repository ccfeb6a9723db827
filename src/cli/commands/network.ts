import type { Command } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, CliError, field, filterQuery, type Json, list, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { goTime, joinedPairs, shortId } from "../format/text.ts";
import { integer, lists, pairs, splitAt, value } from "./container-values.ts";
import { addListFlags, byName, type ListFlags } from "./listing.ts";
import { deleted, prune, type PruneFlags } from "./prune.ts";
import { findAt, inspectEach, removeEach } from "./shared.ts";

const path = (name: string, what = ""): string => `/networks/${encodeURIComponent(name)}${what}`;

export function registerNetwork(program: Command, context: () => CliContext): void {
  const network = program.group("network", "Manage networks");
  registerCreate(network, context);
  registerConnections(network, context);
  addListFlags(network.command("ls"))
    .alias("list")
    .option("--no-trunc", "Show everything in full")
    .description("List networks")
    .action(async (flags: ListFlags) => listNetworks(context(), flags));
  network
    .command("inspect <network...>")
    .description("Show everything about networks")
    .option("-f, --format <string>", "How each is shown: json, a template")
    .option("-v, --verbose", "Services and tasks too")
    .action(async (names: readonly string[], flags: { format?: string; verbose?: boolean }) =>
      inspectEach(context(), names, {
        find: name => findAt(context(), path(name, flags.verbose === true ? "?verbose=true" : "")),
        format: flags.format,
      }),
    );
  network
    .command("rm <network...>")
    .alias("remove")
    .description("Remove networks")
    .option("-f, --force", "Networks that are not there are no failure")
    .action(async (names: readonly string[]) => removeEach(context(), names, name => path(name)));
  network
    .command("prune")
    .description("Remove all networks that nothing uses")
    .option("--filter <filter>", "Only those that match")
    .option("-f, --force", "Do not ask")
    .action(async (flags: PruneFlags) =>
      prune(context(), {
        path: "/networks/prune",
        warning: "This will remove all custom networks not used by at least one container.",
        filters: flags.filter ?? [],
        isForced: flags.force === true,
        report: answer => deleted("Deleted Networks", list(answer, "NetworksDeleted")),
        hasSpace: false,
      }),
    );
}

function registerCreate(network: Command, context: () => CliContext): void {
  network
    .command("create <network>")
    .description("Create a network")
    .option("--attachable", "Containers may be attached by hand")
    .option("--aux-address <list>", "Address that is used elsewhere (name=address)")
    .option("--config-from <string>", "Network to copy the configuration of")
    .option("--config-only", "A configuration alone")
    .option("-d, --driver <string>", "Driver", "bridge")
    .option("--gateway <list>", "Gateway of a subnet")
    .option("--ingress", "The swarm's routing mesh")
    .option("--internal", "No way out")
    .option("--ip-range <list>", "Part of a subnet that addresses are taken from")
    .option("--ipam-driver <string>", "Driver that gives addresses out", "default")
    .option("--ipam-opt <list>", "Option of that driver")
    .option("--ipv4", "With IPv4 addresses")
    .option("--ipv6", "With IPv6 addresses")
    .option("--label <list>", "Label")
    .option("-o, --opt <list>", "Option of the driver")
    .option("--scope <string>", "Reach: local or swarm")
    .option("--subnet <list>", "Subnet")
    .action(async (name: string, flags: FlagValues) => {
      const created = await context().api.json("POST", "/networks/create", { body: networkBody(name, flags) });
      context().stdout(`${text(created, "Id")}\n`);
    });
}

/** The body of `POST /networks/create`. */
export function networkBody(name: string, flags: FlagValues): Json {
  const from = value(flags, "configFrom");
  return {
    Name: name,
    Driver: value(flags, "driver") ?? "bridge",
    Scope: value(flags, "scope") ?? "",
    Internal: flags["internal"] === true,
    Attachable: flags["attachable"] === true,
    Ingress: flags["ingress"] === true,
    ConfigOnly: flags["configOnly"] === true,
    ...(from !== undefined && { ConfigFrom: { Network: from } }),
    ...(typeof flags["ipv4"] === "boolean" && { EnableIPv4: flags["ipv4"] }),
    ...(typeof flags["ipv6"] === "boolean" && { EnableIPv6: flags["ipv6"] }),
    Labels: pairs(lists(flags, "label")),
    Options: pairs(lists(flags, "opt")),
    IPAM: {
      Driver: value(flags, "ipamDriver") ?? "default",
      Options: pairs(lists(flags, "ipamOpt")),
      Config: subnets(flags),
    },
  };
}

/** Ranges, gateways and reserved addresses belong to the subnet that holds them; with one subnet there is no doubt. */
function subnets(flags: FlagValues): readonly Json[] {
  const given = lists(flags, "subnet");
  const ranges = lists(flags, "ipRange");
  const gateways = lists(flags, "gateway");
  if (given.length === 0) {
    if (ranges.length > 0 || gateways.length > 0)
      throw new CliError("every ip-range or gateway must have a corresponding subnet");
    return [];
  }
  const auxiliary = lists(flags, "auxAddress").map(item => splitAt(item, "="));
  const belongs = (address: string, subnet: string): boolean => given.length === 1 || sameFamilyAndPrefix(address, subnet);
  return given.map(subnet => {
    const range = ranges.find(candidate => belongs(candidate, subnet));
    const gateway = gateways.find(candidate => belongs(candidate, subnet));
    const reserved = auxiliary.filter(([, address]) => belongs(address, subnet));
    return {
      Subnet: subnet,
      ...(range !== undefined && { IPRange: range }),
      ...(gateway !== undefined && { Gateway: gateway }),
      ...(reserved.length > 0 && { AuxiliaryAddresses: Object.fromEntries(reserved) }),
    };
  });
}

/** Good enough to tell several subnets apart: the daemon checks addresses itself. */
function sameFamilyAndPrefix(address: string, subnet: string): boolean {
  if (address.includes(":") !== subnet.includes(":")) return false;
  const [network = "", length = "32"] = subnet.split("/");
  if (subnet.includes(":")) return address.startsWith(network.replace(/::$/, ""));
  const bits = (ip: string): string =>
    ip
      .split("/")[0]
      ?.split(".")
      .map(part => Number(part).toString(2).padStart(8, "0"))
      .join("") ?? "";
  return bits(address).slice(0, Number(length)) === bits(network).slice(0, Number(length));
}

function registerConnections(network: Command, context: () => CliContext): void {
  network
    .command("connect <network> <container>")
    .description("Connect a container to a network")
    .option("--alias <list>", "Further name on the network")
    .option("--driver-opt <list>", "Option of the driver")
    .option("--gw-priority <int>", "Which network gives the default gateway: the highest")
    .option("--ip <string>", "IPv4 address")
    .option("--ip6 <string>", "IPv6 address")
    .option("--link <list>", "Container to link to")
    .option("--link-local-ip <list>", "Link-local address")
    .action(async (name: string, container: string, flags: FlagValues) => {
      await context().api.json("POST", path(name, "/connect"), {
        body: { Container: container, EndpointConfig: endpoint(flags) },
      });
    });
  network
    .command("disconnect <network> <container>")
    .description("Disconnect a container from a network")
    .option("-f, --force", "Even if the container is gone")
    .action(async (name: string, container: string, flags: { force?: boolean }) => {
      await context().api.json("POST", path(name, "/disconnect"), {
        body: { Container: container, Force: flags.force === true },
      });
    });
}

function endpoint(flags: FlagValues): Json {
  const ip = value(flags, "ip");
  const ip6 = value(flags, "ip6");
  const local = lists(flags, "linkLocalIp");
  const priority = integer(flags, "gwPriority");
  const ipam = {
    ...(ip !== undefined && { IPv4Address: ip }),
    ...(ip6 !== undefined && { IPv6Address: ip6 }),
    ...(local.length > 0 && { LinkLocalIPs: local }),
  };
  return {
    ...(Object.keys(ipam).length > 0 && { IPAMConfig: ipam }),
    ...(lists(flags, "alias").length > 0 && { Aliases: lists(flags, "alias") }),
    ...(lists(flags, "link").length > 0 && { Links: lists(flags, "link") }),
    ...(lists(flags, "driverOpt").length > 0 && { DriverOpts: pairs(lists(flags, "driverOpt")) }),
    ...(priority !== undefined && { GwPriority: priority }),
  };
}

async function listNetworks(cli: CliContext, flags: ListFlags): Promise<void> {
  const networks = await cli.api.json("GET", "/networks", { query: { filters: filterQuery(flags.filter) } });
  const sorted = [...list(networks)].sort((a, b) => byName(text(a, "Name"), text(b, "Name")));
  cli.stdout(
    renderListing(sorted, networkColumns(flags.trunc === false), {
      ...flags,
      rowType: "*network.networkContext",
      label: (network, key) => text(network, "Labels", key),
    }),
  );
}

function networkColumns(isWhole: boolean): readonly Column<Json>[] {
  const extra = { isDefault: false } as const;
  const flag = (name: string) => (network: Json) => String(field(network, name) === true);
  return [
    { header: "NETWORK ID", field: "ID", value: network => (isWhole ? text(network, "Id") : shortId(text(network, "Id"))) },
    { header: "NAME", field: "Name", value: network => text(network, "Name") },
    { header: "DRIVER", field: "Driver", value: network => text(network, "Driver") },
    { header: "SCOPE", field: "Scope", value: network => text(network, "Scope") },
    { header: "IPV4", field: "IPv4", ...extra, value: flag("EnableIPv4") },
    { header: "IPV6", field: "IPv6", ...extra, value: flag("EnableIPv6") },
    { header: "INTERNAL", field: "Internal", ...extra, value: flag("Internal") },
    { header: "LABELS", field: "Labels", ...extra, value: network => joinedPairs(field(network, "Labels") as object) },
    { header: "CREATED AT", field: "CreatedAt", ...extra, value: network => createdAt(text(network, "Created")) },
  ];
}

/** Go keeps the fraction of a second. */
function createdAt(time: string): string {
  const fraction = /\.(\d*?)0*(?=Z|[+-]\d\d:)/.exec(time)?.[1] ?? "";
  return goTime(Date.parse(time)).replace(/(:\d\d:\d\d)/, fraction === "" ? "$1" : `$1.${fraction}`);
}
