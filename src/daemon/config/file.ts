import { readFile } from "node:fs/promises";
import { parseJson } from "../../api/http/go-json.ts";
import { errnoCode, errorMessage, OperationError } from "../../lib/errors.ts";
import { OPTION_ENTRIES, type OptionName, REFUSED_OPTIONS, type Values } from "./options.ts";
import { goTypeOf, isObject } from "./value-kinds.ts";

/** The words before everything that is wrong with a file. */
export function inFile(path: string, reason: string, options?: ErrorOptions): OperationError {
  return new OperationError("invalid", `unable to configure the Docker daemon with file ${path}: ${reason}`, options);
}

/** @returns undefined where there is none. @throws OperationError `invalid` in dockerd's words. */
export async function readConfigFile(path: string): Promise<Values | undefined> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw inFile(path, errorMessage(error), { cause: error });
  }
  return parseConfigFile(content, path);
}

/** @throws OperationError `invalid` in dockerd's words. */
export function parseConfigFile(content: string, path: string): Values {
  const json = parse(content, path);
  const { proxies, ...top } = json;
  const directives: Record<string, unknown> = { ...top };
  if (proxies !== undefined && proxies !== null) {
    if (!isObject(proxies)) throw inFile(path, "invalid JSON: proxies is not an object");
    for (const [name, value] of Object.entries(proxies)) directives[`proxies.${name}`] = value;
  }
  const unknown = Object.keys(directives).filter(key => optionOf(key) === undefined && refusalOf(key) === undefined);
  if (unknown.length > 0) {
    throw inFile(path, `the following directives don't match any configuration option: ${unknown.sort().join(", ")}`);
  }
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const [key, value] of Object.entries(directives)) {
    if (value === null) continue; // As if it were not there.
    const refusal = refusalOf(key);
    if (refusal !== undefined) throw inFile(path, `the option ${key} is not supported: ${refusal}`);
    const found = optionOf(key);
    if (found !== undefined) values[found.name] = readDirective(found, { key, value, path });
  }
  return values as Values;
}

function parse(content: string, path: string): Readonly<Record<string, unknown>> {
  if (content.trim() === "") return {};
  let json: unknown;
  try {
    json = parseJson(content);
  } catch (error) {
    throw inFile(path, errorMessage(error).replace("unexpected EOF", "unexpected end of JSON input"), { cause: error });
  }
  if (!isObject(json)) {
    throw inFile(path, `invalid JSON: json: cannot unmarshal ${goTypeOf(json)} into Go value of type map[string]interface {}`);
  }
  return json;
}

type FileOption = { readonly name: OptionName; readonly read: (value: unknown, key: string) => unknown };

const OPTION_OF_KEY: ReadonlyMap<string, FileOption> = new Map(
  OPTION_ENTRIES.filter(([, { isFlagOnly }]) => isFlagOnly !== true).flatMap(([name, { keys, isProxy, kind }]) => {
    const option: FileOption = { name, read: (value, key) => kind.fromJson(value, key) };
    return (isProxy === true ? [`proxies.${name}`] : (keys ?? [name])).map(key => [key, option] as const);
  }),
);

function optionOf(key: string): FileOption | undefined {
  return OPTION_OF_KEY.get(key);
}

function refusalOf(key: string): string | undefined {
  return Object.entries(REFUSED_OPTIONS).find(([name, refused]) => (refused.key ?? name) === key)?.[1].because;
}

function readDirective(
  option: FileOption,
  { key, value, path }: { readonly key: string; readonly value: unknown; readonly path: string },
): unknown {
  try {
    return option.read(value, key);
  } catch (error) {
    throw inFile(path, `invalid JSON: ${errorMessage(error)}`, { cause: error });
  }
}
