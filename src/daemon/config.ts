import { CONTAINER_DEFAULTS, type ContainerDefaults } from "../engine/containers/container-defaults.ts";
import { NETWORK_DEFAULTS, type NetworkDefaults } from "../engine/networks/network-defaults.ts";
import type { IdMap } from "../model/id-map.ts";
import { parseSubnet } from "../lib/ip-address.ts";
import type { GenericResource } from "../model/resources.ts";
import { isOneOf, LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "./config/check.ts";
import { readConfigFile } from "./config/file.ts";
import { parseGenericResources } from "./config/generic-resources.ts";
import { parseFlags } from "./config/flags.ts";
import type { Values } from "./config/options.ts";
import type { RuntimeValue } from "./config/structured-kinds.ts";
import { mergeValues, requiredFile } from "./config/values.ts";

export type { LogFormat, LogLevel } from "./config/check.ts";

/** As dockerd's: on a host that has this group its members may use the engine. */
export const DEFAULT_GROUP = "docker";

/** The daemon's settings: flags and daemon.json together, defaults filled in. */
export interface DaemonConfig {
  /** `unix:///path`, `tcp://host:port` or `fd://`. */
  readonly hosts: readonly string[];
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidFile: string;
  /** Of the unix sockets: a name, a number, or nothing for root's. */
  readonly group: string;
  readonly isDebug: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Missing: stderr. */
  readonly logFile: string | undefined;
  readonly liveRestore: boolean;
  /** Infinity: as long as it takes. */
  readonly shutdownTimeoutSeconds: number;
  /** Missing: crun where it works, else runc. */
  readonly defaultRuntime: string | undefined;
  /** Beside crun and runc. */
  readonly runtimes: Readonly<Record<string, RuntimeValue>>;
  readonly cgroupParent: string;
  readonly labels: readonly string[];
  /** What this node offers to the tasks of a swarm. */
  readonly genericResources: readonly GenericResource[];
  readonly authorizationPlugins: readonly string[];
  readonly features: Readonly<Record<string, boolean>>;
  readonly containers: ContainerDefaults;
  readonly networks: NetworkDefaults;
  readonly registry: RegistryConfig;
  /** A path, `unconfined` or `builtin`. */
  readonly seccompProfile: string;
  readonly initPath: string | undefined;
  /** `default`, `USER[:GROUP]`, or "": containers' root is the host's. */
  readonly usernsRemap: string;
  /** What that comes to, once it has been looked up. */
  readonly idMap: IdMap | undefined;
  /** What a node of a swarm says of itself where the request says nothing. */
  readonly swarmAdvertiseAddress: string;
  readonly tls: TlsConfig;
}

export interface TlsConfig {
  readonly isEnabled: boolean;
  /** `--tls=false` was said: TCP without TLS is what the administrator wants. */
  readonly isRefused: boolean;
  readonly verifiesClients: boolean;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface RegistryConfig {
  readonly mirrors: readonly string[];
  readonly insecure: readonly string[];
  readonly concurrentDownloadsMax: number;
  readonly concurrentUploadsMax: number;
  readonly downloadAttemptsMax: number;
  readonly proxies: { readonly http: string; readonly https: string; readonly exceptions: string };
}

const CONFIG_FILE = "/etc/shoal/daemon.json";
const SHUTDOWN_TIMEOUT_SECONDS = 15;

/** Where settings come from, kept for a reload. */
export interface ConfigSource {
  readonly flags: Values;
  readonly path: string;
}

export function configSource(args: readonly string[]): ConfigSource {
  const flags = parseFlags(args);
  return { flags, path: flags["config-file"] ?? CONFIG_FILE };
}

/** @throws OperationError `invalid` for flags and files that cannot be honoured, in dockerd's words. */
export async function loadValues({ flags, path }: ConfigSource): Promise<Values> {
  const file = await readConfigFile(path);
  // dockerd asks for it only where it was named; a file that is named but its usual one may be missing in ours too.
  if (file === undefined && flags["config-file"] !== undefined) requiredFile(path);
  return mergeValues(flags, { file, path });
}

/** Fills in the defaults. @param values - Checked. */
export function toConfig(values: Values): DaemonConfig {
  const execRoot = values["exec-root"] ?? "/run/shoal";
  const isDebug = values.debug === true;
  const shutdownTimeout = values["shutdown-timeout"] ?? SHUTDOWN_TIMEOUT_SECONDS;
  return {
    hosts: values.host ?? [`unix://${execRoot}/shoal.sock`],
    dataRoot: values["data-root"] ?? "/var/lib/shoal",
    execRoot,
    pidFile: values.pidfile ?? `${execRoot}/shoald.pid`,
    group: values.group ?? DEFAULT_GROUP,
    isDebug,
    logLevel: isDebug ? "debug" : wordOr(LOG_LEVELS, values["log-level"], "info"),
    logFormat: wordOr(LOG_FORMATS, values["log-format"], "json"),
    logFile: values["log-file"],
    liveRestore: values["live-restore"] !== false,
    shutdownTimeoutSeconds: shutdownTimeout < 0 ? Infinity : shutdownTimeout,
    defaultRuntime: values["default-runtime"] || undefined,
    runtimes: values["add-runtime"] ?? {},
    cgroupParent: values["cgroup-parent"] ?? "/shoal",
    labels: [...new Set(values.label)],
    genericResources: parseGenericResources(values["node-generic-resource"] ?? []),
    authorizationPlugins: [...new Set(values["authorization-plugin"])],
    features: values.feature ?? {},
    containers: containerDefaults(values),
    networks: networkDefaults(values),
    registry: registryConfig(values),
    seccompProfile: values["seccomp-profile"] || "builtin",
    initPath: values["init-path"] || undefined,
    usernsRemap: values["userns-remap"] ?? "",
    idMap: undefined,
    swarmAdvertiseAddress: values["swarm-default-advertise-addr"] ?? "",
    tls: {
      isEnabled: values.tls === true || values.tlsverify === true,
      isRefused: values.tls === false,
      verifiesClients: values.tlsverify === true,
      ca: values.tlscacert ?? "/etc/shoal/ca.pem",
      certificate: values.tlscert ?? "/etc/shoal/cert.pem",
      key: values.tlskey ?? "/etc/shoal/key.pem",
    },
  };
}

function containerDefaults(values: Values): ContainerDefaults {
  return {
    shmSizeBytes: values["default-shm-size"] || CONTAINER_DEFAULTS.shmSizeBytes,
    ipcMode: values["default-ipc-mode"] ?? CONTAINER_DEFAULTS.ipcMode,
    cgroupnsMode: values["default-cgroupns-mode"] ?? CONTAINER_DEFAULTS.cgroupnsMode,
    logConfig: { type: values["log-driver"] || CONTAINER_DEFAULTS.logConfig.type, options: values["log-opt"] ?? {} },
    stopTimeoutSeconds: values["default-stop-timeout"] ?? CONTAINER_DEFAULTS.stopTimeoutSeconds,
    init: values.init === true,
    noNewPrivileges: values["no-new-privileges"] === true,
    ulimits: Object.values(values["default-ulimit"] ?? {}),
  };
}

function networkDefaults(values: Values): NetworkDefaults {
  const { defaultBridge } = NETWORK_DEFAULTS;
  const hostGatewayAddresses = values["host-gateway-ip"] ?? [];
  return {
    pools:
      values["default-address-pool"]?.map(({ base, size }) => ({ range: parseSubnet(base), prefixLength: size })) ??
      NETWORK_DEFAULTS.pools,
    bridgeOptions: values["default-network-opt"]?.["bridge"] ?? {},
    defaultBridge: {
      ...(values.bip && { address: values.bip }),
      ...(values["fixed-cidr"] && { ipRange: values["fixed-cidr"] }),
      isIpv6: values.ipv6 === true,
      ...(values.bip6 && { ipv6Address: values.bip6 }),
      ...(values["fixed-cidr-v6"] && { ipv6Range: values["fixed-cidr-v6"] }),
      mtuBytes: values.mtu || defaultBridge.mtuBytes,
      isIccEnabled: values.icc ?? defaultBridge.isIccEnabled,
      isMasquerading: values["ip-masq"] ?? defaultBridge.isMasquerading,
      hostBindingAddress: values.ip ?? defaultBridge.hostBindingAddress,
    },
    resolv: { servers: values.dns ?? [], search: values["dns-search"] ?? [], options: values["dns-opt"] ?? [] },
    ...(hostGatewayAddresses.length === 0 ? {} : { hostGatewayAddresses }),
    hasIpv6Rules: values.ip6tables !== false,
    forwardsPorts: values["userland-proxy"] !== false,
    forwarding: { isEnabled: values["ip-forward"] !== false, dropsOthers: values["ip-forward-no-drop"] !== true },
  };
}

function registryConfig(values: Values): RegistryConfig {
  return {
    mirrors: values["registry-mirror"] ?? [],
    insecure: values["insecure-registry"] ?? [],
    concurrentDownloadsMax: values["max-concurrent-downloads"] || 3,
    concurrentUploadsMax: values["max-concurrent-uploads"] || 5,
    downloadAttemptsMax: values["max-download-attempts"] || 5,
    proxies: {
      http: values["http-proxy"] ?? "",
      https: values["https-proxy"] ?? "",
      exceptions: values["no-proxy"] ?? "",
    },
  };
}

function wordOr<T extends string>(words: readonly T[], word: string | undefined, otherwise: T): T {
  return word !== undefined && isOneOf(words, word) ? word : otherwise;
}
