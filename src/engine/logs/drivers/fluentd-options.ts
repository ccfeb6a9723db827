import { OperationError } from "../../../lib/errors.ts";
import { goBoolean, goDurationMs, goUnsigned, parseSizeBytes } from "../../../lib/go-values.ts";
import type { StreamTarget } from "../forward/log-network.ts";
import { bareHost, parseLogAddress } from "./log-address.ts";

export interface FluentdOptions {
  readonly target: StreamTarget;
  readonly bufferBytes: number;
  readonly retryMs: number;
  readonly triesMax: number;
  readonly isAsync: boolean;
  /** 0: a connection is kept. */
  readonly reconnectMs: number;
  readonly hasNanoseconds: boolean;
  readonly asksForAck: boolean;
  /** 0: as long as it takes. */
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
}

export const FLUENTD_OPTION_NAMES = [
  ...["fluentd-address", "fluentd-async", "fluentd-async-reconnect-interval", "fluentd-buffer-limit", "fluentd-max-retries"],
  ...["fluentd-request-ack", "fluentd-retry-wait", "fluentd-sub-second-precision", "fluentd-write-timeout"],
  "fluentd-read-timeout",
];
const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 24224;
const DEFAULT_BUFFER_BYTES = 1024 * 1024;
const DEFAULT_RETRY_MS = 1000;
const TRIES_MAX = 2 ** 31 - 1;
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 10_000;
const PORT_MAX = 65_535;
const NO_TLS_FILES = { ca: undefined, certificate: undefined, key: undefined, skipsVerification: false };

/** @throws OperationError `invalid` in Docker's words. */
export function parseFluentdOptions(options: Readonly<Record<string, string>>): FluentdOptions {
  const given = (name: string) => options[`fluentd-${name}`] || undefined;
  const boolean = (name: string) => {
    const value = given(name);
    return value !== undefined && goBoolean(value);
  };
  const bufferLimit = given("buffer-limit");
  const retryWait = given("retry-wait");
  const maxRetries = given("max-retries");
  return {
    target: parseTarget(options["fluentd-address"] ?? ""),
    bufferBytes: bufferLimit === undefined ? DEFAULT_BUFFER_BYTES : parseSizeBytes(bufferLimit, 1024),
    retryMs: retryWait === undefined ? DEFAULT_RETRY_MS : goDurationMs(retryWait),
    triesMax: maxRetries === undefined ? TRIES_MAX : parseTries(maxRetries),
    isAsync: boolean("async"),
    reconnectMs: parseReconnect(given("async-reconnect-interval")),
    hasNanoseconds: boolean("sub-second-precision"),
    asksForAck: boolean("request-ack"),
    writeTimeoutMs: parseTimeout("fluentd-write-timeout", given("write-timeout")),
    readTimeoutMs: parseTimeout("fluentd-read-timeout", given("read-timeout")),
  };
}

function parseTarget(text: string): StreamTarget {
  if (text === "") return { kind: "tcp", host: DEFAULT_HOST, port: DEFAULT_PORT };
  try {
    return targetOf(text.includes("://") ? text : `tcp://${text}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperationError("invalid", `invalid fluentd-address (${text}): ${reason}`, { cause: error });
  }
}

function targetOf(text: string): StreamTarget {
  const { scheme, host, path } = parseLogAddress(text);
  if (scheme === "unix") {
    if (path.replace(/^\/+/, "") === "") throw new OperationError("invalid", "path is empty");
    return { kind: "unix", path };
  }
  if (scheme !== "tcp" && scheme !== "tls") throw new OperationError("invalid", `unsupported scheme: '${scheme}'`);
  if (path !== "") throw new OperationError("invalid", "should not contain a path element");
  const [, name = "", portText = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host) ?? [];
  const port = portText === "" ? DEFAULT_PORT : Number(portText);
  if (port > PORT_MAX) {
    throw new OperationError("invalid", `invalid port: strconv.ParseUint: parsing "${portText}": value out of range`);
  }
  const place = { host: bareHost(name) || DEFAULT_HOST, port };
  return scheme === "tcp" ? { kind: "tcp", ...place } : { kind: "tls", ...place, tls: NO_TLS_FILES };
}

function parseTries(text: string): number {
  const tries = goUnsigned(text);
  if (tries > TRIES_MAX) throw new OperationError("invalid", "invalid fluentd-max-retries: value out of range");
  return tries;
}

function parseReconnect(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = wrapped("invalid value for fluentd-async-reconnect-interval", () => goDurationMs(text));
  if (ms !== 0 && (ms < RECONNECT_MS_MIN || ms > RECONNECT_MS_MAX)) {
    const range = "must be between 100ms and 10s";
    throw new OperationError("invalid", `invalid value for fluentd-async-reconnect-interval: value ("${text}") ${range}`);
  }
  return ms;
}

function parseTimeout(name: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = wrapped(`invalid value for ${name}: value must be a duration`, () => goDurationMs(text));
  if (ms < 0) throw new OperationError("invalid", `invalid value for ${name}: value must be a duration that is non-negative`);
  return ms;
}

function wrapped<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new OperationError("invalid", `${prefix}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
