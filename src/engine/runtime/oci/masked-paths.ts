import type { HostConfig } from "../../../model/container.ts";

/** @see moby oci/defaults.go. */
export const MASKED_PATHS = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
] as const;
export const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"] as const;

export interface HiddenPaths {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

/** What the request says, where it says anything (an empty list hides nothing); else the defaults, which privilege takes away. */
export function hiddenPaths(
  { maskedPaths, readonlyPaths, privileged }: Pick<HostConfig, "maskedPaths" | "readonlyPaths" | "privileged">,
  { isSystemPathsUnconfined }: { readonly isSystemPathsUnconfined: boolean },
): HiddenPaths {
  const isOpen = privileged || isSystemPathsUnconfined;
  return {
    maskedPaths: isOpen ? [] : (maskedPaths ?? MASKED_PATHS),
    readonlyPaths: isOpen ? [] : (readonlyPaths ?? READONLY_PATHS),
  };
}
