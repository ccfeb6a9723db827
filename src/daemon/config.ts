import { readFile } from "node:fs/promises";
import { errnoCode, OperationError } from "../lib/errors.ts";
import { OPTIONS, type OptionName, UNSUPPORTED_OPTIONS } from "./options.ts";

/** The daemon's settings: flags and daemon.json together, defaults filled in. */
export interface DaemonConfig {
  /** `unix:///path` or `tcp://host:port`. */
  readonly hosts: readonly string[];
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly configFile: string;
  readonly pidFile: string;
  /** Group of unix sockets, if they are to have one. */
  readonly group: string | undefined;
  readonly isDebug: boolean;
  readonly logLevel: LogLevel;
  readonly liveRestore: boolean;
  readonly shutdownTimeoutSeconds: number;
  readonly defaultRuntime: string | undefined;
  readonly cgroupParent: string;
  readonly labels: readonly string[];
  readonly tls: {
    readonly isEnabled: boolean;
    /** `--tls=false` was said: TCP without TLS is what the administrator wants. */
    readonly isRefused: boolean;
    readonly verifiesClients: boolean;
    readonly ca: string;
    readonly certificate: string;
    readonly key: string;
  };
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type Value = string | boolean | number | readonly string[];
type Values = Partial<Record<OptionName, Value>>;

/** @throws OperationError `invalid` for flags and files that cannot be honoured. */
export async function loadConfig(args: readonly string[]): Promise<DaemonConfig> {
  const flags = parseFlags(args);
  const path = text(flags, "config-file") ?? "/etc/shoal/daemon.json";
  const file = await readConfigFile(path, {
    isRequired: flags["config-file"] !== undefined && text(flags, "config-file") === "/etc/shoal/daemon.json",
  });
  return toConfig(merge(flags, file), path);
}

/** Go's flag syntax as dockerd takes it: `--name value`, `--name=value`, `-x value`; booleans take a value only with `=`. */
export function parseFlags(args: readonly string[]): Values {
  const values: Values = {};
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    const match = /^(?:--([a-z0-9-]+)|-([A-Za-z]))(?:=(.*))?$/s.exec(argument);
    if (match === null) throw new OperationError("invalid", `unknown argument: ${argument}`);
    const name = optionNamed(match[1] ?? shortName(match[2] ?? ""), argument);
    let given = match[3];
    if (given === undefined && OPTIONS[name].kind !== "boolean") {
      index++;
      given = args[index];
      if (given === undefined) throw new OperationError("invalid", `flag needs an argument: --${name}`);
    }
    values[name] = parseValue(name, given ?? "true", values[name]);
  }
  return values;
}

function shortName(letter: string): string {
  const found = Object.entries(OPTIONS).find(([, option]) => "short" in option && option.short === letter);
  return found?.[0] ?? letter;
}

function optionNamed(name: string, argument: string): OptionName {
  if (name in OPTIONS) return name as OptionName;
  if (UNSUPPORTED_OPTIONS.has(name)) throw new OperationError("invalid", `the option --${name} is not supported`);
  throw new OperationError("invalid", `unknown flag: ${argument}`);
}

function parseValue(name: OptionName, given: string, before: Value | undefined): Value {
  switch (OPTIONS[name].kind) {
    case "text":
      return given;
    case "list":
      return [...(Array.isArray(before) ? (before as readonly string[]) : []), given];
    case "number": {
      const number = Number(given);
      if (given === "" || !Number.isInteger(number))
        throw new OperationError("invalid", `invalid argument "${given}" for "--${name}" flag`);
      return number;
    }
    case "boolean":
      if (!/^(true|false|1|0)$/i.test(given))
        throw new OperationError("invalid", `invalid argument "${given}" for "--${name}" flag`);
      return /^(true|1)$/i.test(given);
  }
}

async function readConfigFile(path: string, { isRequired }: { readonly isRequired: boolean }): Promise<Values> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT" && !isRequired) return {};
    throw new OperationError("invalid", `unable to configure the daemon with file ${path}: cannot be read`, { cause: error });
  }
  return parseConfigFile(content, path);
}

/** @throws OperationError `invalid` in dockerd's words. */
export function parseConfigFile(content: string, path: string): Values {
  const failure = `unable to configure the daemon with file ${path}`;
  let json: unknown;
  try {
    json = content.trim() === "" ? {} : JSON.parse(content);
  } catch (error) {
    throw new OperationError("invalid", `${failure}: invalid JSON`, { cause: error });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new OperationError("invalid", `${failure}: not an object`);
  const values: Values = {};
  for (const [key, value] of Object.entries(json)) {
    const name = configName(key);
    if (name === undefined) {
      if (UNSUPPORTED_OPTIONS.has(key)) throw new OperationError("invalid", `${failure}: the option ${key} is not supported`);
      throw new OperationError("invalid", `${failure}: the following directives don't match any configuration option: ${key}`);
    }
    if (!hasKind(name, value)) throw new OperationError("invalid", `${failure}: ${key} has the wrong type`);
    values[name] = value;
  }
  return values;
}

function configName(key: string): OptionName | undefined {
  const found = Object.entries(OPTIONS).find(([name, option]) => ("configKey" in option ? option.configKey : name) === key);
  return found?.[0] as OptionName | undefined;
}

function hasKind(name: OptionName, value: unknown): value is Value {
  const { kind } = OPTIONS[name];
  if (kind === "list") return Array.isArray(value) && value.every(item => typeof item === "string");
  return typeof value === (kind === "text" ? "string" : kind);
}

/** An option given in both places is refused, as dockerd does; lists too. */
function merge(flags: Values, file: Values): Values {
  const twice = Object.keys(file).filter(name => name in flags);
  if (twice.length > 0) {
    const list = twice
      .map(name => `${name}: (from flag: ${String(flags[name as OptionName])}, from file: ${String(file[name as OptionName])})`)
      .join(", ");
    throw new OperationError(
      "invalid",
      `the following directives are specified both as a flag and in the configuration file: ${list}`,
    );
  }
  return { ...file, ...flags };
}

function toConfig(values: Values, configFile: string): DaemonConfig {
  const execRoot = text(values, "exec-root") ?? "/run/shoal";
  const level = text(values, "log-level") ?? "info";
  if (!isLogLevel(level)) throw new OperationError("invalid", `invalid logging level: ${level}`);
  return {
    hosts: list(values, "host") ?? [`unix://${execRoot}/shoal.sock`],
    dataRoot: text(values, "data-root") ?? "/var/lib/shoal",
    execRoot,
    configFile,
    pidFile: text(values, "pidfile") ?? `${execRoot}/shoald.pid`,
    group: text(values, "group"),
    isDebug: values.debug === true,
    logLevel: values.debug === true ? "debug" : level,
    liveRestore: values["live-restore"] !== false,
    shutdownTimeoutSeconds: typeof values["shutdown-timeout"] === "number" ? values["shutdown-timeout"] : 15,
    defaultRuntime: text(values, "default-runtime"),
    cgroupParent: text(values, "cgroup-parent") ?? "/shoal",
    labels: list(values, "label") ?? [],
    tls: {
      isEnabled: values.tls === true || values.tlsverify === true,
      isRefused: values.tls === false,
      verifiesClients: values.tlsverify === true,
      ca: text(values, "tlscacert") ?? "/etc/shoal/ca.pem",
      certificate: text(values, "tlscert") ?? "/etc/shoal/cert.pem",
      key: text(values, "tlskey") ?? "/etc/shoal/key.pem",
    },
  };
}

function isLogLevel(level: string): level is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(level);
}

function text(values: Values, name: OptionName): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

function list(values: Values, name: OptionName): readonly string[] | undefined {
  const value = values[name];
  return Array.isArray(value) ? (value as readonly string[]) : undefined;
}
