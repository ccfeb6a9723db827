import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAB_ROOT } from "../../deploy/lab/paths.ts";

/** Debian's `libfaketime`. A time namespace moves the monotonic clock alone, so it is no use here. */
const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

export function hasClockLibrary(): boolean {
  return existsSync(LIBRARY);
}

/** Lets the lab's hosts have wall clocks of their own, from their next start on. */
export function enableHostClocks(): void {
  process.env["SHOAL_LAB_CLOCK_LIBRARY"] = LIBRARY;
}

/** How far a host's wall clock is from the machine's; its programs notice within a second. The monotonic clock goes on. */
export function setClock(lab: string, host: string, offsetMs: number): void {
  const seconds = (offsetMs / 1_000).toFixed(3);
  writeFileSync(join(LAB_ROOT, lab, host, "clock"), offsetMs < 0 ? seconds : `+${seconds}`);
}
