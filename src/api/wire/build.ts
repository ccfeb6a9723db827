import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { HostConfig } from "../../model/container.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { parseJson } from "../http/go-json.ts";
import { isRecord, JsonTypeError, TOP } from "./codec.ts";
import { ulimit } from "./common.ts";
import { hostConfig } from "./host-config.ts";
import { list } from "./scalars.ts";

const DEFAULT_REGISTRY = "https://index.docker.io/v1/";

/** A parameter that is JSON: names to texts. A `null` is a name without one. @throws OperationError `invalid`. */
export function textMap(
  request: ApiRequest,
  { name, what }: { readonly name: string; readonly what: string },
): ReadonlyMap<string, string | undefined> {
  const value = jsonOf(request, { name, what });
  if (value === undefined || value === null) return new Map();
  if (!isRecord(value)) throw unreadable(what, `cannot unmarshal into a map of texts: ${JSON.stringify(value)}`);
  return new Map(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== "string" && text !== null) throw unreadable(what, `the value of ${JSON.stringify(key)} is not a text`);
      return [key, text ?? undefined];
    }),
  );
}

/** @throws OperationError `invalid`. */
export function textList(
  request: ApiRequest,
  { name, what }: { readonly name: string; readonly what: string },
): readonly string[] {
  const value = jsonOf(request, { name, what }) ?? [];
  if (Array.isArray(value) && value.every(item => typeof item === "string")) return value;
  throw unreadable(what, "not a list of texts");
}

/** What containers of a build's steps are limited to. They keep no log. */
export function buildHostConfig(request: ApiRequest): HostConfig {
  if (request.query.has("securityopt")) throw new OperationError("invalid", "security options are not supported on linux");
  const text = (name: string): string => request.query.get(name) ?? "";
  const isolation = text("isolation");
  if (!["", "default"].includes(isolation.toLowerCase())) {
    throw new OperationError("invalid", `unsupported isolation: ${JSON.stringify(isolation)}`);
  }
  return {
    ...hostConfig.read({}),
    logConfig: { type: "none", options: {} },
    networkMode: text("networkmode"),
    extraHosts: request.query.getAll("extrahosts"),
    shmSizeBytes: shmSize(text("shmsize")),
    memoryBytes: numberOrZero(text("memory")),
    memorySwapBytes: numberOrZero(text("memswap")),
    cpuShares: numberOrZero(text("cpushares")),
    cpuPeriodUs: numberOrZero(text("cpuperiod")),
    cpuQuotaUs: numberOrZero(text("cpuquota")),
    cpusetCpus: text("cpusetcpus"),
    cpusetMems: text("cpusetmems"),
    cgroupParent: text("cgroupparent"),
    ulimits: ulimitsOf(request),
  };
}

function ulimitsOf(request: ApiRequest): HostConfig["ulimits"] {
  const what = "ulimit settings";
  try {
    return list(ulimit).read(jsonOf(request, { name: "ulimits", what }), TOP);
  } catch (error) {
    if (error instanceof JsonTypeError) throw unreadable(what, error.message);
    throw error;
  }
}

/** As Docker reads these: what is no number is none. */
function numberOrZero(text: string): number {
  const value = Number(text);
  return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(value) ? value : 0;
}

function shmSize(text: string): number {
  if (text === "") return 0;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new OperationError("internal", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/**
 * `X-Registry-Config`: a registry's credentials, by its name or address. What cannot be read counts as not given, as in Docker: a base image
 * may be public.
 * @returns the header that a pull from a registry takes.
 */
export function registryAuth(header: string | readonly string[] | undefined): (registry: string) => string | undefined {
  const configs = typeof header === "string" ? decoded(header) : {};
  return registry => {
    const names = registry === "docker.io" ? [DEFAULT_REGISTRY, registry] : [registry];
    const found = Object.entries(configs).find(([key]) => names.includes(key) || names.includes(hostOf(key)));
    return found === undefined ? undefined : Buffer.from(JSON.stringify(found[1])).toString("base64url");
  };
}

function decoded(header: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(Buffer.from(header, "base64url").toString("utf8")) as unknown;
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
}

function jsonOf(request: ApiRequest, { name, what }: { readonly name: string; readonly what: string }): unknown {
  const text = request.query.get(name) ?? "";
  if (text === "") return undefined;
  try {
    return parseJson(text);
  } catch (error) {
    throw unreadable(what, errorMessage(error).replace(/^invalid JSON: /, ""));
  }
}

function unreadable(what: string, reason: string): OperationError {
  return new OperationError("invalid", `error reading ${what}: ${reason}`);
}
