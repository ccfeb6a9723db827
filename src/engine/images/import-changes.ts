import { OperationError } from "../../lib/errors.ts";
import type { Healthcheck } from "../../model/cluster.ts";
import type { ImageConfig } from "../../model/image.ts";
import { expandVariables, splitWords } from "./instruction-words.ts";

const CHANGES_MAX = 1_000;

export const EMPTY_CONFIG: ImageConfig = { user: "", env: [], volumes: [], workingDir: "", labels: {}, exposedPorts: [] };

/** Applies Dockerfile instructions to a configuration, as `docker import --change` and `docker commit --change` do. Pure. */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  if (changes.length > CHANGES_MAX) throw new OperationError("invalid", `more than ${CHANGES_MAX} changes`);
  return changes.flatMap(change => change.split("\n")).reduce(applyChange, config);
}

function applyChange(config: ImageConfig, line: string): ImageConfig {
  const match = /^\s*(\S+)\s*(.*?)\s*$/.exec(line);
  if (match === null || match[1]?.startsWith("#") === true) return config;
  const [, word = "", rest = ""] = match;
  const apply = INSTRUCTIONS[word.toUpperCase()];
  if (apply === undefined) throw new OperationError("invalid", `${word} is not a valid change command`);
  if (rest === "") throw new OperationError("invalid", `${word.toUpperCase()} requires at least one argument`);
  return apply(config, rest);
}

const INSTRUCTIONS: Readonly<Record<string, (config: ImageConfig, rest: string) => ImageConfig>> = {
  CMD: (config, rest) => ({ ...config, cmd: commandOf(rest, config) }),
  // A new entrypoint makes an inherited command meaningless.
  ENTRYPOINT: (config, rest) => ({ ...config, entrypoint: commandOf(rest, config) }),
  ENV: (config, rest) => ({ ...config, env: pairsOf("ENV", rest, config).reduce(withVariable, config.env) }),
  LABEL: (config, rest) => ({ ...config, labels: { ...config.labels, ...Object.fromEntries(pairsOf("LABEL", rest, config)) } }),
  EXPOSE: (config, rest) => ({
    ...config,
    exposedPorts: union(config.exposedPorts, wordsOf(rest, config).flatMap(portsOf)),
  }),
  VOLUME: (config, rest) => ({ ...config, volumes: union(config.volumes, jsonWords(rest) ?? wordsOf(rest, config)) }),
  USER: (config, rest) => ({ ...config, user: oneWord("USER", rest, config) }),
  WORKDIR: (config, rest) => ({ ...config, workingDir: workingDirectoryOf(config.workingDir, oneArgument(rest, config)) }),
  STOPSIGNAL: (config, rest) => ({ ...config, stopSignal: oneWord("STOPSIGNAL", rest, config) }),
  HEALTHCHECK: (config, rest) => ({ ...config, healthcheck: healthcheckOf(rest) }),
  ONBUILD: (config, rest) => ({ ...config, onBuild: [...(config.onBuild ?? []), triggerOf(rest)] }),
};

function commandOf(rest: string, { shell }: ImageConfig): readonly string[] {
  return jsonWords(rest) ?? [...(shell ?? ["/bin/sh", "-c"]), rest];
}

/** `["a", "b"]`; anything else is a shell line. */
function jsonWords(rest: string): readonly string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every(item => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function wordsOf(rest: string, { env }: ImageConfig): readonly string[] {
  return splitWords(rest).map(word => expandVariables(word, env));
}

function oneWord(instruction: string, rest: string, config: ImageConfig): string {
  const words = wordsOf(rest, config);
  if (words.length !== 1) throw new OperationError("invalid", `${instruction} requires exactly one argument`);
  return words[0] ?? "";
}

function oneArgument(rest: string, { env }: ImageConfig): string {
  return expandVariables(rest, env);
}

/** `KEY=value KEY2="other value"`, or the old form `KEY value with blanks`. */
function pairsOf(instruction: string, rest: string, config: ImageConfig): readonly (readonly [string, string])[] {
  const words = splitWords(rest);
  if (!(words[0] ?? "").includes("=")) {
    const match = /^(\S+)\s+(.*)$/.exec(rest);
    if (match === null) throw new OperationError("invalid", `${instruction} must have two arguments`);
    return [[match[1] ?? "", expandVariables(match[2] ?? "", config.env)]];
  }
  return words.map(word => {
    const equals = word.indexOf("=");
    if (equals < 0)
      throw new OperationError(
        "invalid",
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      );
    const name = expandVariables(word.slice(0, equals), config.env);
    if (name === "") throw new OperationError("invalid", `${instruction} names can not be blank`);
    return [name, expandVariables(word.slice(equals + 1), config.env)] as const;
  });
}

function withVariable(env: readonly string[], [name, value]: readonly [string, string]): readonly string[] {
  const variable = `${name}=${value}`;
  const isThere = env.some(item => item.startsWith(`${name}=`));
  return isThere ? env.map(item => (item.startsWith(`${name}=`) ? variable : item)) : [...env, variable];
}

/** `80`, `80/udp`, `8000-8002`. */
function portsOf(word: string): readonly string[] {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last || last > 65_535) throw new OperationError("invalid", `invalid containerPort: ${word}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${(match[3] ?? "tcp").toLowerCase()}`);
}

function workingDirectoryOf(current: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${current}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

const HEALTH_FLAGS: Readonly<Record<string, Exclude<keyof Healthcheck, "test">>> = {
  interval: "intervalNs",
  timeout: "timeoutNs",
  "start-period": "startPeriodNs",
  "start-interval": "startIntervalNs",
  retries: "retries",
};
const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

function healthcheckOf(rest: string): Healthcheck {
  let numbers: Omit<Healthcheck, "test"> = {};
  let command = rest;
  for (let flag = /^--([a-z-]+)=(\S+)\s*/.exec(command); flag !== null; flag = /^--([a-z-]+)=(\S+)\s*/.exec(command)) {
    const [whole, name = "", value = ""] = flag;
    const key = HEALTH_FLAGS[name];
    if (key === undefined) throw new OperationError("invalid", `Unknown flag: ${name}`);
    numbers = { ...numbers, [key]: key === "retries" ? retriesOf(value) : durationNs(name, value) };
    command = command.slice(whole.length);
  }
  const [, type = "", line = ""] = /^(\S+)\s*(.*)$/.exec(command) ?? [];
  if (type.toUpperCase() === "NONE") {
    if (line !== "") throw new OperationError("invalid", "HEALTHCHECK NONE takes no arguments");
    return { test: ["NONE"] };
  }
  if (type.toUpperCase() !== "CMD") {
    throw new OperationError("invalid", `Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  }
  if (line === "") throw new OperationError("invalid", "Missing command after HEALTHCHECK CMD");
  const words = jsonWords(line);
  const test = words === undefined ? ["CMD-SHELL", line] : ["CMD", ...words];
  return { test, ...numbers };
}

function retriesOf(value: string): number {
  if (!/^[0-9]{1,9}$/.test(value)) throw new OperationError("invalid", `invalid number of retries: ${value}`);
  return Number(value);
}

/** Go's form: `1m30s`. */
function durationNs(name: string, value: string): number {
  if (value === "0") return 0;
  if (!/^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$/.test(value))
    throw new OperationError("invalid", `time: invalid duration ${JSON.stringify(value)}`);
  let total = 0;
  for (const [, number = "", unit = ""] of value.matchAll(/([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * (UNIT_NS[unit] ?? 0);
  if (total < 1e6) throw new OperationError("invalid", `Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  return total;
}

function triggerOf(rest: string): string {
  const word = (/^\S+/.exec(rest)?.[0] ?? "").toUpperCase();
  if (word === "ONBUILD") throw new OperationError("invalid", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === "FROM" || word === "MAINTAINER")
    throw new OperationError("invalid", `${word} isn't allowed as an ONBUILD trigger`);
  return rest;
}

function union(present: readonly string[], added: readonly string[]): readonly string[] {
  return [...new Set([...present, ...added])];
}
