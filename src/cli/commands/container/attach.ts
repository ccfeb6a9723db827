import type { Command } from "../../command/command.ts";
import { type CliContext, CliError, field } from "../../context.ts";
import { startFailureCode } from "../../terminal/exit-status.ts";
import { checkTerminal, followSize, nudgeSize, proxySignals, runSession } from "../../terminal/session.ts";
import { beginWait, containerPath, type Exit, messageOf, openAttach } from "./reach.ts";

interface AttachFlags {
  readonly detachKeys?: string;
  readonly stdin?: boolean;
  readonly sigProxy: boolean;
}

interface StartFlags {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys?: string;
}

/** `attach` and `start`. */
export function registerAttach(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("container", "Manage containers")]) {
    parent
      .command("attach <container>")
      .description("Join our streams to a running container's")
      .option("--detach-keys <string>", "Keys that leave the container running alone")
      .option("--no-stdin", "Do not attach standard input")
      .option("--sig-proxy", "Pass signals on to the process", true)
      .action(async (name: string, flags: AttachFlags) => attach(context(), name, flags));
    parent
      .command("start <container...>")
      .description("Start stopped containers")
      .option("-a, --attach", "Attach its output and pass signals on")
      .option("-i, --interactive", "Attach our input")
      .option("--detach-keys <string>", "Keys that leave the container running alone")
      .action(async (names: readonly string[], flags: StartFlags) => start(context(), names, flags));
  }
}

async function attach(cli: CliContext, name: string, flags: AttachFlags): Promise<void> {
  const container = await cli.api.json("GET", containerPath(name, "json"));
  if (field(container, "State", "Running") !== true)
    throw new CliError("You cannot attach to a stopped container, start it first");
  if (field(container, "State", "Paused") === true)
    throw new CliError("You cannot attach to a paused container, unpause it first");
  if (field(container, "State", "Restarting") === true)
    throw new CliError("You cannot attach to a restarting container, wait until it is running");
  const isTty = field(container, "Config", "Tty") === true;
  const hasInput = flags.stdin !== false && field(container, "Config", "OpenStdin") === true;
  checkTerminal({ hasInput, isTty });
  const exit = await beginWait(cli, name, "not-running");
  await join(cli, name, { exit, isTty, hasInput, detachKeys: flags.detachKeys, hasProxy: flags.sigProxy && !isTty });
}

async function start(cli: CliContext, names: readonly string[], flags: StartFlags): Promise<void> {
  if (flags.attach === true || flags.interactive === true) {
    const [name = ""] = names;
    if (names.length > 1) throw new CliError("you cannot start and attach multiple containers at once");
    await startAttached(cli, name, flags);
    return;
  }
  const failures: string[] = [];
  const failed: string[] = [];
  for (const name of names) {
    try {
      await cli.api.json("POST", containerPath(name, "start"));
      cli.stdout(`${name}\n`);
    } catch (error) {
      failures.push(messageOf(error));
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new CliError(`${failures.join("\n")}\nError: failed to start containers: ${failed.join(", ")}`);
}

async function startAttached(cli: CliContext, name: string, flags: StartFlags): Promise<void> {
  const container = await cli.api.json("GET", containerPath(name, "json"));
  const isTty = field(container, "Config", "Tty") === true;
  const hasInput = flags.interactive === true && field(container, "Config", "OpenStdin") === true;
  checkTerminal({ hasInput, isTty });
  const removes = field(container, "HostConfig", "AutoRemove") === true;
  const exit = await beginWait(cli, name, removes ? "removed" : "next-exit");
  await join(cli, name, {
    exit,
    isTty,
    hasInput,
    detachKeys: flags.detachKeys,
    hasProxy: !isTty,
    begin: () => cli.api.json("POST", containerPath(name, "start")),
  });
}

interface Joining {
  readonly exit: Exit;
  readonly isTty: boolean;
  readonly hasInput: boolean;
  readonly detachKeys: string | undefined;
  readonly hasProxy: boolean;
  /** Done once the streams stand, so that no output is missed. */
  readonly begin?: () => Promise<unknown>;
}

async function join(cli: CliContext, name: string, joining: Joining): Promise<void> {
  const { isTty, hasInput, detachKeys } = joining;
  const opened = await openAttach(cli, name, { hasInput, hasOutput: true, hasError: true, isTty, detachKeys });
  const session = runSession(opened);
  session.catch(() => {}); // Looked at below, unless the start fails first.
  try {
    await joining.begin?.();
  } catch (error) {
    opened.socket.destroy();
    throw new CliError(messageOf(error), startFailureCode(messageOf(error)) === 125 ? 1 : startFailureCode(messageOf(error)));
  }
  const endProxy = joining.hasProxy
    ? proxySignals(signal => cli.api.json("POST", containerPath(name, "kill"), { query: { signal } }))
    : () => {};
  if (isTty && joining.begin === undefined)
    await nudgeSize(query => cli.api.json("POST", containerPath(name, "resize"), { query }));
  const endResize = isTty ? followSize(query => cli.api.json("POST", containerPath(name, "resize"), { query })) : () => {};
  try {
    if ((await session) === "detached") throw new CliError("read escape sequence");
    const code = await joining.exit.code;
    if (code !== 0) throw new CliError("", code);
  } finally {
    endProxy();
    endResize();
  }
}
