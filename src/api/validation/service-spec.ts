import type { EndpointSpec, ServiceSpec, TaskSpec, UpdateConfig } from "../../model/cluster.ts";
import { checkEnv, checkHealthcheck } from "./container-config.ts";
import { checkCapabilities } from "./modes.ts";
import { checkMount } from "./mounts.ts";
import { parseReference } from "./reference.ts";
import { refuseIf } from "./refuse.ts";
import { checkSignal } from "./signals.ts";

const PORT_MAX = 65_535;

/** Words and forms that the model relies on. What depends on the cluster is the manager's to check. @throws OperationError `invalid`. */
export function checkServiceSpec(spec: ServiceSpec): void {
  checkTask(spec.task);
  if (spec.update !== undefined) checkUpdate(spec.update);
  if (spec.rollback !== undefined) checkUpdate(spec.rollback);
  if (spec.endpoint !== undefined) checkEndpointSpec(spec.endpoint);
}

function checkTask({ container, restart, runtime, networks }: TaskSpec): void {
  refuseIf(runtime !== undefined && runtime !== "container", "unsupported runtime");
  refuseIf(container.image === "", "ContainerSpec: image reference must be provided");
  try {
    parseReference(container.image);
  } catch {
    refuseIf(true, `ContainerSpec: ${JSON.stringify(container.image)} is not a valid repository/tag`);
  }
  const condition = restart?.condition ?? "any";
  refuseIf(!["none", "on-failure", "any"].includes(condition), `invalid RestartCondition: ${JSON.stringify(condition)}`);
  checkEnv(container.env ?? []);
  checkSignal(container.stopSignal ?? "");
  if (container.healthcheck !== undefined) checkHealthcheck(container.healthcheck);
  checkCapabilities({ capAdd: container.capabilityAdd ?? [], capDrop: container.capabilityDrop ?? [] });
  for (const mount of container.mounts ?? []) {
    checkMount(mount);
    refuseIf(mount.type === "cluster" || mount.type === "image", `mounts of type ${mount.type} are not supported by this engine`);
  }
  for (const { target } of networks) refuseIf(target === "", "network target must not be empty");
}

function checkUpdate({ failureAction, order, maxFailureRatio, parallelism }: UpdateConfig): void {
  refuseIf(!["pause", "continue", "rollback"].includes(failureAction), `unrecognized update failure action ${failureAction}`);
  refuseIf(!["stop-first", "start-first"].includes(order), `unrecognized update order ${order}`);
  const isRatio = maxFailureRatio >= 0 && maxFailureRatio <= 1;
  refuseIf(!isRatio, "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1");
  refuseIf(parallelism < 0, "TaskSpec: update-parallelism cannot be negative");
}

function checkEndpointSpec({ mode, ports }: EndpointSpec): void {
  refuseIf(!["vip", "dnsrr"].includes(mode), `invalid resolution mode: ${JSON.stringify(mode)}`);
  for (const { protocol, publishMode, targetPort, publishedPort = 0 } of ports) {
    refuseIf(!["tcp", "udp", "sctp"].includes(protocol), `invalid protocol value ${JSON.stringify(protocol)}`);
    refuseIf(!["ingress", "host"].includes(publishMode), `invalid publish mode value ${JSON.stringify(publishMode)}`);
    refuseIf(targetPort < 1 || targetPort > PORT_MAX, `EndpointSpec: invalid target port ${targetPort}`);
    refuseIf(publishedPort > PORT_MAX, `EndpointSpec: invalid published port ${publishedPort}`);
    const isDnsIngress = mode === "dnsrr" && publishMode === "ingress";
    refuseIf(isDnsIngress, "EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
  }
}
