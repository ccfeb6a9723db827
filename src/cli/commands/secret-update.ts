import type { Command } from "../command/command.ts";
import { type CliContext, CliError, field, type Json, list, number, text } from "../context.ts";
import { updateService } from "./service.ts";

type Noun = "secret" | "config";

interface UpdateFlags {
  readonly detach?: boolean;
  readonly restart?: boolean;
  readonly rewrite?: boolean;
  readonly signal?: string;
}

/** Beyond Docker: other data under the same name. */
export function registerUpdate(
  group: Command,
  noun: Noun,
  { context, read }: { readonly context: () => CliContext; readonly read: (file: string) => Promise<Buffer> },
): void {
  group
    .command(`update <${noun}> <file>`)
    .usage(`${noun.toUpperCase()} file|-`)
    .description(`Give a ${noun} other data, from a file or standard input`)
    .option("-d, --detach", "With --restart: do not wait for the services")
    .option("--restart", "Restart the tasks of services that use it, as in an update of the service")
    .option("--rewrite", "Write it to the files of tasks that run")
    .option("--signal <string>", "Write it to the files of tasks that run, then send them this signal")
    .action(async (name: string, file: string, flags: UpdateFlags) => {
      if (flags.restart === true && (flags.rewrite === true || flags.signal !== undefined))
        throw new CliError("--restart cannot be combined with --rewrite or --signal");
      await update(context(), noun, { name, data: await read(file), flags });
    });
}

async function update(
  cli: CliContext,
  noun: Noun,
  { name, data, flags }: { readonly name: string; readonly data: Buffer; readonly flags: UpdateFlags },
): Promise<void> {
  const object = await cli.api.json("GET", `/${noun}s/${encodeURIComponent(name)}`);
  const id = text(object, "ID");
  const reloadSignal = flags.signal ?? (flags.rewrite === true ? "" : undefined);
  const body = { Data: data.toString("base64"), ...(reloadSignal !== undefined && { ReloadSignal: reloadSignal }) };
  await cli.api.json("POST", `/${noun}s/${id}/data`, { query: { version: number(object, "Version", "Index") }, body });
  cli.stdout(`${id}\n`);
  if (flags.restart !== true) return;
  for (const service of await usersOf(cli, noun, id))
    await updateService(cli, service, { force: true, ...(flags.detach === true && { detach: true }) });
}

/** Names of services whose tasks have it. */
async function usersOf(cli: CliContext, noun: Noun, id: string): Promise<readonly string[]> {
  const [references, key] = noun === "secret" ? ["Secrets", "SecretID"] : ["Configs", "ConfigID"];
  const uses = (service: Json): boolean =>
    list(field(service, "Spec"), "TaskTemplate", "ContainerSpec", references).some(each => text(each, key) === id);
  return list(await cli.api.json("GET", "/services"))
    .filter(uses)
    .map(service => text(service, "Spec", "Name"));
}
