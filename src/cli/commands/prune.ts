import type { Command } from "../command/command.ts";
import { type CliContext, CliError, filterQuery, type Json, list, number, text } from "../context.ts";
import { renderTable } from "../format/table.ts";
import { decimalSize, preciseDecimalSize } from "../format/units.ts";
import { confirmed } from "./shared.ts";

export interface PruneFlags {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly force?: boolean;
  readonly volumes?: boolean;
}

export interface Pruning {
  readonly path: string;
  readonly warning: string;
  readonly filters: readonly string[];
  readonly isForced: boolean;
  /** What is told of the answer, and whether the space is. */
  readonly report: (answer: Json) => string;
  readonly hasSpace: boolean;
}

/** `X prune`: asks, removes, tells what went. */
export async function prune(cli: CliContext, { path, warning, filters, isForced, report, hasSpace }: Pruning): Promise<void> {
  if (!isForced && !(await confirmed(cli, `WARNING! ${warning}`))) return;
  const answer = await cli.api.json("POST", path, { query: { filters: filterQuery(filters) } });
  const told = report(answer);
  if (told !== "") cli.stdout(`${told}\n`);
  if (hasSpace) cli.stdout(`Total reclaimed space: ${decimalSize(number(answer, "SpaceReclaimed"))}\n`);
}

/** `Deleted Containers:` and each on a line; nothing when there is none. */
export function deleted(title: string, names: readonly Json[]): string {
  return names.length === 0 ? "" : `${title}:\n${names.map(name => `${text(name)}\n`).join("")}`;
}

export function deletedImages(answer: Json): string {
  const lines = list(answer, "ImagesDeleted").map(image =>
    text(image, "Untagged") === "" ? `deleted: ${text(image, "Deleted")}\n` : `untagged: ${text(image, "Untagged")}\n`,
  );
  return lines.length === 0 ? "" : `Deleted Images:\n${lines.join("")}`;
}

/** `container prune`, `system prune`, `system df`. */
export function registerPrune(program: Command, context: () => CliContext): void {
  program
    .group("container", "Manage containers")
    .command("prune")
    .description("Remove all stopped containers")
    .option("--filter <filter>", "Only those that match")
    .option("-f, --force", "Do not ask")
    .action(async (flags: PruneFlags) =>
      prune(context(), {
        path: "/containers/prune",
        warning: "This will remove all stopped containers.",
        filters: flags.filter ?? [],
        isForced: flags.force === true,
        report: answer => deleted("Deleted Containers", list(answer, "ContainersDeleted")),
        hasSpace: true,
      }),
    );
  const system = program.group("system", "Manage the daemon");
  system
    .command("prune")
    .description("Remove what nothing uses")
    .option("-a, --all", "All images that no container uses")
    .option("--filter <filter>", "Only what matches")
    .option("-f, --force", "Do not ask")
    .option("--volumes", "Anonymous volumes too")
    .action(async (flags: PruneFlags) => pruneAll(context(), flags));
  system
    .command("df")
    .description("Show the space in use")
    .option("--format <string>", "How it is shown")
    .option("-v, --verbose", "Show each object")
    .action(async (flags: { format?: string; verbose?: boolean }) => diskUsage(context(), flags));
}

async function pruneAll(cli: CliContext, flags: PruneFlags): Promise<void> {
  const images = flags.all === true ? "all images without at least one container associated to them" : "all dangling images";
  const parts = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(flags.volumes === true ? ["all anonymous volumes not used by at least one container"] : []),
    images,
    flags.all === true ? "all build cache" : "unused build cache",
  ];
  const warning = `WARNING! This will remove:\n${parts.map(part => `  - ${part}\n`).join("")}`;
  if (flags.force !== true && !(await confirmed(cli, warning))) return;
  const own = flags.filter ?? [];
  const call = async (path: string, filters: readonly string[] = own): Promise<Json> =>
    await cli.api.json("POST", path, { query: { filters: filterQuery(filters) } });
  const containers = await call("/containers/prune");
  const networks = await call("/networks/prune");
  const volumes = flags.volumes === true ? await call("/volumes/prune") : undefined;
  const pruned = await call("/images/prune", [...own, `dangling=${flags.all !== true}`]);
  for (const told of [
    deleted("Deleted Containers", list(containers, "ContainersDeleted")),
    deleted("Deleted Networks", list(networks, "NetworksDeleted")),
    deleted("Deleted Volumes", list(volumes, "VolumesDeleted")),
    deletedImages(pruned),
  ])
    if (told !== "") cli.stdout(`${told}\n`);
  const space = [containers, volumes, pruned].reduce<number>((sum, answer) => sum + number(answer, "SpaceReclaimed"), 0);
  cli.stdout(`Total reclaimed space: ${decimalSize(space)}\n`);
}

interface Usage {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimable: number;
}

async function diskUsage(cli: CliContext, flags: { readonly format?: string; readonly verbose?: boolean }): Promise<void> {
  if (flags.verbose === true || flags.format !== undefined)
    throw new CliError("system df: --verbose and --format are not supported yet");
  const usage = await cli.api.json("GET", "/system/df");
  const rows = [imageUsage(usage), containerUsage(usage), volumeUsage(usage), cacheUsage(usage)];
  cli.stdout(renderTable([["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"], ...rows.map(usageRow)]));
}

function usageRow({ type, total, active, bytes, reclaimable }: Usage): readonly string[] {
  const share = bytes > 0 ? ` (${Math.trunc((reclaimable * 100) / bytes)}%)` : "";
  return [type, String(total), String(active), preciseDecimalSize(bytes), preciseDecimalSize(reclaimable) + share];
}

function imageUsage(usage: Json): Usage {
  const images = list(usage, "Images");
  const used = images.filter(image => number(image, "Containers") > 0);
  const inUse = used.reduce<number>(
    (sum, image) => sum + Math.max(number(image, "Size") - Math.max(number(image, "SharedSize"), 0), 0),
    0,
  );
  const bytes = number(usage, "LayersSize");
  return { type: "Images", total: images.length, active: used.length, bytes, reclaimable: bytes - inUse };
}

function containerUsage(usage: Json): Usage {
  const containers = list(usage, "Containers");
  const isActive = (container: Json): boolean => ["running", "paused", "restarting"].includes(text(container, "State"));
  const bytes = containers.reduce<number>((sum, container) => sum + number(container, "SizeRw"), 0);
  const idle = containers.filter(container => !isActive(container));
  const reclaimable = idle.reduce<number>((sum, container) => sum + number(container, "SizeRw"), 0);
  return { type: "Containers", total: containers.length, active: containers.length - idle.length, bytes, reclaimable };
}

function volumeUsage(usage: Json): Usage {
  const volumes = list(usage, "Volumes");
  const size = (volume: Json): number => Math.max(number(volume, "UsageData", "Size"), 0);
  const used = volumes.filter(volume => number(volume, "UsageData", "RefCount") > 0);
  const idle = volumes.filter(volume => number(volume, "UsageData", "RefCount") === 0);
  return {
    type: "Local Volumes",
    total: volumes.length,
    active: used.length,
    bytes: volumes.reduce<number>((sum, volume) => sum + size(volume), 0),
    reclaimable: idle.reduce<number>((sum, volume) => sum + size(volume), 0),
  };
}

function cacheUsage(usage: Json): Usage {
  const records = list(usage, "BuildCache");
  const bytes = records.reduce<number>((sum, record) => sum + number(record, "Size"), 0);
  return { type: "Build Cache", total: records.length, active: 0, bytes, reclaimable: bytes };
}
