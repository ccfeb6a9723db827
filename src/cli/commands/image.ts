import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { jsonLines } from "../../api/client/decode.ts";
import { type CliContext, CliError, field, filterQuery, type Json, list, number, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { ago, decimalSize } from "../format/units.ts";
import { collect, idAndExit, inspectEach } from "./shared.ts";

export function registerImage(program: Command, context: () => CliContext): void {
  const image = program.command("image").description("Manage images");
  for (const [parent, listName] of [
    [program, "images [repository]"],
    [image, "ls [repository]"],
  ] as const) {
    const command = parent.command(listName);
    if (parent === image) command.alias("list");
    command
      .description("List images")
      .option("-a, --all", "Show all images")
      .option("--digests", "Show digests")
      .option("-f, --filter <filter>", "Filter output based on conditions provided", collect)
      .option("--format <string>", "Format output using a custom template")
      .option("--no-trunc", "Don't truncate output")
      .option("-q, --quiet", "Only show image IDs")
      .action(async (repository: string | undefined, flags) => listImages(context(), repository, flags));
  }
  for (const parent of [program, image]) {
    parent
      .command("load")
      .description("Load an image from a tar archive or STDIN")
      .option("-i, --input <file>", "Read from tar archive file, instead of STDIN")
      .option("-q, --quiet", "Suppress the load output")
      .action(async (flags: { input?: string; quiet?: boolean }) => {
        await printProgress(context(), "/images/load", { query: { quiet: flags.quiet === true }, body: inputFrom(flags.input) });
      });
    parent
      .command("import <file> [repository]")
      .description("Import the contents from a tarball to create a filesystem image")
      .option("-c, --change <value>", "Apply Dockerfile instruction to the created image", collect)
      .option("-m, --message <string>", "Set commit message for imported image", "")
      .action(async (file: string, repository: string | undefined, flags: { change?: readonly string[]; message: string }) => {
        const [repo, tag] = splitTag(repository ?? "");
        const changes = (flags.change ?? []).map(change => `&changes=${encodeURIComponent(change)}`).join("");
        const query = `?fromSrc=-&message=${encodeURIComponent(flags.message)}&repo=${encodeURIComponent(repo)}&tag=${encodeURIComponent(tag)}${changes}`;
        await printProgress(context(), `/images/create${query}`, { body: inputFrom(file === "-" ? undefined : file) });
      });
    parent
      .command("tag <source> <target>")
      .description("Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE")
      .action(async (source: string, target: string) => {
        const [repo, tag] = splitTag(target);
        await context().api.json("POST", `/images/${source}/tag`, { query: { repo, tag } });
      });
  }
  for (const [parent, name] of [
    [program, "rmi"],
    [image, "rm"],
  ] as const) {
    parent
      .command(`${name} <image...>`)
      .description("Remove one or more images")
      .option("-f, --force", "Force removal of the image")
      .option("--no-prune", "Do not delete untagged parents")
      .action(async (names: readonly string[], flags: { force?: boolean; prune: boolean }) =>
        removeImages(context(), names, flags),
      );
  }
  image
    .command("inspect <image...>")
    .description("Display detailed information on one or more images")
    .option("-f, --format <string>", "Format output using a custom template")
    .action(async (names: readonly string[], flags: { format?: string }) => {
      await inspectEach(context(), names, { path: name => `/images/${name}/json`, ...flags });
    });
}

async function listImages(
  cli: CliContext,
  repository: string | undefined,
  flags: { all?: boolean; digests?: boolean; filter?: readonly string[]; format?: string; trunc: boolean; quiet?: boolean },
): Promise<void> {
  const filters = filterQuery([...(flags.filter ?? []), ...(repository === undefined ? [] : [`reference=${repository}`])]);
  const images = list(await cli.api.json("GET", "/images/json", { query: { all: flags.all === true, filters } }));
  const rows = images.flatMap(image => {
    const tags = list(image, "RepoTags").map(tag => text(tag));
    return (tags.length === 0 ? ["<none>:<none>"] : tags).map(tag => ({ image, tag }));
  });
  const columns: readonly Column<{ readonly image: Json; readonly tag: string }>[] = [
    { header: "REPOSITORY", field: "Repository", value: ({ tag }) => splitTag(tag)[0] },
    { header: "TAG", field: "Tag", value: ({ tag }) => splitTag(tag)[1] },
    {
      header: "DIGEST",
      field: "Digest",
      isDefault: flags.digests === true,
      value: ({ image }) => text(list(image, "RepoDigests")[0]).split("@")[1] ?? "<none>",
    },
    { header: "IMAGE ID", field: "ID", value: ({ image }) => shortId(text(image, "Id"), flags.trunc) },
    { header: "CREATED", field: "CreatedSince", value: ({ image }) => ago(number(image, "Created"), cli.nowMs()) },
    { header: "SIZE", field: "Size", value: ({ image }) => decimalSize(number(image, "Size")) },
  ];
  cli.stdout(renderListing(rows, columns, flags));
}

async function removeImages(
  cli: CliContext,
  names: readonly string[],
  flags: { force?: boolean; prune: boolean },
): Promise<void> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      const removed = await cli.api.json("DELETE", `/images/${name}`, {
        query: { force: flags.force === true, noprune: !flags.prune },
      });
      for (const item of list(removed)) {
        cli.stdout(
          field(item, "Untagged") === undefined ? `Deleted: ${text(item, "Deleted")}\n` : `Untagged: ${text(item, "Untagged")}\n`,
        );
      }
    } catch (error) {
      failures.push(error instanceof Error ? error.message : "failed");
    }
  }
  idAndExit(failures);
}

/** Prints what a long operation reports; its error, which comes inside the stream, becomes ours. */
async function printProgress(
  cli: CliContext,
  path: string,
  options: { readonly query?: Record<string, boolean>; readonly body: AsyncIterable<Uint8Array> },
): Promise<void> {
  const response = await cli.client.stream("POST", path, options);
  for await (const item of jsonLines(response)) {
    const message = item as Json;
    const error = text(message, "error");
    if (error !== "") throw new CliError(error);
    const stream = text(message, "stream");
    const status = text(message, "status");
    if (stream !== "") cli.stdout(stream);
    else if (status !== "" && field(message, "progressDetail", "current") === undefined)
      cli.stdout(`${text(message, "id") === "" ? "" : `${text(message, "id")}: `}${status}\n`);
  }
}

function inputFrom(file: string | undefined): AsyncIterable<Uint8Array> {
  return file === undefined ? process.stdin : createReadStream(file);
}

function shortId(id: string, isShort: boolean): string {
  return isShort ? id.replace("sha256:", "").slice(0, 12) : id;
}

/** A tag is what stands behind the last colon, unless that is a port. */
export function splitTag(reference: string): readonly [repository: string, tag: string] {
  const at = reference.lastIndexOf(":");
  return at < 0 || reference.slice(at).includes("/") ? [reference, ""] : [reference.slice(0, at), reference.slice(at + 1)];
}
