import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "../../command/command.ts";
import type { FlagValues } from "../../command/flags.ts";
import { type CliContext, CliError, type Json, list, number, text } from "../../context.ts";
import { integer, lists, restartPolicy, size, value, withoutUndefined } from "../container-values.ts";
import { eachName } from "../shared.ts";
import { splitReference } from "../image-pull.ts";
import { bundleCommand } from "./bundle.ts";
import { registerCopy } from "./copy.ts";
import { containerPath } from "./reach.ts";
import { registerStats } from "./stats.ts";

/** `update`, `diff`, `export`, `commit`, `cp`, `stats`, `bundle`. */
export function registerMore(program: Command, context: () => CliContext): void {
  bundleCommand(program.group("container", "Manage containers"), context);
  for (const parent of [program, program.group("container", "Manage containers")]) {
    updateCommand(parent, context);
    parent
      .command("diff <container>")
      .description("Show what changed in a container's files")
      .action(async (name: string) => {
        const changes = await context().api.json("GET", containerPath(name, "changes"));
        for (const change of list(changes)) context().stdout(`${"CAD"[number(change, "Kind")] ?? "?"} ${text(change, "Path")}\n`);
      });
    parent
      .command("export <container>")
      .description("Write a container's files as a tar archive")
      .option("-o, --output <string>", "File to write to")
      .action(async (name: string, { output }: { output?: string }) =>
        exportTo(context(), containerPath(name, "export"), output),
      );
    parent
      .command("commit <container> [image]")
      .usage("CONTAINER [REPOSITORY[:TAG]]")
      .description("Make an image of a container")
      .option("-a, --author <string>", "Who made it")
      .option("-c, --change <list>", "Dockerfile instruction to apply")
      .option("-m, --message <string>", "Why it was made")
      .option("-p, --pause", "Pause the container meanwhile", true)
      .action(async (name: string, image: string | undefined, flags: FlagValues) => commit(context(), { name, image, flags }));
    registerCopy(parent, context);
    registerStats(parent, context);
  }
}

/** Where there is no file, the archive goes to standard output: not to a terminal, which it would spoil. */
export async function exportTo(cli: CliContext, path: string, output: string | undefined): Promise<void> {
  if (output === undefined && process.stdout.isTTY)
    throw new CliError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
  const response = await cli.client.stream("GET", path);
  if (output === undefined) await pipeline(response, process.stdout, { end: false });
  else await pipeline(response, createWriteStream(output));
}

function updateCommand(parent: Command, context: () => CliContext): void {
  parent
    .command("update <container...>")
    .description("Change the limits of containers")
    .option("--blkio-weight <uint>", "Share of block I/O, 10 to 1000; 0 for none")
    .option("--cpu-period <int>", "Length of a scheduler period in microseconds")
    .option("--cpu-quota <int>", "CPU time in each period in microseconds")
    .option("--cpu-rt-period <int>", "Length of a real-time period in microseconds")
    .option("--cpu-rt-runtime <int>", "Real-time in each period in microseconds")
    .option("-c, --cpu-shares <int>", "Share of CPU time, relative to others")
    .option("--cpus <cpus>", "Number of CPUs")
    .option("--cpuset-cpus <string>", "CPUs to run on (0-3, 0,1)")
    .option("--cpuset-mems <string>", "Memory nodes to use (0-3, 0,1)")
    .option("-m, --memory <bytes>", "Limit of memory")
    .option("--memory-reservation <bytes>", "Soft limit of memory")
    .option("--memory-swap <swap>", "Limit of memory and swap together; -1 for none")
    .option("--pids-limit <int>", "Number of processes; -1 for any")
    .option("--restart <string>", "When to start it again")
    .action(async (names: readonly string[], flags: FlagValues) => updateEach(context(), names, flags));
}

const NANOS_PER_CPU = 1e9;

async function updateEach(cli: CliContext, names: readonly string[], flags: FlagValues): Promise<void> {
  if (Object.keys(flags).length === 0) throw new CliError("you must provide one or more flags when using this command");
  const cpus = value(flags, "cpus");
  const restart = value(flags, "restart");
  const body = withoutUndefined({
    BlkioWeight: integer(flags, "blkioWeight"),
    CpuPeriod: integer(flags, "cpuPeriod"),
    CpuQuota: integer(flags, "cpuQuota"),
    CpuRealtimePeriod: integer(flags, "cpuRtPeriod"),
    CpuRealtimeRuntime: integer(flags, "cpuRtRuntime"),
    CpuShares: integer(flags, "cpuShares"),
    NanoCpus: cpus === undefined ? undefined : Math.round(Number(cpus) * NANOS_PER_CPU),
    CpusetCpus: value(flags, "cpusetCpus"),
    CpusetMems: value(flags, "cpusetMems"),
    Memory: size(flags, "memory"),
    MemoryReservation: size(flags, "memoryReservation"),
    MemorySwap: size(flags, "memorySwap"),
    PidsLimit: integer(flags, "pidsLimit"),
    RestartPolicy: restart === undefined ? undefined : restartPolicy(restart),
  });
  const warnings: string[] = [];
  try {
    await eachName(cli, names, async name => {
      const answer: Json = await cli.api.json("POST", containerPath(name, "update"), { body });
      warnings.push(...list(answer, "Warnings").map(warning => text(warning)));
    });
  } finally {
    for (const warning of warnings) cli.stdout(`${warning}\n`);
  }
}

async function commit(
  cli: CliContext,
  { name, image, flags }: { readonly name: string; readonly image: string | undefined; readonly flags: FlagValues },
): Promise<void> {
  const { repository, tag } = image === undefined ? { repository: undefined, tag: undefined } : splitReference(image);
  const changes = lists(flags, "change").map(change => `&changes=${encodeURIComponent(change)}`);
  const created = await cli.api.json("POST", `/commit?container=${encodeURIComponent(name)}${changes.join("")}`, {
    query: {
      repo: repository,
      tag,
      comment: value(flags, "message"),
      author: value(flags, "author"),
      pause: flags["pause"] === true,
    },
    body: {},
  });
  cli.stdout(`${text(created, "Id")}\n`);
}
