import { field, type Json, list, text } from "../context.ts";
import { pairs, parseUlimit, splitAt } from "./container-values.ts";
import { HOST_OPTION_CHANGES } from "./service-host-options.ts";
import { GENERIC_RESOURCE_CHANGES } from "./service-generic-resources.ts";
import { withPath } from "./with-path.ts";

type Value = string | boolean | readonly string[];
type Change = (spec: Json, value: Value) => Json;

const CONTAINER = ["TaskTemplate", "ContainerSpec"];

function many(value: Value): readonly string[] {
  return typeof value === "object" ? value : [String(value)];
}

/** A flag that fills a list of words, and its `-add` and `-rm` of an update. */
function words(
  flag: string,
  path: readonly string[],
  read: (item: string) => string = item => item,
): Readonly<Record<string, Change>> {
  const before = (spec: Json): readonly Json[] => list(spec, ...path);
  return {
    [flag]: (spec, value) => withPath(spec, path, many(value).map(read)),
    [`${flag}Add`]: (spec, value) => withPath(spec, path, [...new Set([...before(spec), ...many(value).map(read)])]),
    [`${flag}Rm`]: (spec, value) => {
      const gone = many(value).map(read);
      return withPath(
        spec,
        path,
        before(spec).filter(item => !gone.includes(text(item))),
      );
    },
  };
}

/** The same for a map. */
function maps(flag: string, path: readonly string[]): Readonly<Record<string, Change>> {
  const before = (spec: Json): Readonly<Record<string, Json>> => ({
    ...(field(spec, ...path) as Record<string, Json> | undefined),
  });
  return {
    [flag]: (spec, value) => withPath(spec, path, { ...before(spec), ...pairs(many(value)) }),
    [`${flag}Add`]: (spec, value) => withPath(spec, path, { ...before(spec), ...pairs(many(value)) }),
    [`${flag}Rm`]: (spec, value) =>
      withPath(spec, path, Object.fromEntries(Object.entries(before(spec)).filter(([key]) => !many(value).includes(key)))),
  };
}

function capability(name: string): string {
  const upper = name.toUpperCase();
  return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
}

/** `name:address` as a line of /etc/hosts. */
function hostLine(given: string): string {
  const [name, address] = splitAt(given, ":");
  return `${address} ${name}`;
}

/** Flags of services that stand for lists and maps. */
export const LIST_CHANGES: Readonly<Record<string, Change>> = {
  ...words("dns", [...CONTAINER, "DNSConfig", "Nameservers"]),
  ...words("dnsOption", [...CONTAINER, "DNSConfig", "Options"]),
  ...words("dnsSearch", [...CONTAINER, "DNSConfig", "Search"]),
  ...words("host", [...CONTAINER, "Hosts"], hostLine),
  ...words("group", [...CONTAINER, "Groups"]),
  ...maps("sysctl", [...CONTAINER, "Sysctls"]),
  ...maps("logOpt", ["TaskTemplate", "LogDriver", "Options"]),
  capAdd: (spec, value) => withPath(spec, [...CONTAINER, "CapabilityAdd"], many(value).map(capability)),
  capDrop: (spec, value) => withPath(spec, [...CONTAINER, "CapabilityDrop"], many(value).map(capability)),
  ulimit: (spec, value) => withPath(spec, [...CONTAINER, "Ulimits"], many(value).map(parseUlimit)),
  ulimitAdd: (spec, value) =>
    withPath(spec, [...CONTAINER, "Ulimits"], [...list(spec, ...CONTAINER, "Ulimits"), ...many(value).map(parseUlimit)]),
  ulimitRm: (spec, value) =>
    withPath(
      spec,
      [...CONTAINER, "Ulimits"],
      list(spec, ...CONTAINER, "Ulimits").filter(limit => !many(value).includes(text(limit, "Name"))),
    ),
  ...GENERIC_RESOURCE_CHANGES,
  ...HOST_OPTION_CHANGES,
};
