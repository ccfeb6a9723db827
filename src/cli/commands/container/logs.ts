import { demultiplex } from "../../../api/client/decode.ts";
import type { Command } from "../../command/command.ts";
import { type CliContext, field } from "../../context.ts";
import { timestamp } from "../../format/time-argument.ts";
import { write } from "../../terminal/session.ts";
import { containerPath } from "./reach.ts";

export interface LogFlags {
  readonly details?: boolean;
  readonly follow?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly tail: string;
  readonly timestamps?: boolean;
}

export function registerLogs(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("container", "Manage containers")]) {
    addLogFlags(parent.command("logs <container>"))
      .description("Show what a container has written")
      .option("--until <string>", "Only what is older than a time or an age")
      .action(async (name: string, flags: LogFlags) => {
        const cli = context();
        const container = await cli.api.json("GET", containerPath(name, "json"));
        await printLogs(cli, containerPath(name, "logs"), { flags, isTty: field(container, "Config", "Tty") === true });
      });
  }
}

export function addLogFlags(command: Command): Command {
  return command
    .option("--details", "Show more about each line")
    .option("-f, --follow", "Wait for more")
    .option("--since <string>", "Only what is newer than a time or an age")
    .option("-n, --tail <string>", "So many lines from the end", "all")
    .option("-t, --timestamps", "Show when each line was written");
}

/** Lines go where the process wrote them: output or error output. */
export async function printLogs(
  cli: CliContext,
  path: string,
  { flags, isTty }: { readonly flags: LogFlags; readonly isTty: boolean },
): Promise<void> {
  const response = await openLogs(cli, path, flags);
  if (isTty) for await (const chunk of response as AsyncIterable<Uint8Array>) await write(process.stdout, chunk);
  else
    for await (const { stream, data } of demultiplex(response))
      await write(stream === "stderr" ? process.stderr : process.stdout, data);
}

export async function openLogs(cli: CliContext, path: string, flags: LogFlags): ReturnType<CliContext["client"]["stream"]> {
  return await cli.client.stream("GET", path, {
    query: {
      stdout: true,
      stderr: true,
      follow: flags.follow,
      details: flags.details,
      timestamps: flags.timestamps,
      tail: flags.tail,
      since: flags.since === undefined ? undefined : timestamp("since", flags.since, cli.nowMs()),
      until: flags.until === undefined ? undefined : timestamp("until", flags.until, cli.nowMs()),
    },
  });
}
