import { posix } from "node:path";
import { OperationError } from "../../../lib/errors.ts";
import type { Container, HostConfig } from "../../../model/container.ts";
import { effectiveCapabilities } from "./capabilities.ts";
import { checkResources } from "./check-resources.ts";
import { planDevices } from "./devices.ts";
import type { DeviceNode, HostFacts } from "./facts.ts";
import { hiddenPaths } from "./masked-paths.ts";
import { planMounts, type SpecMount } from "./mounts.ts";
import { type JoinedPids, planNamespaces } from "./namespaces.ts";
import { planProcess, planRlimits, RLIMIT_INFINITY } from "./process.ts";
import { discardedResources, planResources, type ResourceRequest } from "./resources.ts";
import { parseSeccompProfile, toOciSeccomp } from "./seccomp.ts";
import { parseSecurityOptions, type SecurityOptions } from "./security-options.ts";
import { planSysctls } from "./sysctls.ts";
import { checkUserNamespace, idMapFor, planIdMappings } from "./user-namespace.ts";
import type { OciNamespace, OciSeccomp, OciSpec } from "./types.ts";
import type { ResolvedUser } from "./user.ts";

export const SECCOMP_FILTER_ANNOTATION = "run.oci.seccomp_bpf_data";

export interface SpecRequest {
  /** Its config is merged with the image's already: env, user, working dir; `path` and `args` are what runs. */
  readonly container: Pick<Container, "id" | "path" | "args" | "config" | "hostConfig">;
  readonly rootfsPath: string;
  readonly user: ResolvedUser;
  /** Missing: the host's network, another container's, or a new empty one. */
  readonly networkNamespacePath?: string;
  /** That owns this network. */
  readonly userNamespacePath?: string;
  readonly joined: JoinedPids;
  readonly sharedMemoryPath?: string;
  /** Binds, volumes, /etc/hosts and the like; tmpfs come from the request itself. */
  readonly mounts: readonly SpecMount[];
  /** Under which containers live unless they say otherwise: `/shoal`. */
  readonly cgroupParent: string;
  /** Found by `gatherDeviceNodes`. */
  readonly deviceNodes: readonly DeviceNode[];
  readonly linkedEnv?: readonly string[];
  readonly facts: HostFacts;
}

export interface SpecPlan {
  readonly spec: OciSpec;
  readonly warnings: readonly string[];
}

/** @throws OperationError `invalid` for anything that cannot be honoured; nothing is left out in silence. */
export function planSpec(request: SpecRequest): SpecPlan {
  const { container, rootfsPath, user, facts, deviceNodes } = request;
  const { config, hostConfig } = container;
  const security = parseSecurityOptions(hostConfig.securityOpt, facts);
  const capabilities = effectiveCapabilities(hostConfig, facts.capabilities);
  const devices = planDevices({ hostConfig, nodes: deviceNodes });
  const { resources, warnings } = planResources(hostConfig, { facts, nodes: deviceNodes });
  const rlimits = planRlimits(hostConfig.ulimits, facts);
  const idMap = idMapFor(hostConfig, facts.idMap);
  const isHostUts = hostConfig.utsMode === "host";
  const initPath = hostConfig.init === true ? requiredInit(facts) : undefined;
  const { mounts, rootfsPropagation } = planMounts({
    hostConfig,
    mounts: request.mounts,
    hasWritableCgroups: hasWritableCgroups(security, facts),
    canReadOnlyRecursive: canReadOnlyRecursive(facts),
    ...(initPath === undefined ? {} : { initPath }),
    ...(request.sharedMemoryPath === undefined ? {} : { sharedMemoryPath: request.sharedMemoryPath }),
  });
  const namespaces = planNamespaces({
    hostConfig,
    joined: request.joined,
    cgroupVersion: facts.cgroupVersion,
    user: { idMap, ...(request.userNamespacePath === undefined ? {} : { path: request.userNamespacePath }) },
    ...(request.networkNamespacePath === undefined ? {} : { networkNamespacePath: request.networkNamespacePath }),
  });
  const seccomp = planSeccomp(security, { hostConfig, capabilities, facts });
  const filter = seccomp === undefined ? undefined : compiledFilter(seccomp, { runtime: hostConfig.runtime, facts });
  const annotations = { ...hostConfig.annotations, ...filter };
  return {
    spec: {
      ociVersion: "1.0.2",
      process: planProcess({
        container,
        user,
        capabilities,
        rlimits: rlimits.rlimits,
        noNewPrivileges: security.noNewPrivileges,
        hasInit: initPath !== undefined,
        linkedEnv: request.linkedEnv ?? [],
      }),
      root: { path: rootfsPath, readonly: hostConfig.readonlyRootfs },
      ...(isHostUts ? {} : { hostname: config.hostname }),
      mounts,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      linux: {
        namespaces,
        ...planIdMappings(idMap, { runtime: hostConfig.runtime, isJoined: namespaces.some(isJoinedUser) }),
        cgroupsPath: posix.join(
          "/",
          hostConfig.cgroupParent === "" ? request.cgroupParent : hostConfig.cgroupParent,
          container.id,
        ),
        resources: { ...resources, devices: devices.rules },
        devices: devices.devices,
        sysctl: {
          // No runtime before the specification's version 1.1 knows it otherwise.
          ...(isHostUts || config.domainname === "" ? {} : { "kernel.domainname": config.domainname }),
          ...planSysctls(hostConfig, idMap),
        },
        ...hiddenPaths(hostConfig, security),
        ...(rootfsPropagation === undefined ? {} : { rootfsPropagation }),
        ...(seccomp === undefined || filter !== undefined ? {} : { seccomp }),
      },
    },
    warnings: [...warnings, ...rlimits.warnings],
  };
}

/** Nobody in a user namespace may mount them read-only, says Docker, which mounts them so for none where ids are mapped: their files are the host's. */
function hasWritableCgroups({ hasWritableCgroups: asked }: SecurityOptions, { idMap }: HostFacts): boolean {
  if (idMap === undefined) return asked ?? false;
  if (asked === undefined) return true;
  throw new OperationError("invalid", "option WritableCgroups conflicts with user namespaces and rootless mode");
}

const isJoinedUser = ({ type, path }: OciNamespace): boolean => type === "user" && path !== undefined;

/** What is to be said of settings, and which of them the kernel here cannot do and are dropped with that. */
export interface HostConfigVerdict {
  readonly warnings: readonly string[];
  readonly discarded: readonly (keyof ResourceRequest)[];
}

/** What can be refused at `docker create` already, by the functions that plan the start. */
export function checkHostConfig(hostConfig: HostConfig, facts: HostFacts): HostConfigVerdict {
  checkUnsupported(hostConfig);
  checkResources(hostConfig, facts);
  checkUserNamespace(hostConfig, facts.idMap);
  const security = parseSecurityOptions(hostConfig.securityOpt, facts);
  const capabilities = effectiveCapabilities(hostConfig, facts.capabilities);
  planSeccomp(security, { hostConfig, capabilities, facts });
  planSysctls(hostConfig);
  planNamespaces({ hostConfig, joined: { pid: 1, ipc: 1, network: 1 }, cgroupVersion: facts.cgroupVersion });
  planDevices({ hostConfig: { ...hostConfig, devices: [] }, nodes: [] });
  if (hostConfig.init === true) requiredInit(facts);
  const resources = checkedResources(hostConfig, facts);
  return {
    ...resources,
    warnings: [...resources.warnings, ...security.warnings, ...planRlimits(hostConfig.ulimits, facts).warnings],
  };
}

/** The part of it that concerns limits. */
function checkedResources(hostConfig: ResourceRequest, facts: HostFacts): HostConfigVerdict {
  const withoutThrottles = {
    ...hostConfig,
    ...(facts.hasBlkioWeight ? { blkioWeightDevice: [] } : {}), // Whether devices are there is found when it starts.
    blkioDeviceReadBps: [],
    blkioDeviceWriteBps: [],
    blkioDeviceReadIops: [],
    blkioDeviceWriteIops: [],
  };
  const { warnings } = planResources(withoutThrottles, { facts, nodes: [] });
  return { warnings, discarded: discardedResources(hostConfig, facts) };
}

/** What can be refused of an update, looked at alone. */
export function checkResourceUpdate(changes: ResourceRequest, facts: HostFacts): HostConfigVerdict {
  checkResources(changes, facts, { isUpdate: true });
  return checkedResources(changes, facts);
}

function checkUnsupported({ isolation, cgroup, oomScoreAdj, shmSizeBytes }: HostConfig): void {
  if (isolation !== "" && isolation !== "default")
    throw new OperationError("invalid", `invalid isolation (${isolation}): linux only supports 'default'`);
  if (cgroup !== "") throw new OperationError("invalid", "HostConfig.Cgroup is not supported by this engine");
  if (oomScoreAdj < -1000 || oomScoreAdj > 1000) {
    throw new OperationError("invalid", `Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (shmSizeBytes < 0) throw new OperationError("invalid", "SHM size can not be less than 0");
}

function planSeccomp(
  { seccomp }: SecurityOptions,
  {
    hostConfig,
    capabilities,
    facts,
  }: Pick<SpecRequest, "facts"> & { readonly hostConfig: HostConfig; readonly capabilities: readonly string[] },
): OciSeccomp | undefined {
  if (hostConfig.privileged && seccomp === "default") return undefined;
  if (seccomp === "unconfined") return undefined;
  const profile = seccomp === "default" ? facts.defaultSeccomp : parseSeccompProfile(seccomp.profileText);
  if (profile === undefined) return undefined;
  return toOciSeccomp(profile, { architecture: facts.architecture, capabilities, kernelVersion: facts.kernelVersion });
}

/** crun installs the filter in this annotation in place of one that it would compile itself. @see crun(1). */
function compiledFilter(
  seccomp: OciSeccomp,
  { runtime, facts: { compiledSeccomp } }: Pick<SpecRequest, "facts"> & { readonly runtime: string },
): Readonly<Record<string, string>> | undefined {
  if (compiledSeccomp === undefined || !compiledSeccomp.runtimes.has(runtime)) return undefined;
  const filter = compiledSeccomp.compile(seccomp);
  return filter === undefined ? undefined : { [SECCOMP_FILTER_ANNOTATION]: Buffer.from(filter).toString("base64") };
}

function canReadOnlyRecursive({ kernelVersion: { major, minor } }: HostFacts): boolean {
  return major > 5 || (major === 5 && minor >= 12);
}

function requiredInit({ initPath }: HostFacts): string {
  if (initPath === undefined) throw new OperationError("invalid", "no init binary found for --init: install tini (package tini)");
  return initPath;
}

/** The text of config.json. */
export function encodeSpec(value: unknown): string {
  return JSON.stringify(value).replaceAll(`:${RLIMIT_INFINITY}`, ":18446744073709551615");
}
