import { writeFile } from "node:fs/promises";
import type { Command } from "../command/command.ts";
import { type CliContext, CliError, filterQuery, number } from "../context.ts";
import type { FlagValues } from "../command/flags.ts";
import { decimalSize } from "../format/units.ts";
import { archiveFrom, archiveOf, openBuildFolder } from "./build-context.ts";
import { integer, lists, pairs, parseUlimit, size, splitAt, value } from "./container-values.ts";
import { printProgress } from "./image-progress.ts";
import { confirmed } from "./shared.ts";
import type { PruneFlags } from "./prune.ts";

/** `build` and `builder prune`. */
export function registerBuild(program: Command, context: () => CliContext): void {
  const builder = program.group("builder", "Manage builds");
  for (const parent of [program, program.group("image", "Manage images"), builder]) {
    parent
      .command("build <context>")
      .usage("PATH | -")
      .description("Build an image from a Dockerfile (a folder, or from - a Dockerfile or a tar archive)")
      .option("--add-host <list>", "A name for the build's commands, and its address")
      .option("--build-arg <list>", "Variable for the build")
      .option("--cache-from <list>", "Image whose steps count as made here")
      .option("--cgroup-parent <string>", "Control group of the build's commands")
      .option("--cpu-period <int>", "Period of the scheduler, in microseconds")
      .option("-c, --cpu-shares <int>", "Share of the processors")
      .option("--cpu-quota <int>", "Time in a period, in microseconds")
      .option("--cpuset-cpus <string>", "Processors")
      .option("--cpuset-mems <string>", "Memory nodes")
      .option("-f, --file <string>", "Name of the Dockerfile")
      .option("--force-rm", "Take the containers of steps away also when one fails")
      .option("--iidfile <string>", "File for the image's ID")
      .option("--label <list>", "Label")
      .option("-m, --memory <bytes>", "Memory")
      .option("--memory-swap <swap>", "Memory with swap")
      .option("--network <string>", "Network of the build's commands")
      .option("--no-cache", "Build every step anew")
      .option("--platform <string>", "Platform of the image")
      .option("--pull", "Fetch newer base images")
      .option("-q, --quiet", "Print the image's ID alone")
      .option("--rm", "Take the containers of steps away", true)
      .option("--shm-size <bytes>", "Size of /dev/shm")
      .option("-t, --tag <list>", "Name of the image")
      .option("--target <string>", "Stage to build")
      .option("--ulimit <list>", "Limit of a process")
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
  const isQuiet = flags["quiet"] === true;
  const { archive, dockerfile } = await contextOf(source, value(flags, "file"));
  const body = isQuiet ? archive : told(archive, cli);
  const repeated = [
    ...lists(flags, "tag").map(tag => ["t", tag] as const),
    ...lists(flags, "addHost").map(host => ["extrahosts", host] as const),
  ];
  const query = repeated.map(([name, text]) => `${name}=${encodeURIComponent(text)}`).join("&");
  let imageId = "";
  await printProgress(cli, {
    path: `/build${query === "" ? "" : `?${query}`}`,
    query: { ...settings(flags), dockerfile },
    body,
    print: line => {
      if (isQuiet) imageId = line.trim();
      cli.stdout(line);
    },
    onImage: id => (imageId = id),
  });
  const idFile = value(flags, "iidfile");
  if (idFile !== undefined) await writeFile(idFile, imageId);
}

function settings(flags: FlagValues) {
  const ulimits = lists(flags, "ulimit");
  const cacheFrom = lists(flags, "cacheFrom");
  return {
    buildargs: JSON.stringify(buildArguments(lists(flags, "buildArg"))),
    cachefrom: cacheFrom.length === 0 ? undefined : JSON.stringify(cacheFrom),
    cgroupparent: value(flags, "cgroupParent"),
    cpuperiod: integer(flags, "cpuPeriod"),
    cpuquota: integer(flags, "cpuQuota"),
    cpushares: integer(flags, "cpuShares"),
    cpusetcpus: value(flags, "cpusetCpus"),
    cpusetmems: value(flags, "cpusetMems"),
    forcerm: flags["forceRm"] === true,
    labels: JSON.stringify(pairs(lists(flags, "label"))),
    memory: size(flags, "memory"),
    memswap: size(flags, "memorySwap"),
    networkmode: value(flags, "network"),
    nocache: flags["cache"] === false,
    platform: value(flags, "platform"),
    pull: flags["pull"] === true ? "1" : undefined,
    q: flags["quiet"] === true,
    rm: flags["rm"] !== false && flags["rm"] !== "false",
    shmsize: size(flags, "shmSize"),
    target: value(flags, "target"),
    ulimits: ulimits.length === 0 ? undefined : JSON.stringify(ulimits.map(parseUlimit)),
  };
}

/** A name alone takes our value; without one it is named, and not given. */
function buildArguments(given: readonly string[]): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    given.map(item => (item.includes("=") ? splitAt(item, "=") : ([item, process.env[item] ?? null] as const))),
  );
}

async function contextOf(
  source: string,
  file: string | undefined,
): Promise<{ readonly archive: AsyncIterable<Uint8Array>; readonly dockerfile: string | undefined }> {
  if (source === "-") return { archive: archiveFrom(process.stdin), dockerfile: file };
  if (/^(https?:\/\/|git:\/\/|git@|github\.com\/)/.test(source)) {
    throw new CliError("building from a URL is not supported: send a folder, or an archive on -");
  }
  const folder = await openBuildFolder(source, file);
  return { archive: archiveOf(folder), dockerfile: folder.dockerfile };
}

/** Says how much was sent, before the daemon says anything: it first reads all. */
async function* told(archive: AsyncIterable<Uint8Array>, cli: CliContext): AsyncGenerator<Uint8Array, void, void> {
  let bytes = 0;
  for await (const chunk of archive) {
    bytes += chunk.length;
    yield chunk;
  }
  cli.stdout(`Sending build context to Docker daemon  ${decimalSize(bytes)}\n`);
}
