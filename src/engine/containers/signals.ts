import { constants } from "node:os";
import { OperationError } from "../../lib/errors.ts";

const REAL_TIME_MIN = 34;
export const SIGNAL_MAX = 64;
const ALIASES: Readonly<Record<string, number>> = { CLD: 17, RTMIN: REAL_TIME_MIN, RTMAX: SIGNAL_MAX };

/** A name with or without SIG, or a number. @throws OperationError `invalid` in Docker's words. */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : signalNumber(text.toUpperCase().replace(/^SIG/, ""));
  if (number === undefined || number < 1 || number > SIGNAL_MAX) throw new OperationError("invalid", `invalid signal: ${text}`);
  return number;
}

/** The word that events show is the number. */
export const SIGKILL = 9;
export const SIGTERM = 15;

function signalNumber(name: string): number | undefined {
  const realTime = /^RT(MIN|MAX)([+-]\d+)$/.exec(name);
  if (realTime !== null) return (realTime[1] === "MIN" ? REAL_TIME_MIN : SIGNAL_MAX) + Number(realTime[2]);
  const known: Readonly<Record<string, number>> = constants.signals;
  return ALIASES[name] ?? known[`SIG${name}`];
}
