import type { IdMap } from "../../../model/id-map.ts";
import type { SeccompProfile } from "./seccomp.ts";
import type { OciSeccomp } from "./types.ts";

/** What a spec depends on beside what the user asked for. Gathered once by `gatherHostFacts`; the functions here look at nothing else. */
export interface HostFacts {
  readonly cgroupVersion: 1 | 2;
  /** Node's name: `x64`, `arm64`, … */
  readonly architecture: string;
  readonly kernelVersion: { readonly major: number; readonly minor: number };
  /** What this process may do, and so may give: `CAP_CHOWN`, … */
  readonly capabilities: readonly string[];
  /** Hard limits of this process by OCI name (`RLIMIT_NOFILE`); missing: none. They bind only without CAP_SYS_RESOURCE. */
  readonly hardLimits: Readonly<Record<string, number>>;
  readonly hasSwapLimit: boolean;
  readonly hasMemorySwappiness: boolean;
  readonly hasRealtimeCpu: boolean;
  readonly hasBlkioWeight: boolean;
  readonly cpuCount: number;
  readonly memoryNodeCount?: number;
  readonly hasAppArmor: boolean;
  /** Of this machine's processors, masked beside `MASKED_PATHS`. */
  readonly throttlePaths?: readonly string[];
  /** Missing: containers that ask for no profile have none. */
  readonly defaultSeccomp?: SeccompProfile;
  /** Compiling a filter here, once, saves the runtime most of its work at each start. */
  readonly compiledSeccomp?: CompiledSeccomp;
  /** Whose ids containers' are on the host; missing: their own. */
  readonly idMap?: IdMap;
  /** A static init that reaps; missing where none is installed. */
  readonly initPath?: string;
}

export interface CompiledSeccomp {
  /** Names of the runtimes that take a compiled filter. */
  readonly runtimes: ReadonlySet<string>;
  /** The same filter for the same rules; `undefined`: these rules cannot be compiled. */
  compile(seccomp: OciSeccomp): Uint8Array | undefined;
}

/** A device file of the host. */
export interface DeviceNode {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
