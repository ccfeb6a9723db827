import type { Command } from "../command/command.ts";
import { type CliContext, CliError, filterQuery, number } from "../context.ts";
import type { FlagValues } from "../command/flags.ts";
import { decimalSize } from "../format/units.ts";
import { lists, pairs, value } from "./container-values.ts";
import { printProgress } from "./image-progress.ts";
import { confirmed } from "./shared.ts";
import type { PruneFlags } from "./prune.ts";

/** `build` of a tar archive, and `builder prune`. */
export function registerBuild(program: Command, context: () => CliContext): void {
  const builder = program.group("builder", "Manage builds");
  for (const parent of [program, program.group("image", "Manage images"), builder]) {
    parent
      .command("build <context>")
      .usage("PATH | URL | -")
      .description("Build an image from a Dockerfile (the context as a tar archive, from -)")
      .option("--build-arg <list>", "Variable for the build")
      .option("-f, --file <string>", "Name of the Dockerfile")
      .option("--label <list>", "Label")
      .option("--network <string>", "Network of the build's commands")
      .option("--no-cache", "Build every step anew")
      .option("--pull", "Fetch newer base images")
      .option("-q, --quiet", "Print the image's ID alone")
      .option("-t, --tag <list>", "Name of the image")
      .option("--target <string>", "Stage to build")
      .action(async (source: string, flags: FlagValues) => build(context(), source, flags));
  }
  builder
    .command("prune")
    .description("Remove build cache")
    .option("-a, --all", "All of it")
    .option("--filter <filter>", "Only what matches")
    .option("-f, --force", "Do not ask")
    .action(async (flags: PruneFlags) => {
      const cli = context();
      const warning = "WARNING! This will remove all dangling build cache.";
      if (flags.force !== true && !(await confirmed(cli, warning))) return;
      const answer = await cli.api.json("POST", "/build/prune", {
        query: { all: flags.all === true, filters: filterQuery(flags.filter) },
      });
      cli.stdout(`Total reclaimed space: ${decimalSize(number(answer, "SpaceReclaimed"))}\n`);
    });
}

async function build(cli: CliContext, source: string, flags: FlagValues): Promise<void> {
  if (source !== "-")
    throw new CliError("building from a directory or URL is not supported: pass the context as a tar archive on -");
  const tags = lists(flags, "tag").map(tag => `t=${encodeURIComponent(tag)}`);
  await printProgress(cli, {
    path: `/build${tags.length === 0 ? "" : `?${tags.join("&")}`}`,
    query: {
      dockerfile: value(flags, "file"),
      buildargs: JSON.stringify(pairs(lists(flags, "buildArg"))),
      labels: JSON.stringify(pairs(lists(flags, "label"))),
      networkmode: value(flags, "network"),
      nocache: flags["cache"] === false,
      pull: flags["pull"] === true ? "1" : undefined,
      q: flags["quiet"] === true,
      target: value(flags, "target"),
    },
    body: process.stdin,
    print: cli.stdout,
  });
}
