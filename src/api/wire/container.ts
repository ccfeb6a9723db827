import type { Container, MountPoint, NetworkState } from "../../model/container.ts";
import type { RootFolders } from "../backends.ts";
import { isOlder } from "../http/version.ts";
import { containerConfig } from "./container-config.ts";
import { stateJson, statusText } from "./container-status.ts";
import { endpointSettings } from "./endpoint.ts";
import { hostConfig, portBinding, WINDOWS_FIELDS } from "./host-config.ts";
import { rfc3339 } from "./times.ts";

export const GRAPH_DRIVER = "overlay2";
/** From this version on inspect shows no command that an image's children would run, where there is none, and no MAC address in the config. */
const SLIM_SINCE = "1.52";
/** From this version on the list shows annotations. */
const ANNOTATIONS_SINCE = "1.46";

/** `GET /containers/{id}/json`. */
export function containerInspect(
  container: Container,
  { version, folders }: { readonly version: string; readonly folders: RootFolders | undefined },
): Record<string, unknown> {
  return {
    Id: container.id,
    Created: rfc3339(container.createdAtMs),
    Path: container.path,
    Args: container.args,
    State: stateJson(container.state, rfc3339),
    Image: container.imageId,
    ResolvConfPath: container.resolvConfPath,
    HostnamePath: container.hostnamePath,
    HostsPath: container.hostsPath,
    LogPath: container.logPath,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: GRAPH_DRIVER,
    Platform: container.platform,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: profileOf(container),
    ExecIDs: container.execIds.length === 0 ? null : container.execIds,
    HostConfig: hostConfigJson(container),
    GraphDriver: { Data: folders === undefined ? null : graphData(container.id, folders), Name: GRAPH_DRIVER },
    ...(container.sizeWritableBytes === undefined ? {} : { SizeRw: container.sizeWritableBytes }),
    ...(container.sizeRootFsBytes === undefined ? {} : { SizeRootFs: container.sizeRootFsBytes }),
    Mounts: container.mounts.map(mountPoint),
    Config: configJson(container, version),
    NetworkSettings: networkSettings({ ...container.networks, ports: livePorts(container) }),
  };
}

/** Until the first start what was asked for; from then on what is in force, which no profile is. */
function profileOf({ state, hostConfig: { securityOpt } }: Container): string {
  if (state.startedAtMs !== undefined) return "";
  const option = securityOpt.findLast(each => /^apparmor[=:]/.test(each)) ?? "";
  return option.slice("apparmor=".length);
}

/** As Docker's driver of this name tells it. */
function graphData(id: string, { lower, upper, work, merged }: RootFolders): Record<string, string> {
  return { ID: id, LowerDir: lower.join(":"), MergedDir: merged, UpperDir: upper, WorkDir: work };
}

/** With the fields of Windows where Docker puts them: between ours. */
function hostConfigJson(container: Container): Record<string, unknown> {
  const { Mounts, MaskedPaths, ReadonlyPaths, Init, ...others } = hostConfig.write(container.hostConfig);
  return {
    ...others,
    ...WINDOWS_FIELDS,
    ...(Mounts === undefined ? {} : { Mounts }),
    MaskedPaths,
    ReadonlyPaths,
    ...(Init === undefined ? {} : { Init }),
  };
}

/** One line of `docker ps`. */
export function containerSummary(
  container: Container,
  { version, nowMs }: { readonly version: string; readonly nowMs: number },
): Record<string, unknown> {
  const { annotations } = container.hostConfig;
  const hasAnnotations = !isOlder(version, ANNOTATIONS_SINCE) && Object.keys(annotations).length > 0;
  return {
    Id: container.id,
    Names: [container.name, ...(container.linkNames ?? [])].map(name => `/${name}`).sort(),
    Image: container.config.image,
    ImageID: container.imageId,
    Command: commandText(container),
    Created: Math.floor(container.createdAtMs / 1000),
    Ports: portSummaries(livePorts(container)),
    ...(container.sizeWritableBytes === undefined || container.sizeWritableBytes === 0
      ? {}
      : { SizeRw: container.sizeWritableBytes }),
    ...(container.sizeRootFsBytes === undefined ? {} : { SizeRootFs: container.sizeRootFsBytes }),
    Labels: container.config.labels,
    State: container.state.status,
    Status: statusText(container.state, nowMs),
    HostConfig: {
      NetworkMode: container.hostConfig.networkMode,
      ...(hasAnnotations ? { Annotations: annotations } : {}),
    },
    NetworkSettings: { Networks: endpointsJson(container.networks) },
    Mounts: container.mounts.map(mountPoint),
  };
}

function commandText({ path, args }: Container): string {
  return [path, ...args].map(argument => (argument.includes(" ") ? `'${argument}'` : argument)).join(" ");
}

function mountPoint(mount: MountPoint): Record<string, unknown> {
  return {
    Type: mount.type,
    ...(mount.name === undefined ? {} : { Name: mount.name }),
    Source: mount.source,
    Destination: mount.destination,
    ...(mount.driver === undefined ? {} : { Driver: mount.driver }),
    Mode: mount.mode,
    RW: mount.isWritable,
    Propagation: mount.propagation,
  };
}

function endpointsJson({ endpoints }: NetworkState): Record<string, unknown> {
  return Object.fromEntries(Object.entries(endpoints).map(([name, endpoint]) => [name, endpointSettings(endpoint)]));
}

function configJson({ config, hostConfig, networks }: Container, version: string): Record<string, unknown> {
  const { OnBuild, ...others } = containerConfig.write(config);
  const isOld = isOlder(version, SLIM_SINCE);
  const isShown = isOld || OnBuild !== null;
  const macAddress = networks.endpoints[hostConfig.networkMode]?.config.macAddress;
  return {
    ...(isShown ? containerConfig.write(config) : others),
    // Of the main network, where it was before it was the endpoint's.
    ...(isOld && macAddress !== undefined ? { MacAddress: macAddress } : {}),
  };
}

/** With what the default bridge gave also at the top, where clients of any version look for it. @see decision 0017 */
function networkSettings(networks: NetworkState): Record<string, unknown> {
  return {
    Bridge: "",
    SandboxID: networks.sandboxId,
    SandboxKey: networks.sandboxKey,
    Ports: Object.fromEntries(
      Object.entries(networks.ports).map(([port, bindings]) => [
        port,
        bindings.length === 0 ? null : bindings.map(binding => portBinding.write(binding)),
      ]),
    ),
    ...defaultBridge(networks),
    Networks: endpointsJson(networks),
  };
}

function defaultBridge({ endpoints }: NetworkState): Record<string, unknown> {
  const bridge = endpoints["bridge"];
  return {
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.endpointId ?? "",
    Gateway: bridge?.gateway ?? "",
    GlobalIPv6Address: bridge?.globalIpv6Address ?? "",
    GlobalIPv6PrefixLen: bridge?.globalIpv6PrefixLength ?? 0,
    IPAddress: bridge?.ipAddress ?? "",
    IPPrefixLen: bridge?.ipPrefixLength ?? 0,
    IPv6Gateway: bridge?.ipv6Gateway ?? "",
    MacAddress: bridge?.macAddress ?? "",
  };
}

/** Ports of a container that does not run are nobody's. */
function livePorts({ state, networks }: Container): NetworkState["ports"] {
  return ["running", "paused", "restarting"].includes(state.status) ? networks.ports : {};
}

function portSummaries(ports: NetworkState["ports"]): readonly Record<string, unknown>[] {
  return Object.entries(ports)
    .flatMap(([port, bindings]) => {
      const [number = "0", protocol = "tcp"] = port.split("/");
      const exposed = { PrivatePort: Number(number), Type: protocol };
      if (bindings.length === 0) return [exposed];
      return bindings.map(({ hostIp, hostPort }) => ({
        ...(hostIp === "" ? {} : { IP: hostIp }),
        PrivatePort: Number(number),
        PublicPort: Number(hostPort),
        Type: protocol,
      }));
    })
    .toSorted((left, right) => left.PrivatePort - right.PrivatePort);
}
