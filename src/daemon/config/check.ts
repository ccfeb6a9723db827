import { isIP } from "node:net";
import { IPV6_MTU_BYTES_MIN } from "../../engine/networks/plan-network.ts";
import { type IpFamily, parseInterfaceAddress } from "../../lib/ip-address.ts";
import { parseGenericResources } from "./generic-resources.ts";
import type { Values } from "./options.ts";
import { cut, invalid } from "./value-kinds.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ["json", "text"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const DOMAIN = /^(?:\.|[a-z0-9]([a-z0-9.-]*[a-z0-9.])?)$/i;
const CGROUP_DRIVER = "native.cgroupdriver";

/** Settings that can be had in one way alone: any other is refused with the reason. */
const ONE_WAY: readonly {
  readonly name: "experimental" | "iptables" | "selinux-enabled" | "storage-driver" | "firewall-backend";
  readonly only: readonly (string | boolean)[];
  readonly because: string;
}[] = [
  { name: "experimental", only: [false], because: "nothing here is experimental" },
  { name: "iptables", only: [true], because: "networks and published ports are made of rules" },
  { name: "selinux-enabled", only: [false], because: "containers are not labelled for SELinux" },
  { name: "storage-driver", only: ["", "overlay2"], because: "there is no driver but overlay2" },
  { name: "firewall-backend", only: ["", "iptables"], because: "there is no backend but iptables" },
];

/** @throws OperationError `invalid` for what cannot be honoured, in dockerd's words where it has some. */
export function checkValues(values: Values): void {
  for (const { name, only, because } of ONE_WAY) {
    const value = values[name];
    if (value !== undefined && !only.includes(value)) throw invalid(`${name} cannot be ${String(value)}: ${because}`);
  }
  checkWords(values);
  checkRuntimes(values["add-runtime"]);
  checkNumbers(values);
  checkNetwork(values);
  for (const mirror of values["registry-mirror"] ?? []) checkMirror(mirror);
  for (const option of values["exec-opt"] ?? []) checkExecOption(option);
  checkFeatures(values.feature ?? {});
  checkLabels(values.label ?? []);
  parseGenericResources(values["node-generic-resource"] ?? []);
}

function checkRuntimes(runtimes: Values["add-runtime"] = {}): void {
  for (const [name, { path }] of Object.entries(runtimes)) {
    if (name === "runc") throw invalid("runtime name 'runc' is reserved");
    if (path === "") throw invalid(`runtime ${name} has no path`);
  }
}

function checkWords(values: Values): void {
  const { "log-level": level, "log-format": format, "default-ipc-mode": ipc, "default-cgroupns-mode": cgroupns } = values;
  if (level !== undefined && !isOneOf(LOG_LEVELS, level)) throw invalid(`invalid logging level: ${level}`);
  if (format !== undefined && !isOneOf(LOG_FORMATS, format)) throw invalid(`invalid log format: ${format}`);
  if (ipc !== undefined && !["private", "shareable"].includes(ipc)) {
    throw invalid(`IPC mode "${ipc}" is not supported as default value; use "shareable" or "private"`);
  }
  if (cgroupns !== undefined && !["host", "private"].includes(cgroupns)) {
    throw invalid(`invalid default cgroup namespace (${cgroupns}): use "host" or "private"`);
  }
}

function checkNumbers(values: Values): void {
  const notNegative = {
    "max concurrent downloads": values["max-concurrent-downloads"],
    "max concurrent uploads": values["max-concurrent-uploads"],
    "max download attempts": values["max-download-attempts"],
    "default MTU": values.mtu,
    "default stop timeout": values["default-stop-timeout"],
  };
  for (const [what, value = 0] of Object.entries(notNegative)) if (value < 0) throw invalid(`invalid ${what}: ${value}`);
}

function checkNetwork(values: Values): void {
  const { bip = "", bip6 = "", "fixed-cidr": range = "", "fixed-cidr-v6": ipv6Range = "" } = values;
  checkCidr(bip, 4);
  checkCidr(bip6, 6);
  checkCidr(range, 4);
  checkCidr(ipv6Range, 6);
  if (values.ipv6 === true && (values.mtu ?? 0) > 0 && (values.mtu ?? 0) < IPV6_MTU_BYTES_MIN) {
    throw invalid(`invalid default MTU: ${values.mtu}: IPv6 needs at least ${IPV6_MTU_BYTES_MIN}`);
  }
  const gateways = values["host-gateway-ip"] ?? [];
  for (const family of [4, 6] as const) {
    if (gateways.filter(address => isIP(address) === family).length > 1) {
      throw invalid(`only one IPv${family} host gateway IP address can be specified`);
    }
  }
  for (const domain of values["dns-search"] ?? []) if (!DOMAIN.test(domain)) throw invalid(`${domain} is not a valid domain`);
  const [driver] = Object.keys(values["default-network-opt"] ?? {}).filter(name => name !== "bridge");
  if (driver !== undefined) throw invalid(`default-network-opts: there are options of driver bridge alone, not of ${driver}`);
}

function checkCidr(text: string, family: IpFamily): void {
  if (text === "") return;
  const parsed = parseInterfaceAddress(text);
  if (parsed === undefined) throw invalid(`invalid CIDR address: ${text}`);
  if (parsed.subnet.family !== family) throw invalid(`invalid CIDR address: ${text}: an IPv${family} address is wanted`);
}

function checkMirror(mirror: string): void {
  const schemes = "must use either 'https://' or 'http://'";
  const [, scheme, host = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(mirror) ?? [];
  if (scheme === undefined) throw invalid(`invalid mirror: no scheme specified for "${mirror}": ${schemes}`);
  if (!/^https?$/i.test(scheme)) throw invalid(`invalid mirror: unsupported scheme "${scheme}" in "${mirror}": ${schemes}`);
  if (host === "") throw invalid(`invalid mirror: "${mirror}" names no host`);
}

function checkExecOption(option: string): void {
  const [name, value] = cut(option, "=");
  if (name !== CGROUP_DRIVER) throw invalid(`invalid exec-opt (${option}): unknown option: '${name}'`);
  if (value !== "cgroupfs") throw invalid(`invalid exec-opt (${option}): there is no cgroup driver but cgroupfs`);
}

function checkFeatures(features: Readonly<Record<string, boolean>>): void {
  for (const [name, isOn] of Object.entries(features)) {
    if (isOn) throw invalid(`the feature ${name} cannot be turned on: this engine has no such part`);
  }
}

function checkLabels(labels: readonly string[]): void {
  const values = new Map<string, string>();
  for (const label of labels) {
    const [name, value] = cut(label, "=");
    if (value === undefined) throw invalid(`bad attribute format: ${label}`);
    const before = values.get(name);
    if (before !== undefined && before !== value) throw invalid(`conflict labels for ${label} and ${name}=${before}`);
    values.set(name, value);
  }
}

export function isOneOf<T extends string>(words: readonly T[], word: string): word is T {
  return (words as readonly string[]).includes(word);
}
