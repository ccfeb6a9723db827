import { OperationError } from "../../lib/errors.ts";
import { goBoolean, parseSizeBytes } from "../../lib/go-values.ts";
import type { LogConfig } from "../../model/container.ts";
import { fluentdDriver } from "./drivers/fluentd.ts";
import { gelfDriver } from "./drivers/gelf.ts";
import { journaldDriver } from "./drivers/journald.ts";
import { checkKnownOptions } from "./drivers/known-options.ts";
import { syslogDriver } from "./drivers/syslog.ts";
import type { LogDriver } from "./forward/log-driver.ts";

/** Drivers that send logs elsewhere. */
const REMOTE_DRIVERS: ReadonlyMap<string, LogDriver> = new Map([
  ["fluentd", fluentdDriver],
  ["gelf", gelfDriver],
  ["journald", journaldDriver],
  ["syslog", syslogDriver],
]);
const ROTATION = ["max-size", "max-file", "compress"];
/** What any driver takes: how it is fed, and how what it sends is kept for reading. */
const COMMON = ["mode", "max-buffer-size", "cache-disabled", ...ROTATION.map(name => `cache-${name}`)];

/** `undefined`: the log stays on this host. */
export function remoteDriver(type: string): LogDriver | undefined {
  return REMOTE_DRIVERS.get(type);
}

/** What Docker checks of a log configuration when a container is created. @throws OperationError `invalid` in Docker's words. */
export function checkLogConfig({ type, options }: LogConfig): void {
  if (type === "none") return;
  checkMode(options);
  const isCacheDisabled = options["cache-disabled"];
  if (isCacheDisabled !== undefined && isCacheDisabled !== "" && !isBoolean(isCacheDisabled)) {
    throw new OperationError("invalid", `invalid value for option cache-disabled: ${isCacheDisabled}`);
  }
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !COMMON.includes(name)));
  if (type === "json-file") checkKnownOptions(own, { of: "json-file log driver", own: ROTATION });
  else if (type === "local") checkKnownOptions(own, { of: "log driver local", own: ROTATION, isDecorated: false });
  else {
    const driver = REMOTE_DRIVERS.get(type);
    if (driver === undefined) {
      throw new OperationError("invalid", `error looking up logging plugin ${type}: plugin "${type}" not found`);
    }
    driver.check(own);
  }
}

/** The daemon's own settings, when it starts. @throws OperationError `invalid` in Docker's words. */
export function checkDefaultLogConfig(config: LogConfig): void {
  if (Object.keys(config.options).length === 0) return;
  try {
    checkLogConfig(config);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperationError("invalid", `failed to set log opts: ${reason}`, { cause: error });
  }
}

function checkMode(options: LogConfig["options"]): void {
  const { mode = "", "max-buffer-size": bufferSize } = options;
  if (!["", "blocking", "non-blocking"].includes(mode)) {
    throw new OperationError("invalid", `logger: logging mode not supported: ${mode}`);
  }
  if (bufferSize === undefined) return;
  if (mode !== "non-blocking") {
    throw new OperationError("invalid", "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  try {
    parseSizeBytes(bufferSize, 1024);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperationError("invalid", `error parsing option max-buffer-size: ${reason}`, { cause: error });
  }
}

function isBoolean(text: string): boolean {
  try {
    goBoolean(text);
    return true;
  } catch {
    return false;
  }
}
