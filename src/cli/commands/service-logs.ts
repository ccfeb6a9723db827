import type { Command } from "../command/command.ts";
import { ApiError } from "../../api/client/client.ts";
import { demultiplex } from "../../api/client/decode.ts";
import { type CliContext, CliError, field, number } from "../context.ts";
import { write } from "../terminal/session.ts";
import { addLogFlags, type LogFlags, openLogs, printLogs } from "./container/logs.ts";
import { type OriginFlags, TaskOrigins, withOrigin } from "./task-origins.ts";

/** `service logs`: of every task of a service, or of one task. */
export function registerServiceLogs(service: Command, context: () => CliContext): void {
  addLogFlags(service.command("logs <service>"))
    .usage("SERVICE|TASK")
    .description("Show what the tasks of a service have written")
    .option("--raw", "Do not say which task a line is of")
    .option("--no-resolve", "Show ids in place of names")
    .option("--no-task-ids", "Leave the ids of tasks out")
    .option("--no-trunc", "Show everything in full")
    .action(async (name: string, flags: LogFlags & OriginFlags & { readonly raw?: boolean }) => {
      const cli = context();
      const { path, isTty, replicas } = await findLogged(cli, name);
      if (flags.raw === true) return await printLogs(cli, path, { flags, isTty });
      if (isTty) throw new CliError("tty service logs only supported with --raw");
      const origins = new TaskOrigins(cli, { ...flags, replicas });
      for await (const { stream, data } of demultiplex(await openLogs(cli, path, { ...flags, details: true })))
        await write(stream === "stderr" ? process.stderr : process.stdout, await withOrigin(data, { flags, origins }));
    });
}

async function findLogged(
  cli: CliContext,
  name: string,
): Promise<{ readonly path: string; readonly isTty: boolean; readonly replicas: number }> {
  const id = encodeURIComponent(name);
  try {
    const service = await cli.api.json("GET", `/services/${id}`);
    const isTty = field(service, "Spec", "TaskTemplate", "ContainerSpec", "TTY") === true;
    return { path: `/services/${id}/logs`, isTty, replicas: number(service, "Spec", "Mode", "Replicated", "Replicas") };
  } catch (error) {
    try {
      const task = await cli.api.json("GET", `/tasks/${id}`);
      return { path: `/tasks/${id}/logs`, isTty: field(task, "Spec", "ContainerSpec", "TTY") === true, replicas: 0 };
    } catch {
      const isAbsent = error instanceof ApiError && error.status === 404;
      throw isAbsent ? new CliError(`no such task or service: ${name}`) : error;
    }
  }
}
