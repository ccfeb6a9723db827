import { OperationError } from "../../lib/errors.ts";
import type { ContainerConfig, HostConfig, RestartPolicy } from "../../model/container.ts";
import { parseHealthTest } from "../../model/health-test.ts";
import { checkLogConfig } from "../logs/log-drivers.ts";
import { MASKED_PATHS, READONLY_PATHS } from "../runtime/oci/masked-paths.ts";
import { CONTAINER_DEFAULTS, withLogDefaults } from "./container-defaults.ts";
import type { ContainerDependencies } from "./dependencies.ts";
import { parseSignal } from "./signals.ts";

/** The kernel's limit; it takes any bytes but zeros, and so does Docker. */
const HOSTNAME_BYTES_MAX = 64;

/** Fills in what the user left open, as inspect shows it. @throws OperationError `invalid` in Docker's words. */
export function settleHostConfig(
  hostConfig: HostConfig,
  {
    defaultRuntime,
    cgroupVersion,
    hasRuntime,
    defaults: chosen = () => CONTAINER_DEFAULTS,
    throttlePaths = [],
  }: Pick<ContainerDependencies, "defaultRuntime" | "cgroupVersion" | "hasRuntime" | "defaults" | "throttlePaths">,
): HostConfig {
  if (hostConfig.runtime !== "" && hasRuntime?.(hostConfig.runtime) === false) {
    throw new OperationError("invalid", `unknown or invalid runtime name: ${hostConfig.runtime}`);
  }
  checkRestartPolicy(hostConfig.restartPolicy);
  if (Object.hasOwn(hostConfig.annotations, "")) {
    throw new OperationError("invalid", "invalid Annotations: the empty string is not permitted as an annotation key");
  }
  if (hostConfig.autoRemove && !isNever(hostConfig.restartPolicy)) {
    throw new OperationError("invalid", "can't create 'AutoRemove' container with restart policy");
  }
  if (hostConfig.shmSizeBytes < 0) throw new OperationError("invalid", "SHM size can not be less than 0");
  const defaults = chosen();
  checkStorageOptions(hostConfig.storageOpt);
  const logConfig = withLogDefaults(hostConfig.logConfig, defaults.logConfig);
  checkLogConfig(logConfig);
  const { networkMode, memoryBytes, memorySwapBytes, restartPolicy } = hostConfig;
  // Both have a number that says "unset".
  const { memorySwappiness = -1, pidsLimit = 0, ...others } = hostConfig;
  const isOpen = hostConfig.securityOpt.includes(SYSTEM_PATHS_OPEN);
  const hidden = {
    maskedPaths: isOpen ? [] : (hostConfig.maskedPaths ?? [...MASKED_PATHS, ...throttlePaths]),
    readonlyPaths: isOpen ? [] : (hostConfig.readonlyPaths ?? READONLY_PATHS),
  };
  return {
    ...others,
    ...(memorySwappiness === -1 ? {} : { memorySwappiness }),
    ...(pidsLimit <= 0 ? {} : { pidsLimit }),
    ...(hostConfig.privileged ? {} : hidden),
    // Only v1 has such a switch.
    ...(cgroupVersion === 1 ? { oomKillDisable: hostConfig.oomKillDisable ?? false } : {}),
    securityOpt: withLabels(hostConfig),
    networkMode: networkMode === "" || networkMode === "default" ? "bridge" : networkMode,
    restartPolicy: { ...restartPolicy, name: restartPolicy.name || "no" },
    logConfig,
    memorySwapBytes: memoryBytes > 0 && memorySwapBytes === 0 ? memoryBytes * 2 : memorySwapBytes,
    shmSizeBytes: hostConfig.shmSizeBytes || defaults.shmSizeBytes,
    ipcMode: hostConfig.ipcMode || defaults.ipcMode,
    cgroupnsMode: hostConfig.cgroupnsMode || defaults.cgroupnsMode || (cgroupVersion === 2 ? "private" : "host"),
    runtime: hostConfig.runtime || defaultRuntime(),
  };
}

/** Clients may send it as it was typed; lists of paths say the same. */
const SYSTEM_PATHS_OPEN = "systempaths=unconfined";

/** The file system under the images keeps no quotas. @throws OperationError in Docker's words, of which not even the kind is that of a bad request. */
function checkStorageOptions(options: HostConfig["storageOpt"]): void {
  for (const name of Object.keys(options)) {
    if (name.toLowerCase() !== "size") throw new OperationError("internal", `Unknown option ${name}`);
    throw new OperationError("internal", "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
}

/** What shares so much with the host is not to be labelled apart from it. */
function withLabels({ securityOpt, privileged, pidMode, ipcMode }: HostConfig): readonly string[] {
  const isClose = privileged || pidMode === "host" || ipcMode === "host";
  return isClose && !securityOpt.some(option => /^label[=:]/.test(option)) ? [...securityOpt, "label=disable"] : securityOpt;
}

/** @throws OperationError `invalid` in Docker's words. */
export function checkConfig(config: ContainerConfig): void {
  if (config.workingDir !== "" && !config.workingDir.startsWith("/")) {
    throw new OperationError(
      "invalid",
      `the working directory '${config.workingDir}' is invalid, it needs to be an absolute path`,
    );
  }
  if (config.stopSignal !== undefined && config.stopSignal !== "") parseSignal(config.stopSignal);
  if (Buffer.byteLength(config.hostname) > HOSTNAME_BYTES_MAX || config.hostname.includes("\0")) {
    throw new OperationError("invalid", `invalid hostname format: ${config.hostname}`);
  }
  for (const entry of config.env) {
    if (entry === "" || entry.startsWith("=")) throw new OperationError("invalid", `invalid environment variable: ${entry}`);
  }
  checkHealthcheck(config);
}

function checkHealthcheck({ healthcheck }: ContainerConfig): void {
  if (healthcheck === undefined) return;
  const MIN_NS = 1_000_000;
  const check = (value: number | undefined, name: string) => {
    if (value !== undefined && value !== 0 && value < MIN_NS) {
      throw new OperationError("invalid", `${name} in Healthcheck cannot be less than 1ms`);
    }
  };
  check(healthcheck.intervalNs, "Interval");
  check(healthcheck.timeoutNs, "Timeout");
  check(healthcheck.startPeriodNs, "StartPeriod");
  check(healthcheck.startIntervalNs, "StartInterval");
  if ((healthcheck.retries ?? 0) < 0) throw new OperationError("invalid", "Retries in Healthcheck cannot be negative");
  parseHealthTest(healthcheck.test);
}

/** @throws OperationError `invalid` in Docker's words. */
export function checkRestartPolicy({ name, maximumRetryCount }: RestartPolicy): void {
  if (!["", "no", "always", "on-failure", "unless-stopped"].includes(name)) {
    throw new OperationError(
      "invalid",
      `invalid restart policy: unknown policy '${name as string}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (name !== "on-failure" && maximumRetryCount !== 0) {
    const hint = maximumRetryCount < 0 ? " and cannot be negative" : "";
    throw new OperationError("invalid", `invalid restart policy: maximum retry count can only be used with 'on-failure'${hint}`);
  }
  if (maximumRetryCount < 0)
    throw new OperationError("invalid", "invalid restart policy: maximum retry count cannot be negative");
}

function isNever({ name }: RestartPolicy): boolean {
  return name === "" || name === "no";
}
