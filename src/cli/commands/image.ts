import { createReadStream, existsSync } from "node:fs";
import type { Command } from "../command/command.ts";
import { type CliContext, CliError, field, list, text } from "../context.ts";
import { listImages, splitTag } from "./image-list.ts";
import { printProgress } from "./image-progress.ts";
import { registerTransfer } from "./image-transfer.ts";
import { exitWith, findAt, inspectEach } from "./shared.ts";

export function registerImage(program: Command, context: () => CliContext): void {
  const image = program.group("image", "Manage images");
  for (const [parent, listName] of [
    [program, "images [repository]"],
    [image, "ls [repository]"],
  ] as const) {
    const command = parent.command(listName).usage("[REPOSITORY[:TAG]]");
    if (parent === image) command.alias("list");
    command
      .description("List images")
      .option("-a, --all", "Show all images")
      .option("--digests", "Show digests")
      .option("-f, --filter <filter>", "Filter output based on conditions provided")
      .option("--format <string>", "Format output using a custom template")
      .option("--no-trunc", "Don't truncate output")
      .option("-q, --quiet", "Only show image IDs")
      .action(async (repository: string | undefined, flags) => listImages(context(), repository, flags));
  }
  for (const parent of [program, image]) {
    parent
      .command("load")
      .description("Load an image from a tar archive or STDIN")
      .option("-i, --input <string>", "Read from tar archive file, instead of STDIN")
      .option("-q, --quiet", "Suppress the load output")
      .action(async (flags: { input?: string; quiet?: boolean }) => {
        const cli = context();
        if (flags.input === undefined && process.stdin.isTTY) throw new CliError("requested load from stdin, but stdin is empty");
        await printProgress(cli, {
          path: "/images/load",
          query: { quiet: flags.quiet === true },
          body: inputFrom(flags.input),
          print: cli.stdout,
        });
      });
    parent
      .command("import <file> [repository]")
      .usage("file|URL|- [REPOSITORY[:TAG]]")
      .option("--platform <string>", "Platform of the image")
      .description("Import the contents from a tarball to create a filesystem image")
      .option("-c, --change <list>", "Apply Dockerfile instruction to the created image")
      .option("-m, --message <string>", "Set commit message for imported image", "")
      .action(async (file: string, repository: string | undefined, flags: { change?: readonly string[]; message: string }) => {
        const cli = context();
        const [repo, tag] = splitTag(repository ?? "");
        const changes = (flags.change ?? []).map(change => `&changes=${encodeURIComponent(change)}`).join("");
        await printProgress(cli, {
          path: `/images/create?fromSrc=-${changes}`,
          query: { message: flags.message, repo, tag },
          body: inputFrom(file === "-" ? undefined : file),
          print: cli.stdout,
        });
      });
    parent
      .command("tag <source> <target>")
      .usage("SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]")
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
      .alias(...(name === "rm" ? ["remove"] : []))
      .description("Remove one or more images")
      .option("-f, --force", "Force removal of the image")
      .option("--no-prune", "Do not delete untagged parents")
      .action(async (names: readonly string[], flags: { force?: boolean; prune: boolean }) =>
        removeImages(context(), names, flags),
      );
  }
  registerTransfer(program, context);
  image
    .command("inspect <image...>")
    .description("Display detailed information on one or more images")
    .option("-f, --format <string>", "Format output using a custom template")
    .action(async (names: readonly string[], flags: { format?: string }) => {
      await inspectEach(context(), names, { find: name => findAt(context(), `/images/${name}/json`), format: flags.format });
    });
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
  exitWith(failures);
}

function inputFrom(file: string | undefined): AsyncIterable<Uint8Array> {
  if (file === undefined) return process.stdin;
  // Looked for now: a stream would say so only when the daemon is already waiting for it.
  if (!existsSync(file)) throw new CliError(`open ${file}: no such file or directory`);
  return createReadStream(file);
}
