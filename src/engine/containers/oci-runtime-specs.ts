import { stat } from "node:fs/promises";
import { allDone } from "../../lib/all-done.ts";
import type { Container } from "../../model/container.ts";
import { applyEdits, hostPathsOf } from "../runtime/cdi/apply-edits.ts";
import { CDI_DIRECTORIES } from "../runtime/cdi/cdi-registry.ts";
import { resolveDeviceRequests } from "../runtime/cdi/device-requests.ts";
import { findDeviceNodes, gatherDeviceNodes } from "../runtime/host-facts.ts";
import { effectiveCapabilities } from "../runtime/oci/capabilities.ts";
import type { HostFacts } from "../runtime/oci/facts.ts";
import type { SpecMount } from "../runtime/oci/mounts.ts";
import { planExecProcess, planRlimits } from "../runtime/oci/process.ts";
import { planResources, type ResourceRequest } from "../runtime/oci/resources.ts";
import { parseSecurityOptions } from "../runtime/oci/security-options.ts";
import { checkHostConfig, checkResourceUpdate, planSpec } from "../runtime/oci/spec.ts";
import type { OciSpec } from "../runtime/oci/types.ts";
import { type ResolvedUser, resolveUser } from "../runtime/oci/user.ts";
import { CONTAINER_DEFAULTS, type ContainerDefaults, withProcessDefaults } from "./container-defaults.ts";
import type { MountPlan } from "./mount-plan.ts";
import type { RuntimeSpecs, SpecRequest } from "./runtime-specs.ts";

export interface OciRuntimeSpecsOptions {
  readonly facts: HostFacts;
  /** Under which containers live unless they say otherwise: `/shoal`. */
  readonly cgroupParent: string;
  /** Missing: Docker's. */
  readonly defaults?: () => ContainerDefaults;
  /** A file of a container's tree, followed inside it alone. @throws OperationError `invalid` for one that is larger. */
  readonly readConfinedFile: (
    root: string,
    file: { readonly path: string; readonly bytesMax: number },
  ) => Promise<string | undefined>;
  /** Where vendors say what their devices need; later ones win. */
  readonly cdiDirectories?: readonly string[];
}

/** About 30,000 users: what is parsed in a few ms. */
const USER_FILE_BYTES_MAX = 2 * 1024 * 1024;

/** The runtime's configuration of this host's containers. */
export function ociRuntimeSpecs({
  facts,
  cgroupParent,
  readConfinedFile,
  defaults = () => CONTAINER_DEFAULTS,
  cdiDirectories = CDI_DIRECTORIES,
}: OciRuntimeSpecsOptions): RuntimeSpecs {
  const findUser = userFinder(readConfinedFile);
  const planned = async (request: SpecRequest, known: HostFacts): Promise<OciSpec> => {
    const {
      container: asked,
      rootfsPath,
      mounts,
      networkNamespacePath,
      userNamespacePath,
      joined,
      sharedMemoryPath,
      linkedEnv,
    } = request;
    const container = { ...asked, hostConfig: withProcessDefaults(asked.hostConfig, defaults()) };
    const [edits, user, specMounts, deviceNodes] = await allDone([
      resolveDeviceRequests(container.hostConfig.deviceRequests, { directories: cdiDirectories }),
      findUser({ container, rootfsPath, user: container.config.user }),
      Promise.all(mounts.filter(plan => plan.kind !== "tmpfs").map(toSpecMount)),
      gatherDeviceNodes(container.hostConfig),
    ]);
    const { spec } = planSpec({
      container,
      rootfsPath,
      user,
      ...(networkNamespacePath !== undefined && { networkNamespacePath }),
      ...(userNamespacePath !== undefined && { userNamespacePath }),
      joined,
      ...(sharedMemoryPath !== undefined && { sharedMemoryPath }),
      mounts: specMounts,
      cgroupParent,
      deviceNodes,
      ...(linkedEnv !== undefined && { linkedEnv }),
      facts: known,
    });
    return applyEdits(spec, { edits, nodes: await findDeviceNodes(hostPathsOf(edits)) });
  };
  return {
    check: ({ hostConfig }) => checkHostConfig(withProcessDefaults(hostConfig, defaults()), facts),
    checkUpdate: changes => checkResourceUpdate({ ...NO_LIMITS, ...changes }, facts),
    container: request => planned(request, facts),
    portable: async request => {
      // Its files are owned as they are in the container.
      const { compiledSeccomp: _ofCrunAlone, idMap: _ofThisHost, ...others } = facts;
      const { root, linux, ...spec } = await planned(request, others);
      const { cgroupsPath: _ofThisEngine, rootfsPropagation, ...rest } = linux;
      // The specification knows no "rslave", which runtimes take as well.
      const propagation = rootfsPropagation === undefined ? {} : { rootfsPropagation: rootfsPropagation.replace(/^r/, "") };
      return { ...spec, root: { ...root, path: "rootfs" }, linux: { ...rest, ...propagation } };
    },
    exec: async ({ container, config, rootfsPath, linkedEnv = [] }) => {
      const hostConfig = withProcessDefaults(container.hostConfig, defaults());
      const isPrivileged = config.privileged || hostConfig.privileged;
      return planExecProcess({
        config,
        container,
        user: await findUser({ container, rootfsPath, user: config.user || container.config.user }),
        capabilities: isPrivileged ? facts.capabilities : effectiveCapabilities(hostConfig, facts.capabilities),
        rlimits: planRlimits(hostConfig.ulimits, facts).rlimits,
        noNewPrivileges: parseSecurityOptions(hostConfig.securityOpt, facts).noNewPrivileges,
        linkedEnv,
      });
    },
    resources: async hostConfig => {
      // Not of a privileged one's devices: limits name theirs.
      const nodes = await gatherDeviceNodes({ ...hostConfig, devices: [], privileged: false });
      const { resources } = planResources(hostConfig, { facts, nodes });
      return hostConfig.pidsLimit === 0 ? { ...resources, pids: { limit: PIDS_MAX } } : resources;
    },
  };
}

/** PID_MAX_LIMIT, the most that the kernel has. crun 1.8 cannot lift a limit in another way: it writes -1, which is refused. */
const PIDS_MAX = 4_194_304;

const NO_LIMITS: ResourceRequest = {
  cpuShares: 0,
  memoryBytes: 0,
  nanoCpus: 0,
  blkioWeight: 0,
  blkioWeightDevice: [],
  blkioDeviceReadBps: [],
  blkioDeviceWriteBps: [],
  blkioDeviceReadIops: [],
  blkioDeviceWriteIops: [],
  cpuPeriodUs: 0,
  cpuQuotaUs: 0,
  cpuRealtimePeriodUs: 0,
  cpuRealtimeRuntimeUs: 0,
  cpusetCpus: "",
  cpusetMems: "",
  memoryReservationBytes: 0,
  memorySwapBytes: 0,
};

async function toSpecMount(plan: Exclude<MountPlan, { kind: "tmpfs" }>): Promise<SpecMount> {
  const { source, destination, isWritable } = plan;
  if (plan.kind === "volume" || plan.kind === "image") return { source, destination, isWritable };
  return {
    source,
    destination,
    isWritable,
    ...(plan.propagation !== "" && { propagation: plan.propagation }),
    ...(!plan.isRecursive && { isNonRecursive: true }),
    // Nothing is mounted below a file, and crun 1.8 cannot make a file's mount read-only with what is below it.
    ...((plan.readOnlySubmounts === "none" || !(await isDirectory(source))) && { isReadOnlyRecursive: false }),
  };
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

interface UserQuestion {
  readonly container: Container;
  readonly rootfsPath: string;
  readonly user: string;
}

/** Names are looked up in the container's own files, which an image need not have: a name is then said to be unknown. */
function userFinder(
  readConfinedFile: OciRuntimeSpecsOptions["readConfinedFile"],
): (question: UserQuestion) => Promise<ResolvedUser> {
  const read = async (root: string, path: string): Promise<string> =>
    (await readConfinedFile(root, { path, bytesMax: USER_FILE_BYTES_MAX })) ?? "";
  return async ({ container, rootfsPath, user }) => {
    const [passwd, group] = await Promise.all([read(rootfsPath, "/etc/passwd"), read(rootfsPath, "/etc/group")]);
    return resolveUser({ user, groupAdd: container.hostConfig.groupAdd, passwd, group });
  };
}
