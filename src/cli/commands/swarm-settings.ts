import type { Command } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, CliError, field, type Json, number, text } from "../context.ts";
import { ask, readStdin } from "../terminal/ask.ts";
import { parseDuration } from "../format/units.ts";
import { integer, lists, value } from "./container-values.ts";
import { parseExternalCa } from "./external-ca.ts";
import { withPath } from "./with-path.ts";

/** `swarm update`, `unlock`, `unlock-key`. */
export function registerSettings(swarm: Command, context: () => CliContext): void {
  settingFlags(swarm.command("update").description("Change the swarm's settings")).action(async (flags: FlagValues) =>
    updateSettings(context(), flags),
  );
  swarm
    .command("unlock-key")
    .description("Show the key that unlocks managers")
    .option("-q, --quiet", "The key alone")
    .option("--rotate", "Make another key")
    .action(async (flags: FlagValues) => unlockKey(context(), flags));
  swarm
    .command("unlock")
    .description("Unlock this manager with a key that is typed or comes by standard input")
    .action(async () => unlock(context()));
}

/** The settings that a swarm can be founded with and that can be changed later. */
export function settingFlags(command: Command): Command {
  return command
    .option("--autolock", "Managers that start ask for a key")
    .option("--cert-expiry <duration>", "How long a node's certificate is good for")
    .option("--external-ca <list>", "Who signs certificates: protocol=cfssl,url=https://…[,cacert=FILE]")
    .option("--dispatcher-heartbeat <duration>", "Time between the heartbeats of a node")
    .option("--max-snapshots <uint>", "Older snapshots of the log to keep")
    .option("--snapshot-interval <uint>", "Entries of the log between two snapshots")
    .option("--task-history-limit <int>", "Tasks of a slot to remember");
}

async function updateSettings(cli: CliContext, flags: FlagValues): Promise<void> {
  if (Object.keys(flags).length === 0) throw new CliError("swarm update needs a flag: see 'shoal swarm update --help'");
  const swarm = await cli.api.json("GET", "/swarm");
  const before = field(swarm, "Spec");
  await saveSettings(cli, swarm, await withExternalCas(changedSettings(before, flags), flags));
  cli.stdout("Swarm updated.\n");
  if (flags["autolock"] === true && field(before, "EncryptionConfig", "AutoLockManagers") !== true)
    cli.stdout(keyAdvice(text(await cli.api.json("GET", "/swarm/unlockkey"), "UnlockKey")));
}

/** The settings that the flags name, changed. */
export function changedSettings(spec: Json, flags: FlagValues): Json {
  const changes: readonly (readonly [readonly string[], Json])[] = [
    [["EncryptionConfig", "AutoLockManagers"], typeof flags["autolock"] === "boolean" ? flags["autolock"] : undefined],
    [["CAConfig", "NodeCertExpiry"], nanoseconds(value(flags, "certExpiry"))],
    [["Dispatcher", "HeartbeatPeriod"], nanoseconds(value(flags, "dispatcherHeartbeat"))],
    [["Raft", "KeepOldSnapshots"], integer(flags, "maxSnapshots")],
    [["Raft", "SnapshotInterval"], integer(flags, "snapshotInterval")],
    [["Orchestration", "TaskHistoryRetentionLimit"], integer(flags, "taskHistoryLimit")],
  ];
  return changes.reduce((changed, [path, setting]) => (setting === undefined ? changed : withPath(changed, path, setting)), spec);
}

/** Those that are named take the place of all that were. @param options.rootPem - Which root they sign for that say none. */
export async function withExternalCas(
  spec: Json,
  flags: FlagValues,
  { rootPem = "" }: { readonly rootPem?: string } = {},
): Promise<Json> {
  const given = await Promise.all(lists(flags, "externalCa").map(parseExternalCa));
  if (given.length === 0) return spec;
  const named = given.map(ca => (text(ca, "CACert") === "" ? withPath(ca, ["CACert"], rootPem) : ca));
  return withPath(spec, ["CAConfig", "ExternalCAs"], named);
}

/** A negative one too: the daemon refuses it. */
function nanoseconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const parsed = parseDuration(duration.replace(/^-/, ""));
  return parsed !== undefined && duration.startsWith("-") ? -parsed : parsed;
}

export async function saveSettings(
  cli: CliContext,
  swarm: Json,
  spec: Json,
  query: Readonly<Record<string, boolean>> = {},
): Promise<void> {
  await cli.api.json("POST", "/swarm/update", { query: { version: number(swarm, "Version", "Index"), ...query }, body: spec });
}

async function unlockKey(cli: CliContext, flags: FlagValues): Promise<void> {
  const isQuiet = flags["quiet"] === true;
  if (flags["rotate"] === true) {
    const swarm = await cli.api.json("GET", "/swarm");
    if (field(swarm, "Spec", "EncryptionConfig", "AutoLockManagers") !== true)
      throw new CliError("cannot rotate because autolock is not turned on");
    await saveSettings(cli, swarm, field(swarm, "Spec"), { rotateManagerUnlockKey: true });
    if (!isQuiet) cli.stdout("Successfully rotated manager unlock key.\n\n");
  }
  const key = text(await cli.api.json("GET", "/swarm/unlockkey"), "UnlockKey");
  if (key === "") throw new CliError("no unlock key is set");
  cli.stdout(isQuiet ? `${key}\n` : keyAdvice(key));
}

/** What is said with a key. */
export function keyAdvice(key: string): string {
  return `To unlock a swarm manager after it restarts, run the \`shoal swarm unlock\`\ncommand and provide the following key:\n\n    ${key}\n\nPlease remember to store this key in a password manager, since without it you\nwill not be able to restart the manager.\n`;
}

async function unlock(cli: CliContext): Promise<void> {
  const state = text(await cli.api.json("GET", "/info"), "Swarm", "LocalNodeState");
  if (state === "inactive") throw new CliError("Error: This node is not part of a swarm");
  if (state !== "locked") throw new CliError("Error: swarm is not locked");
  const key = process.stdin.isTTY ? await ask("Enter unlock key: ", { isSecret: true }) : await readStdin();
  const UnlockKey = key.trim();
  await cli.api.json("POST", "/swarm/unlock", { body: { UnlockKey } });
}
