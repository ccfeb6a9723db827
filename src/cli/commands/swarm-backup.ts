import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { ApiError } from "../../api/client/client.ts";
import type { Command } from "../command/command.ts";
import { type CliContext, CliError, field, type Json, text } from "../context.ts";
import { ask, readStdin } from "../terminal/ask.ts";

const UNAUTHORIZED = 401;
const READABLE =
  "The backup holds the swarm's secrets and the key of its root certificate, for whoever can read the file.\nWith managers that are locked (shoal swarm update --autolock) the unlock key is needed to read it.\n";

interface RestoreFlags {
  readonly advertiseAddr?: string;
  readonly listenAddr: string;
}

/** Beyond Docker: the swarm's state as a file, and a swarm from it. */
export function registerBackup(swarm: Command, context: () => CliContext): void {
  swarm
    .command("backup <file>")
    .description("Write the swarm's state to a file")
    .action(async (file: string) => backup(context(), file));
  swarm
    .command("restore <file>")
    .description("Make this node the only manager of the swarm that a backup is of")
    .option("--advertise-addr <string>", "Advertised address")
    .option("--listen-addr <string>", "Listen address", "0.0.0.0:2377")
    .action(async (file: string, flags: RestoreFlags) => restore(context(), file, flags));
}

/** Nobody else may read it. What is cut off never has its name. */
async function backup(cli: CliContext, file: string): Promise<void> {
  const response = await cli.client.stream("GET", "/swarm/backup");
  const unfinished = `${file}.part`;
  await rm(unfinished, { force: true });
  try {
    await pipeline(response, createWriteStream(unfinished, { mode: 0o600, flags: "wx", flush: true }));
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  const spec = field(await cli.api.json("GET", "/swarm"), "Spec", "EncryptionConfig");
  if (field(spec, "AutoLockManagers") !== true) cli.stderr(READABLE);
}

async function restore(cli: CliContext, file: string, flags: RestoreFlags): Promise<void> {
  if (!existsSync(file)) throw new CliError(`open ${file}: no such file or directory`);
  const send = async (key: string): Promise<string> => {
    const query = { listenAddr: flags.listenAddr, advertiseAddr: flags.advertiseAddr };
    const headers = key === "" ? {} : { "X-Shoal-Unlock-Key": key };
    const contentType = "application/octet-stream";
    return text(
      (await cli.client.json("POST", "/swarm/restore", { query, headers, contentType, body: createReadStream(file) })) as Json,
    );
  };
  const nodeId = await send("").catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== UNAUTHORIZED) throw error;
    const key = process.stdin.isTTY ? await ask("Enter the unlock key of the backup: ", { isSecret: true }) : await readStdin();
    return await send(key.trim());
  });
  cli.stdout(`Swarm restored: current node (${nodeId}) is now its only manager.\n`);
}
