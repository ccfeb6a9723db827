import { OperationError } from "../../lib/errors.ts";
import { goBoolean, goInteger, parseSizeBytes } from "../../lib/go-values.ts";
import type { LogConfig } from "../../model/container.ts";

/** How a container's log is kept. */
export interface LogSettings {
  /** False: driver `none`. */
  readonly isKept: boolean;
  /** False: it is kept only until it has been sent elsewhere. */
  readonly isReadable: boolean;
  /** Size at which a new file is begun. */
  readonly fileBytesMax: number;
  /** Files kept, the one being written among them. */
  readonly filesMax: number;
  /** Files that are no longer written are. */
  readonly compresses: boolean;
}

export const DEFAULT_FILE_BYTES_MAX = 20 * 1024 * 1024;
export const DEFAULT_FILES_MAX = 5;

const DEFAULTS: LogSettings = {
  isKept: true,
  isReadable: true,
  fileBytesMax: DEFAULT_FILE_BYTES_MAX,
  filesMax: DEFAULT_FILES_MAX,
  compresses: false,
};

/** What is checked when a container starts. @throws OperationError `invalid` in Docker's words. */
export function parseLogSettings({ type, options }: LogConfig): LogSettings {
  switch (type) {
    case "none":
      return { ...DEFAULTS, isKept: false, isReadable: false };
    case "json-file":
    case "":
      return jsonFileSettings(options);
    case "local":
      return localSettings(options, "");
    default:
      return cacheSettings(options);
  }
}

/** As `parseLogSettings`, for a container that may never start: its log is empty until then. */
export function logSettingsUntilStart(config: LogConfig): LogSettings {
  try {
    return parseLogSettings(config);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return DEFAULTS;
  }
}

type Options = LogConfig["options"];

/** Docker keeps one file of any size when the user says nothing; here nothing grows without end. */
function jsonFileSettings({ "max-size": size, "max-file": files, compress }: Options): LogSettings {
  const fileBytesMax = size === undefined ? DEFAULT_FILE_BYTES_MAX : parseSizeBytes(size, 1000);
  if (fileBytesMax <= 0) throw new OperationError("invalid", "max-size must be a positive number");
  const filesMax = files === undefined ? (size === undefined ? DEFAULT_FILES_MAX : 1) : goInteger(files);
  if (filesMax < 1) throw new OperationError("invalid", "max-file cannot be less than 1");
  const compresses = compress !== undefined && goBoolean(compress);
  if (compresses && (files === undefined || filesMax === 1 || size === undefined)) {
    throw new OperationError("invalid", "compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return { ...DEFAULTS, fileBytesMax, filesMax, compresses };
}

/** @param prefix - Of the options' names. */
function localSettings(options: Options, prefix: string): LogSettings {
  const [size, files, compress] = ["max-size", "max-file", "compress"].map(name => options[`${prefix}${name}`]);
  const fileBytesMax =
    size === undefined
      ? DEFAULT_FILE_BYTES_MAX
      : explained(`invalid value for max-size: ${size}`, () => parseSizeBytes(size, 1000));
  const filesMax =
    files === undefined ? DEFAULT_FILES_MAX : explained(`invalid value for max-file: ${files}`, () => goInteger(files));
  const compresses = compress === undefined || explained("error reading compress log option", () => goBoolean(compress));
  if (filesMax < 0) throw new OperationError("invalid", "max-file must not be negative");
  if (compresses && filesMax <= 1) {
    throw new OperationError("invalid", "compression cannot be enabled when max file count is 1");
  }
  return { ...DEFAULTS, fileBytesMax: Math.max(1, fileBytesMax), filesMax: Math.max(1, filesMax), compresses };
}

/** What is sent elsewhere is kept for reading as well, as the driver `local` keeps it. */
function cacheSettings(options: Options): LogSettings {
  const isDisabled = options["cache-disabled"] !== undefined && options["cache-disabled"] !== "";
  if (isDisabled && goBoolean(options["cache-disabled"] ?? "")) {
    return { ...DEFAULTS, isReadable: false, filesMax: 1 };
  }
  return localSettings(options, "cache-");
}

function explained<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new OperationError("invalid", `${prefix}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
