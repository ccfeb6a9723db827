import { isIP, isIPv6 } from "node:net";
import {
  cut,
  invalid,
  isObject,
  LIST,
  mapOf,
  showMap,
  TEXT,
  type TextMap,
  TEXT_MAP,
  type ValueKind,
  wrongType,
} from "./value-kinds.ts";

const SIZE_UNITS = "bkmgtp";

/** Bytes: `64m`, `1.5GiB`; in daemon.json as text too. */
export const SIZE: ValueKind<number> = {
  words: "size",
  fromFlag: parseSize,
  fromJson: value => {
    if (typeof value !== "string") throw invalid(`invalid size: ${JSON.stringify(JSON.stringify(value))}`);
    return parseSize(value);
  },
  show: String,
};

function parseSize(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === "") throw invalid(`invalid size: '${text}'`);
  return Math.floor(Number(number) * 1024 ** Math.max(0, SIZE_UNITS.indexOf(unit.toLowerCase() || "b")));
}

/** An address of the host's. */
export const ADDRESS: ValueKind<string> = {
  words: "IP address",
  fromFlag: given => {
    if (isIP(given) === 0) throw invalid(`failed to parse IP: ${JSON.stringify(given)}`);
    return given;
  },
  fromJson: (value, path) => checkedAddress(TEXT.fromJson(value, path)),
  show: value => value,
};

export const ADDRESSES: ValueKind<readonly string[]> = {
  words: "list of IP addresses",
  fromFlag: (given, before = []) => {
    for (const address of given.split(",")) {
      if (isIP(address) === 0) throw invalid(`invalid string being converted to IP address: ${address}`);
    }
    return [...before, ...given.split(",")];
  },
  fromJson: (value, path) => (typeof value === "string" ? [value] : LIST.fromJson(value, path)).map(checkedAddress),
  show: values => LIST.show(values),
};

function checkedAddress(text: string): string {
  if (isIP(text) === 0) throw invalid(`invalid IP address: ${text}`);
  return text;
}

export interface UlimitValue {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** By name. */
export const ULIMITS: ValueKind<Readonly<Record<string, UlimitValue>>> = {
  words: "limits",
  fromFlag: (given, before = {}) => {
    const [, name, soft, hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(given) ?? [];
    if (name === undefined) throw invalid(`invalid ulimit argument: ${given}`);
    return { ...before, [name]: checkedUlimit({ name, soft: Number(soft), hard: Number(hard) }) };
  },
  fromJson: (value, path) =>
    mapOf(value, {
      path,
      wanted: "map[string]*container.Ulimit",
      read: (item, at) => {
        if (!isObject(item)) return wrongType(item, { path: at, wanted: "container.Ulimit" });
        const { Name = at.split(".").at(-1), Soft = 0, Hard = 0 } = item;
        if (typeof Name !== "string" || !Number.isInteger(Soft) || !Number.isInteger(Hard))
          return wrongType(item, { path: at, wanted: "container.Ulimit" });
        return checkedUlimit({ name: Name, soft: Number(Soft), hard: Number(Hard) });
      },
    }),
  show: limits => `[${Object.values(limits).map(showUlimit).join(" ")}]`,
};

function showUlimit({ name, soft, hard }: UlimitValue): string {
  return `${name}=${soft}:${hard}`;
}

function checkedUlimit(limit: UlimitValue): UlimitValue {
  const { soft, hard } = limit;
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return limit;
}

export interface AddressPoolValue {
  readonly base: string;
  /** Bits of the prefix of each network cut from it. */
  readonly size: number;
}

/** Where subnets come from. */
export const POOLS: ValueKind<readonly AddressPoolValue[]> = {
  words: "list of address pools",
  fromFlag: (given, before = []) => {
    const fields: Record<string, string> = {};
    for (const field of given.split(",")) {
      const [name, value] = cut(field, "=");
      if (value === undefined) throw invalid(`invalid field '${field}' must be a key=value pair`);
      if (name !== "base" && name !== "size") throw invalid(`unexpected key '${name}' in '${field}'`);
      fields[name] = value;
    }
    return [...before, checkedPool({ base: fields["base"] ?? "", size: Number(fields["size"] ?? NaN) })];
  },
  fromJson: (value, path) => {
    if (!Array.isArray(value)) return wrongType(value, { path, wanted: "[]*ipamutils.NetworkToSplit" });
    return value.map(item => {
      if (!isObject(item)) return wrongType(item, { path, wanted: "ipamutils.NetworkToSplit" });
      return checkedPool({ base: TEXT.fromJson(item["base"], `${path}.base`), size: Number(item["size"]) });
    });
  },
  show: pools => `[${pools.map(({ base, size }) => `{${base} ${size}}`).join(" ")}]`,
};

function checkedPool(pool: AddressPoolValue): AddressPoolValue {
  const [address, prefix] = cut(pool.base, "/");
  const bits = Number(prefix);
  const addressBits = isIPv6(address) ? 128 : 32;
  if (isIP(address) === 0 || prefix === undefined || !(bits >= 0 && bits <= addressBits)) {
    throw invalid(`invalid base pool ${JSON.stringify(pool.base)}: it has to be ADDRESS/BITS`);
  }
  if (!Number.isInteger(pool.size) || pool.size < bits || pool.size > addressBits - 2) {
    throw invalid(`invalid pool size ${pool.size}: it has to be from ${bits} to ${addressBits - 2}`);
  }
  return pool;
}

export interface RuntimeValue {
  readonly path: string;
  readonly args: readonly string[];
}

/** OCI runtimes by name. */
export const RUNTIMES: ValueKind<Readonly<Record<string, RuntimeValue>>> = {
  words: "runtimes",
  fromFlag: (given, before = {}) => {
    const [name, path] = cut(given, "=");
    if (path === undefined) throw invalid(`invalid runtime argument: ${given}`);
    return { ...before, [name.trim()]: { path: path.trim(), args: [] } };
  },
  fromJson: (value, path) => mapOf(value, { path, wanted: "map[string]system.Runtime", read: runtimeOf }),
  show: runtimes => showMap(Object.fromEntries(Object.entries(runtimes).map(([name, runtime]) => [name, runtime.path]))),
};

function runtimeOf(item: unknown, at: string): RuntimeValue {
  if (!isObject(item)) return wrongType(item, { path: at, wanted: "system.Runtime" });
  const { path = "", runtimeArgs = [], ...others } = item;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${at}.${unknown} is not supported: a runtime is a program, named by its path`);
  return { path: TEXT.fromJson(path, `${at}.path`), args: LIST.fromJson(runtimeArgs, `${at}.runtimeArgs`) };
}

/** Options of a driver's networks, by driver. */
export const NETWORK_OPTIONS: ValueKind<Readonly<Record<string, TextMap>>> = {
  words: "options by driver",
  fromFlag: (given, before = {}) => {
    const [driver, rest = ""] = cut(given, "=");
    const [name, value] = cut(rest, "=");
    if (value === undefined) throw invalid(`invalid value ${JSON.stringify(given)} for map option, should be root-key=key=value`);
    return { ...before, [driver]: { ...before[driver], [name]: value } };
  },
  fromJson: (value, path) =>
    mapOf(value, { path, wanted: "map[string]map[string]string", read: (item, at) => TEXT_MAP.fromJson(item, at) }),
  show: drivers => showMap(Object.fromEntries(Object.entries(drivers).map(([name, map]) => [name, showMap(map)]))),
};
