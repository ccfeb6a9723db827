import { CliError } from "../context.ts";
import { parseDuration } from "./units.ts";

/**
 * A time as a user gives it, in the API's seconds with a fraction: an age (`10m`), seconds since 1970, or a date with as much of a time as is known.
 * @throws CliError in the words of Docker's CLI.
 */
export function timestamp(flag: string, given: string, nowMs: number): string {
  const age = parseDuration(given);
  if (age !== undefined) return seconds(nowMs - age / 1e6);
  if (/^-?\d+(?:\.\d+)?$/.test(given)) return given;
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})?(?::(\d{2}))?(?::(\d{2})(\.\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?$/.exec(given);
  const [, day, hours = "00", minutes = "00", secondsText = "00", fraction = "", zone = ""] = match ?? [];
  const ms = Date.parse(`${day}T${hours}:${minutes}:${secondsText}${zone}`);
  if (match === null || Number.isNaN(ms))
    throw new CliError(`invalid value for "${flag}": failed to parse value as time or duration: ${JSON.stringify(given)}`);
  return `${ms / 1_000}.${fraction.slice(1).padEnd(9, "0")}`;
}

function seconds(ms: number): string {
  return `${Math.trunc(ms / 1_000)}.${String(Math.round((ms % 1_000) * 1e6)).padStart(9, "0")}`;
}
