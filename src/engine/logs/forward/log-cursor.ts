import { readFile, rename, writeFile } from "node:fs/promises";
import { errnoCode } from "../../../lib/errors.ts";
import type { LogPosition } from "../container-log.ts";
import { type OutputStream } from "../cri-line.ts";
import { failpoint } from "../../../ports/failpoint.ts";

/** Up to where each stream of a log has been sent: a line that is still open in one does not hold the other back. */
export type LogCursor = Readonly<Record<OutputStream, LogPosition>>;

export function cursorAt(position: LogPosition): LogCursor {
  return { stdout: position, stderr: position };
}

export function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.file < b.file || (a.file === b.file && a.offsetBytes < b.offsetBytes);
}

/** Where to read on. */
export function readingStart({ stdout, stderr }: LogCursor): LogPosition {
  return isBefore(stderr, stdout) ? stderr : stdout;
}

/** The cursor kept at `path`; `undefined` when there is none that can be read: then all is sent again, and nothing is lost. */
export async function loadCursor(path: string): Promise<LogCursor | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    return isCursor(parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errnoCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Not synced: after a power cut an older cursor makes some lines come twice. */
export async function saveCursor(path: string, cursor: LogCursor): Promise<void> {
  const beside = `${path}.new`;
  await writeFile(beside, JSON.stringify(cursor), { mode: 0o600 });
  await failpoint("logs/cursor.rename", () => rename(beside, path));
}

function isCursor(value: unknown): value is LogCursor {
  return typeof value === "object" && value !== null && isPositionIn(value, "stdout") && isPositionIn(value, "stderr");
}

function isPositionIn(value: object, stream: OutputStream): boolean {
  const position: unknown = (value as Partial<Record<OutputStream, unknown>>)[stream];
  if (typeof position !== "object" || position === null || !("file" in position) || !("offsetBytes" in position)) return false;
  return Number.isSafeInteger(position.file) && Number.isSafeInteger(position.offsetBytes);
}
