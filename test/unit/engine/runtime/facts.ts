import { DEFAULT_CAPABILITIES } from "../../../../src/engine/runtime/oci/capabilities.ts";
import type { HostFacts } from "../../../../src/engine/runtime/oci/facts.ts";

/** A machine where everything works, with four processors. */
export function someFacts(over: Partial<HostFacts> = {}): HostFacts {
  return {
    cgroupVersion: 2,
    architecture: "x64",
    kernelVersion: { major: 6, minor: 1 },
    capabilities: [...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_RESOURCE"],
    hardLimits: {},
    hasSwapLimit: true,
    hasMemorySwappiness: true,
    hasRealtimeCpu: false,
    hasBlkioWeight: true,
    cpuCount: 4,
    hasAppArmor: false,
    defaultSeccomp: { defaultAction: "SCMP_ACT_ERRNO", syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }] },
    initPath: "/usr/bin/tini-static",
    ...over,
  };
}
