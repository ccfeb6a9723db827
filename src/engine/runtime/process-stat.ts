import { readKernelFile } from "./kernel-file.ts";

export interface ProcessStat {
  readonly name: string;
  /** `Z`: ended, not yet reaped. */
  readonly state: string;
  readonly parentPid: number;
  /** Field 22, in clock ticks since boot: with the pid it names one process for good. */
  readonly startTicks: number;
}

/** @see proc(5). The name may hold blanks and brackets: the last bracket ends it. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const [state = "", parentPid = ""] = fields;
  return { name: text.slice(open + 1, close), state, parentPid: Number(parentPid), startTicks: Number(fields[19] ?? "0") };
}

/** `undefined` when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readKernelFile(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

export const hasEnded = (stat: ProcessStat): boolean => stat.state === "Z" || stat.state === "X";
