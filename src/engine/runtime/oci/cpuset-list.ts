import { OperationError } from "../../../lib/errors.ts";

/** More than any machine has; a range to 2^31 is never spelt out. @see moby daemon/daemon_unix.go. */
const NUMBER_MAX = 8192;

/**
 * The greatest number of `0,2-4`.
 *
 * @returns undefined for an empty list, which sets nothing.
 * @throws OperationError `invalid` in Docker's words.
 */
export function highestOfCpuset(kind: "cpus" | "mems", list: string): number | undefined {
  if (list === "") return undefined;
  const refuse = (why: string): never => {
    throw new OperationError("invalid", `Invalid value ${list} for cpuset ${kind}: ${why}`);
  };
  let highest = 0;
  for (const part of list.split(",")) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) refuse(`invalid format: ${list}`);
    if (Number(last) > NUMBER_MAX) refuse(`value of out range, maximum is ${NUMBER_MAX}`);
    highest = Math.max(highest, Number(last));
  }
  return highest;
}
