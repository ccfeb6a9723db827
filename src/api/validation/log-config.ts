import type { LogConfig } from "../../model/container.ts";
import { refuseIf } from "./refuse.ts";

const ROTATION = ["max-file", "max-size", "compress"];
const DECORATION = ["labels", "labels-regex", "env", "env-regex", "tag"];
const DELIVERY = ["mode", "max-buffer-size"];

/** Log drivers and the options that each takes. */
const LOG_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  "json-file": [...ROTATION, ...DECORATION],
  local: [...ROTATION],
  none: [],
  journald: [...DECORATION],
  syslog: [
    ...["syslog-address", "syslog-facility", "syslog-tls-ca-cert", "syslog-tls-cert", "syslog-tls-key"],
    ...["syslog-tls-skip-verify", "syslog-format", ...DECORATION],
  ],
  gelf: [
    ...["gelf-address", "gelf-compression-level", "gelf-compression-type", "gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"],
    ...DECORATION,
  ],
  fluentd: [
    ...["fluentd-address", "fluentd-async", "fluentd-async-connect", "fluentd-async-reconnect-interval", "fluentd-buffer-limit"],
    ...["fluentd-max-retries", "fluentd-request-ack", "fluentd-retry-wait", "fluentd-sub-second-precision", ...DECORATION],
  ],
};

/** @throws OperationError `invalid`. @param config - An empty type is the engine's default. */
export function checkLogConfig({ type, options }: LogConfig): void {
  if (type === "") return;
  const known = LOG_OPTIONS[type];
  refuseIf(known === undefined, `error looking up logging plugin ${type}: plugin "${type}" not found`);
  for (const option of Object.keys(options)) {
    const isKnown = known?.includes(option) === true || DELIVERY.includes(option) || type === "none";
    refuseIf(!isKnown, `unknown log opt '${option}' for ${type} log driver`);
  }
  const mode = options["mode"] ?? "";
  refuseIf(!["", "blocking", "non-blocking"].includes(mode), `logger: logging mode not supported: ${mode}`);
  const hasBuffer = options["max-buffer-size"] !== undefined;
  refuseIf(hasBuffer && mode !== "non-blocking", "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
}
