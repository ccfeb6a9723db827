import type { Command } from "../../command/command.ts";
import type { FlagValues } from "../../command/flags.ts";
import { type CliContext, CliError, number, text } from "../../context.ts";
import { checkTerminal, followSize, runSession } from "../../terminal/session.ts";
import { environment, value } from "../container-values.ts";
import { containerPath, messageOf } from "./reach.ts";

export function registerExec(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("container", "Manage containers")]) {
    parent
      .command("exec <container> <command> [arg...]")
      .usage("CONTAINER COMMAND [ARG...]")
      .stopAtOperand()
      .description("Run a command in a running container")
      .option("-d, --detach", "Leave it running")
      .option("--detach-keys <string>", "Keys that leave the command running alone")
      .option("-e, --env <list>", "Environment variable")
      .option("--env-file <list>", "File of environment variables")
      .option("-i, --interactive", "Keep standard input open")
      .option("--privileged", "Give the command every privilege")
      .option("-t, --tty", "Give it a terminal")
      .option("-u, --user <string>", "User to run as (name or id, :group)")
      .option("-w, --workdir <string>", "Directory to start in")
      .action(async (name: string, command: string, args: readonly string[], flags: FlagValues) => {
        await exec(context(), { name, command: [command, ...args], flags });
      });
  }
}

interface ExecRequest {
  readonly name: string;
  readonly command: readonly string[];
  readonly flags: FlagValues;
}

async function exec(cli: CliContext, { name, command, flags }: ExecRequest): Promise<void> {
  const isDetached = flags["detach"] === true;
  const isTty = flags["tty"] === true;
  const hasInput = flags["interactive"] === true && !isDetached;
  const Env = environment(flags);
  // Asked for first: a container that is not there is the better complaint.
  await cli.api.json("GET", containerPath(name, "json"));
  if (!isDetached) checkTerminal({ hasInput, isTty });
  const detachKeys = value(flags, "detachKeys");
  const created = await cli.api.json("POST", containerPath(name, "exec"), {
    body: {
      User: value(flags, "user") ?? "",
      Privileged: flags["privileged"] === true,
      Tty: isTty,
      AttachStdin: hasInput,
      AttachStdout: !isDetached,
      AttachStderr: !isDetached,
      ...(detachKeys !== undefined && { DetachKeys: detachKeys }),
      Env,
      WorkingDir: value(flags, "workdir") ?? "",
      Cmd: command,
    },
  });
  const id = text(created, "Id");
  if (isDetached) {
    await cli.api.json("POST", `/exec/${id}/start`, { body: { Detach: true, Tty: isTty } });
    return;
  }
  const opened = await cli.client.hijack(`/exec/${id}/start`, { body: { Detach: false, Tty: isTty } });
  const endResize = isTty ? followSize(query => cli.api.json("POST", `/exec/${id}/resize`, { query })) : () => {};
  try {
    const end = await runSession({ ...opened, hasInput, isTty, detachKeys });
    if (end === "detached") throw new CliError("read escape sequence");
  } finally {
    endResize();
  }
  await leaveWith(cli, id);
}

async function leaveWith(cli: CliContext, id: string): Promise<void> {
  let code: number;
  try {
    code = number(await cli.api.json("GET", `/exec/${id}/json`), "ExitCode");
  } catch (error) {
    throw new CliError(messageOf(error));
  }
  if (code !== 0) throw new CliError("", code);
}
