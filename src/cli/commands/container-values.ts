import { readFileSync } from "node:fs";
import { FlagValueError } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { CliError, type Json } from "../context.ts";
import { parseSize } from "../format/units.ts";

/** One value of a flag that is text. */
export function value(flags: FlagValues, name: string): string | undefined {
  const given = flags[name];
  return typeof given === "string" ? given : undefined;
}

export function lists(flags: FlagValues, name: string): readonly string[] {
  const given = flags[name];
  return Array.isArray(given) ? (given as readonly string[]) : [];
}

/** Checked when the flag was read. */
export function integer(flags: FlagValues, name: string): number | undefined {
  const given = value(flags, name);
  return given === undefined ? undefined : Number(given);
}

export function size(flags: FlagValues, name: string): number | undefined {
  const given = value(flags, name);
  return given === undefined ? undefined : given === "-1" ? -1 : parseSize(given);
}

export function splitAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

export function pairs(items: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(items.map(item => splitAt(item, "=")));
}

export function withoutUndefined(object: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(object).filter(([, item]) => item !== undefined));
}

/** Labels from files and flags; an empty name is refused. */
export function labels(flags: FlagValues): Readonly<Record<string, string>> {
  for (const label of lists(flags, "label"))
    if (label === "" || label.startsWith("=")) throw new FlagValueError("label", label, `invalid label '${label}': empty name`);
  return pairs([...lists(flags, "labelFile").flatMap(path => readVariables(path, () => undefined)), ...lists(flags, "label")]);
}

/** `--env-file` first, then `--env`; a name alone takes our value, and without one asks for the image's variable to go. */
export function environment(flags: FlagValues): readonly string[] {
  for (const item of lists(flags, "env"))
    if (item.startsWith("=")) throw new FlagValueError("env", item, `invalid environment variable: ${item}`);
  return [
    ...lists(flags, "envFile").flatMap(path => readVariables(path, name => process.env[name])),
    ...lists(flags, "env").map(item => {
      const inherited = item.includes("=") ? undefined : process.env[item];
      return inherited === undefined ? item : `${item}=${inherited}`;
    }),
  ];
}

/** @param inherited - The value of a name that stands alone; nothing leaves it out. */
function readVariables(path: string, inherited: (name: string) => string | undefined): readonly string[] {
  return readText(path)
    .split("\n")
    .map(line => line.replace(/\r$/, "").trimStart())
    .filter(line => line !== "" && !line.startsWith("#"))
    .flatMap(line => {
      const [name] = splitAt(line, "=");
      if (/\s/.test(name)) throw new CliError(`invalid env file (${path}): variable '${name}' contains whitespaces`);
      if (name === "") throw new CliError(`invalid env file (${path}): no variable name on line '${line}'`);
      if (line.includes("=")) return [line];
      const value = inherited(line);
      return value === undefined ? [] : [`${line}=${value}`];
    });
}

/** @throws CliError in the words of Go's file calls. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const reason = code === "EACCES" ? "permission denied" : code === "EISDIR" ? "is a directory" : "no such file or directory";
    throw new CliError(`open ${path}: ${reason}`);
  }
}

/** `unless-stopped`, `on-failure:3`. */
export function restartPolicy(text: string): Json {
  const [name, count] = splitAt(text, ":");
  if (count !== "" && !/^-?\d+$/.test(count))
    throw new CliError("invalid restart policy format: maximum retry count must be an integer");
  return { Name: name, MaximumRetryCount: Number(count) };
}

export function parseUlimit(text: string): Json {
  const [name, limits] = splitAt(text, "=");
  if (limits === "") throw new FlagValueError("ulimit", text, `invalid ulimit argument: ${text}`);
  const [soft, hard = soft] = limits.split(":");
  for (const limit of [soft, hard])
    if (!/^-?\d+$/.test(limit ?? ""))
      throw new FlagValueError("ulimit", text, `strconv.ParseInt: parsing "${limit ?? ""}": invalid syntax`);
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

/** `/dev/a[:/dev/b][:rwm]`. */
export function parseDevice(text: string): Json {
  const [onHost = "", second, third, ...rest] = text.split(":");
  if (rest.length > 0) throw new CliError(`bad format for path: ${text}`);
  const isMode = second !== undefined && third === undefined && /^[rwm]+$/.test(second);
  return {
    PathOnHost: onHost,
    PathInContainer: second === undefined || isMode ? onHost : second,
    CgroupPermissions: isMode ? second : (third ?? "rwm"),
  };
}

/** `/dev/sda:1mb` and the like. */
export function deviceRates(
  flags: FlagValues,
  {
    flag,
    field,
    parse,
  }: { readonly flag: string; readonly field: "Rate" | "Weight"; readonly parse: (text: string) => number | undefined },
): readonly Json[] {
  const key = flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return lists(flags, key).map(given => {
    const [path, rate] = splitAt(given, ":");
    if (rate === "") throw new FlagValueError(flag, given, `bad format: ${given}`);
    if (!path.startsWith("/dev/")) throw new FlagValueError(flag, given, `bad format for device path: ${given}`);
    const parsed = parse(rate);
    if (parsed === undefined) throw new FlagValueError(flag, given, `invalid rate for device: ${given}`);
    return { Path: path, [field]: parsed };
  });
}

/** `all`, `2`, `device=0,capabilities=utility`. */
export function parseGpus(text: string): Json {
  const request: { [key: string]: Json } = { Driver: "", Count: 1, DeviceIDs: null, Capabilities: [["gpu"]], Options: {} };
  for (const item of text.split(",")) {
    const [key, setting] = item.includes("=") ? splitAt(item, "=") : ["count", item];
    if (key === "count") request["Count"] = setting === "all" ? -1 : Number(setting);
    else if (key === "device") request["DeviceIDs"] = [setting];
    else if (key === "driver") request["Driver"] = setting;
    else if (key === "capabilities") request["Capabilities"] = [["gpu", ...setting.split(" ")]];
    else throw new FlagValueError("gpus", text, `unexpected key '${key}' in '${item}'`);
    if (Number.isNaN(request["Count"]))
      throw new FlagValueError("gpus", text, `invalid count (${setting}): value must be either "all" or an integer`);
  }
  return request;
}
