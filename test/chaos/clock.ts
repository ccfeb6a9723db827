import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAB_ROOT } from "../../deploy/lab/paths.ts";

/** Debian's `libfaketime`. A time namespace moves the monotonic clock alone, so it is no use here. */
function clockLibrary(): string | undefined {
  const folders = readdirSync("/usr/lib").filter(name => name.endsWith("-linux-gnu"));
  return folders.map(folder => join("/usr/lib", folder, "faketime/libfaketime.so.1")).find(existsSync);
}

export function hasClockLibrary(): boolean {
  return clockLibrary() !== undefined;
}

/** Lets the lab's hosts have wall clocks of their own, from their next start on. */
export function enableHostClocks(): void {
  const library = clockLibrary();
  if (library === undefined) throw new Error("libfaketime is not there");
  process.env["SHOAL_LAB_CLOCK_LIBRARY"] = library;
}

/** How far a host's wall clock is from the machine's; its programs notice within a second. The monotonic clock goes on. */
export function setClock(lab: string, host: string, offsetMs: number): void {
  const seconds = (offsetMs / 1_000).toFixed(3);
  writeFileSync(join(LAB_ROOT, lab, host, "clock"), offsetMs < 0 ? seconds : `+${seconds}`);
}
