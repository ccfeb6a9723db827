import { existsSync, writeFileSync } from "node:fs";
import { ApiError } from "../../../api/client/client.ts";
import type { Command } from "../../command/command.ts";
import { type CliContext, CliError, field, type Json, list, text } from "../../context.ts";
import { startFailureCode } from "../../terminal/exit-status.ts";
import { checkTerminal, followSize, proxySignals, runSession, type SessionEnd } from "../../terminal/session.ts";
import { addContainerFlags } from "../container-flags.ts";
import { containerBody, type RunFlags } from "../container-spec.ts";
import { pullImage } from "../image-pull.ts";
import { beginWait, containerPath, messageOf, openAttach } from "./reach.ts";

/** `run` and `create`. */
export function registerRun(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("container", "Manage containers")]) {
    addContainerFlags(parent.command("create <image> [command] [arg...]"))
      .description("Make a container from an image")
      .action(async (image: string, command: string | undefined, args: readonly string[], flags: RunFlags) => {
        const cli = context();
        const body = understood("create", () => containerBody(image, command === undefined ? [] : [command, ...args], flags));
        cli.stdout(`${await createContainer(cli, { image, body, flags, verb: "create" })}\n`);
      });
    addContainerFlags(parent.command("run <image> [command] [arg...]"))
      .option("-d, --detach", "Leave it running and print its ID")
      .option("--sig-proxy", "Pass signals on to the process", true)
      .description("Make a container from an image and start it")
      .action(async (image: string, command: string | undefined, args: readonly string[], flags: RunFlags) => {
        await runCommand(context(), { image, command: command === undefined ? [] : [command, ...args], flags });
      });
  }
}

interface RunRequest {
  readonly image: string;
  readonly command: readonly string[];
  readonly flags: RunFlags;
}

const RUN_FAILURE_CODE = 125;

async function runCommand(cli: CliContext, { image, command, flags }: RunRequest): Promise<void> {
  const isDetached = flags["detach"] === true;
  if (isDetached && flags["attach"] !== undefined)
    throw new CliError("conflicting options: cannot specify both --attach and --detach");
  if (flags["rm"] === true && flags["restart"] !== undefined && !["no", ""].includes(String(flags["restart"])))
    throw runFailure("conflicting options: cannot specify both --restart and --rm", RUN_FAILURE_CODE);
  const body = understood("run", () => containerBody(image, command, flags));
  const isTty = field(body, "Tty") === true;
  if (!isDetached) checkTerminal({ hasInput: field(body, "AttachStdin") === true, isTty });
  const id = await asRunFailure(() => createContainer(cli, { image, body, flags, verb: "run" }));
  const streams = {
    hasInput: field(body, "AttachStdin") === true,
    hasOutput: field(body, "AttachStdout") === true,
    hasError: field(body, "AttachStderr") === true,
    isTty,
    detachKeys: typeof flags["detachKeys"] === "string" ? flags["detachKeys"] : undefined,
  };
  if (isDetached || !(streams.hasInput || streams.hasOutput || streams.hasError)) {
    await startOrFail(cli, id);
    cli.stdout(`${id}\n`);
    return;
  }
  const opened = await openAttach(cli, id, streams);
  const exit = await beginWait(cli, id, flags["rm"] === true ? "removed" : "next-exit");
  const endProxy =
    flags["sigProxy"] === true && !isTty
      ? proxySignals(signal => cli.api.json("POST", containerPath(id, "kill"), { query: { signal } }))
      : () => {};
  const session = runSession(opened);
  session.catch(() => {}); // Looked at below, unless the start fails first.
  try {
    try {
      await startOrFail(cli, id);
    } catch (error) {
      opened.socket.destroy();
      if (flags["rm"] === true) await exit.code.catch(() => 0);
      throw error;
    }
    await finish(await followed(cli, { id, isTty, session }), exit.code);
  } finally {
    endProxy();
  }
}

async function followed(
  cli: CliContext,
  { id, isTty, session }: { readonly id: string; readonly isTty: boolean; readonly session: Promise<SessionEnd> },
): Promise<SessionEnd> {
  const endResize = isTty ? followSize(query => cli.api.json("POST", containerPath(id, "resize"), { query })) : () => {};
  try {
    return await session;
  } finally {
    endResize();
  }
}

async function finish(end: SessionEnd, code: Promise<number>): Promise<void> {
  if (end === "detached") return;
  const exitCode = await code;
  if (exitCode !== 0) throw new CliError("", exitCode);
}

async function startOrFail(cli: CliContext, id: string): Promise<void> {
  try {
    await cli.api.json("POST", containerPath(id, "start"));
  } catch (error) {
    throw runFailure(messageOf(error), startFailureCode(messageOf(error)));
  }
}

/** What the flags say together makes no sense: told as a wrong use of the command. */
function understood<T>(verb: "run" | "create", read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw commandFailure(verb, error.message, RUN_FAILURE_CODE);
  }
}

async function asRunFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Said already as a wrong use of the command.
    if (error instanceof CliError && error.exitCode !== 1) throw error;
    throw runFailure(messageOf(error), RUN_FAILURE_CODE);
  }
}

function runFailure(message: string, exitCode: number): CliError {
  return commandFailure("run", message, exitCode);
}

function commandFailure(verb: "run" | "create", message: string, exitCode: number): CliError {
  return new CliError(`shoal: ${message}\n\nRun 'shoal ${verb} --help' for more information`, exitCode);
}

interface CreateRequest {
  readonly image: string;
  readonly body: Json;
  readonly flags: RunFlags;
  readonly verb: "run" | "create";
}

/** Creates it, fetching the image when it is not here and may be fetched. @returns its id. */
async function createContainer(cli: CliContext, { image, body, flags, verb }: CreateRequest): Promise<string> {
  const policy = String(flags["pull"] ?? "missing");
  if (!["always", "missing", "never"].includes(policy))
    throw commandFailure(
      verb,
      `invalid pull option: '${policy}': must be one of "always", "missing" or "never"`,
      RUN_FAILURE_CODE,
    );
  checkReference(image);
  const idFile = typeof flags["cidfile"] === "string" ? flags["cidfile"] : "";
  if (idFile !== "" && existsSync(idFile))
    throw new CliError(`container ID file found, make sure the other container isn't running or delete ${idFile}`);
  const platform = typeof flags["platform"] === "string" ? flags["platform"] : undefined;
  const isQuiet = flags["quiet"] === true;
  if (policy === "always") await pullImage(cli, { image, platform, isQuiet });
  const create = (): Promise<Json> =>
    cli.api.json("POST", "/containers/create", {
      query: { name: typeof flags["name"] === "string" ? flags["name"] : undefined, platform },
      body,
    });
  let created: Json;
  try {
    created = await create();
  } catch (error) {
    if (policy !== "missing" || !(error instanceof ApiError && error.status === 404 && /No such image/i.test(error.message)))
      throw error;
    if (!isQuiet) cli.stderr(`Unable to find image '${withTag(image)}' locally\n`);
    await pullImage(cli, { image, platform, isQuiet });
    created = await create();
  }
  for (const warning of list(created, "Warnings")) cli.stderr(`WARNING: ${text(warning)}\n`);
  const id = text(created, "Id");
  if (idFile !== "") writeFileSync(idFile, id);
  return id;
}

function checkReference(image: string): void {
  const [name = ""] = image.split(/@|:[^/]*$/);
  if (name !== name.toLowerCase() && !/^[A-Z.\d:-]+\//i.test(name))
    throw new CliError(`invalid reference format: repository name (library/${name}) must be lowercase`);
}

function withTag(image: string): string {
  return image.includes("@") || /:[^/]+$/.test(image) ? image : `${image}:latest`;
}
