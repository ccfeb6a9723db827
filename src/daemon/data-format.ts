import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere, replaceFile } from "../engine/images/durable.ts";
import { FORMAT_VERSION, StateDatabase } from "../engine/state/database.ts";
import { OperationError } from "../lib/errors.ts";
import type { Log } from "../ports/log.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";

const FILE = "format.json";
/** What a data root without the file has: the first version did not write one. */
const FIRST_FORMAT = 1;

interface FormatFile {
  readonly format: number;
  /** The version of the daemon that wrote in this format first. */
  readonly writtenBy: string;
}

export interface DataFormatOptions {
  readonly dataRoot: string;
  /** Of this daemon. */
  readonly version: string;
  readonly log: Log;
}

/**
 * Makes the data root one that this version reads, step by step; a step that was cut off is taken again by the next start. Before anything else is read.
 * @throws OperationError `conflict` when a later version has written it: nothing has changed then.
 */
export async function settleDataFormat({ dataRoot, version, log }: DataFormatOptions): Promise<void> {
  const path = join(dataRoot, FILE);
  const found = await readFormat(path);
  if (found !== undefined && found.format > FORMAT_VERSION) throw laterVersion(dataRoot, { found, version });
  const format = found?.format ?? ((await hasState(dataRoot)) ? FIRST_FORMAT : FORMAT_VERSION);
  if (found?.format === FORMAT_VERSION) return;
  for (const migration of MIGRATIONS.filter(({ to }) => to > format)) {
    log.info({ dataRoot, from: migration.to - 1, to: migration.to }, `the data root is brought up to date: ${migration.what}`);
    await migrateState(dataRoot, migration);
    await writeFormat(path, { format: migration.to, writtenBy: version });
  }
  await writeFormat(path, { format: FORMAT_VERSION, writtenBy: version });
}

function laterVersion(
  dataRoot: string,
  { found, version }: { readonly found: FormatFile; readonly version: string },
): OperationError {
  return new OperationError(
    "conflict",
    `the data root ${dataRoot} was written by version ${found.writtenBy} in data format ${found.format}, and this version, ${version}, ` +
      `knows formats up to ${FORMAT_VERSION}: start version ${found.writtenBy} or a later one, or name another data root`,
  );
}

async function migrateState(dataRoot: string, migration: Migration): Promise<void> {
  await using database = await StateDatabase.open(join(dataRoot, "engine", "state"));
  await migration.migrate(database, { dataRoot });
}

async function readFormat(path: string): Promise<FormatFile | undefined> {
  const text = (await readIfThere(path))?.toString("utf8");
  if (text === undefined) return undefined;
  const { format, writtenBy } = JSON.parse(text) as Partial<FormatFile>;
  if (!Number.isInteger(format)) throw new OperationError("invalid", `${path} names no data format`);
  return { format: Number(format), writtenBy: writtenBy ?? "unknown" };
}

async function writeFormat(path: string, content: FormatFile): Promise<void> {
  await replaceFile(path, `${JSON.stringify(content)}\n`, { place: "state/format" });
}

function hasState(dataRoot: string): Promise<boolean> {
  return stat(join(dataRoot, "engine", "state")).then(
    () => true,
    () => false,
  );
}
