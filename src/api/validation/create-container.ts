import { isIP } from "node:net";
import type { CreateContainerRequest, EndpointConfig, HostConfig } from "../../model/container.ts";
import type { CreateBody } from "../wire/create-container.ts";
import { hostConfig as hostConfigShape } from "../wire/host-config.ts";
import { checkContainerConfig } from "./container-config.ts";
import { checkCapabilities, checkDns, checkExtraHosts, checkModes } from "./modes.ts";
import { checkMounts } from "./mounts.ts";
import { checkContainerName } from "./names.ts";
import { checkPorts } from "./ports.ts";
import { parseReference } from "./reference.ts";
import { refuseIf } from "./refuse.ts";
import { checkResources } from "./resources.ts";
import { checkRestartPolicy } from "./restart-policy.ts";

export interface CheckedCreate {
  readonly request: CreateContainerRequest;
  /** In Docker's words. */
  readonly warnings: readonly string[];
}

/**
 * All that can be said of a create without looking at the host.
 *
 * @throws OperationError `invalid`, in Docker's words.
 */
export function toCreateRequest(
  body: CreateBody,
  {
    name,
    platform,
    warnsOfMacAddress = false,
  }: { readonly name: string; readonly platform: string; readonly warnsOfMacAddress?: boolean },
): CheckedCreate {
  refuseIf(body.isEmpty, "config cannot be empty in order to create a container");
  const { config } = body;
  const hostConfig: HostConfig = body.hostConfig ?? hostConfigShape.read(undefined);
  checkContainerName(name);
  refuseIf(config.image === "", "no image specified");
  if (!isImageId(config.image)) parseReference(config.image);
  refuseIf(!isPlatform(platform), `"${platform}": cannot parse platform specifier: invalid argument`);
  checkContainerConfig(config);
  checkHostConfig(hostConfig);
  checkPorts(config, hostConfig);
  checkModes(config, hostConfig);
  refuseIf(hostConfig.cgroup !== "", "HostConfig.Cgroup is not supported by this engine");
  const endpoints = withMacAddress(body, { networkMode: hostConfig.networkMode, warns: warnsOfMacAddress });
  for (const [network, endpoint] of Object.entries(endpoints)) checkEndpoint(network, endpoint);
  return {
    request: {
      config,
      hostConfig,
      endpoints,
      ...(name === "" ? {} : { name: name.replace(/^\//, "") }),
      ...(platform === "" ? {} : { platform }),
    },
    warnings: [
      ...body.warnings,
      ...warningsFor(hostConfig),
      ...(warnsOfMacAddress && body.macAddress !== undefined ? [MAC_ADDRESS_WARNING] : []),
    ],
  };
}

/** @throws OperationError `invalid`, in Docker's words. */
export function checkHostConfig(config: HostConfig): void {
  checkRestartPolicy(config.restartPolicy);
  const restarts = config.restartPolicy.name !== "" && config.restartPolicy.name !== "no";
  refuseIf(config.autoRemove && restarts, "can't create 'AutoRemove' container with restart policy");
  checkResources(config);
  checkExtraHosts(config.extraHosts);
  checkDns(config);
  checkCapabilities(config);
  checkMounts(config);
}

const MAC_ADDRESS_WARNING =
  "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";

/** Clients before 1.44 put the main network's MAC address beside the config; where there is no such network, later ones are only warned. */
function withMacAddress(
  { endpoints = {}, macAddress }: CreateBody,
  { networkMode, warns }: Pick<HostConfig, "networkMode"> & { readonly warns: boolean },
): CreateContainerRequest["endpoints"] {
  if (macAddress === undefined) return endpoints;
  const isAlone = networkMode === "host" || networkMode === "none" || networkMode.startsWith("container:");
  refuseIf(isAlone && !warns, "conflicting options: mac-address and the network mode");
  if (isAlone) return endpoints;
  const network = networkMode === "" || networkMode === "default" ? "bridge" : networkMode;
  const { macAddress: ofEndpoint = macAddress } = endpoints[network] ?? {};
  refuseIf(
    ofEndpoint.toLowerCase() !== macAddress.toLowerCase(),
    "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
  );
  return { ...endpoints, [network]: { macAddress, ...endpoints[network] } };
}

export function checkEndpoint(network: string, endpoint: EndpointConfig): void {
  const config = `invalid config for network ${network}`;
  const { macAddress, ipv4Address = "", ipv6Address = "" } = endpoint;
  refuseIf(
    macAddress !== undefined && !/^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(macAddress),
    `${config}: invalid MAC address ${macAddress}`,
  );
  // On the others no address can be chosen, which is told with it.
  refuseIf(
    ipv4Address !== "" && isIP(ipv4Address) !== 4 && network !== "bridge" && network !== "default",
    `${config}: invalid endpoint settings:\ninvalid IPv4 address: ${ipv4Address}`,
  );
  refuseIf(
    ipv6Address !== "" && isIP(ipv6Address) !== 6,
    `${config}: invalid endpoint settings:\ninvalid IPv6 address: ${ipv6Address}`,
  );
}

function warningsFor({ networkMode, portBindings, mounts }: HostConfig): readonly string[] {
  const publishes = Object.keys(portBindings).length > 0;
  return [
    ...(publishes && networkMode === "host" ? ["Published ports are discarded when using host network mode"] : []),
    ...(mounts.some(({ type }) => type === "image") ? ["Image mount is an experimental feature"] : []),
  ];
}

function isImageId(image: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{64}$/.test(image);
}

function isPlatform(platform: string): boolean {
  return platform === "" || /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){0,2}$/.test(platform);
}
