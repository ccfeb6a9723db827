import { constants } from "node:os";
import { refuseIf } from "./refuse.ts";

const REALTIME_FIRST = 34;
const SIGNAL_MAX = 64;

/** A number, `TERM`, `SIGTERM`, `SIGRTMIN+3`. @throws OperationError `invalid`. */
export function checkSignal(signal: string): void {
  if (signal === "") return;
  const number = Number(signal);
  if (/^\d+$/.test(signal)) return refuseIf(number < 1 || number > SIGNAL_MAX, `invalid signal: ${signal}`);
  const name = signal.toUpperCase().replace(/^SIG/, "");
  refuseIf(!isKnown(name), `invalid signal: ${signal}`);
}

function isKnown(name: string): boolean {
  if (Object.hasOwn(constants.signals, `SIG${name}`)) return true;
  const found = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (found === null) return false;
  const [, base, sign = "+", offset = "0"] = found;
  const number = (base === "MIN" ? REALTIME_FIRST : SIGNAL_MAX) + Number(`${sign}${offset}`);
  return number >= REALTIME_FIRST && number <= SIGNAL_MAX;
}
