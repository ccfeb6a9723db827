import type { Command } from "../command/command.ts";
import { ApiError } from "../../api/client/client.ts";
import { type CliContext, CliError, field } from "../context.ts";
import { addLogFlags, type LogFlags, printLogs } from "./container/logs.ts";

/** `service logs`: of every task of a service, or of one task. */
export function registerServiceLogs(service: Command, context: () => CliContext): void {
  addLogFlags(service.command("logs <service>"))
    .usage("SERVICE|TASK")
    .description("Show what the tasks of a service have written")
    .option("--raw", "Do not say which task a line is of")
    .option("--no-resolve", "Show ids in place of names")
    .option("--no-task-ids", "Leave the ids of tasks out")
    .option("--no-trunc", "Show everything in full")
    .action(async (name: string, flags: LogFlags) => {
      const cli = context();
      const found = await findLogged(cli, name);
      await printLogs(cli, found.path, { flags, isTty: found.isTty });
    });
}

async function findLogged(cli: CliContext, name: string): Promise<{ readonly path: string; readonly isTty: boolean }> {
  const id = encodeURIComponent(name);
  try {
    const service = await cli.api.json("GET", `/services/${id}`);
    return { path: `/services/${id}/logs`, isTty: field(service, "Spec", "TaskTemplate", "ContainerSpec", "TTY") === true };
  } catch (error) {
    try {
      const task = await cli.api.json("GET", `/tasks/${id}`);
      return { path: `/tasks/${id}/logs`, isTty: field(task, "Spec", "ContainerSpec", "TTY") === true };
    } catch {
      const isAbsent = error instanceof ApiError && error.status === 404;
      throw isAbsent ? new CliError(`no such task or service: ${name}`) : error;
    }
  }
}
