import type { EndpointSpec, ServiceContainerSpec, ServiceSpec, TaskSpec, UpdateConfig } from "../../model/cluster.ts";
import { EMPTY_CONTAINER_CONFIG, EMPTY_HOST_CONFIG } from "../../model/empty-config.ts";
import type { ServicePrivileges } from "../../model/service-privileges.ts";
import { checkEnv } from "./container-config.ts";
import { checkHostConfig } from "./create-container.ts";
import { checkCapabilities, checkModes } from "./modes.ts";
import { checkMount } from "./mounts.ts";
import { parseReference } from "./reference.ts";
import { refuseIf } from "./refuse.ts";
import { checkSignal } from "./signals.ts";

const PORT_MAX = 65_535;
const MOUNT_TYPES: readonly string[] = ["bind", "volume", "tmpfs", "npipe", "cluster", "image"];
/** As Docker shows what its managers refuse; here it is refused before a manager is asked. */
export const REFUSED_BY_MANAGER = "rpc error: code = InvalidArgument desc = ";

/** Words and forms that the model relies on. What depends on the cluster is the manager's to check. @throws OperationError `invalid`. */
export function checkServiceSpec(spec: ServiceSpec): void {
  checkTask(spec.task);
  if (spec.update !== undefined) checkUpdate(spec.update);
  if (spec.rollback !== undefined) checkUpdate(spec.rollback);
  if (spec.endpoint !== undefined) checkEndpointSpec(spec.endpoint);
}

function checkTask({ container, resources, restart, runtime, networks }: TaskSpec): void {
  refuseIf(runtime !== undefined && runtime !== "container", "unsupported runtime");
  refuseIf(container.image === "", `${REFUSED_BY_MANAGER}ContainerSpec: image reference must be provided`);
  try {
    parseReference(container.image);
  } catch {
    refuseIf(true, `${REFUSED_BY_MANAGER}ContainerSpec: ${JSON.stringify(container.image)} is not a valid repository/tag`);
  }
  const hasSwap = resources?.swapBytes !== undefined && (resources.limits?.memoryBytes ?? 0) === 0;
  refuseIf(hasSwap, "Resources.SwapBytes can only be used together with a memory limit");
  const condition = restart?.condition ?? "any";
  refuseIf(!["none", "on-failure", "any"].includes(condition), `invalid RestartCondition: ${JSON.stringify(condition)}`);
  checkEnv(container.env ?? []);
  checkSignal(container.stopSignal ?? "");
  checkCapabilities({ capAdd: container.capabilityAdd ?? [], capDrop: container.capabilityDrop ?? [] });
  if (container.privileges !== undefined) checkPrivileges(container.privileges);
  if (container.hostOptions !== undefined) checkHostOptions(container);
  for (const mount of container.mounts ?? []) {
    refuseIf(!MOUNT_TYPES.includes(mount.type), `invalid MountType: ${JSON.stringify(mount.type)}`);
    checkMount(mount);
    refuseIf(mount.type === "cluster" || mount.type === "image", `mounts of type ${mount.type} are not supported by this engine`);
  }
  for (const { target } of networks) refuseIf(target === "", "network target must not be empty");
}

/** As those of a container, but that no other container's namespaces can be named: on which host would it be? */
function checkHostOptions({ hostOptions = {}, hostname = "" }: ServiceContainerSpec): void {
  const host = { ...EMPTY_HOST_CONFIG, ...hostOptions };
  for (const [what, mode] of [["IPC", host.ipcMode] as const, ["PID", host.pidMode] as const])
    refuseIf(mode.startsWith("container:"), `invalid ${what} mode: ${mode}: a service cannot name a container`);
  checkHostConfig(host);
  checkModes({ ...EMPTY_CONTAINER_CONFIG, hostname }, host);
}

function checkPrivileges({ seccomp, appArmor }: ServicePrivileges): void {
  const { mode = "default", profile = "" } = seccomp ?? {};
  refuseIf(!["default", "unconfined", "custom"].includes(mode), `invalid Privileges: unsupported Seccomp mode: ${mode}`);
  refuseIf(mode !== "custom" && profile !== "", `invalid Privileges: Seccomp mode ${mode} takes no profile`);
  const confinement = appArmor?.mode ?? "default";
  refuseIf(!["default", "disabled"].includes(confinement), `invalid Privileges: unsupported AppArmor mode: ${confinement}`);
}

function checkUpdate({ failureAction, order, maxFailureRatio }: UpdateConfig): void {
  refuseIf(!["pause", "continue", "rollback"].includes(failureAction), `unrecognized update failure action ${failureAction}`);
  refuseIf(!["stop-first", "start-first"].includes(order), `unrecognized update order ${order}`);
  const isRatio = maxFailureRatio >= 0 && maxFailureRatio <= 1;
  refuseIf(!isRatio, `${REFUSED_BY_MANAGER}TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1`);
}

function checkEndpointSpec({ mode, ports }: EndpointSpec): void {
  refuseIf(!["vip", "dnsrr"].includes(mode), `invalid resolution mode: ${JSON.stringify(mode)}`);
  for (const { protocol, publishMode, targetPort, publishedPort = 0 } of ports) {
    refuseIf(!["tcp", "udp", "sctp"].includes(protocol), `invalid protocol value ${JSON.stringify(protocol)}`);
    refuseIf(protocol === "sctp", "published SCTP ports are not supported by this engine");
    refuseIf(!["ingress", "host"].includes(publishMode), `invalid publish mode value ${JSON.stringify(publishMode)}`);
    refuseIf(targetPort < 1 || targetPort > PORT_MAX, `${REFUSED_BY_MANAGER}EndpointSpec: invalid target port ${targetPort}`);
    refuseIf(publishedPort > PORT_MAX, `${REFUSED_BY_MANAGER}EndpointSpec: invalid published port ${publishedPort}`);
  }
}
