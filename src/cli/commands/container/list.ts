import type { Command } from "../../command/command.ts";
import { type CliContext, field, filterQuery, type Json, list, number, text } from "../../context.ts";
import { displayPorts } from "../../format/ports.ts";
import { type Column, renderListing } from "../../format/table.ts";
import { ellipsis, goTime, joinedPairs, shortId } from "../../format/text.ts";
import { ago, decimalSize } from "../../format/units.ts";

interface ListFlags {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly last: string;
  readonly latest?: boolean;
  readonly trunc: boolean;
  readonly quiet?: boolean;
  readonly size?: boolean;
}

/** `ps` and `container ls`. */
export function registerList(program: Command, context: () => CliContext): void {
  const listings = [program.command("ps"), program.group("container", "Manage containers").command("ls").alias("list", "ps")];
  for (const command of listings) {
    command
      .description("List containers")
      .option("-a, --all", "Those that do not run too")
      .option("-f, --filter <filter>", "Only those that match")
      .option("--format <string>", "How each is shown: table, json, a template")
      .option("-n, --last <int>", "So many, the newest, in any state", "-1")
      .option("-l, --latest", "The newest one, in any state")
      .option("--no-trunc", "Show everything in full")
      .option("-q, --quiet", "IDs only")
      .option("-s, --size", "File sizes too")
      .action(async (flags: ListFlags) => listContainers(context(), flags));
  }
}

async function listContainers(cli: CliContext, flags: ListFlags): Promise<void> {
  const limit = flags.latest === true ? 1 : Number(flags.last);
  const needsSize = flags.size === true || /\{\{[^}]*\.Size\b/.test(flags.format ?? "");
  const containers = await cli.api.json("GET", "/containers/json", {
    query: {
      all: flags.all === true || limit > 0 || undefined,
      limit: limit > 0 ? limit : undefined,
      size: needsSize || undefined,
      filters: filterQuery(flags.filter),
    },
  });
  cli.stdout(
    renderListing(
      list(containers),
      containerColumns({ nowMs: cli.nowMs(), isWhole: !flags.trunc, hasSize: flags.size === true }),
      {
        ...flags,
        rowType: "*formatter.ContainerContext",
        label: (container, key) => text(container, "Labels", key),
      },
    ),
  );
}

const COMMAND_LENGTH_MAX = 20;
const MOUNT_LENGTH_MAX = 15;

/** What `ps` knows of a container. */
export function containerColumns({
  nowMs,
  isWhole,
  hasSize,
}: {
  readonly nowMs: number;
  readonly isWhole: boolean;
  readonly hasSize: boolean;
}): readonly Column<Json>[] {
  const extra = { isDefault: false } as const;
  const cut = (command: string): string => (isWhole ? command : ellipsis(command, COMMAND_LENGTH_MAX));
  return [
    {
      header: "CONTAINER ID",
      field: "ID",
      value: container => (isWhole ? text(container, "Id") : shortId(text(container, "Id"))),
    },
    { header: "IMAGE", field: "Image", value: container => imageName(container, isWhole) },
    { header: "COMMAND", field: "Command", value: container => quoted(cut(text(container, "Command"))) },
    { header: "CREATED", field: "RunningFor", value: container => ago(number(container, "Created"), nowMs) },
    { header: "CREATED AT", field: "CreatedAt", ...extra, value: container => goTime(number(container, "Created") * 1_000) },
    { header: "STATUS", field: "Status", value: container => text(container, "Status") },
    { header: "PORTS", field: "Ports", value: container => displayPorts(list(container, "Ports")) },
    { header: "NAMES", field: "Names", value: container => names(container, isWhole) },
    { header: "SIZE", field: "Size", isDefault: hasSize, value: containerSize },
    { header: "STATE", field: "State", ...extra, value: container => text(container, "State") },
    { header: "LABELS", field: "Labels", ...extra, value: container => joinedPairs(field(container, "Labels") as object) },
    { header: "MOUNTS", field: "Mounts", ...extra, value: container => mounts(container, isWhole) },
    {
      header: "LOCAL VOLUMES",
      field: "LocalVolumes",
      ...extra,
      value: container => String(list(container, "Mounts").filter(mount => text(mount, "Driver") === "local").length),
    },
    {
      header: "NETWORKS",
      field: "Networks",
      ...extra,
      value: container => Object.keys((field(container, "NetworkSettings", "Networks") ?? {}) as object).join(","),
    },
    {
      header: "PLATFORM",
      field: "Platform",
      ...extra,
      value: container => {
        const { os, architecture } = (field(container, "ImageManifestDescriptor", "platform") ?? {}) as Record<string, string>;
        return os === undefined ? null : `${os}/${architecture ?? ""}`;
      },
    },
  ];
}

/** As Go quotes: JSON does the same but for the angle brackets, which neither touches. */
function quoted(command: string): string {
  return JSON.stringify(command);
}

/** A link's name has two parts: only our own are shown. */
function names(container: Json, isWhole: boolean): string {
  const all = list(container, "Names").map(name => text(name).replace(/^\//, ""));
  return (isWhole ? all : all.filter(name => !name.includes("/"))).join(",");
}

/** An image without a name is its id; a digest behind a name is left out. */
function imageName(container: Json, isWhole: boolean): string {
  const image = text(container, "Image");
  if (image === "") return "<no image>";
  if (isWhole) return image;
  const id = shortId(text(container, "ImageID"));
  if (shortId(image) === id || image === id) return id;
  return image.replace(/@sha256:[0-9a-f]+$/, "");
}

function mounts(container: Json, isWhole: boolean): string {
  return list(container, "Mounts")
    .map(mount => text(mount, "Name") || text(mount, "Source"))
    .map(name => (isWhole ? name : ellipsis(name, MOUNT_LENGTH_MAX)))
    .join(",");
}

function containerSize(container: Json): string {
  const own = decimalSize(number(container, "SizeRw"));
  const whole = number(container, "SizeRootFs");
  return whole > 0 ? `${own} (virtual ${decimalSize(whole)})` : own;
}
