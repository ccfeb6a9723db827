import { OperationError } from "../../lib/errors.ts";
import type { LogConfig } from "../../model/container.ts";

/** How a container's log is kept. */
export interface LogSettings {
  /** False: driver `none`. */
  readonly isKept: boolean;
  /** Size at which a new file is begun. */
  readonly fileBytesMax: number;
  /** Files kept, the one being written among them. */
  readonly filesMax: number;
}

export const DEFAULT_FILE_BYTES_MAX = 20 * 1024 * 1024;
export const DEFAULT_FILES_MAX = 5;
const KNOWN_OPTIONS = new Set([
  "max-size",
  "max-file",
  "compress",
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
  "mode",
  "max-buffer-size",
]);
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kb: 2 ** 10,
  m: 2 ** 20,
  mb: 2 ** 20,
  g: 2 ** 30,
  gb: 2 ** 30,
  t: 2 ** 40,
  tb: 2 ** 40,
};

/** @throws OperationError `invalid` in Docker's words. */
export function parseLogSettings({ type, options }: LogConfig): LogSettings {
  if (type === "none") return { isKept: false, fileBytesMax: Infinity, filesMax: 1 };
  if (type !== "" && type !== "json-file" && type !== "local") {
    throw new OperationError("invalid", `logger: no log driver named '${type}' is registered`);
  }
  for (const name of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(name))
      throw new OperationError("invalid", `unknown log opt '${name}' for ${type || "json-file"} log driver`);
  }
  for (const name of ["labels-regex", "env-regex"]) checkPattern(options[name], name);
  const sizeText = options["max-size"];
  const filesText = options["max-file"];
  const fileBytesMax = sizeText === undefined ? DEFAULT_FILE_BYTES_MAX : sizeText === "-1" ? Infinity : parseSize(sizeText);
  if (filesText === undefined) return { isKept: true, fileBytesMax, filesMax: DEFAULT_FILES_MAX };
  if (!/^\d+$/.test(filesText)) throw new OperationError("invalid", `invalid value for max-file: '${filesText}'`);
  if (Number(filesText) < 1) throw new OperationError("invalid", "max-file cannot be less than 1");
  return { isKept: true, fileBytesMax, filesMax: Number(filesText) };
}

function checkPattern(pattern: string | undefined, name: string): void {
  try {
    new RegExp(pattern ?? "");
  } catch (cause) {
    throw new OperationError("invalid", `invalid value for ${name}: '${pattern ?? ""}'`, { cause });
  }
}

/** `10m`, `1g`, `500`. */
function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]?b?)$/i.exec(text);
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? "?"];
  const bytes = unit === undefined ? NaN : Math.floor(Number(match?.[1]) * unit);
  if (!(bytes > 0)) throw new OperationError("invalid", `invalid size: '${text}'`);
  return bytes;
}
