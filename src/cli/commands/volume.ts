import type { Command } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, CliError, field, filterQuery, type Json, list, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { joinedPairs } from "../format/text.ts";
import { lists, pairs, value } from "./container-values.ts";
import { addListFlags, byName, type ListFlags } from "./listing.ts";
import { deleted, prune, type PruneFlags } from "./prune.ts";
import { findAt, inspectEach, removeEach } from "./shared.ts";

const path = (name: string): string => `/volumes/${encodeURIComponent(name)}`;

export function registerVolume(program: Command, context: () => CliContext): void {
  const volume = program.group("volume", "Manage volumes");
  volume
    .command("create [volume]")
    .description("Create a volume")
    .option("-d, --driver <string>", "Driver", "local")
    .option("--label <list>", "Label")
    .option("--name <string>", "Old way to give the name")
    .option("-o, --opt <list>", "Option of the driver")
    .action(async (name: string | undefined, flags: FlagValues) => {
      if (name !== undefined && flags["name"] !== undefined)
        throw new CliError("conflicting options: cannot specify a volume-name through both --name and as a positional arg");
      const body = {
        Name: name ?? value(flags, "name") ?? "",
        Driver: value(flags, "driver") ?? "local",
        Labels: pairs(lists(flags, "label")),
        DriverOpts: pairs(lists(flags, "opt")),
      };
      context().stdout(`${text(await context().api.json("POST", "/volumes/create", { body }), "Name")}\n`);
    });
  addListFlags(volume.command("ls"))
    .alias("list")
    .description("List volumes")
    .action(async (flags: ListFlags) => listVolumes(context(), flags));
  volume
    .command("inspect <volume...>")
    .description("Show everything about volumes")
    .option("-f, --format <string>", "How each is shown: json, a template")
    .action(async (names: readonly string[], { format }: { format?: string }) =>
      inspectEach(context(), names, { find: name => findAt(context(), path(name)), format }),
    );
  volume
    .command("rm <volume...>")
    .alias("remove")
    .description("Remove volumes that no container uses")
    .option("-f, --force", "Volumes that are not there are no failure")
    .action(async (names: readonly string[], flags: { force?: boolean }) =>
      removeEach(context(), names, path, flags.force === true ? { force: true } : {}),
    );
  volume
    .command("prune")
    .description("Remove volumes that no container uses")
    .option("-a, --all", "Those with a name too")
    .option("--filter <filter>", "Only those that match")
    .option("-f, --force", "Do not ask")
    .action(async (flags: PruneFlags) =>
      prune(context(), {
        path: "/volumes/prune",
        warning: `This will remove ${flags.all === true ? "all" : "anonymous"} local volumes not used by at least one container.`,
        filters: [...(flags.filter ?? []), ...(flags.all === true ? ["all=true"] : [])],
        isForced: flags.force === true,
        report: answer => deleted("Deleted Volumes", list(answer, "VolumesDeleted")),
        hasSpace: true,
      }),
    );
}

async function listVolumes(cli: CliContext, flags: ListFlags): Promise<void> {
  const answer = await cli.api.json("GET", "/volumes", { query: { filters: filterQuery(flags.filter) } });
  const sorted = [...list(answer, "Volumes")].sort((a, b) => byName(text(a, "Name"), text(b, "Name")));
  cli.stdout(
    renderListing(sorted, VOLUME_COLUMNS, {
      ...flags,
      idField: "Name",
      rowType: "*formatter.volumeContext",
      label: (volume, key) => text(volume, "Labels", key),
    }),
  );
}

const extra = { isDefault: false } as const;
/** What only volumes of a cluster have. */
const NONE = (): string => "N/A";

const VOLUME_COLUMNS: readonly Column<Json>[] = [
  { header: "DRIVER", field: "Driver", value: volume => text(volume, "Driver") },
  { header: "VOLUME NAME", field: "Name", value: volume => text(volume, "Name") },
  { header: "SCOPE", field: "Scope", ...extra, value: volume => text(volume, "Scope") },
  { header: "MOUNTPOINT", field: "Mountpoint", ...extra, value: volume => text(volume, "Mountpoint") },
  { header: "LABELS", field: "Labels", ...extra, value: volume => joinedPairs(field(volume, "Labels") as object) },
  { header: "LINKS", field: "Links", ...extra, value: NONE },
  { header: "SIZE", field: "Size", ...extra, value: NONE },
  { header: "GROUP", field: "Group", ...extra, value: NONE },
  { header: "AVAILABILITY", field: "Availability", ...extra, value: NONE },
  { header: "STATUS", field: "Status", ...extra, value: NONE },
];
