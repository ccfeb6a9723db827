import type { Command } from "../command/command.ts";
import { type CliContext, CliError, type Json, list, number, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { ellipsis, shortId } from "../format/text.ts";
import { ago, decimalSize } from "../format/units.ts";
import { exportTo } from "./container/more.ts";
import { printProgress } from "./image-progress.ts";
import { registryAuth, splitReference } from "./image-pull.ts";
import { deletedImages, prune, type PruneFlags } from "./prune.ts";

interface TransferFlags {
  readonly allTags?: boolean;
  readonly platform?: string;
  readonly quiet?: boolean;
}

/** `pull`, `push`, `save`, `history`, `image prune`. */
export function registerTransfer(program: Command, context: () => CliContext): void {
  const image = program.group("image", "Manage images");
  for (const parent of [program, image]) {
    parent
      .command("pull <image>")
      .usage("NAME[:TAG|@DIGEST]")
      .description("Fetch an image from a registry")
      .option("-a, --all-tags", "Every tag of the repository")
      .option("--disable-content-trust", "Accepted and without effect")
      .option("--platform <string>", "Platform of the image")
      .option("-q, --quiet", "Print the image's name alone")
      .action(async (name: string, flags: TransferFlags) => pull(context(), name, flags));
    parent
      .command("push <image>")
      .usage("NAME[:TAG]")
      .description("Send an image to a registry")
      .option("-a, --all-tags", "Every tag of the repository")
      .option("--disable-content-trust", "Accepted and without effect")
      .option("--platform <string>", "Platform of the image")
      .option("-q, --quiet", "Print the image's name alone")
      .action(async (name: string, flags: TransferFlags) => push(context(), name, flags));
    parent
      .command("save <image...>")
      .description("Write images as a tar archive")
      .option("-o, --output <string>", "File to write to")
      .option("--platform <string>", "Platform of the images")
      .action(async (names: readonly string[], { output }: { output?: string }) => {
        const query = names.map(name => `names=${encodeURIComponent(name)}`).join("&");
        await exportTo(context(), `/images/get?${query}`, output);
      });
    parent
      .command("history <image>")
      .description("Show how an image was made")
      .option("--format <string>", "How each step is shown: table, json, a template")
      .option("-H, --human", "Sizes and times for people to read", true)
      .option("--no-trunc", "Show everything in full")
      .option("--platform <string>", "Platform of the image")
      .option("-q, --quiet", "IDs only")
      .action(async (name: string, flags: HistoryFlags) => history(context(), name, flags));
  }
  image
    .command("prune")
    .description("Remove images that nothing uses")
    .option("-a, --all", "Those with a name too")
    .option("--filter <filter>", "Only those that match")
    .option("-f, --force", "Do not ask")
    .action(async (flags: PruneFlags) =>
      prune(context(), {
        path: "/images/prune",
        warning:
          flags.all === true
            ? "This will remove all images without at least one container associated to them."
            : "This will remove all dangling images.",
        filters: [...(flags.filter ?? []), `dangling=${flags.all !== true}`],
        isForced: flags.force === true,
        report: deletedImages,
        hasSpace: true,
      }),
    );
}

async function pull(cli: CliContext, name: string, flags: TransferFlags): Promise<void> {
  const { repository, tag } = splitReference(name);
  const isTagged = name.includes("@") || /:[^/]+$/.test(name);
  if (flags.allTags === true && isTagged) throw new CliError("tag can't be used with --all-tags/-a");
  if (!isTagged && flags.allTags !== true && flags.quiet !== true) cli.stdout(`Using default tag: ${tag}\n`);
  await printProgress(cli, {
    path: "/images/create",
    query: { fromImage: repository, tag: flags.allTags === true ? undefined : tag, platform: flags.platform },
    headers: await registryAuth(name),
    print: line => {
      if (flags.quiet !== true) cli.stdout(line);
    },
  });
  cli.stdout(`${fullName(repository)}${tag.includes(":") ? "@" : ":"}${tag}\n`);
}

/** The name with its registry, as Docker prints what it fetched. */
function fullName(repository: string): string {
  const [first = "", ...rest] = repository.split("/");
  if (rest.length > 0 && (/[.:]/.test(first) || first === "localhost")) return repository;
  return `docker.io/${rest.length === 0 ? "library/" : ""}${repository}`;
}

async function push(cli: CliContext, name: string, flags: TransferFlags): Promise<void> {
  const { repository, tag } = splitReference(name);
  const isTagged = /:[^/]+$/.test(name);
  if (flags.allTags === true && isTagged) throw new CliError("tag can't be used with --all-tags/-a");
  if (!isTagged && flags.allTags !== true && flags.quiet !== true) cli.stdout(`Using default tag: ${tag}\n`);
  const auth = await registryAuth(name);
  await printProgress(cli, {
    path: `/images/${repository}/push`,
    query: { tag: flags.allTags === true ? undefined : tag },
    // The API refuses a push that says nothing of a login, even where none is needed.
    headers: "X-Registry-Auth" in auth ? auth : { "X-Registry-Auth": Buffer.from("{}").toString("base64url") },
    print: line => {
      if (flags.quiet !== true) cli.stdout(line);
    },
  });
  if (flags.quiet === true) cli.stdout(`${fullName(repository)}:${tag}\n`);
}

interface HistoryFlags {
  readonly format?: string;
  readonly human: boolean;
  readonly trunc: boolean;
  readonly quiet?: boolean;
}

const CREATED_BY_LENGTH_MAX = 45;

async function history(cli: CliContext, name: string, flags: HistoryFlags): Promise<void> {
  const steps = list(await cli.api.json("GET", `/images/${name}/history`));
  cli.stdout(renderListing(steps, historyColumns(flags, cli.nowMs()), { ...flags, rowType: "*formatter.historyContext" }));
}

function historyColumns(flags: HistoryFlags, nowMs: number): readonly Column<Json>[] {
  const id = (step: Json): string => (flags.trunc ? shortId(text(step, "Id")) : text(step, "Id"));
  const createdAt = (step: Json): string => new Date(number(step, "Created") * 1_000).toISOString().replace(".000Z", "Z");
  return [
    { header: "IMAGE", field: "ID", value: id },
    {
      header: flags.human ? "CREATED" : "CREATED AT",
      field: "CreatedSince",
      value: step => (flags.human ? ago(number(step, "Created"), nowMs) : createdAt(step)),
    },
    { header: "CREATED AT", field: "CreatedAt", isDefault: false, value: createdAt },
    {
      header: "CREATED BY",
      field: "CreatedBy",
      value: step => {
        const command = text(step, "CreatedBy").replaceAll("\t", " ");
        return flags.trunc ? ellipsis(command, CREATED_BY_LENGTH_MAX) : command;
      },
    },
    {
      header: "SIZE",
      field: "Size",
      value: step => (flags.human ? decimalSize(number(step, "Size")) : String(number(step, "Size"))),
    },
    { header: "COMMENT", field: "Comment", value: step => text(step, "Comment") },
  ];
}
