import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { OciCapabilities } from "./types.ts";

/** In the kernel's numbering: index is the capability's number. @see linux/capability.h. */
export const CAPABILITY_NAMES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST " +
  "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE " +
  "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM " +
  "BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map(name => `CAP_${name}`);

/** What a container has unless told otherwise. @see moby oci/defaults.go. */
export const DEFAULT_CAPABILITIES =
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    .split(" ")
    .map(name => `CAP_${name}`);

/** @param mask - Hexadecimal, as in /proc/PID/status. */
export function capabilitiesOfMask(mask: string): readonly string[] {
  const bits = BigInt(`0x${mask}`);
  return CAPABILITY_NAMES.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

const ALL = "ALL";

interface NamesRequest {
  readonly names: readonly string[];
  readonly available: readonly string[];
}

function normalize(option: "CapAdd" | "CapDrop", { names, available }: NamesRequest): readonly string[] {
  return names.map(given => {
    const upper = given.toUpperCase();
    if (upper === ALL || upper === "CAP_ALL") return ALL;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!CAPABILITY_NAMES.includes(name)) throw new OperationError("invalid", `invalid ${option}: unknown capability: "${name}"`);
    if (!available.includes(name)) {
      const why = "capability not supported by your kernel or not available in the current environment";
      throw new OperationError("invalid", `invalid ${option}: ${why}: "${name}"`);
    }
    return name;
  });
}

/**
 * @param available - Capabilities of this process: "all" means these.
 * @throws OperationError `invalid` for a name that is no capability, or that cannot be given here.
 */
export function effectiveCapabilities(
  { capAdd, capDrop, privileged }: Pick<HostConfig, "capAdd" | "capDrop" | "privileged">,
  available: readonly string[],
): readonly string[] {
  if (privileged) return available;
  const dropped = new Set(normalize("CapDrop", { names: capDrop, available: CAPABILITY_NAMES }));
  const added = normalize("CapAdd", { names: capAdd, available });
  if (added.includes(ALL)) return available.filter(name => !dropped.has(name));
  if (dropped.has(ALL)) return [...new Set(added)];
  return [...new Set([...DEFAULT_CAPABILITIES.filter(name => !dropped.has(name)), ...added])];
}

/**
 * Nothing is inheritable or ambient. A user other than root has none in effect, as execve would leave it; the bounding set is what a
 * set-uid program may still gain.
 */
export function toOciCapabilities(names: readonly string[], { uid }: { readonly uid: number }): OciCapabilities {
  const held = uid === 0 ? names : [];
  return { bounding: names, effective: held, permitted: held, inheritable: [], ambient: [] };
}
