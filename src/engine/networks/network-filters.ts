import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";
import type { EngineNetwork } from "../../model/engine-network.ts";
import { isPredefined } from "./network-record.ts";

type Check = (network: EngineNetwork, value: string) => boolean;

const CHECKS: Readonly<Record<string, Check>> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => name.includes(value),
  driver: ({ driver }, value) => driver === value,
  scope: ({ scope }, value) => scope === value,
  label: hasLabel,
  "label!": (network, value) => !hasLabel(network, value),
  type: (network, value) => (value === "builtin") === isPredefined(network),
  dangling: (network, value) => ["true", "1"].includes(value) === isDangling(network),
};

/** @throws OperationError `invalid` for a filter that networks do not have. */
export function matchesFilters(network: EngineNetwork, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => {
    const check = CHECKS[key];
    if (check === undefined) throw new OperationError("invalid", `invalid filter '${key}'`);
    if (key === "type" && values.some(value => value !== "custom" && value !== "builtin")) {
      throw new OperationError("invalid", `invalid filter: 'type'='${values.join(",")}'`);
    }
    // Several labels must all match, as Docker has it; of other filters any value will do.
    return key.startsWith("label") ? values.every(value => check(network, value)) : values.some(value => check(network, value));
  });
}

/** Of no use to anyone: not predefined, and nobody is on it. */
export function isDangling(network: EngineNetwork): boolean {
  return !isPredefined(network) && Object.keys(network.containers).length === 0;
}

function hasLabel({ labels }: EngineNetwork, value: string): boolean {
  const at = value.indexOf("=");
  if (at === -1) return value in labels;
  return labels[value.slice(0, at)] === value.slice(at + 1);
}

/** Whether prune may take it, by `until` (older than) and labels. @throws OperationError `invalid` for other filters. */
export function isPrunable(
  network: EngineNetwork,
  { filters, nowMs }: { readonly filters: Filters; readonly nowMs: number },
): boolean {
  const { until = [], ...others } = filters;
  for (const key of Object.keys(others)) {
    if (!key.startsWith("label")) throw new OperationError("invalid", `invalid filter '${key}'`);
  }
  const isOld = until.every(value => network.createdAtMs <= parseUntil(value, nowMs));
  return isOld && isDangling(network) && network.scope === "local" && matchesFilters(network, others);
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** A duration before now, seconds since 1970, or a date. */
function parseUntil(value: string, nowMs: number): number {
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length > 0 && parts.map(([text]) => text).join("") === value) {
    return nowMs - parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (UNIT_MS[unit] ?? 0), 0);
  }
  const atMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value);
  if (Number.isNaN(atMs)) throw new OperationError("invalid", `invalid filter 'until': ${value}`);
  return atMs;
}
