import type {
  EndpointSpec,
  Healthcheck,
  ServiceContainerSpec,
  ServiceSpec,
  TaskSpec,
  UpdateConfig,
} from "../../model/cluster.ts";
import { errorMessage } from "../../lib/errors.ts";
import { parseConstraint } from "../../scheduler/constraint.ts";
import { rpcError } from "../rpc-error.ts";
import { checkDnsName } from "./names.ts";

const NANO_CPUS_MIN = 1e6;
const MEMORY_BYTES_MIN = 4 * 1024 * 1024;
const HEALTH_DURATION_NS_MIN = 1e6;

const PATH_PART = "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*";
const DOMAIN = "(?:[a-zA-Z0-9.-]+|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?";
const TAG = ":\\w[\\w.-]{0,127}";
const DIGEST = "@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const IMAGE = new RegExp(`^(?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*(?:${TAG})?(?:${DIGEST})?$`);

function invalid(message: string) {
  return rpcError("InvalidArgument", message);
}

/** What can be told from the spec alone. @see SwarmKit manager/controlapi/service.go for the wording. */
export function checkServiceSpec(spec: ServiceSpec): void {
  checkDnsName(spec.name);
  checkTask(spec.task);
  checkMode(spec);
  checkEndpoint(spec.endpoint);
}

function checkTask({ resources, restart, placement, container, runtime = "container" }: TaskSpec): void {
  if (runtime !== "container" && runtime !== "") {
    throw rpcError("Unimplemented", "RuntimeSpec: unimplemented runtime in service spec");
  }
  for (const amount of [resources?.limits, resources?.reservations]) {
    const { nanoCpus = 0, memoryBytes = 0 } = amount ?? {};
    if (nanoCpus !== 0 && nanoCpus < NANO_CPUS_MIN)
      throw invalid(`invalid cpu value ${String(nanoCpus / 1e9).replace(/e-(\d)$/, "e-0$1")}: Must be at least 0.001`);
    if (memoryBytes !== 0 && memoryBytes < MEMORY_BYTES_MIN) {
      throw invalid(`invalid memory value ${memoryBytes}: Must be at least 4MiB`);
    }
  }
  if ((restart?.delayNs ?? 0) < 0) throw invalid("TaskSpec: restart-delay cannot be negative");
  if ((restart?.windowNs ?? 0) < 0) throw invalid("TaskSpec: restart-window cannot be negative");
  for (const constraint of placement?.constraints ?? []) checkConstraint(constraint);
  checkContainer(container);
}

function checkConstraint(text: string): void {
  try {
    parseConstraint(text);
  } catch (cause) {
    throw rpcError("Unknown", errorMessage(cause), { cause });
  }
}

function checkContainer(container: ServiceContainerSpec): void {
  if (container.image === "") throw invalid("ContainerSpec: image reference must be provided");
  if (!IMAGE.test(container.image)) throw invalid(`ContainerSpec: "${container.image}" is not a valid repository/tag`);
  const targets = new Set<string>();
  for (const { target } of container.mounts ?? []) {
    if (targets.has(target)) throw invalid(`ContainerSpec: duplicate mount point: ${target}`);
    targets.add(target);
  }
  if (container.healthcheck !== undefined) checkHealth(container.healthcheck);
  checkTargets("secret", container.secrets);
  checkTargets("config", container.configs);
}

function checkHealth(health: Healthcheck): void {
  const durations = {
    Interval: health.intervalNs,
    Timeout: health.timeoutNs,
    StartPeriod: health.startPeriodNs,
    StartInterval: health.startIntervalNs,
  };
  for (const [name, ns = 0] of Object.entries(durations)) {
    if (ns !== 0 && ns < HEALTH_DURATION_NS_MIN) {
      throw invalid(`ContainerSpec: ${name} in HealthConfig cannot be less than 1ms`);
    }
  }
  if ((health.retries ?? 0) < 0) throw invalid("ContainerSpec: Retries in HealthConfig cannot be negative");
}

/** Two files of one kind cannot have the same name in the container. */
function checkTargets(
  kind: "secret" | "config",
  references: ServiceContainerSpec["secrets"] | ServiceContainerSpec["configs"],
): void {
  const nameByTarget = new Map<string, string>();
  for (const { id, name, file } of references ?? []) {
    if (id === "" || name === "") throw invalid(`malformed ${kind} reference`);
    if (file.name === "") throw invalid(`malformed file ${kind} reference, invalid target file name provided`);
    const other = nameByTarget.get(file.name);
    if (other !== undefined) {
      throw invalid(`${kind} references '${other}' and '${name}' have a conflicting target: '${file.name}'`);
    }
    nameByTarget.set(file.name, name);
  }
}

function checkMode({ mode, update, rollback }: ServiceSpec): void {
  if (mode.kind === "replicated" && mode.replicas < 0) throw invalid("Number of replicas must be non-negative");
  if (mode.kind === "replicated-job") {
    if (mode.maxConcurrent < 0) throw invalid("Maximum concurrent jobs must not be negative");
    if (mode.totalCompletions < 0) throw invalid("Total completed jobs must not be negative");
  }
  const isJob = mode.kind === "replicated-job" || mode.kind === "global-job";
  if (isJob && update !== undefined) throw invalid("Jobs may not have an update config");
  checkUpdate(update);
  checkUpdate(rollback);
}

function checkUpdate(update: UpdateConfig | undefined): void {
  if (update === undefined) return;
  if (update.delayNs < 0) throw invalid("TaskSpec: update-delay cannot be negative");
  if ((update.monitorNs ?? 0) < 0) throw invalid("TaskSpec: update-monitor cannot be negative");
  if (update.maxFailureRatio < 0 || update.maxFailureRatio > 1) {
    throw invalid("TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1");
  }
}

function checkEndpoint(endpoint: EndpointSpec | undefined): void {
  const published = new Set<string>();
  for (const { publishMode, publishedPort = 0, protocol } of endpoint?.ports ?? []) {
    if (endpoint?.mode === "dnsrr" && publishMode === "ingress") {
      throw invalid("EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
    }
    if (publishedPort === 0) continue;
    const key = `${publishedPort}/${protocol}`;
    if (published.has(key)) throw invalid("EndpointSpec: duplicate published ports provided");
    published.add(key);
  }
}
