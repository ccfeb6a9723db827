import { resolve } from "node:path";
import { FlagValueError } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { CliError, type Json } from "../context.ts";
import { parseDuration } from "../format/units.ts";
import { hostConfig } from "./container-host-config.ts";
import { exposedPorts } from "./container-ports.ts";
import { environment, integer, labels, lists, pairs, splitAt, value, withoutUndefined } from "./container-values.ts";

/** How the flag is told to the daemon: Docker's API has no place for it. */
const RESTART_ON_UNHEALTHY_LABEL = "io.shoal.restart-on-unhealthy";

/** Flags of `run` and `create` as they were read. */
export type RunFlags = FlagValues;

/** The body of `POST /containers/create`. @throws CliError and FlagValueError in the words of Docker's CLI. */
export function containerBody(image: string, command: readonly string[], flags: RunFlags): Json {
  const isInteractive = flags["interactive"] === true;
  const attach = attachedStreams(flags);
  const networks = networkFlags(flags);
  const entrypoint = value(flags, "entrypoint");
  const hasStdin = attach.length > 0 ? attach.includes("stdin") : isInteractive && flags["detach"] !== true;
  const hasOutput = (stream: string): boolean => (attach.length > 0 ? attach.includes(stream) : flags["detach"] !== true);
  return withoutUndefined({
    Hostname: value(flags, "hostname") ?? "",
    Domainname: value(flags, "domainname") ?? "",
    User: value(flags, "user") ?? "",
    AttachStdin: hasStdin,
    AttachStdout: hasOutput("stdout"),
    AttachStderr: hasOutput("stderr"),
    Tty: flags["tty"] === true,
    OpenStdin: isInteractive,
    StdinOnce: isInteractive && hasStdin,
    Env: environment(flags),
    Cmd: command.length > 0 ? [...command] : null,
    Image: image,
    WorkingDir: value(flags, "workdir") ?? "",
    Labels: flags["restartOnUnhealthy"] === true ? { ...labels(flags), [RESTART_ON_UNHEALTHY_LABEL]: "true" } : labels(flags),
    ExposedPorts: exposedPorts(flags),
    Volumes: Object.fromEntries(
      lists(flags, "volume")
        .filter(path => !path.includes(":"))
        .map(path => [path, {}]),
    ),
    Entrypoint: entrypoint === undefined ? undefined : [entrypoint],
    Healthcheck: healthcheck(flags),
    StopSignal: value(flags, "stopSignal"),
    StopTimeout: integer(flags, "stopTimeout"),
    HostConfig: hostConfig(flags, { network: networks[0]?.name ?? "default", binds: binds(flags) }),
    NetworkingConfig: { EndpointsConfig: Object.fromEntries(networks.map(network => [network.name, network.endpoint])) },
  });
}

function attachedStreams(flags: RunFlags): readonly string[] {
  return lists(flags, "attach").map(given => {
    const stream = given.toLowerCase();
    if (!["stdin", "stdout", "stderr"].includes(stream))
      throw new FlagValueError("attach", given, "valid streams are STDIN, STDOUT and STDERR");
    return stream;
  });
}

/** A path of the host that begins with a dot is one below the directory we are in. */
function binds(flags: RunFlags): readonly string[] {
  return lists(flags, "volume")
    .filter(path => path.includes(":"))
    .map(bind => {
      const [source, rest] = splitAt(bind, ":");
      return /^\.{1,2}(?:\/|$)/.test(source) ? `${resolve(source)}:${rest}` : bind;
    });
}

const HEALTH_FLAGS = [
  "healthCmd",
  "healthHttp",
  "healthTcp",
  "healthInterval",
  "healthTimeout",
  "healthStartPeriod",
  "healthStartInterval",
  "healthRetries",
];

function healthcheck(flags: RunFlags): Json {
  const isGiven = HEALTH_FLAGS.some(name => value(flags, name) !== undefined);
  if (flags["healthcheck"] === false) {
    if (isGiven) throw new CliError("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!isGiven) return undefined;
  const duration = (name: string): number | undefined => {
    const given = value(flags, `health${name}`);
    if (given?.startsWith("-"))
      throw new CliError(`--health${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)} cannot be negative`);
    return given === undefined ? undefined : parseDuration(given);
  };
  return withoutUndefined({
    Test: healthTest(flags),
    Interval: duration("Interval"),
    Timeout: duration("Timeout"),
    StartPeriod: duration("StartPeriod"),
    StartInterval: duration("StartInterval"),
    Retries: integer(flags, "healthRetries"),
  });
}

function healthTest(flags: RunFlags): Json {
  const given = (["CMD-SHELL", "HTTP", "TCP"] as const).flatMap(kind => {
    const argument = value(flags, HEALTH_TEST_FLAGS[kind]);
    return argument === undefined ? [] : [[kind, argument]];
  });
  if (given.length > 1) throw new CliError("conflicting options: only one of --health-cmd, --health-http and --health-tcp");
  return given[0];
}

const HEALTH_TEST_FLAGS = { "CMD-SHELL": "healthCmd", HTTP: "healthHttp", TCP: "healthTcp" } as const;

interface NetworkFlag {
  readonly name: string;
  readonly endpoint: Json;
}

/** Each `--network`; the flags about addresses and names belong to the first. */
function networkFlags(flags: RunFlags): readonly NetworkFlag[] {
  const given = lists(flags, "network").map(parseNetwork);
  for (const [index, { name }] of given.entries())
    if (given.findIndex(other => other.name === name) < index)
      throw new CliError(`network "${name}" is specified multiple times`);
  const mac = value(flags, "macAddress");
  if (mac !== undefined && !/^[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}$/.test(mac))
    throw new CliError(`${mac} is not a valid mac address`);
  const ofFirst = endpointOf({
    ip: value(flags, "ip"),
    ip6: value(flags, "ip6"),
    mac,
    aliases: lists(flags, "networkAlias"),
    linkLocal: lists(flags, "linkLocalIp"),
  });
  const isPlain = Object.keys(ofFirst).length === 0;
  if (given.length === 0) return isPlain ? [] : [{ name: "default", endpoint: ofFirst }];
  return given.map((network, index) =>
    index === 0
      ? { ...network, endpoint: { ...(network.endpoint as object), ...ofFirst, ...linksOn(network.name, flags) } }
      : network,
  );
}

/** On a network of the user's a link belongs to the endpoint. */
function linksOn(network: string, flags: RunFlags): object {
  const links = lists(flags, "link");
  const isOfUser = !["default", "bridge", "host", "none"].includes(network) && !network.startsWith("container:");
  return isOfUser && links.length > 0 ? { Links: links } : {};
}

/** A name, or `name=net,alias=web,ip=10.0.0.5,driver-opt=a=b`. */
function parseNetwork(given: string): NetworkFlag {
  if (!given.includes("=")) return { name: given, endpoint: {} };
  const options = given.split(",").map(item => splitAt(item, "="));
  const all = (key: string): readonly string[] => options.filter(([name]) => name === key).map(([, setting]) => setting);
  const known = ["name", "alias", "ip", "ip6", "mac-address", "driver-opt", "link-local-ip", "gw-priority"];
  const unknown = options.find(([key]) => !known.includes(key));
  if (unknown !== undefined) throw new FlagValueError("network", given, `invalid field key ${unknown[0]}`);
  const [name] = all("name");
  if (name === undefined) throw new FlagValueError("network", given, "network name/id is not specified");
  const endpoint = endpointOf({
    ip: all("ip")[0],
    ip6: all("ip6")[0],
    mac: all("mac-address")[0],
    aliases: all("alias"),
    linkLocal: all("link-local-ip"),
  });
  const priority = all("gw-priority")[0];
  return {
    name,
    endpoint: {
      ...endpoint,
      ...(all("driver-opt").length > 0 && { DriverOpts: pairs(all("driver-opt")) }),
      ...(priority !== undefined && { GwPriority: Number(priority) }),
    },
  };
}

function endpointOf(parts: {
  readonly ip: string | undefined;
  readonly ip6: string | undefined;
  readonly mac: string | undefined;
  readonly aliases: readonly string[];
  readonly linkLocal: readonly string[];
}): { readonly [key: string]: Json } {
  const { ip, ip6, mac, aliases, linkLocal } = parts;
  const ipam = {
    ...(ip !== undefined && { IPv4Address: ip }),
    ...(ip6 !== undefined && { IPv6Address: ip6 }),
    ...(linkLocal.length > 0 && { LinkLocalIPs: linkLocal }),
  };
  return {
    ...(Object.keys(ipam).length > 0 && { IPAMConfig: ipam }),
    ...(aliases.length > 0 && { Aliases: aliases }),
    ...(mac !== undefined && { MacAddress: mac }),
  };
}
