import { OperationError } from "../../../lib/errors.ts";
import { goDurationMs } from "../../../lib/go-values.ts";
import type { Healthcheck } from "../../../model/cluster.ts";
import { readFlags } from "./flags.ts";
import type { DockerfileNode } from "./parse-dockerfile.ts";

const NS_PER_MS = 1e6;
const RETRIES_MAX = 2 ** 31 - 1;

/** @throws OperationError `invalid`, in Docker's words. */
export function readHealthcheck({ args: [type, ...command], flags, isJson }: DockerfileNode): Healthcheck {
  if (type === undefined) throw new OperationError("invalid", "HEALTHCHECK requires at least one argument");
  if (type.toUpperCase() === "NONE") {
    if (command.length > 0) throw new OperationError("invalid", "HEALTHCHECK NONE takes no arguments");
    return { test: ["NONE"] };
  }
  const values = readFlags(flags, {
    interval: "text",
    timeout: "text",
    "start-period": "text",
    "start-interval": "text",
    retries: "text",
  });
  if (type.toUpperCase() !== "CMD") {
    throw new OperationError("invalid", `Unknown type ${JSON.stringify(type.toUpperCase())} in HEALTHCHECK (try CMD)`);
  }
  if (command.length === 0) throw new OperationError("invalid", "Missing command after HEALTHCHECK CMD");
  const duration = (name: string): number => durationNs(name, values.get(name)?.[0] ?? "");
  const numbers = {
    intervalNs: duration("interval"),
    timeoutNs: duration("timeout"),
    startPeriodNs: duration("start-period"),
    startIntervalNs: duration("start-interval"),
    retries: retriesOf(values.get("retries")?.[0] ?? ""),
  };
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0));
  return { test: isJson ? ["CMD", ...command] : ["CMD-SHELL", command.join(" ")], ...given };
}

function durationNs(name: string, text: string): number {
  if (text === "") return 0;
  const ns = goDurationMs(text) * NS_PER_MS;
  if (ns === 0 || ns >= NS_PER_MS) return ns;
  throw new OperationError("invalid", `Interval ${JSON.stringify(name)} cannot be less than 1ms`);
}

function retriesOf(text: string): number {
  if (text === "") return 0;
  const shown = JSON.stringify(text);
  if (!/^[+-]?\d+$/.test(text)) throw new OperationError("invalid", `strconv.ParseInt: parsing ${shown}: invalid syntax`);
  const value = Number(text);
  if (Math.abs(value) > RETRIES_MAX)
    throw new OperationError("invalid", `strconv.ParseInt: parsing ${shown}: value out of range`);
  if (value < 0) throw new OperationError("invalid", `--retries cannot be negative (${value})`);
  return value;
}
